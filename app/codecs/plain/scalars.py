"""Scalars as strict JSON text (RFC 8259): what plain JSON writes for values that have no structure."""

import base64
import math
import re
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

from app import limits
from app.codecs.literals.decimals import decimal_text
from app.codecs.nodes import Scalar

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FIRST_TOO_LONG = 10**limits.INT_DIGITS


def string_json(text: str) -> str:
    """Return a JSON string; only quotes, backslashes, controls and lone surrogates are escaped."""
    return escape_surrogates(encode_basestring(text))


def escape_surrogates(text: str) -> str:
    """Return JSON text in which lone surrogates are escapes."""
    return text if text.isascii() else _SURROGATE.sub(_surrogate_escape, text)


def readable(text: str) -> str | None:
    """Return a text that has no control characters other than tab and line ends, else None."""
    return None if _CONTROL.search(text) else text


def bytes_json(data: bytes) -> str:
    """Return readable UTF-8 as a JSON string, other bytes as ``{"base64": …}``."""
    try:
        text = readable(data.decode("utf-8"))
    except UnicodeDecodeError:
        text = None
    return base64_json(data) if text is None else string_json(text)


def base64_json(data: bytes) -> str:
    return f'{{"base64":"{base64.b64encode(data).decode("ascii")}"}}'


def int_json(value: int) -> str:
    """Return a number of up to `limits.INT_DIGITS` digits, else ``{"int": "0x…"}``."""
    if -_FIRST_TOO_LONG < value < _FIRST_TOO_LONG:
        return decimal_text(value)
    return f'{{"int":"{value:#x}"}}'


def float_json(value: float) -> str:
    """Return a number, or the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``."""
    if math.isfinite(value):
        return float.__repr__(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def complex_json(value: complex) -> str:
    """Return the string ``"1+2j"``."""
    return f'"{repr(value).strip("()")}"'


def damaged_json(why: str, data: bytes | None = None) -> str:
    """Return what stands in the place of a value, or of a node without ``data``, that cannot be shown whole."""
    if data is None:
        return f'{{"__damaged__":{string_json(why)}}}'
    return f'{{"__damaged__":{string_json(why)},"base64":"{base64.b64encode(data).decode("ascii")}"}}'


def scalar_json(value: Scalar) -> str:
    """Return the JSON of a scalar of any type."""
    return _WRITERS[type(value)](value)


def _surrogate_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: string_json,
    bytes: bytes_json,
    int: int_json,
    float: float_json,
    complex: complex_json,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}
