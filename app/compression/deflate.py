"""zlib and gzip: deflate within two kinds of frame.

References:
    RFC 1950 (zlib: CMF, FLG, Adler-32), RFC 1951 (deflate), RFC 1952 (gzip: flags, MTIME, XFL, OS, CRC-32, ISIZE).
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import ClassVar

from app.compression.base import Compression, Compressor, Packing, Stream, packed

_METHOD = 8
_HAS_DICTIONARY = 0x20
_LEVELS = ((1, 0), (5, 4, 3, 2), (6,), (9, 8, 7))
"""Levels that zlib writes for each value of FLEVEL."""
_LEVEL_NAMES = ("fastest", "fast", "default", "best")
_MEMORY_LEVELS = (8, 9)

_TEXT, _HEADER_CRC, _EXTRA, _NAME, _COMMENT = 1, 2, 4, 8, 16
_EXTRA_FLAGS = {2: (9,), 4: (1,)}
"""Levels by XFL."""
_ALL_LEVELS = (6, 9, 1, 5, 4, 3, 2, 8, 7, 0)
_SYSTEMS = {0: "FAT", 3: "Unix", 7: "Macintosh", 10: "NTFS", 11: "NTFS"}
_UNKNOWN_SYSTEM = 255
_LONGEST_HEADER = 1 << 17


class _Inflater:
    """`zlib.decompressobj` with the manners of `bz2.BZ2Decompressor`."""

    def __init__(self, wbits: int) -> None:
        self._object = zlib.decompressobj(wbits)
        self._is_full = False

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not (self._object.eof or self._is_full or self._object.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        out = self._object.decompress(self._object.unconsumed_tail + data, max(max_length, 0))
        self._is_full = len(out) == max_length
        return out


class Zlib(Compression):
    """A zlib stream, as `zlib.compress` writes it."""

    name: ClassVar[str] = "zlib"
    title: ClassVar[str] = "zlib"
    damage: ClassVar[tuple[type[Exception], ...]] = (zlib.error,)

    def begins(self, head: bytes) -> bool:
        if len(head) < 2:
            return False
        method, window = head[0] & 0x0F, head[0] >> 4
        return method == _METHOD and window <= 7 and not int.from_bytes(head[:2], "big") % 31

    def stream(self) -> Stream:
        return _Inflater(zlib.MAX_WBITS)

    def packings(self, head: bytes) -> Iterator[Packing]:
        wbits = (head[0] >> 4) + 8
        for memory in _MEMORY_LEVELS:
            for level in _LEVELS[head[1] >> 6]:
                yield _deflating(level, wbits, memory)

    def describe(self, head: bytes) -> str:
        size = 1 << ((head[0] >> 4) + 8)
        return f"level {_LEVEL_NAMES[head[1] >> 6]}, window {size:,} bytes"

    def sentence(self, error: Exception) -> str:
        if "need dictionary" in str(error) or "Error 2" in str(error):
            return "The zlib data was packed with a preset dictionary, which is not part of it."
        return super().sentence(error)


class Gzip(Compression):
    """A gzip member; its header (name, time, system, extra fields) is kept byte for byte."""

    name: ClassVar[str] = "gzip"
    title: ClassVar[str] = "gzip"
    damage: ClassVar[tuple[type[Exception], ...]] = (zlib.error,)

    def begins(self, head: bytes) -> bool:
        return head[:3] == b"\x1f\x8b\x08" and (len(head) < 4 or head[3] < 0x20)

    def stream(self) -> Stream:
        return _Inflater(16 + zlib.MAX_WBITS)

    def packings(self, head: bytes) -> Iterator[Packing]:
        header = head[: header_end(head)]
        likely = _EXTRA_FLAGS.get(head[8], ())
        for memory in _MEMORY_LEVELS:
            for level in (*likely, *(other for other in _ALL_LEVELS if other not in likely)):
                deflating = _deflating(level, -zlib.MAX_WBITS, memory)
                yield Packing(deflating.compressor, _Framed(header))

    def describe(self, head: bytes) -> str:
        flags, time, extra_flags, system = struct.unpack_from("<BIBB", head.ljust(10, b"\0"), 3)
        parts = []
        if flags & _NAME:
            parts.append(f"file {_name(head)!r}")
        if time:
            parts.append(f"written {datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC")
        if extra_flags in _EXTRA_FLAGS:
            parts.append(f"level {_EXTRA_FLAGS[extra_flags][0]}")
        if system != _UNKNOWN_SYSTEM:
            parts.append(_SYSTEMS.get(system, f"system {system}"))
        return ", ".join(parts)


class _Framed:
    """Puts the header of an old member before deflated data and CRC-32 and size behind it."""

    def __init__(self, header: bytes) -> None:
        self._header = header

    def __call__(self, pieces: Iterable[bytes], compressor: Compressor) -> Iterator[bytes]:
        yield self._header
        crc = size = 0

        def counted() -> Iterator[bytes]:
            nonlocal crc, size
            for piece in pieces:
                crc = zlib.crc32(piece, crc)
                size += len(piece)
                yield piece

        yield from packed(counted(), compressor)
        yield struct.pack("<II", crc, size & 0xFFFFFFFF)


def header_end(head: bytes) -> int:
    """Return where the header of a gzip member ends, at most the end of ``head``."""
    flags = head[3] if len(head) > 3 else 0
    place = 10
    if flags & _EXTRA:
        place += 2 + int.from_bytes(head[place : place + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = head.find(b"\0", place, _LONGEST_HEADER)
            place = end + 1 if end >= 0 else len(head)
    return min(place + (2 if flags & _HEADER_CRC else 0), len(head))


def _name(head: bytes) -> str:
    place = 10
    if head[3] & _EXTRA:
        place += 2 + int.from_bytes(head[place : place + 2], "little")
    return head[place:].partition(b"\0")[0].decode("latin-1")


def _deflating(level: int, wbits: int, memory: int) -> Packing:
    return Packing(lambda: zlib.compressobj(level, zlib.DEFLATED, wbits, memory))
