"""ndbm databases as GDBM writes them (perl's NDBM_File, Debian's libgdbm_compat): a GDBM file named .pag.

Beside it lies .dir, which tells nothing of the entries: 16 bytes with GDBM's version, in older releases a hard
link to .pag, or an empty file.

References: compat/dbmopen.c (ndbm_open_dir_file) of GDBM 1.23.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from app.backends.base import Change, Expected, Match, SaveOptions, SaveReport
from app.backends.binary import read_head
from app.backends.files import companion, real_path
from app.backends.gdbm.backend import GdbmBackend
from app.backends.gdbm.layout import magic_order
from app.backends.gdbm.write import NDBM_DIRECTORY, NdbmPagesWriter
from app.backends.replacing import discard, name_beside, put_in_place, write_beside
from app.backends.writer import Writer
from app.cancel import CancelToken

LIVE_WRITER: Final = (
    "Programs that use ndbm take no lock: one that has this database open now goes on writing the old file, "
    "and what it writes is lost. Close such programs before saving."
)
_MAGIC: Final = b"GDBM"
_SIZE: Final = 16


class GdbmNdbmBackend(GdbmBackend):
    """One pair of .pag and .dir; nothing is locked."""

    format_id: ClassVar[str] = "gdbm-ndbm"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._linked: os.stat_result | None = None
        """What .dir was when a save began, where it was another name of .pag."""
        note = self._note_on_directory()
        if note:
            self.notes.append(note)

    @property
    def _directory_file(self) -> Path:
        return companion(self.match.base, ".dir")

    def _note_on_directory(self) -> str:
        """Return what is unusual about .dir; no entry is lost with it."""
        path = self._directory_file
        if not path.is_file():
            return f"{path.name} is missing; no entry is lost, but programs that use ndbm look for it."
        head, size = read_head(path, _SIZE)
        is_version = size == _SIZE and head.startswith(_MAGIC)
        if is_version or not size or magic_order(head) is not None:
            return ""
        return f"{path.name} is not what GDBM writes there; no entry is lost."

    def writer(self) -> Writer:
        return NdbmPagesWriter(self.shape, type(self))

    @property
    def own_links(self) -> int:
        return 2 if self._link() else 1

    def _link(self) -> os.stat_result | None:
        """Return what .dir is where it is another name of .pag."""
        with contextlib.suppress(OSError):
            directory, pages = real_path(self._directory_file), real_path(self.match.path)
            if directory != pages and directory.samefile(pages):
                return directory.stat()
        return None

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        self._linked = self._link()
        return super().apply(changes, expected, options, token)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        self._linked = self._link()
        return super().compact(options, token)

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """Let .dir hold GDBM's version while it cannot be another name of .pag.

        GDBM refuses a database whose .dir is another file of pages.
        """
        if self._linked is None:
            yield
            return
        path = real_path(self._directory_file)
        new = write_beside(self.operations, path, (NDBM_DIRECTORY,))
        try:
            put_in_place(self.operations, new, path)
        except BaseException:
            discard(self.operations, new)
            raise
        self._linked = path.stat()
        try:
            yield
        except BaseException:
            self._link_again()
            raise

    def settle(self) -> tuple[str, ...]:
        """Make .dir another name of the new .pag where it was one of the old."""
        return (LIVE_WRITER, *self._link_again())

    def _link_again(self) -> tuple[str, ...]:
        path = real_path(self._directory_file)
        name = name_beside(path)
        try:
            if self._linked and os.path.samestat(path.stat(), self._linked):
                self.operations.link(real_path(self.match.path), name)
                self.operations.replace(name, path)
                self.operations.fsync_folder(path.parent)
        except OSError as error:
            discard(self.operations, name)
            start = f"{path.name} is no longer another name of {self.match.path.name} ({error.strerror})"
            return (f"{start}, but holds GDBM's version as in newer databases; nothing is lost.",)
        return ()
