"""Scalars read from their opcodes on demand: whole, by prefix, or only measured."""

import codecs
import re
import struct
from collections.abc import Callable

from app import limits
from app.codecs.nodes import Scalar
from app.codecs.pickle.opcodes import BY_CODE, BYTES, CODE, LONGS, STRINGS, TEXTS, Layout, codes
from app.errors import DecodeError, LimitExceeded

_F8 = struct.Struct(">d").unpack_from
_PERSID = CODE["PERSID"]
_SHORT_TEXT = CODE["SHORT_BINUNICODE"]
_CHUNK_DIGITS = 4000
_RAW_ESCAPE_CHARS = 10
"""Bytes of the longest escape of one character in a UNICODE line."""

_STRING_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {
    b"\n": b"", b"\\": b"\\", b"'": b"'", b'"': b'"', b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n",
    b"r": b"\r", b"t": b"\t", b"v": b"\v",
}  # fmt: skip
_CUT_ESCAPE = re.compile(rb"\\[uUx]?[0-9a-fA-F]{0,7}\Z")


def payload(data: bytes, pos: int) -> tuple[int, int]:
    """Return where the argument of the scalar opcode at ``pos`` begins and how many bytes it has."""
    opcode = BY_CODE[data[pos]]
    if opcode is None or opcode.layout is Layout.TWO_LINES:
        raise DecodeError(f"There is no scalar at offset {pos:,}.", offset=pos)
    if opcode.layout is Layout.FIXED:
        return pos + 1, opcode.width - 1
    if opcode.layout is Layout.LINE:
        end = data.find(b"\n", pos)
        return pos + 1, (end if end >= 0 else len(data)) - pos - 1
    size = -opcode.layout
    return pos + 1 + size, int.from_bytes(data[pos + 1 : pos + 1 + size], "little")


def read_scalar(data: bytes, pos: int) -> Scalar:
    """Return the value of the scalar opcode at ``pos``.

    Raises:
        LimitExceeded: an integer too large for a cell.
        DecodeError: the argument is malformed.
    """
    return _READERS.get(data[pos], _int_or_bool)(data, pos)


def _int_or_bool(data: bytes, pos: int) -> int:
    op = data[pos]
    start, size = payload(data, pos)
    if op == CODE["INT"] and data[start : start + size] in _BOOLS:
        return _BOOLS[data[start : start + size]]
    if size > (limits.INT_DIGITS if op in _INT_LINES else limits.INT_BYTES):
        raise LimitExceeded(f"The integer at offset {pos:,} has {size:,} bytes.", offset=pos)
    return read_int(data, pos)


_INT_LINES = codes("INT", "LONG")
_BOOLS = {b"00": False, b"01": True}


def read_int(data: bytes, pos: int) -> int:
    """Return the integer of any size at ``pos``."""
    op = data[pos]
    start, size = payload(data, pos)
    raw = data[start : start + size]
    if op not in (CODE["INT"], CODE["LONG"]):
        return int.from_bytes(raw, "little", signed=op in LONGS or op == CODE["BININT"])
    digits = raw.strip()
    if op in LONGS and digits[-1:] in (b"L", b"l"):
        digits = digits[:-1]
    negative = digits[:1] == b"-"
    digits = digits[1:] if digits[:1] in (b"-", b"+") else digits
    value = _big_decimal(digits) if digits.isdigit() else _based_int(digits, pos)
    return -value if negative else value


def _based_int(digits: bytes, pos: int) -> int:
    """Return a number written in another base, as hand-made pickles have it."""
    try:
        return int(digits, 0)
    except ValueError as error:
        raise DecodeError(f"The number at offset {pos:,} is malformed.", offset=pos) from error


def _big_decimal(digits: bytes) -> int:
    """Return a decimal of any length: Python refuses text of more than 4,300 digits, so it is joined from parts."""
    if len(digits) <= _CHUNK_DIGITS:
        return int(digits)
    parts = [int(digits[max(end - _CHUNK_DIGITS, 0) : end]) for end in range(len(digits), 0, -_CHUNK_DIGITS)]
    base: int = 10**_CHUNK_DIGITS
    while len(parts) > 1:
        parts = [low + base * high for low, high in zip(parts[::2], [*parts[1::2], 0], strict=False)]
        base *= base
    return parts[0]


def _binary_float(data: bytes, pos: int) -> float:
    value: float = _F8(data, pos + 1)[0]
    return value


def _text_float(data: bytes, pos: int) -> float:
    start, size = payload(data, pos)
    line = data[start : start + size]
    try:
        return float(line if b"_" not in line else b"")
    except ValueError as error:
        raise DecodeError(f"The float at offset {pos:,} is malformed.", offset=pos) from error


def read_text(data: bytes, pos: int, limit: int = -1) -> str:
    """Return the text at ``pos``, only its first ``limit`` characters when that is not negative."""
    op = data[pos]
    if op == _SHORT_TEXT and (text := _short_text(data, pos)) is not None:  # what most pickles have most of
        return text if limit < 0 else text[:limit]
    start, size = payload(data, pos)
    if op == CODE["UNICODE"]:
        line = _head(data, start, size, limit * _RAW_ESCAPE_CHARS)
        text = _raw_unescape(line if len(line) == size else _CUT_ESCAPE.sub(b"", line), pos)
    elif op == _PERSID:
        text = _head(data, start, size, limit).decode("utf-8", "backslashreplace")
    else:
        raw = _head(data, start, size, limit * 4)
        text = _utf8(raw, pos, whole=len(raw) == size)
    return text if limit < 0 else text[:limit]


def _short_text(data: bytes, pos: int) -> str | None:
    """Return the text of a SHORT_BINUNICODE that is whole and has no surrogates."""
    try:
        return str(data[pos + 2 : pos + 2 + data[pos + 1]], "utf-8")
    except (IndexError, UnicodeDecodeError):
        return None


def _head(data: bytes, start: int, size: int, limit: int) -> bytes:
    return data[start : start + (size if limit < 0 else min(size, limit))]


def _utf8(raw: bytes, pos: int, *, whole: bool) -> str:
    try:
        return codecs.utf_8_decode(raw, "surrogatepass", whole)[0]
    except UnicodeDecodeError as error:
        raise DecodeError(f"The text at offset {pos:,} is not UTF-8.", offset=pos) from error


def is_text(data: bytes) -> bool:
    """Tell whether bytes are UTF-8 as pickles write it, the last character cut or not."""
    try:
        codecs.utf_8_decode(data, "surrogatepass", False)
    except UnicodeDecodeError:
        return False
    return True


def _raw_unescape(line: bytes, pos: int) -> str:
    try:
        return line.decode("raw-unicode-escape")
    except UnicodeDecodeError as error:
        raise DecodeError(f"The text at offset {pos:,} has a wrong escape.", offset=pos) from error


def read_bytes(data: bytes, pos: int, limit: int = -1) -> bytes:
    """Return the bytes at ``pos``, only the first ``limit`` when that is not negative."""
    start, size = payload(data, pos)
    if data[pos] != CODE["STRING"]:
        return _head(data, start, size, limit)
    line = data[start : start + size].strip()
    if start + size == len(data):  # only the first bytes of the pickle are there
        line = _CUT_ESCAPE.sub(b"", line) + line[:1]
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise DecodeError(f"The string at offset {pos:,} has no matching quotes.", offset=pos)
    body = line[1:-1]
    if 0 <= limit * 4 < len(body):
        body = _CUT_ESCAPE.sub(b"", body[: limit * 4]) or body[: limit * 4]
    return _head(_unescape(body, pos), 0, size, limit)


def _unescape(body: bytes, pos: int) -> bytes:
    if b"\\" not in body:
        return body
    if re.search(rb"(?<!\\)(?:\\\\)*\\x(?![0-9a-fA-F]{2})", body) or re.search(rb"(?<!\\)(?:\\\\)*\\\Z", body):
        raise DecodeError(f"The string at offset {pos:,} has a wrong escape.", offset=pos)
    return _STRING_ESCAPE.sub(_unescaped, body)


def _unescaped(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    return _SIMPLE_ESCAPES.get(other, b"\\" + other)


_READERS: dict[int, Callable[[bytes, int], Scalar]] = {
    CODE["NONE"]: lambda _data, _pos: None,
    CODE["NEWTRUE"]: lambda _data, _pos: True,
    CODE["NEWFALSE"]: lambda _data, _pos: False,
    CODE["BININT1"]: lambda data, pos: data[pos + 1],
    CODE["BININT2"]: lambda data, pos: int.from_bytes(data[pos + 1 : pos + 3], "little"),
    CODE["BININT"]: lambda data, pos: int.from_bytes(data[pos + 1 : pos + 5], "little", signed=True),
    CODE["FLOAT"]: _text_float,
    CODE["BINFLOAT"]: _binary_float,
    _PERSID: read_text,
    **dict.fromkeys(TEXTS, read_text),
    **dict.fromkeys(BYTES | STRINGS | codes("BYTEARRAY8"), read_bytes),
}
"""What reads an opcode's argument; integers of all other opcodes are read by `_int_or_bool`."""
