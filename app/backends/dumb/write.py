"""New ``dbm.dumb`` databases: values one after another in ``.dat``, the lines that name their places in ``.dir``."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import ClassVar

from app.backends import families
from app.backends.base import Backend, Match
from app.backends.dumb.index import MAX_LINE, DumbFiles, IndexStyle, format_line, parse_line, resolved
from app.backends.dumb.pack import NewContent, Packing, next_block, stored
from app.backends.file_operations import FileOperations
from app.backends.files import companion
from app.backends.key_index import IndexChunk
from app.backends.records import PIECE_BYTES, Records, batches
from app.backends.replacing import give_access, put_all_in_place
from app.backends.writer import CreateOptions, ImageWriter, refuse_unknown
from app.cancel import CancelToken
from app.errors import ChangedOnDisk, SaveFailed

_ROWS_AT_ONCE = 256

_LINE_RESERVE = 64
"""Bytes of a line that its two numbers can take."""


class DumbWriter(ImageWriter):
    """Writes what ``dbm.dumb`` itself would have written, without a ``.bak``.

    Over an older database it writes by `Packing`: the two files cannot be replaced together.
    """

    format_id: ClassVar[str] = "dumb"
    suffixes: ClassVar[tuple[str, ...]] = (".dat", ".dir")

    def __init__(
        self,
        opener: Callable[[Match], Backend],
        options: CreateOptions | None = None,
        style: IndexStyle = IndexStyle(),  # noqa: B008 - immutable
    ) -> None:
        refuse_unknown(options or CreateOptions(), self.format_id)
        self._opener = opener
        self._style = style

    def why_refused(self, key: bytes, value_size: int) -> str:
        return why_key_refused(key)

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        return batches(_packed_values(records, token)), batches(self._lines(records.chunks(), token))

    def _lines(self, chunks: Iterator[IndexChunk], token: CancelToken) -> Iterator[bytes]:
        end = 0
        for chunk in chunks:
            token.check()
            for row, size in enumerate(chunk.sizes):
                start = next_block(end)
                yield self._style.line(chunk.key(row), start, size)
                end = start + size

    def in_the_way(self, base: Path) -> tuple[Path, ...]:
        """Return the old ``.bak``, whose entries would come back where the new index is lost, and the pages of ndbm.

        Whoever asks what a database is takes ``.pag`` and ``.dir`` for ndbm before looking at ``.dat``.
        """
        pages = families.ndbm(base)
        return (companion(base, ".bak"), *((pages.path,) if pages else ()))

    def put_in_place(self, operations: FileOperations, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
        (new_dat, dat), (new_index, index) = pairs
        bak = resolved(DumbFiles(dat, index, companion(_base(dat), ".bak"))).bak
        if not dat.exists() or not (index.exists() or bak.exists()):  # neither shows anything without the other
            return put_all_in_place(operations, pairs)
        fd = operations.open(dat, os.O_RDWR | os.O_APPEND)
        try:
            packing = Packing(DumbFiles(dat, index, bak), fd, operations, CancelToken())
            try:
                warnings = packing.run(_Written(new_dat, new_index, self._style))
            except (SaveFailed, ChangedOnDisk) as error:
                if not packing.is_switched:
                    raise
                warnings = (error.message,)  # the new entries are there all the same
        finally:
            with contextlib.suppress(OSError):  # all that counts was made durable before
                operations.close(fd)
        return warnings + give_access(operations, pairs)

    def open(self, base: Path) -> Backend:
        files = self.paths(base)
        return self._opener(Match(self.format_id, "", "", files[0], base, files))


def _base(dat: Path) -> Path:
    return dat.with_name(dat.name.removesuffix(".dat"))


def why_key_refused(key: bytes) -> str:
    """Return why ``dbm.dumb`` cannot hold a key, or an empty string."""
    if 4 * len(key) < MAX_LINE - _LINE_RESERVE:  # no byte takes more than four characters
        return ""
    is_too_long = len(format_line(key, 0, 0, python2=True, line_end=b"\n")) > MAX_LINE - _LINE_RESERVE
    return "it is too long for a line of the index of dbm.dumb" if is_too_long else ""


def _packed_values(records: Records, token: CancelToken) -> Iterator[bytes]:
    """Yield a ``.dat`` in which every value begins at the first block behind the one before it."""
    end = 0
    for first in range(0, len(records), _ROWS_AT_ONCE):
        token.check()
        rows = range(first, min(first + _ROWS_AT_ONCE, len(records)))
        sizes = [records.size(row) for row in rows]
        for row, size, value in zip(rows, sizes, _values(records, rows, sizes), strict=True):
            start = next_block(end)
            yield bytes(start - end)
            if value is None:
                yield from records.pieces(row)
            else:
                yield value
            end = start + size


def _values(records: Records, rows: range, sizes: Sequence[int]) -> Iterable[bytes | None]:
    """Return values of successive rows, or nothing for each where one of them is large."""
    return repeat(None, len(rows)) if max(sizes) > PIECE_BYTES else records.values(rows.start, rows.stop)


class _Written(NewContent):
    """A database of ours that is to take the place of an older one."""

    def __init__(self, dat: Path, index: Path, style: IndexStyle) -> None:
        self._dat = dat
        self._index = index
        self._style = style
        self.size = dat.stat().st_size

    def values(self) -> Iterator[bytes]:
        return stored(self._dat, 0, self.size)

    def lines(self, shift: int) -> Iterator[bytes]:
        with self._index.open("rb") as file:
            for line in file:
                if parsed := parse_line(line):
                    key, position, size = parsed
                    yield self._style.line(key, position + shift, size)
