"""ndbm databases as GDBM writes them (perl's NDBM_File, Debian's libgdbm_compat): a GDBM file named .pag.

Beside it lies .dir, which tells nothing of the entries: 16 bytes with GDBM's version, in older releases a hard
link to .pag, or an empty file.

References: compat/dbmopen.c (ndbm_open_dir_file) of GDBM 1.23.
"""

from typing import ClassVar, Final

from app.backends.base import Match
from app.backends.binary import read_head
from app.backends.files import companion
from app.backends.gdbm import GdbmBackend
from app.backends.gdbm_layout import magic_order

_MAGIC: Final = b"GDBM"
_SIZE: Final = 16


class GdbmNdbmBackend(GdbmBackend):
    """One pair of .pag and .dir; nothing is locked."""

    format_id: ClassVar[str] = "gdbm-ndbm"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        note = self._note_on_directory()
        if note:
            self.notes.append(note)

    def _note_on_directory(self) -> str:
        """Return what is unusual about .dir; no entry is lost with it."""
        path = companion(self.match.base, ".dir")
        if not path.is_file():
            return f"{path.name} is missing; no entry is lost, but programs that use ndbm look for it."
        head, size = read_head(path, _SIZE)
        is_version = size == _SIZE and head.startswith(_MAGIC)
        if is_version or not size or magic_order(head) is not None:
            return ""
        return f"{path.name} is not what GDBM writes there; no entry is lost."
