"""bzip2: blocks of 100 to 900 kB, whose size is all that there is to choose."""

import bz2
from collections.abc import Iterator
from typing import ClassVar

from app.compression.base import Compression, Packing, Stream

_STARTS = (b"1AY&SY", b"\x17rE8P\x90")
"""Of a block, and of the end where there is none."""


class Bzip2(Compression):
    """A bzip2 stream."""

    name: ClassVar[str] = "bz2"
    title: ClassVar[str] = "bzip2"
    damage: ClassVar[tuple[type[Exception], ...]] = (OSError, ValueError)

    def begins(self, head: bytes) -> bool:
        return (
            head[:3] == b"BZh" and head[3:4] in tuple(b"%d" % level for level in range(1, 10)) and head[4:10] in _STARTS
        )

    def stream(self) -> Stream:
        return bz2.BZ2Decompressor()

    def packings(self, head: bytes) -> Iterator[Packing]:
        level = head[3] - ord("0")
        yield Packing(lambda: bz2.BZ2Compressor(level))

    def describe(self, head: bytes) -> str:
        return f"blocks of {(head[3] - ord('0')) * 100} kB"
