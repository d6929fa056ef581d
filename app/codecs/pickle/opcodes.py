"""Every opcode of pickle protocols 0 to 5 and Python 2: its name, code, argument layout and protocol.

References:
    CPython's Lib/pickletools.py, ``opcodes``.
"""

import re
from dataclasses import dataclass
from enum import IntEnum


class Layout(IntEnum):
    """How the end of an opcode is found; the negative values are what the machine's table holds."""

    FIXED = 0
    COUNT1 = -1
    COUNT4 = -4
    COUNT8 = -8
    LINE = -9
    TWO_LINES = -18


@dataclass(frozen=True, slots=True)
class Opcode:
    """``width`` is the size in bytes of opcode and argument when the layout is FIXED."""

    name: str
    code: int
    protocol: int
    layout: Layout = Layout.FIXED
    width: int = 1


_ROWS: tuple[tuple[str, str, int, int], ...] = (
    ("MARK", "(", 0, 1),
    ("STOP", ".", 0, 1),
    ("POP", "0", 0, 1),
    ("POP_MARK", "1", 1, 1),
    ("DUP", "2", 0, 1),
    ("FLOAT", "F", 0, Layout.LINE),
    ("INT", "I", 0, Layout.LINE),
    ("BININT", "J", 1, 5),
    ("BININT1", "K", 1, 2),
    ("LONG", "L", 0, Layout.LINE),
    ("BININT2", "M", 1, 3),
    ("NONE", "N", 0, 1),
    ("PERSID", "P", 0, Layout.LINE),
    ("BINPERSID", "Q", 1, 1),
    ("REDUCE", "R", 0, 1),
    ("STRING", "S", 0, Layout.LINE),
    ("BINSTRING", "T", 1, Layout.COUNT4),
    ("SHORT_BINSTRING", "U", 1, Layout.COUNT1),
    ("UNICODE", "V", 0, Layout.LINE),
    ("BINUNICODE", "X", 1, Layout.COUNT4),
    ("APPEND", "a", 0, 1),
    ("BUILD", "b", 0, 1),
    ("GLOBAL", "c", 0, Layout.TWO_LINES),
    ("DICT", "d", 0, 1),
    ("EMPTY_DICT", "}", 1, 1),
    ("APPENDS", "e", 1, 1),
    ("GET", "g", 0, Layout.LINE),
    ("BINGET", "h", 1, 2),
    ("INST", "i", 0, Layout.TWO_LINES),
    ("LONG_BINGET", "j", 1, 5),
    ("LIST", "l", 0, 1),
    ("EMPTY_LIST", "]", 1, 1),
    ("OBJ", "o", 1, 1),
    ("PUT", "p", 0, Layout.LINE),
    ("BINPUT", "q", 1, 2),
    ("LONG_BINPUT", "r", 1, 5),
    ("SETITEM", "s", 0, 1),
    ("TUPLE", "t", 0, 1),
    ("EMPTY_TUPLE", ")", 1, 1),
    ("SETITEMS", "u", 1, 1),
    ("BINFLOAT", "G", 1, 9),
    ("PROTO", "\x80", 2, 2),
    ("NEWOBJ", "\x81", 2, 1),
    ("EXT1", "\x82", 2, 2),
    ("EXT2", "\x83", 2, 3),
    ("EXT4", "\x84", 2, 5),
    ("TUPLE1", "\x85", 2, 1),
    ("TUPLE2", "\x86", 2, 1),
    ("TUPLE3", "\x87", 2, 1),
    ("NEWTRUE", "\x88", 2, 1),
    ("NEWFALSE", "\x89", 2, 1),
    ("LONG1", "\x8a", 2, Layout.COUNT1),
    ("LONG4", "\x8b", 2, Layout.COUNT4),
    ("BINBYTES", "B", 3, Layout.COUNT4),
    ("SHORT_BINBYTES", "C", 3, Layout.COUNT1),
    ("SHORT_BINUNICODE", "\x8c", 4, Layout.COUNT1),
    ("BINUNICODE8", "\x8d", 4, Layout.COUNT8),
    ("BINBYTES8", "\x8e", 4, Layout.COUNT8),
    ("EMPTY_SET", "\x8f", 4, 1),
    ("ADDITEMS", "\x90", 4, 1),
    ("FROZENSET", "\x91", 4, 1),
    ("NEWOBJ_EX", "\x92", 4, 1),
    ("STACK_GLOBAL", "\x93", 4, 1),
    ("MEMOIZE", "\x94", 4, 1),
    ("FRAME", "\x95", 4, 9),
    ("BYTEARRAY8", "\x96", 5, Layout.COUNT8),
    ("NEXT_BUFFER", "\x97", 5, 1),
    ("READONLY_BUFFER", "\x98", 5, 1),
)
"""Name, code, protocol; the layout, or the width where it is fixed."""

OPCODES = tuple(
    Opcode(name, ord(code), protocol, form, 0)
    if isinstance(form, Layout)
    else Opcode(name, ord(code), protocol, Layout.FIXED, form)
    for name, code, protocol, form in _ROWS
)
BY_CODE: tuple[Opcode | None, ...] = tuple({op.code: op for op in OPCODES}.get(code) for code in range(256))

CODE = {opcode.name: opcode.code for opcode in OPCODES}
"""The byte of an opcode by its name."""


def codes(*names: str) -> frozenset[int]:
    """Return the bytes of the named opcodes."""
    return frozenset(CODE[name] for name in names)


GETS = codes("GET", "BINGET", "LONG_BINGET")
ALIASES = GETS | codes("DUP", "READONLY_BUFFER")
"""Opcodes that push an object that was there before."""

PUTS = codes("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
TUPLES = codes("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
TEXTS = codes("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
STRINGS = codes("STRING", "BINSTRING", "SHORT_BINSTRING")
BYTES = codes("BINBYTES", "SHORT_BINBYTES", "BINBYTES8")
LONGS = codes("LONG", "LONG1", "LONG4")
MAKERS = codes("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST")
"""Opcodes that make an object of a class or by a call."""

MAX_INDEX_CHARS = 20
"""Digits of the number behind PUT and GET that are read."""

_INDEX = re.compile(rb"\s*+(?P<sign>[+-]?)(?P<digits>\d(?:_?\d)*+)\s*+(?:\x00|\Z)")


def name_of(code: int) -> str:
    """Return the opcode's name, ``0xff`` when there is none."""
    opcode = BY_CODE[code]
    return opcode.name if opcode else f"0x{code:02x}"


def end_of(data: bytes, pos: int) -> int:
    """Return the offset behind the opcode at ``pos``, or -1 when it is unknown or not whole."""
    opcode = BY_CODE[data[pos]] if pos < len(data) else None
    if opcode is None:
        return -1
    match opcode.layout:
        case Layout.FIXED:
            end = pos + opcode.width
        case Layout.LINE | Layout.TWO_LINES:
            end = data.find(b"\n", pos) + 1
            if end and opcode.layout is Layout.TWO_LINES:
                end = data.find(b"\n", end) + 1
            return end or -1
        case _:
            size = -opcode.layout
            end = pos + 1 + size + int.from_bytes(data[pos + 1 : pos + 1 + size], "little")
            if pos + 1 + size > len(data):
                return -1
    return end if end <= len(data) else -1


def memo_index(data: bytes, pos: int) -> int:
    """Return the memo index that a PUT or GET with an argument names, -1 when its text is no number."""
    match data[pos]:
        case 0x68 | 0x71:  # BINGET, BINPUT
            return data[pos + 1]
        case 0x6A | 0x72:  # LONG_BINGET, LONG_BINPUT
            return int.from_bytes(data[pos + 1 : pos + 5], "little")
        case _:
            return text_index(data, pos, data.find(b"\n", pos))


def text_index(data: bytes, pos: int, end: int) -> int:
    """Return the number between an opcode at ``pos`` and ``end``, -1 when there is none.

    It is read as `_pickle` reads it, spaces, sign, underscores and what is behind a NUL included: whoever takes such a
    number for damage shows and audits less than what Python loads.
    """
    digits = data[pos + 1 : end] if 0 <= end - pos <= MAX_INDEX_CHARS else b""
    if not digits.isdigit():
        found = _INDEX.match(data, pos + 1, max(end, 0))
        digits = (found["digits"].replace(b"_", b"").lstrip(b"0") or b"0") if found else b""
        if found and found["sign"] == b"-" and digits != b"0":
            return -1
    return int(digits) if 0 < len(digits) <= MAX_INDEX_CHARS else -1
