"""A save or a compaction that ends badly is over: what waited for it neither hangs nor comes back later."""

import pickle
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from app.engine.local import LocalEngine
from app.errors import SaveFailed
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command
from tests.ui.disk import click, edit, go_to_value
from tests.ui.editing import ALT, CTRL, Key, press
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import box_of


@pytest.fixture
def edited(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    """A tab with a change that is not saved."""
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps("text", 4)}))
    edit(qtbot, tab, b"a", "changed")
    return tab


def stored(tab: DatabaseTab) -> object:
    return pickle.loads(read_sqlite(tab.document.path)[b"a"])


def broken(*_: object) -> None:
    raise RuntimeError("a bug")


def closed_while(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, began: Event, may_end: Event) -> None:
    """Ask for the tab to be closed when something has begun, and let that end."""
    qtbot.waitUntil(began.is_set, timeout=WAIT)
    qtbot.keyClick(window, Key.Key_W, CTRL)
    may_end.set()
    settle(qtbot, tab)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Exception], tuple[Event, Event]]:
    """Let something that an engine does begin, wait, and fail, the first time that it is done."""

    def hold(name: str, error: Exception) -> tuple[Event, Event]:
        began, may_end, real = Event(), Event(), getattr(LocalEngine, name)

        def fail(*args: object) -> object:
            if began.is_set():
                return real(*args)
            began.set()
            may_end.wait(WAIT / 1_000)
            raise error

        monkeypatch.setattr(LocalEngine, name, fail)
        return began, may_end

    return hold


def test_a_closing_that_waits_for_a_compaction_is_given_up_when_that_fails(
    qtbot: QtBot,
    local_window: MainWindow,
    tmp_path: Path,
    held: Callable[[str, Exception], tuple[Event, Event]],
) -> None:
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps("text", 4)}))
    began, may_end = held("compact", SaveFailed("The disk is full."))
    run_command(qtbot, local_window, "compact")
    closed_while(qtbot, local_window, tab, began, may_end)
    assert tab.notices.sentence == "The disk is full."

    edit(qtbot, tab, b"a", "changed")
    press(qtbot, tab, Key.Key_S, CTRL)

    assert stored(tab) == "changed"
    assert local_window.area.all() == [tab]


@pytest.mark.parametrize("error", [SaveFailed("The disk is full."), RuntimeError("a bug")])
def test_a_closing_that_waits_for_a_save_is_given_up_when_that_fails(
    qtbot: QtBot,
    local_window: MainWindow,
    edited: DatabaseTab,
    held: Callable[[str, Exception], tuple[Event, Event]],
    error: Exception,
) -> None:
    began, may_end = held("apply", error)
    qtbot.keyClick(local_window, Key.Key_S, CTRL)
    closed_while(qtbot, local_window, edited, began, may_end)
    assert edited.notices.sentence

    press(qtbot, edited, Key.Key_S, CTRL)

    assert stored(edited) == "changed"
    assert local_window.area.all() == [edited]


def test_a_closing_is_given_up_when_its_own_save_meets_a_bug(
    qtbot: QtBot, local_window: MainWindow, edited: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(LocalEngine, "apply", broken)
        qtbot.keyClick(local_window, Key.Key_W, CTRL)
        click(qtbot, box_of(qtbot, local_window), "Save")
        settle(qtbot, edited)
    assert "error of its own" in edited.notices.sentence
    go_to_value(qtbot, edited, b"a")

    press(qtbot, edited, Key.Key_S, CTRL)

    assert stored(edited) == "changed"
    assert local_window.area.all() == [edited]


def test_all_can_be_saved_again_after_a_save_met_a_bug(
    qtbot: QtBot, edited: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(LocalEngine, "apply", broken)
        press(qtbot, edited, Key.Key_S, CTRL | ALT)
    assert stored(edited) == "text"

    press(qtbot, edited, Key.Key_S, CTRL | ALT)

    assert stored(edited) == "changed"


def test_a_save_that_is_asked_for_twice_ends_well(qtbot: QtBot, local_window: MainWindow, edited: DatabaseTab) -> None:
    ended: list[bool] = []
    edited.saving.ended.connect(ended.append)

    qtbot.keyClick(local_window, Key.Key_S, CTRL)
    qtbot.keyClick(local_window, Key.Key_S, CTRL)
    settle(qtbot, edited)

    assert ended[-1:] == [True]
    assert stored(edited) == "changed"
