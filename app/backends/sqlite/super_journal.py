"""The journal of several databases that a rollback journal can name: SQLite deletes that file when it has rolled back.

Whoever made the journal chose the name, so that looking at a database could cost any file of its reader.

References: readSuperJournal, pager_playback and pager_delsuper in pager.c of SQLite.
"""

import os
from pathlib import Path
from struct import Struct
from typing import Final

from app.backends.files import read_range
from app.errors import FileMissing

_MAGIC: Final = bytes.fromhex("d9d505f920a163d7")
_ENDING: Final = Struct(">II8s")
"""Length of the name (bytes), a sum over it, and the magic, at the end of a journal."""
_LONGEST_NAME: Final = 4096
"""Bytes of a name; SQLite reads no longer ones."""


def names_super_journal(journal: Path) -> bool:
    """Tell whether a journal ends as one does that names another."""
    return _ending(journal) is not None


def disarm(journal: Path) -> None:
    """Let a copied journal do what it did, but name no other: SQLite ignores it where the one it names is gone.

    What is added is no whole record, and keeps the magic from the end.
    """
    name = _ending(journal)
    if name is None:
        return
    if name and b"\0" not in name and os.path.lexists(os.fsdecode(name)):
        with journal.open("ab") as file:
            file.write(bytes(_ENDING.size))
    else:
        journal.unlink()


def _ending(journal: Path) -> bytes | None:
    """Return the name at the end of a journal, empty where it is none that SQLite reads; None without that ending."""
    try:
        size = journal.stat().st_size
        ending = read_range(journal, max(size - _ENDING.size, 0), _ENDING.size)
    except (FileNotFoundError, FileMissing):
        return None
    if len(ending) < _ENDING.size or not ending.endswith(_MAGIC):
        return None
    length, _sum, _magic = _ENDING.unpack(ending)
    if not 0 < length <= min(_LONGEST_NAME, size - _ENDING.size):
        return b""
    return read_range(journal, size - _ENDING.size - length, length)
