"""Settings and fixtures of all tests: offscreen Qt, hypothesis profiles, corpus copies, and guards that fail a leak."""

import gc
import importlib
import logging
import os
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import app
import tools
from tests import corpus
from tests.taking_turns import turn

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# what decides whether a change lands says the same twice; fresh examples are sought by `dev.py check --slow`
settings.register_profile("dev", _ANY, max_examples=20, derandomize=True)
settings.register_profile("ci", _ANY, max_examples=200, derandomize=True)
settings.register_profile("search", _ANY, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

THREAD_GRACE = 2.0
"""Seconds that a thread may take to end after its test."""


def pytest_configure() -> None:
    """Load all of our modules, whose numbers and texts hypothesis draws from.

    Else what it draws depended on the tests that ran before in the same process, and thus on how many there are.
    """
    for package in (app, tools):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep Python's collector from going through tens of thousands of collected tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with turn(item):
        return (yield)


@pytest.fixture(autouse=True, scope="session")
def _private_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep journals of programs that tests start out of the folder of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Let this process wait for no disk: only a power cut could tell, and with another program's load it took minutes.

    That files are made durable, and when, is seen by their operations (`tests.backends.failing_files`). Processes that
    tests start wait as they always do.
    """

    def is_open(fd: int) -> None:
        os.fstat(fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", is_open)
        yield


@pytest.fixture
def database_case(tmp_path: Path) -> Callable[[str], Path]:
    """Copy a case of ``tests/data/databases`` by name; its expectations are ``corpus.database(name)``."""

    def copy(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return corpus.database(name).copy_to(folder)

    return copy


@pytest.fixture
def pwned_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Name the file that hostile values create when they are executed, and fail when it appears."""
    marker = tmp_path / "pwned-marker"
    monkeypatch.setenv("PWNED_MARKER", str(marker))
    yield marker
    assert not marker.exists(), "Code of a hostile value was executed."


@pytest.fixture(autouse=True)
def _no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test during which one of our loggers warned; ``caplog.clear()`` takes back what was expected."""
    yield
    complaints = [record.getMessage() for record in caplog.get_records("call") if is_complaint(record)]
    assert not complaints, f"Logged during the test: {complaints}"


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a non-daemon thread running."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(THREAD_GRACE)
    names = [thread.name for thread in left if thread.is_alive()]
    assert not names, f"Threads still running after the test: {names}"


@pytest.fixture(autouse=True)
def _no_windows_left() -> Iterator[None]:
    """Fail a test that leaves a top-level widget, once anything imported PySide6."""
    before = _top_level_widgets()
    yield
    if _top_level_widgets() - before:
        gc.collect()  # a widget in a reference cycle is garbage, no leak; collecting after every test would be slow
    left = _top_level_widgets() - before
    assert not left, f"Windows still there after the test: {left}"


def is_complaint(record: logging.LogRecord) -> bool:
    """Tell whether a log record is ours and at least a warning."""
    return record.levelno >= logging.WARNING and record.name.partition(".")[0] == "app"


def _top_level_widgets() -> set[object]:
    """Return the windows without a parent, after what `deleteLater` announced is gone."""
    core, widgets = sys.modules.get("PySide6.QtCore"), sys.modules.get("PySide6.QtWidgets")
    if core is None or widgets is None or widgets.QApplication.instance() is None:
        return set()
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
    return {widget for widget in widgets.QApplication.topLevelWidgets() if widget.parent() is None}
