"""Names for data that is recognised but not decoded yet: compressed data, pictures, documents, marshal."""

import re
import struct

_MAGICS = (
    (re.compile(rb"\x78[\x01\x5e\x9c\xda]"), "zlib data"),
    (re.compile(rb"\x1f\x8b\x08"), "gzip data"),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), "bzip2 data"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz data"),
    (re.compile(rb"\x5d\x00\x00[\x00-\xff]{2}(?:\xff{8}|[\x00-\xff]{3}\x00{5})"), "lzma data"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "zstd data"),
    (re.compile(rb"\x04\x22\x4d\x18"), "lz4 data"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG image"),
    (re.compile(rb"\xff\xd8\xff"), "JPEG image"),
    (re.compile(rb"GIF8[79]a"), "GIF image"),
    (re.compile(rb"RIFF[\x00-\xff]{4}WEBP"), "WebP image"),
    (re.compile(rb"BM[\x00-\xff]{4}\x00{4}"), "BMP image"),
    (re.compile(rb"II\x2a\x00|MM\x00\x2a"), "TIFF image"),
    (re.compile(rb"PK\x03\x04"), "ZIP archive"),
    (re.compile(rb"%PDF-"), "PDF document"),
    (re.compile(rb"SQLite format 3\x00"), "SQLite database"),
)
_MARSHAL_SCALARS = {b"i": 5, b"I": 9, b"g": 9, b"y": 17}
_MARSHAL_LONG_COUNTS = frozenset(b"stuaA")
_MARSHAL_SHORT_COUNTS = frozenset(b"zZ")
_MARSHAL_CONTAINERS = frozenset(b"([<>")
_MARSHAL_TYPES = frozenset(b"NTFSiIflgxystuaAzZ([{<>)crR.0")
_MARSHAL_FLAG = 0x80


def data_type(data: bytes, *, whole: bool) -> str:
    """Return what bytes that no codec decodes are by their beginning, or an empty string."""
    for pattern, name in _MAGICS:
        if pattern.match(data):
            return name
    return "marshal data" if whole and _is_marshal(data) else ""


def _is_marshal(data: bytes) -> bool:
    """Tell whether the length of the bytes is what the first marshal type byte says, or a container could begin."""
    if len(data) < 2:
        return False
    first = data[0] & ~_MARSHAL_FLAG
    if size := _MARSHAL_SCALARS.get(bytes((first,))):
        return len(data) == size
    if first in _MARSHAL_SHORT_COUNTS:
        return len(data) == 2 + data[1]
    if len(data) < 6:
        return False
    count = struct.unpack_from("<I", data, 1)[0]
    if first in _MARSHAL_LONG_COUNTS:
        return len(data) == 5 + int(count)
    next_type = data[5] & ~_MARSHAL_FLAG
    return first in _MARSHAL_CONTAINERS and 0 < count <= len(data) - 5 and next_type in _MARSHAL_TYPES
