"""Starts the window: application, look, hooks, files."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLoggingCategory, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.document.journals import Journals
from app.engine.child import ChildEngine
from app.errors import AppError, EngineStopped
from app.ui.crash import CrashHooks
from app.ui.icons import icon
from app.ui.interrupts import Interrupts
from app.ui.main_window import MainWindow
from app.ui.screenshot import SIZE, Screenshot
from app.ui.theme import apply_theme, chosen_theme

SWITCH_SECONDS = 0.0005
"""How long a worker thread may keep the interpreter while the interface thread waits for it."""


def run_window(files: Sequence[Path], *, read_only: bool, screenshot: Path | None, select: str | None) -> int:
    """Show the window with these databases until it is closed, or save a picture of it; return the exit code.

    Raises:
        AppError: the picture could not be made, or not of that.
    """
    spare = [ChildEngine()]
    with suppress(EngineStopped):  # the first database that is opened will say so
        spare[0].prestart()  # it is ready when the window is
    application = _application(is_offscreen=screenshot is not None)
    sys.setswitchinterval(SWITCH_SECONDS)
    window = MainWindow(lambda: spare.pop() if spare else ChildEngine(), read_only=read_only, journals=Journals())
    window.closed.connect(application.exit)  # quit() would ask the windows again
    hooks = CrashHooks(window)
    hooks.crashed.connect(window.notices.show_crash)
    interrupts = Interrupts(window)
    interrupts.interrupted.connect(window.close)
    hooks.install()
    interrupts.install()
    key = None if select is None else select.encode("utf-8", "surrogateescape")
    try:
        if screenshot is None:
            return _shown(application, window, files, key) or interrupts.exit_code
        return _pictured(application, window, files, screenshot, key)
    finally:
        window.close_at_once()  # the display may be gone: threads that nobody ends would keep the program alive
        interrupts.remove()
        hooks.remove()
        for engine in spare:
            engine.close()


def _shown(application: QApplication, window: MainWindow, files: Sequence[Path], select: bytes | None) -> int:
    window.restore_geometry()
    window.show()
    for path in files:
        window.open_file(path, select)
    return application.exec()


def _pictured(
    application: QApplication, window: MainWindow, files: Sequence[Path], target: Path, select: bytes | None
) -> int:
    QLoggingCategory.setFilterRules("default.warning=false")  # the offscreen platform grumbles about sizes
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(SIZE)
    window.show()
    for path in files:
        window.open_file(path, select)
    errors: list[AppError] = []
    picture = Screenshot(window, target)
    picture.failed.connect(errors.append)
    picture.finished.connect(window.close_at_once)
    application.exec()
    if errors:
        raise errors[0]
    return 0


def _application(*, is_offscreen: bool) -> QApplication:
    platform = ["-platform", "offscreen"] if is_offscreen else []
    known = QApplication.instance()
    application = known if isinstance(known, QApplication) else QApplication(["shelfscope", *platform])
    application.setApplicationName("shelfscope")
    application.setApplicationDisplayName("Shelfscope")
    application.setDesktopFileName("shelfscope")
    application.setStyle("Fusion")
    application.setWindowIcon(icon("shelfscope"))
    apply_theme(chosen_theme())
    QGuiApplication.styleHints().colorSchemeChanged.connect(_on_scheme_changed)
    return application


def _on_scheme_changed(_scheme: object) -> None:
    apply_theme(chosen_theme())
