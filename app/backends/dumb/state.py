"""A ``dbm.dumb`` database as it is when a save begins."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from app.backends.binary import open_regular
from app.backends.changes import Candidate
from app.backends.dumb.index import DumbFiles, IndexStyle, Slot, read_index_file, style_of
from app.backends.files import COPY_BYTES, content_digest
from app.cancel import CancelToken
from app.errors import ReadOnlyDatabase


class DumbState:
    """The index as it is now: that of ``.dir``, or of ``.bak`` where a crash left nothing else.

    Raises:
        ReadOnlyDatabase: it is damaged.
        CannotOpen: it cannot be read.
    """

    def __init__(self, files: DumbFiles, token: CancelToken) -> None:
        self._files = files
        self._token = token
        self.source = files.dir if files.dir.exists() else files.bak
        self._digest = self._index_digest()
        self.index = read_index_file(self.source, token)
        self.style: IndexStyle = style_of(self.source)
        self.dat_size = files.dat.stat().st_size
        self._refuse_damage()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the database, the older index too: after a crash it knows more than the newer one."""
        return tuple(path for path in self._files if path.exists())

    def _index_digest(self) -> bytes:
        return content_digest((self._files.dir,) if self.source == self._files.dir else self._files[1:], self._token)

    def _refuse_damage(self) -> None:
        index = self.index
        ends = (position + size for position, size in zip(index.positions, index.sizes, strict=True))
        if index.problems or max(ends, default=0) > self.dat_size or self._is_lost():
            message = f"{self._files.dat.name} is damaged: saving would lose more of it. Salvage it into a new one."
            raise ReadOnlyDatabase(message, path=self._files.dat)

    def _is_lost(self) -> bool:
        has_older = self.source == self._files.dir and not len(self.index) and self._files.bak.exists()
        return has_older and self.index.is_lost_beside(read_index_file(self._files.bak, self._token))

    def is_current(self) -> bool:
        """Tell whether the index on disk is still the one that was read."""
        return self._index_digest() == self._digest

    def candidates(self, keys: set[bytes]) -> dict[bytes, tuple[Candidate]]:
        rows = self.index.rows
        with open_regular(self._files.dat) as dat:
            return {key: (Candidate(rows[key], self._sha256(dat, rows[key])),) for key in keys & rows.keys()}

    def _sha256(self, dat: BinaryIO, row: int) -> bytes:
        return digest_of_stored(dat, self.index.positions[row], self.index.sizes[row])

    def slots(self) -> Iterator[tuple[bytes, Slot]]:
        """Yield keys and their places in index order."""
        return ((key, self.index.slot(row)) for row, key in enumerate(self.index.rows))


def digest_of_stored(dat: BinaryIO, position: int, size: int) -> bytes:
    """Return the SHA-256 of a value in ``.dat``, as far as it is there."""
    sum_so_far = sha256()
    dat.seek(position, os.SEEK_SET)
    while size and (piece := dat.read(min(size, COPY_BYTES))):
        sum_so_far.update(piece)
        size -= len(piece)
    return sum_so_far.digest()
