"""Making a ``dbm.dumb`` database as small as its entries are."""

from array import array
from collections.abc import Iterator

from app.backends.base import SaveReport
from app.backends.binary import open_regular
from app.backends.dumb.index import DumbFiles, resolved
from app.backends.dumb.pack import NewContent, Packing, locked_dat, next_block, pieces_at
from app.backends.dumb.state import DumbState
from app.backends.file_operations import FileOperations
from app.backends.files import bytes_on_disk, saving
from app.backends.replacing import back_up
from app.cancel import CancelToken

LIVE_WRITER = (
    "A program that has this database open in Python's dbm.dumb remembers where the values were, and destroys it when "
    "it writes: close such programs first, and keep the backup, which is always made here."
)


class DumbCompact:
    """One compaction: first the whole old database is copied, then its content is packed in place."""

    def __init__(self, files: DumbFiles, operations: FileOperations, token: CancelToken) -> None:
        self._files = resolved(files)
        self._operations = operations
        self._token = token

    def run(self) -> SaveReport:
        """Do what `Backend.compact` promises, and always make a backup.

        No lock keeps Python's writers out, and one of them would write over values that have moved.
        """
        with saving(self._files.dat), locked_dat(self._files, self._operations) as dat:
            before = bytes_on_disk(self._files)
            packing = Packing(self._files, dat, self._operations, self._token)  # first, to notice what comes after
            state = DumbState(self._files, self._token)
            content = _Packed(self._files, state, self._token)
            if state.dat_size <= next_block(content.size):
                return SaveReport(bytes_before=before, bytes_after=before)
            backups = back_up(self._operations, state.files)
            warnings = packing.run(content, backups)
            return SaveReport(backups, (LIVE_WRITER, *warnings), before, bytes_on_disk(self._files))


class _Packed(NewContent):
    """The entries of a database in their order, each value at the first block behind the one before it."""

    def __init__(self, files: DumbFiles, state: DumbState, token: CancelToken) -> None:
        self._dat = files.dat
        self._state = state
        self._token = token
        self._starts = array("q")
        self.size = 0
        for size in state.index.sizes:
            start = next_block(self.size)
            self._starts.append(start)
            self.size = start + size

    def values(self) -> Iterator[bytes]:
        index, end = self._state.index, 0
        with open_regular(self._dat) as file:
            for start, position, size in zip(self._starts, index.positions, index.sizes, strict=True):
                self._token.check()
                yield bytes(start - end)
                end = start + size
                yield from pieces_at(file, position, size)

    def lines(self, shift: int) -> Iterator[bytes]:
        for key, start, size in zip(self._state.index.rows, self._starts, self._state.index.sizes, strict=True):
            yield self._state.style.line(key, shift + start, size)
