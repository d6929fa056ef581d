"""A save shows how far it is, cannot be given up in its last step, and is over when it is."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QProgressBar, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.ui.commands import run_command, run_in_palette
from tests.ui.edits import change_value
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part
from tests.ui.slow import SlowSaves


def test_a_save_that_takes_long_is_shown_and_offers_no_cancel(
    qtbot: QtBot, local_window: MainWindow, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = opened(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    activity = local_window.status.activity
    saves = SlowSaves(monkeypatch)

    run_command(qtbot, local_window, "save")
    qtbot.waitUntil(saves.began.is_set, timeout=WAIT)
    qtbot.waitUntil(activity.isVisible, timeout=WAIT)

    [bar] = activity.findChildren(QProgressBar)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum() // 4 > 0, timeout=WAIT)
    assert activity.accessibleName() == "Saving shop.db"
    assert not part(activity, QToolButton, "cancel-activity").isVisible()
    saves.may_end.set()
    settle(qtbot, tab)
    assert not activity.isVisible()
    assert not tab.document.pending_changes


@pytest.mark.parametrize("name", ["revert-to-file", "save-copy", "revert-all"])
def test_what_has_no_keys_is_found_in_the_palette(
    qtbot: QtBot, local_window: MainWindow, shelf: Path, name: str
) -> None:
    tab = opened(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    opens = {"revert-to-file": "revert-question", "save-copy": "new-database"}

    run_in_palette(qtbot, local_window, local_window.actions_[name])
    settle(qtbot, tab)

    if name in opens:
        assert part(local_window, QWidget, opens[name]).isVisible()
    else:
        assert not tab.document.pending_changes
