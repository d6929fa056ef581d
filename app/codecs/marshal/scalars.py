"""Scalars read from their bytes on demand: whole, by prefix, or only measured."""

import struct
from array import array
from collections.abc import Callable, Sequence

from app import limits
from app.codecs.marshal.stream import int4
from app.codecs.nodes import Scalar
from app.errors import DecodeError, LimitExceeded

_DOUBLE = struct.Struct("<d").unpack_from
_INT8 = struct.Struct("<q").unpack_from
_DIGIT_BITS = 15
_DIGITS_JOINED = 64
_CHARACTER_BYTES = 3
"""Bytes of UTF-8, behind which a cut character may begin."""


def payload(data: bytes, slot: int) -> tuple[int, int]:
    """Return where the content of a text or bytes begins and how many bytes it has."""
    if data[slot] & 0x7F in b"zZ":
        return slot + 2, data[slot + 1]
    return slot + 5, int4(data, slot + 1)


def read_scalar(data: bytes, slot: int) -> Scalar:
    """Return the value of the scalar at ``slot``; 8-bit strings as bytes.

    Raises:
        LimitExceeded: an integer too large for a cell.
        DecodeError: its bytes are malformed.
    """
    code = chr(data[slot] & 0x7F)
    if code == "l" and digits_size(data, slot) > limits.INT_BYTES:
        raise LimitExceeded(f"The integer at offset {slot:,} has {digits_size(data, slot):,} bytes.", offset=slot)
    reader = _READERS.get(code)
    if reader is None:
        raise DecodeError(f"There is no scalar at offset {slot:,}.", offset=slot)
    return reader(data, slot)


def read_prefix(data: bytes, slot: int, limit: int) -> str | bytes:
    """Return at most ``limit`` leading characters or bytes of a text or bytes."""
    start, size = payload(data, slot)
    code = chr(data[slot] & 0x7F)
    if code in "aAzZ":
        return data[start : start + min(size, limit)].decode("latin-1")
    if code == "s":
        return data[start : start + min(size, limit)]
    taken = min(size, limit * (_CHARACTER_BYTES + 1))
    part = data[start : start + taken]
    for shorter in range(len(part), max(len(part) - _CHARACTER_BYTES - 1, -1), -1) if taken < size else (len(part),):
        try:
            return part[:shorter].decode("utf-8", "surrogatepass")[:limit]
        except UnicodeDecodeError:
            continue
    raise _malformed(slot, "text that is no UTF-8")


def read_long(data: bytes, slot: int) -> int:
    """Return the integer of any size at ``slot``, whatever it costs.

    Raises:
        DecodeError: a digit has more than 15 bits.
    """
    count = int4(data, slot + 1)
    digits = array("H", data[slot + 5 : slot + 5 + 2 * abs(count)])
    if array("H", b"\x01\x00")[0] != 1:
        digits.byteswap()
    if digits and (max(digits) >> _DIGIT_BITS or not digits[-1]):
        raise _malformed(slot, "an integer with a digit that no Python writes")
    return -_joined(digits) if count < 0 else _joined(digits)


def digits_size(data: bytes, slot: int) -> int:
    """Return how many bytes a long integer takes in memory at most."""
    return (abs(int4(data, slot + 1)) * _DIGIT_BITS + 7) // 8


def _joined(digits: Sequence[int]) -> int:
    """Return the number of digits of 15 bits, the least first; neighbours are joined, so large ones take no square."""
    pieces = [
        sum(digit << (_DIGIT_BITS * place) for place, digit in enumerate(digits[at : at + _DIGITS_JOINED]))
        for at in range(0, len(digits), _DIGITS_JOINED)
    ]
    bits = _DIGIT_BITS * _DIGITS_JOINED
    while len(pieces) > 1:
        if len(pieces) % 2:
            pieces.append(0)
        pieces = [high << bits | low for low, high in zip(pieces[::2], pieces[1::2], strict=True)]
        bits *= 2
    return pieces[0] if pieces else 0


def _text(data: bytes, slot: int) -> str:
    start, size = payload(data, slot)
    try:
        return data[start : start + size].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise _malformed(slot, "text that is no UTF-8") from error


def _latin1(data: bytes, slot: int) -> str:
    start, size = payload(data, slot)
    return data[start : start + size].decode("latin-1")


def _octets(data: bytes, slot: int) -> bytes:
    start, size = payload(data, slot)
    return data[start : start + size]


def _text_float(data: bytes, slot: int) -> float:
    """Return the number that a line of decimal text behind its length writes, as versions 0 and 1 do."""
    size = data[slot + 1]
    raw = data[slot + 2 : slot + 2 + size]
    if raw != raw.strip() or b"_" in raw:
        raise _malformed(slot, "text that is no number")
    try:
        return float(raw)
    except ValueError as error:
        raise _malformed(slot, "text that is no number") from error


def _text_complex(data: bytes, slot: int) -> complex:
    real = _text_float(data, slot)
    return complex(real, _text_float(data, slot + 1 + data[slot + 1]))


def _malformed(slot: int, what: str) -> DecodeError:
    return DecodeError(f"At offset {slot:,} there is {what}.", offset=slot)


_READERS: dict[str, Callable[[bytes, int], Scalar]] = {
    "N": lambda _data, _slot: None,
    "T": lambda _data, _slot: True,
    "F": lambda _data, _slot: False,
    "i": lambda data, slot: int4(data, slot + 1),
    "I": lambda data, slot: int(_INT8(data, slot + 1)[0]),
    "l": read_long,
    "f": _text_float,
    "g": lambda data, slot: float(_DOUBLE(data, slot + 1)[0]),
    "x": _text_complex,
    "y": lambda data, slot: complex(_DOUBLE(data, slot + 1)[0], _DOUBLE(data, slot + 9)[0]),
    "s": _octets,
    "t": _text,
    "u": _text,
    **dict.fromkeys("aAzZ", _latin1),
}
