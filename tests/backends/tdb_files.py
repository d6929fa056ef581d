"""The words of a little-endian TDB file, read and changed where they stand."""

import struct
from pathlib import Path


def patch(path: Path, offset: int, *words: int) -> None:
    """Write words of 32 bits to a place (bytes)."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(f"<{len(words)}I", *words))


def words_at(path: Path, offset: int, count: int) -> tuple[int, ...]:
    """Return words of 32 bits from a place (bytes)."""
    return struct.unpack_from(f"<{count}I", path.read_bytes(), offset)
