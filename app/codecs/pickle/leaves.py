"""Opcodes of new values that have no parts: scalars, names, extension codes, ids in a line of text, buffers."""

import struct

from app.codecs.global_names import global_line, names_for
from app.codecs.model import Atom, Extension, GlobalName, Items, OutOfBand, PersistentId, Style, Value
from app.codecs.nodes import Kind
from app.codecs.pickle.encode import encode_fresh
from app.errors import EncodeError

_LAST_CODE = 0x7FFFFFFF


def leaf_code(part: Value, style: Style) -> bytes | None:
    """Return the opcodes that push ``part``, None where it has parts of its own.

    Raises:
        EncodeError: the protocol cannot hold it.
    """
    code: bytes | None = None
    match part:
        case Atom():
            code = encode_fresh(part.value, part.kind, style.protocol, is_python2=style.is_python2)
        case GlobalName():
            code = _global(part, style.protocol)
        case Items(kind=Kind.TUPLE, items=[]) if style.protocol:
            code = b")"
        case PersistentId(is_text=True):
            code = b"P%b\n" % _id_line(part.id)
        case Extension():
            code = _extension(part.code)
        case OutOfBand():
            code = _buffer(part, style.protocol)
    return code


def _global(part: GlobalName, protocol: int) -> bytes:
    if protocol < 4:
        return b"c" + global_line(part, protocol)
    names = (encode_fresh(name, Kind.STR, protocol, is_python2=False) for name in names_for(part, protocol))
    return b"%b%b\x93" % tuple(names)


def _extension(code: int) -> bytes:
    if not 0 < code <= _LAST_CODE:
        raise EncodeError(f"{code:,} is no extension code; they are between 1 and {_LAST_CODE:,}.")
    if code < 1 << 8:
        return b"\x82" + bytes((code,))
    return b"\x83" + struct.pack("<H", code) if code < 1 << 16 else b"\x84" + struct.pack("<i", code)


def _buffer(part: OutOfBand, protocol: int) -> bytes:
    if protocol < 5:
        raise EncodeError(f"Protocol {protocol} has no buffers beside the pickle; protocol 5 has.")
    return b"\x97\x98" if part.is_read_only else b"\x97"


def _id_line(value: Value) -> bytes:
    """Return a persistent id as PERSID writes it."""
    content = value.value if isinstance(value, Atom) else None
    line = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if not isinstance(line, bytes) or b"\n" in line:
        raise EncodeError("This persistent id is no text of one line, so it cannot be written as one.")
    return line
