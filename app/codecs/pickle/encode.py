"""Scalars as opcodes, in the family and protocol of the ones they replace."""

import re
import struct

from app.codecs.nodes import Kind, Scalar
from app.codecs.pickle.opcodes import CODE, LONGS, TEXTS
from app.errors import EncodeError

_INT4 = range(-(1 << 31), 1 << 31)
_INT8 = range(-(1 << 63), 1 << 63)
_CONTROLS = re.compile(r"[\\\0\n\r\x1a]")
_LONGEST = (1 << 31) - 1


def encode_scalar(value: Scalar, kind: Kind, like: int, protocol: int, *, is_python2: bool) -> bytes:
    """Return opcodes for ``value`` of ``kind``; ``like`` is the opcode that stood there.

    Raises:
        EncodeError: the protocol has no opcode for it.
    """
    match value:
        case bool():
            return _bool(value, as_line=like == CODE["INT"])
        case int():
            return _int(value, like, protocol, is_python2=is_python2)
        case float():
            return b"F%s\n" % repr(value).encode() if like == CODE["FLOAT"] else b"G" + struct.pack(">d", value)
        case str():
            return _text(value, like, protocol)
        case bytes():
            return _octets(value, kind, like, protocol)
        case _:
            raise EncodeError(f"A value of type {kind} cannot be written here.")


def encode_fresh(value: Scalar, kind: Kind, protocol: int, *, is_python2: bool) -> bytes:
    """Return opcodes for a scalar that replaces none, as the Python of that style writes it in this protocol.

    In Python 3 an 8-bit string of Python 2 is a text where it is ASCII, as its unpickler has it, else bytes.

    Raises:
        EncodeError: the protocol has no opcode for it.
    """
    if value is None:
        return b"N"
    if isinstance(value, bytes):
        if kind is Kind.STR2 and not is_python2:
            return _python3_octets(value, protocol)
        if kind is Kind.BYTES and is_python2 and protocol < 3:
            kind = Kind.STR2  # Python 2's bytes
    like = _LIKE_LONG[protocol >= 2] if kind is Kind.LONG and protocol <= 2 else _LIKE_LINE.get(kind, 0)
    is_line = protocol < (2 if kind in (Kind.BOOL, Kind.LONG) else 1)
    return encode_scalar(value, kind, like if is_line or kind is Kind.LONG else 0, protocol, is_python2=is_python2)


_LIKE_LONG = CODE["LONG"], CODE["LONG1"]
_LIKE_LINE = {
    Kind.BOOL: CODE["INT"],
    Kind.INT: CODE["INT"],
    Kind.FLOAT: CODE["FLOAT"],
    Kind.STR: CODE["UNICODE"],
    Kind.STR2: CODE["STRING"],
}
"""The opcode whose family writes a scalar in protocol 0."""


def _python3_octets(value: bytes, protocol: int) -> bytes:
    if value.isascii():
        return encode_fresh(value.decode("ascii"), Kind.STR, protocol, is_python2=False)
    return _octets(value, Kind.BYTES, 0, protocol) if protocol >= 3 else encode_call(value, protocol)


def encode_call(value: bytes, protocol: int) -> bytes:
    """Return bytes as protocols 0 to 2 write them in Python 3: ``_codecs.encode`` of a Latin-1 text."""
    arguments = _text(value.decode("latin-1"), 0, protocol) + _text("latin1", 0, protocol)
    packed = arguments + b"\x86" if protocol >= 2 else b"(" + arguments + b"t"
    return b"c_codecs\nencode\n" + packed + b"R"


def _bool(value: bool, *, as_line: bool) -> bytes:
    if as_line:
        return b"I01\n" if value else b"I00\n"
    return b"\x88" if value else b"\x89"


def _int(value: int, like: int, protocol: int, *, is_python2: bool) -> bytes:
    """Return an int as the writer of the pickle would have written it, a long as the kind of long it was."""
    if like == CODE["LONG"]:
        return _long_line(value)
    if like in LONGS:
        return _long(value)
    if like != CODE["INT"] and value in _INT4:
        return _binary_int(value)
    if value in (_INT8 if is_python2 else _INT4):
        return b"I%s\n" % _digits(value)
    return _long(value) if protocol >= 2 else _long_line(value)


def _binary_int(value: int) -> bytes:
    if 0 <= value < 1 << 8:
        return b"K" + bytes([value])
    return b"M" + struct.pack("<H", value) if 0 <= value < 1 << 16 else b"J" + struct.pack("<i", value)


def _digits(value: int) -> bytes:
    try:
        return b"%d" % value
    except ValueError as error:
        raise EncodeError("Protocols 0 and 1 write integers in decimal; this one is too long for that.") from error


def _long_line(value: int) -> bytes:
    return b"L%sL\n" % _digits(value)


def _long(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True) if value else b""
    if len(raw) > 1 and raw[-1] == 0xFF and raw[-2] & 0x80:
        raw = raw[:-1]
    return _counted(raw, b"\x8a", b"\x8b", b"")


def _text(value: str, like: int, protocol: int) -> bytes:
    if like == CODE["UNICODE"] or (like not in TEXTS and protocol == 0):
        escaped = _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", value)
        return b"V" + escaped.encode("raw-unicode-escape") + b"\n"
    raw = value.encode("utf-8", "surrogatepass")
    return _counted(raw, b"\x8c" if protocol >= 4 else b"", b"X", b"\x8d" if protocol >= 4 else b"")


def _octets(value: bytes, kind: Kind, like: int, protocol: int) -> bytes:
    if kind is Kind.STR2:
        if like == CODE["STRING"]:
            return b"S" + _python2_repr(value) + b"\n"
        return _counted(value, b"U", b"T", b"")
    if kind is Kind.BYTEARRAY and protocol >= 5:
        return b"\x96" + struct.pack("<Q", len(value)) + value
    if kind is Kind.BYTES and protocol >= 3:
        return _counted(value, b"C", b"B", b"\x8e" if protocol >= 4 else b"")
    raise EncodeError(f"Protocol {protocol} has no opcode for {kind}.")


def _counted(raw: bytes, short: bytes, medium: bytes, large: bytes) -> bytes:
    """Return ``raw`` behind the smallest opcode that holds its length; an empty opcode does not exist."""
    if short and len(raw) < 1 << 8:
        return short + bytes([len(raw)]) + raw
    if len(raw) <= _LONGEST:
        return medium + struct.pack("<I", len(raw)) + raw
    if not large:
        raise EncodeError(f"{len(raw):,} bytes are too many for the protocol of this pickle.")
    return large + struct.pack("<Q", len(raw)) + raw


def _python2_repr(value: bytes) -> bytes:
    """Return the bytes in quotes as Python 2's ``repr`` writes them."""
    return repr(value)[1:].encode("ascii")
