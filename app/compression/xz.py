"""xz and the older lzma ("LZMA alone").

References:
    The .xz File Format 1.2.1 (stream header, block header, filter flags); xz's lzma-file-format.txt.
"""

import lzma
import struct
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from app.compression.base import Compression, Packing, Stream

_MEMORY = 256 << 20
"""Bytes that unpacking may take; a header can ask for 4 GB."""

_PRESETS: Mapping[int, tuple[int, ...]] = {
    18: (0,),
    20: (1,),
    21: (2,),
    22: (4, 3),
    23: (6, 5),
    24: (7,),
    25: (8,),
    26: (9,),
}
"""Presets by the logarithm of their dictionary's size."""
_CHECKS = {0: "no check", 1: "CRC32", 4: "CRC64", 10: "SHA-256"}
_LZMA2 = 0x21
_SIMPLE_FILTERS = {
    0x03: (lzma.FILTER_DELTA, "delta"),
    0x04: (lzma.FILTER_X86, "x86"),
    0x05: (lzma.FILTER_POWERPC, "PowerPC"),
    0x06: (lzma.FILTER_IA64, "IA-64"),
    0x07: (lzma.FILTER_ARM, "ARM"),
    0x08: (lzma.FILTER_ARMTHUMB, "ARM-Thumb"),
    0x09: (lzma.FILTER_SPARC, "SPARC"),
}
_MAX_DICTIONARY = 40
_DEFAULT_DICTIONARY = 1 << 23
_Filter = dict[str, Any]  # what `lzma` takes: numbers under names


class Xz(Compression):
    """An xz stream."""

    name: ClassVar[str] = "xz"
    title: ClassVar[str] = "xz"
    damage: ClassVar[tuple[type[Exception], ...]] = (lzma.LZMAError, EOFError, ValueError)

    def begins(self, head: bytes) -> bool:
        return head[:6] == b"\xfd7zXZ\0"

    def stream(self) -> Stream:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)

    def packings(self, head: bytes) -> Iterator[Packing]:
        check = head[7] & 0x0F
        before, size = _filters(head)
        for options in _lzma_options(size):
            filters: list[_Filter] = [*before, {"id": lzma.FILTER_LZMA2, **options, "dict_size": size}]
            yield Packing(_compressor(lzma.FORMAT_XZ, check, filters))

    def describe(self, head: bytes) -> str:
        _, size = _filters(head)
        check = head[7] & 0x0F if len(head) > 7 else 0
        return f"{_CHECKS.get(check, f'check {check}')}, dictionary {size:,} bytes"

    def sentence(self, error: Exception) -> str:
        return _lzma_sentence(self, error)


class LzmaAlone(Compression):
    """What `lzma.FORMAT_ALONE` writes: properties, dictionary size, size or -1, one stream."""

    name: ClassVar[str] = "lzma"
    title: ClassVar[str] = "lzma"
    damage: ClassVar[tuple[type[Exception], ...]] = (lzma.LZMAError, EOFError, ValueError)

    def begins(self, head: bytes) -> bool:
        if len(head) < 13 or head[0] >= 225 or head[13:14] not in (b"", b"\0"):
            return False
        dictionary, size = struct.unpack_from("<IQ", head, 1)
        is_usual: bool = dictionary >= 1 << 12 and dictionary.bit_count() <= 2
        return is_usual and (size == (1 << 64) - 1 or size < 1 << 40)

    def stream(self) -> Stream:
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY)

    def packings(self, head: bytes) -> Iterator[Packing]:
        dictionary = max(int.from_bytes(head[1:5], "little"), 1 << 12)
        for options in _lzma_options(dictionary):
            chosen = {**options, "dict_size": dictionary, **_properties(head[0])}
            yield Packing(_compressor(lzma.FORMAT_ALONE, -1, [{"id": lzma.FILTER_LZMA1, **chosen}]))

    def describe(self, head: bytes) -> str:
        properties = ", ".join(f"{name} {value}" for name, value in _properties(head[0]).items())
        return f"{properties}, dictionary {int.from_bytes(head[1:5], 'little'):,} bytes"

    def sentence(self, error: Exception) -> str:
        return _lzma_sentence(self, error)


def _properties(byte: int) -> dict[str, int]:
    rest, lc = divmod(byte, 9)
    pb, lp = divmod(rest, 5)
    return {"lc": lc, "lp": lp, "pb": pb}


def _compressor(form: int, check: int, filters: list[_Filter]) -> Any:
    return lambda: lzma.LZMACompressor(form, check=check, filters=filters)


def _lzma_options(dictionary: int) -> Iterator[_Filter]:
    """Yield the presets that have a dictionary of that size, or the default one with another size."""
    for preset in _PRESETS.get(dictionary.bit_length() - 1, (6,)):
        yield {"preset": preset}
        yield {"preset": preset | lzma.PRESET_EXTREME}


def _filters(head: bytes) -> tuple[list[_Filter], int]:
    """Return the filters before LZMA2 and its dictionary's size, from the header of the first block."""
    try:
        return _filter_flags(head)
    except IndexError:
        return [], _DEFAULT_DICTIONARY


def _filter_flags(head: bytes) -> tuple[list[_Filter], int]:
    found: list[_Filter] = []
    if len(head) < 20 or not head[12]:
        return found, _DEFAULT_DICTIONARY
    flags, place = head[13], 14
    place += _varints(head, place, (flags & 0xC0).bit_count())
    for _ in range((flags & 3) + 1):
        kind, properties = head[place], head[place + 2 : place + 2 + head[place + 1]]
        place += 2 + head[place + 1]
        if kind == _LZMA2 and properties and properties[0] <= _MAX_DICTIONARY:
            bits = properties[0]
            size = 0xFFFFFFFF if bits == _MAX_DICTIONARY else (2 | bits & 1) << (bits // 2 + 11)
            return found, size
        if kind in _SIMPLE_FILTERS:
            distance = {"dist": properties[0] + 1} if kind == 0x03 and properties else {}
            found.append({"id": _SIMPLE_FILTERS[kind][0], **distance})
    return found, _DEFAULT_DICTIONARY


def _varints(head: bytes, place: int, count: int) -> int:
    """Return how many bytes ``count`` numbers of variable length take."""
    start = place
    for _ in range(count):
        while head[place] & 0x80 and place + 1 < len(head):
            place += 1
        place += 1
    return place - start


def _lzma_sentence(compression: Compression, error: Exception) -> str:
    if "Memory usage limit" in str(error):
        return f"Unpacking this {compression.title} data would take more than {_MEMORY:,} bytes of memory."
    return f"The {compression.title} data is damaged."
