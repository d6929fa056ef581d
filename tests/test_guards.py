"""The guards of `conftest` themselves: each one fails the test that deserves it, and only that."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")

LEAKS = """
import logging
import threading

from PySide6.QtWidgets import QWidget

KEPT = []


def test_warning_of_ours():
    logging.getLogger("app.backends").warning("odd")


def test_running_thread():
    threading.Thread(target=threading.Event().wait, args=(3,)).start()


def test_window(qtbot):
    KEPT.append(QWidget())


def test_executed(pwned_marker):
    pwned_marker.touch()
"""

FINE = """
import logging
import os
import threading

from PySide6.QtWidgets import QWidget


def test_warning_of_another_logger():
    logging.getLogger("elsewhere").warning("odd")


def test_expected_warning(caplog):
    logging.getLogger("app").warning("odd")
    caplog.clear()


def test_ended_thread():
    threading.Thread(target=int).start()


def test_closed_window(qtbot):
    qtbot.addWidget(QWidget())


def test_window_that_is_garbage(qtbot):
    window = QWidget()
    window.itself = window


def test_not_executed(pwned_marker):
    assert os.environ["PWNED_MARKER"] == str(pwned_marker)
"""

Run = Callable[[str], pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the tests of a source under our conftest."""
    monkeypatch.setenv("PYTHONPATH", str(CONFTEST.parents[1]))
    pytester.makeconftest(CONFTEST.read_text("utf-8"))

    def run_source(source: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-o", "qt_api=pyside6")

    return run_source


def test_each_leak_fails_its_test(run: Run) -> None:
    tests = LEAKS.count("def test_")

    run(LEAKS).assert_outcomes(passed=tests, errors=tests)


def test_what_is_no_leak_passes(run: Run) -> None:
    run(FINE).assert_outcomes(passed=FINE.count("def test_"))
