"""New LMDB environments of one file, made by the ``lmdb`` package."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from app.backends.base import Backend, Match
from app.backends.file_operations import FileOperations
from app.backends.lmdb.metas import take_number
from app.backends.lmdb.wheel import MISSING, environment, is_installed, map_full, translated
from app.backends.records import Records
from app.backends.replacing import discard, make_durable, put_all_in_place
from app.backends.writer import CreateOptions, Writer, refuse_unknown
from app.cancel import CancelToken
from app.errors import OptionRejected

if TYPE_CHECKING:
    import lmdb

LONGEST_KEY: Final = 511
"""Bytes; as LMDB is built unless somebody chooses otherwise."""
_LARGEST_VALUE: Final = 0xFFFF_FFFF
_SMALLEST_MAP: Final = 10 << 20
"""Bytes that a new environment may grow to at least: what the ``lmdb`` package takes for itself."""
_BATCH_BYTES: Final = 8 << 20
"""Bytes of entries in a transaction: its pages are in memory until it ends."""
_ENTRY_OVERHEAD: Final = 64


class LmdbWriter(Writer):
    """Writes one file; a folder that is an environment already keeps being one."""

    format_id: ClassVar[str] = "lmdb"

    def __init__(self, opener: Callable[[Match], Backend], options: CreateOptions | None = None) -> None:
        refuse_unknown(options or CreateOptions(), self.format_id)
        if not is_installed():
            raise OptionRejected(f"New LMDB databases cannot be made here: {MISSING}, or choose another format.")
        self._opener = opener

    def paths(self, base: Path) -> tuple[Path, ...]:
        return (base / "data.mdb" if base.is_dir() else base,)

    def why_refused(self, key: bytes, value_size: int) -> str:
        return why_refused(key, value_size)

    def write(self, records: Records, base: Path, operations: FileOperations, token: CancelToken) -> None:
        fd = operations.open(base, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            operations.close(fd)
            with translated(), environment(base, map_size=_map_size(records), is_new=True) as made:
                for rows in _batches(records):
                    _put(made, records, rows, token)
                made.sync(force=True)
            make_durable(operations, base)
        except BaseException:
            discard(operations, base)
            raise

    def put_in_place(self, operations: FileOperations, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
        for new, target in pairs:
            take_number(operations, new, target)
        return put_all_in_place(operations, pairs)

    def open(self, base: Path) -> Backend:
        return self._opener(Match(self.format_id, "", "", base, base, (base,), sys.byteorder))


def why_refused(key: bytes, value_size: int) -> str:
    """Return why LMDB cannot hold an entry, or an empty string."""
    if not key:
        return "LMDB has no empty keys"
    if len(key) > LONGEST_KEY:
        return f"LMDB's keys have at most {LONGEST_KEY} bytes"
    return f"LMDB's values have at most {_LARGEST_VALUE:,} bytes" if value_size > _LARGEST_VALUE else ""


def _map_size(records: Records) -> int:
    """Return a size (bytes) that surely holds all, half-full pages included; the file is only as long as it must."""
    sizes = (sum(chunk.sizes) + len(chunk.keys) + _ENTRY_OVERHEAD * len(chunk) for chunk in records.chunks())
    return _SMALLEST_MAP + 3 * sum(sizes)


def _batches(records: Records) -> Iterator[range]:
    """Yield rows for one transaction after another."""
    start = row = size = 0
    for chunk in records.chunks():
        for value_size in chunk.sizes:
            row += 1
            size += value_size + _ENTRY_OVERHEAD
            if size > _BATCH_BYTES:
                yield range(start, row)
                start, size = row, 0
    if start < row:
        yield range(start, row)


def _put(made: "lmdb.Environment", records: Records, rows: range, token: CancelToken) -> None:
    while True:
        try:
            with made.begin(write=True) as transaction:
                for row in rows:
                    token.check()
                    transaction.put(records.key(row), records.value(row))
        except map_full():
            made.set_mapsize(2 * made.info()["map_size"])
        else:
            return
