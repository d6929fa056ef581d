"""Makes a large database and saves one change in it, in a process that the system gives little memory.

``python -m tests.backends.memory_use FORMAT FOLDER ENTRIES VALUE_BYTES EXTRA_BYTES`` prints what progress was told.
"""

import json
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from app.backends.base import Expected, Insert, SaveReport
from app.backends.create import create_database
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import PIECE_BYTES, Records
from app.cancel import CancelToken
from tests.backends.failing_files import QuickOperations
from tests.backends.saving_variants import NO_BACKUP, NUMBERED, Variant, opened

_BLOCK = bytes(range(1, 256)) * (PIECE_BYTES // 255 + 1)


class PatternRecords(Records):
    """Entries that are made when they are asked for; values are whole pickles, or whole marshal values."""

    may_repeat = False

    def __init__(self, count: int, size: int, *, is_marshal: bool) -> None:
        self._count = count
        self._size = size
        head, self._tail = (b"s" + struct.pack("<I", size - 5), b"") if is_marshal else _pickled(size - 12)
        self._head = head if size > 12 else b""

    def __len__(self) -> int:
        return self._count

    def chunks(self) -> Iterator[IndexChunk]:
        builder = ChunkBuilder()
        for row in range(self._count):
            if builder.add(self.key(row), 0, self._size):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def key(self, row: int) -> bytes:
        return b"%d" % row

    def size(self, row: int) -> int:
        return self._size

    def pieces(self, row: int) -> Iterator[bytes]:
        yield from (self._head,) if self._head else ()
        tail = self._tail if self._head else b""
        rest = self._size - len(self._head) - len(tail)
        for start in range(0, rest, PIECE_BYTES):
            yield _BLOCK[: min(PIECE_BYTES, rest - start)]
        yield from (tail,) if tail else ()


def _pickled(size: int) -> tuple[bytes, bytes]:
    """Return what stands around that many bytes in a pickle."""
    return b"\x80\x04\x8e" + struct.pack("<Q", max(size, 0)), b"."


class WatchedToken(CancelToken):
    """Keeps what progress was told."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[int, int]] = []

    def advance(self, done: int, total: int = 0) -> None:
        super().advance(done, total)
        if not self.steps or (len(self.steps) < 1000 and (done, total) != self.steps[-1]):
            self.steps.append((done, total))


def main(format_id: str, folder: Path, count: int, size: int, extra: int) -> None:
    is_marshal = format_id == "marshal-file"
    variant, records = Variant(format_id), PatternRecords(count, size, is_marshal=is_marshal)
    import numpy as np  # noqa: PLC0415 - after its threads were limited by the environment

    assert np.zeros(1).sum() == 0  # its own room is not that of a save: large databases are worked on with it anyway
    limit_memory(extra)
    path = create_database(
        variant.writer(), variant.base(folder), records, CancelToken(), operations=QuickOperations()
    ).files[0]
    token = WatchedToken()
    with opened(path, QuickOperations()) as backend:
        key = b"%d" % count if format_id in NUMBERED else b"new"
        report: SaveReport = backend.apply(
            [Insert(key, b"N" if is_marshal else b"\x80\x04N.")], dict[int, Expected](), NO_BACKUP, token
        )
    with opened(path) as backend:
        found = sum(len(chunk) for chunk in backend.index(CancelToken()))
    sys.stdout.write(json.dumps({"steps": token.steps, "found": found, "after": report.bytes_after}))


def limit_memory(extra: int) -> None:
    """Let this process have that many bytes of data more than it has now."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    now = int(status["VmData"].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (now + extra, now + extra))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
