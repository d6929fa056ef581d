"""How a failed command ends: one sentence that names the file, and for a bug of ours a report."""

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

import click

from app import __version__
from app.errors import AppError


def sentence_of(error: AppError, file: str) -> str:
    """Return the message, preceded by the file where it does not name it."""
    path = str(error.path or file)
    if not path or Path(path).name in error.message:
        return error.message
    return f"{path}: {error.message}"


def usage_sentence(error: click.ClickException) -> str:
    """Return click's message as one sentence that says where the help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "shelfscope"
    message = " ".join(error.format_message().split()).rstrip(".")
    return f"{message}; see '{command} --help'."


def report_bug(error: BaseException) -> str:
    """Write the traceback to a file of the user's own and return the sentence that names it."""
    name = type(error).__name__
    try:
        report = _write_report(error)
    except OSError as reason:
        return f"This is a bug in Shelfscope ({name}), and its report could not be written: {reason.strerror}."
    return f"This is a bug in Shelfscope ({name}); please send us the report in {report}."


def _write_report(error: BaseException) -> Path:
    text = (
        f"Shelfscope {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"Arguments: {sys.argv[1:]!r}\n\n{''.join(traceback.format_exception(error))}"
    )
    handle, name = tempfile.mkstemp(prefix="shelfscope-report-", suffix=".txt", dir=_report_folder())
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(name)


def _report_folder() -> Path:
    """Return the user's state folder for this program, or the one for temporary files where that cannot be made."""
    folder = _state_home() / "shelfscope"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())


def _state_home() -> Path:
    match sys.platform:
        case "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        case "darwin":
            return Path.home() / "Library" / "Logs"
        case _:
            return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
