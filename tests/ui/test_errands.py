"""Work beside the tabs: it runs in threads of its own, shows how far it is, and leaves nothing behind."""

import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from app.cancel import CancelToken
from app.document.job import Job
from app.errors import AppError, DocumentError
from app.ui.errands import Errands
from app.ui.jobs import Activity
from app.ui.main_window import MainWindow
from tests.ui.fixtures import WAIT
from tests.ui.making import part


@pytest.fixture
def errands(qtbot: QtBot) -> Iterator[Errands]:
    errands = Errands(OWNER)
    yield errands
    errands.shut_down()
    errands.join()


OWNER = QObject()


def until_cancelled(token: CancelToken) -> None:
    while True:
        token.check()
        time.sleep(0.001)


def refuse(_token: CancelToken) -> None:
    raise DocumentError("No.")


def test_errands_run_beside_each_other_and_end_their_threads(qtbot: QtBot, errands: Errands) -> None:
    before = threading.active_count()
    together = threading.Barrier(2, timeout=WAIT / 1_000)
    outcomes: list[int] = []

    for number in range(2):
        errands.start(Job(f"errand {number}", lambda _: together.wait(), outcomes.append))
    qtbot.waitUntil(lambda: len(outcomes) == 2, timeout=WAIT)

    qtbot.waitUntil(lambda: threading.active_count() == before, timeout=WAIT)
    assert sorted(outcomes) == [0, 1]
    assert errands.is_idle


def test_the_last_call_is_made_in_the_thread_when_all_is_done(qtbot: QtBot, errands: Errands) -> None:
    calls: list[str] = []

    errands.start(Job("x", lambda _: "work", calls.append), last=lambda: calls.append(threading.current_thread().name))

    qtbot.waitUntil(lambda: len(calls) == 2, timeout=WAIT)
    assert calls == ["work", "x"]


def test_a_failure_without_a_taker_is_announced(qtbot: QtBot, errands: Errands) -> None:
    failures: list[AppError] = []
    errands.failed.connect(failures.append)

    errands.start(Job("x", refuse))

    qtbot.waitUntil(lambda: bool(failures), timeout=WAIT)
    assert failures[0].message == "No."


def test_a_long_errand_is_shown_and_can_be_given_up(qtbot: QtBot, local_window: MainWindow) -> None:
    given_up: list[bool] = []
    shown: list[Activity | None] = []
    local_window.errands.activity_changed.connect(shown.append)

    local_window.errands.start(Job("Copying", until_cancelled), cancelled=lambda: given_up.append(True))
    errand = local_window.status.errand
    qtbot.waitUntil(errand.isVisible, timeout=WAIT)
    assert errand.accessibleName() == "Copying"
    part(errand, QToolButton, "cancel-errand").click()

    qtbot.waitUntil(lambda: given_up == [True], timeout=WAIT)
    qtbot.waitUntil(lambda: not errand.isVisible(), timeout=WAIT)
    assert shown[-1] is None


def test_shutting_down_gives_everything_up(qtbot: QtBot) -> None:
    errands = Errands(OWNER)
    outcomes: list[object] = []
    for _ in range(3):
        errands.start(Job("x", until_cancelled, outcomes.append))

    errands.shut_down()
    errands.join()

    assert errands.is_idle
    assert outcomes == []
