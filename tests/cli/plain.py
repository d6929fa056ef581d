"""What plain JSON must make of simple Python objects: a referee written from DESIGN section 6 alone."""

import math
import re
from base64 import b64encode
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class NotSimple(Exception):
    """The object is none of those whose JSON is beyond dispute."""


def plain(value: Any) -> Any:
    """Return the JSON data of None, bool, int, float, text, bytes, lists, tuples, sets of one and dicts."""
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        case bytes() | bytearray():
            return plain_bytes(bytes(value))
        case dict():
            has_names = all(isinstance(key, str) for key in value)
            pairs = [[plain(key), plain(item)] for key, item in value.items()]
            return dict(pairs) if has_names else pairs
        case list() | tuple() | set() | frozenset():
            return _plain_items(value)
    raise NotSimple


def _plain_items(values: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]) -> list[Any]:
    if isinstance(values, set | frozenset) and len(values) > 1:
        raise NotSimple  # their order is the writer's secret
    return [plain(value) for value in values]


def plain_bytes(data: bytes) -> Any:
    """Return text where the bytes are UTF-8 without control characters, else base64."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return {"base64": b64encode(data).decode()} if _CONTROLS.search(text) else text
