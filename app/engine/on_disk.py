"""What other programs did to the files of an open database: whether they are others, gone, or out of reach."""

import os
from collections.abc import Sequence
from pathlib import Path

from app.backends.base import Match
from app.backends.files import companion, may
from app.backends.formats import FORMATS
from app.backends.registry import recognise
from app.codecs import registry as codecs
from app.engine.base import FileState
from app.errors import AppError


def watched_files(match: Match) -> tuple[Path, ...]:
    """Return the files that are others after a write, there or not: a log of SQLite's comes and goes."""
    return (*match.files, companion(match.path, "-wal")) if match.format_id == "sqlite3" else match.files


def why_out_of_reach(path: Path, files: Sequence[Path]) -> str:
    """Return one sentence where none of the files is there, or one that is may not be read; else an empty text.

    Nothing is opened for that: what is open stays all that there is of such a database.
    """
    name, is_any_there = path.name, False
    for file in files:
        try:
            file.stat()
        except PermissionError:
            return f"{file.name} cannot be reached any more: the permission to look into its folder was taken away."
        except OSError:
            continue
        is_any_there = True
        if not may(file, os.R_OK):
            return f"{file.name} cannot be read any more: the permission to read it was taken away."
    if is_any_there:
        return ""
    if not _is_there(path.parent):
        return f"The folder of {name} is not there any more."
    return f"{name} is not there any more: it was deleted, moved or renamed."


def changed_state(path: Path, format_id: str) -> FileState:
    """Return what became of files that look another: still a database of that format, or why they are none."""
    try:
        found = recognise(path, codecs.VALUE_ENDS).format_id
    except AppError as error:
        return FileState(is_changed=True, lost=f"{path.name} can no longer be read: {error.message}")
    if found == format_id:
        return FileState(is_changed=True)
    return FileState(is_changed=True, lost=replaced_by(path, found), other_format=found)


def replaced_by(path: Path, format_id: str) -> str:
    """Return the sentence on a file whose name one of another format has now."""
    label = FORMATS[format_id].label if format_id in FORMATS else format_id
    return f"{path.name} was replaced by another file: it is a {label} now."


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - `Path.exists` raises where a folder may not be looked into
