"""The program's entry: the command line, and the window where that asks for it."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from app.errors import AppError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with ``argv`` (without the program's name) and return its exit code."""
    try:
        _fill_closed_streams()
        from app.cli.main import main as run  # noqa: PLC0415 - Ctrl-C while it loads is caught here

        return run(sys.argv[1:] if argv is None else argv, open_window)
    except KeyboardInterrupt:  # while the program itself is still being loaded
        return 130


def open_window(files: Sequence[Path], *, read_only: bool, screenshot: Path | None, select: str | None) -> int:
    """Open the window and return its exit code once it is closed.

    Raises:
        AppError: there is no display, or no Qt that works.
    """
    if not _has_display():
        if screenshot is None:
            raise AppError(_no_display(files))
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        from app.ui.app import run_window  # noqa: PLC0415 - commands run without Qt
    except ImportError as error:
        if not _is_qt_missing(error):
            raise
        raise AppError(f"The window needs PySide6-Essentials and its system libraries: {error}.") from error
    return run_window(files, read_only=read_only, screenshot=screenshot, select=select)


def _has_display() -> bool:
    """Tell whether Qt will find a display, or was told what to use instead."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _no_display(files: Sequence[Path]) -> str:
    file = shlex.quote(str(files[0])) if files else "FILE"
    return f"There is no display for a window; 'shelfscope info {file}' works in the terminal."


def _is_qt_missing(error: ImportError) -> bool:
    """Tell whether Qt or a library of the system that it needs is not there; all else is a bug of ours."""
    return (error.name or "").partition(".")[0] in {"PySide6", "shiboken6"} or "shared object" in str(error)


def _fill_closed_streams() -> None:
    """Open closed standard descriptors on nothing, or the next file opened would become standard output."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is this one


if __name__ == "__main__":
    if getattr(sys, "frozen", False):  # a packaged program starts itself for its child processes
        from multiprocessing import freeze_support

        freeze_support()
    sys.exit(main())
