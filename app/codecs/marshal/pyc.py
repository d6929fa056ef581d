"""The header of ``.pyc`` files: which Python wrote it, and from which source.

References:
    CPython: Lib/importlib/_bootstrap_external.py (MAGIC_NUMBER) and PEP 552.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

_VERSIONS = (
    (3000, (3, 0)), (3141, (3, 1)), (3160, (3, 2)), (3190, (3, 3)), (3250, (3, 4)), (3320, (3, 5)), (3360, (3, 6)),
    (3390, (3, 7)), (3400, (3, 8)), (3420, (3, 9)), (3430, (3, 10)), (3450, (3, 11)), (3500, (3, 12)),
    (3550, (3, 13)), (3600, (3, 14)), (3650, (3, 15)), (4000, None),
    (20121, (1, 5)), (20122, None), (50428, (1, 6)), (50429, None), (50823, (2, 0)), (50824, None),
    (60202, (2, 1)), (60203, None), (60717, (2, 2)), (60718, None),
    (62011, (2, 3)), (62041, (2, 4)), (62071, (2, 5)), (62151, (2, 6)), (62171, (2, 7)), (62220, None),
)  # fmt: skip
"""The first magic number of each release; None where a gap begins."""

_MAGIC_END = b"\r\n"
_WITH_SIZE = 3210
"""The first magic whose header has the size of the source (3.3)."""

_WITH_FLAGS = 3392
"""The first magic whose header has flags (3.7, PEP 552)."""

_OF_PYTHON_3 = range(3000, 4000)
LONGEST_HEADER = 16


@dataclass(frozen=True, slots=True)
class PycHeader:
    """``size`` bytes before the marshal value; ``stamp`` is the source's time in seconds, ``source_size`` in bytes."""

    magic: int
    version: tuple[int, int]
    size: int
    flags: int = 0
    stamp: int = 0
    source_size: int | None = None
    source_hash: bytes = b""

    @property
    def python(self) -> str:
        return f"Python {self.version[0]}.{self.version[1]}"

    @property
    def text(self) -> str:
        """What the header says, in one line."""
        parts = [f"{self.python} (magic {self.magic})"]
        if self.source_hash:
            checked = "checked" if self.flags & 2 else "not checked"
            parts.append(f"source with hash {self.source_hash.hex()}, {checked} at import")
        else:
            parts.append(f"source of {_time(self.stamp)}")
        if self.source_size is not None:
            parts.append(f"{self.source_size:,} bytes")
        return ", ".join(parts)


def pyc_header(data: bytes) -> PycHeader | None:
    """Return the header that ``data`` begins with, None where there is none or it is cut."""
    magic = int.from_bytes(data[:2], "little")
    version = _version_of(magic) if data[2:4] == _MAGIC_END else None
    size = _header_size(magic)
    if version is None or len(data) < size:
        return None
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(4, size, 4)]
    flags = words.pop(0) if size == LONGEST_HEADER else 0
    if flags & 1:
        return PycHeader(magic, version, size, flags, source_hash=data[8:16])
    return PycHeader(magic, version, size, flags, words[0], words[1] if len(words) > 1 else None)


def _header_size(magic: int) -> int:
    if magic not in _OF_PYTHON_3 or magic < _WITH_SIZE:
        return 8
    return 12 if magic < _WITH_FLAGS else 16


def _version_of(magic: int) -> tuple[int, int] | None:
    found = None
    for first, version in _VERSIONS:
        if magic < first:
            break
        found = version
    return found


def _time(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
