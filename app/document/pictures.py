"""Which values may be pictures: told by how a row begins, so that no bytes are read for it."""

from app.codecs.base import NodeRow
from app.codecs.screen import quote_bytes

PICTURE_BYTES = 32 << 20
"""Bytes of a picture that is shown."""
_TYPES = ("bytes", "bytearray", "str", " image")
"""What types end with of rows that can be pictures."""
_STARTS: dict[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"RIFF": "webp",
    b"BM": "bmp",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
}
_SHOWN = tuple(quote_bytes(start, "")[1:-1] for start in _STARTS)
"""How a row writes what pictures begin with."""


def may_be_picture(row: NodeRow) -> bool:
    """Tell whether what a row shows begins as a picture does."""
    text = row.text.removeprefix("bytearray(").removeprefix("b")[1:]
    return row.type.endswith(_TYPES) and text.startswith(_SHOWN)


def picture_format(data: bytes) -> str:
    """Return the format that bytes begin as (``png``), empty where that is none of those which are shown.

    Plain raster formats only: never SVG, which can name other files.
    """
    found = next((name for start, name in _STARTS.items() if data.startswith(start)), "")
    is_other = (found == "webp" and data[8:12] != b"WEBP") or (found == "bmp" and data[6:10] != bytes(4))
    return "" if is_other else found
