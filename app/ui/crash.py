"""Exceptions that nobody expected: a notice with a report to copy, and the window goes on."""

import platform
import sys
import threading
import traceback
from types import TracebackType

import PySide6
from PySide6.QtCore import QObject, Signal, qVersion

import app


def report(details: str) -> str:
    """Return what we need to know to mend an error; no content of a database."""
    versions = f"Shelfscope {app.__version__}, Python {platform.python_version()}, PySide6 {PySide6.__version__}"
    return f"{versions}, Qt {qVersion()}, {platform.platform()}\n\n{details}"


class CrashHooks(QObject):
    """Stands in for Python's hooks from `install` until `remove`."""

    crashed = Signal(str)
    """The report of an exception."""

    def install(self) -> None:
        self._old = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove(self) -> None:
        sys.excepthook, threading.excepthook = self._old

    def _on_exception(self, kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._old[0](kind, error, tb)
        else:
            self.crashed.emit("".join(traceback.format_exception(kind, error, tb)))

    def _on_thread_exception(self, failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is not None:
            self._on_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)
