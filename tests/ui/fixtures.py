"""Fixtures of window tests, shared with the end-to-end tests."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.document.job import run_now
from app.document.journals import Journals
from app.engine.base import Engine
from app.engine.child import ChildEngine
from app.engine.local import LocalEngine
from app.ui.database_tab import DatabaseTab
from app.ui.jobs import JobRunner
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite

WAIT = 30_000
"""Milliseconds that a busy machine may take."""

VALUES: dict[bytes, object] = {
    b"order:1": {"id": 1, "customer": {"name": "Ada", "tags": ["vip", "eu"]}, "total": 12.5, "paid": True},
    b"order:2": {"id": 2, "customer": {"name": "Grace", "tags": []}, "total": 3, "paid": False},
    b"numbers": list(range(2_500)),
    "käse".encode(): "Gouda",
    b"\xff\xfe": b"raw bytes",
}


_KEPT: list[MainWindow] = []
"""Windows that pytest-qt deletes later: collected as garbage first, in a runner's thread, they would crash Qt."""


@pytest.fixture(autouse=True)
def private_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the window remembers out of the settings of the person who runs the tests."""
    folder = tmp_path_factory.mktemp("settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A dbm.sqlite3 shelf that Python wrote."""
    return make_sqlite(tmp_path / "shop.db", {key: pickle.dumps(value, 4) for key, value in VALUES.items()})


@pytest.fixture
def runner(qtbot: QtBot) -> Iterator[JobRunner]:
    runner = JobRunner("test")
    yield runner
    runner.shut_down(lambda: None)
    runner.join()


@pytest.fixture
def local_window(qtbot: QtBot) -> Iterator[MainWindow]:
    """A window whose engines work in this process."""
    yield from opened_window(qtbot, LocalEngine)


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "journals")


@pytest.fixture
def journaling_window(qtbot: QtBot, journals: Journals) -> Iterator[MainWindow]:
    """A window that keeps unsaved changes over a crash, and offers those that were left."""
    yield from opened_window(qtbot, LocalEngine, journals=journals)


@pytest.fixture
def crashed(shelf: Path, journals: Journals) -> Path:
    """A shelf whose editing ended without a word: its journal is left, and nobody holds it."""
    left_by_a_crash(shelf, journals, change_id, delete_numbers)
    assert len(journals.found(shelf)) == 1
    return shelf


def change_id(document: Document) -> None:
    run_now(document.literal_job(0, "['id']", "7"))


def delete_numbers(document: Document) -> None:
    run_now(document.delete_job([2]))


def left_by_a_crash(path: Path, journals: Journals, *edits: Callable[[Document], None]) -> None:
    """Edit a database in a session that ends without saving and without a question."""
    document = Document(LocalEngine(), path, journals=journals)
    run_now(document.open_job())
    run_now(document.index_job())
    for edit in edits:
        edit(document)
    document.close(keeps_changes=True)


@pytest.fixture
def child_window(qtbot: QtBot) -> Iterator[MainWindow]:
    """A window as the program makes it: each database in a process of its own."""
    yield from opened_window(qtbot, ChildEngine)


def opened_window(
    qtbot: QtBot, make_engine: Callable[[], Engine], *, read_only: bool = False, journals: Journals | None = None
) -> Iterator[MainWindow]:
    window = MainWindow(make_engine, read_only=read_only, journals=journals)
    _KEPT.append(window)
    qtbot.addWidget(window)
    with qtbot.waitActive(window, timeout=WAIT):
        window.show()
        window.activateWindow()
    yield window
    window.close_at_once()


def opened(qtbot: QtBot, window: MainWindow, path: Path) -> DatabaseTab:
    """Open a database and wait until nothing more is going on."""
    tab = window.open_file(path)
    settle(qtbot, tab)
    return tab


def settle(qtbot: QtBot, tab: DatabaseTab) -> None:
    """Wait until nothing is going on, and the rows in sight were asked for."""

    def is_quiet() -> None:
        tab.entries.view.ask()
        assert tab.runner.is_idle
        assert tab.filter_runner.is_idle

    qtbot.waitUntil(is_quiet, timeout=WAIT)
