"""The kinds of opcodes that the machine tells apart, so that it meets those first that pickles are made of."""

import re

from app.codecs.pickle.opcodes import BY_CODE, MAKERS, codes

TEXT = -1
GET = -2
BYTES4 = -3
PUT = -4
SCALARS = -5
"""Above it are the kinds that push what most pickles have most of, and number it."""

EMPTY = -6
TUPLE = -7
BATCH = -8
MARK = -9
MEMOIZE = -10
OFTEN = -11
"""Above it are those that containers are made of."""

ALIAS = -12
BYTES8 = -13
STRING8 = -14
LONG1 = -15
LINE = -16
OTHER = -17

_PLAIN_PUSHES = codes("NONE", "BININT1", "BININT2", "BININT", "BINFLOAT", "NEWTRUE", "NEWFALSE", "EMPTY_TUPLE")
_KINDS_OF = {
    TEXT: codes("SHORT_BINUNICODE", "SHORT_BINBYTES"),
    GET: codes("BINGET"),
    MEMOIZE: codes("MEMOIZE"),
    EMPTY: codes("EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET"),
    MARK: codes("MARK"),
    BATCH: codes("SETITEMS", "APPENDS", "ADDITEMS"),
    BYTES4: codes("BINUNICODE", "BINBYTES", "LONG4"),
    TUPLE: codes("TUPLE1", "TUPLE2", "TUPLE3"),
    PUT: codes("BINPUT", "LONG_BINPUT", "PUT"),
    ALIAS: codes("GET", "LONG_BINGET", "DUP", "READONLY_BUFFER"),
    BYTES8: codes("BINUNICODE8", "BINBYTES8", "BYTEARRAY8"),
    STRING8: codes("SHORT_BINSTRING"),
    LONG1: codes("LONG1"),
    LINE: codes("INT", "LONG", "FLOAT", "UNICODE"),
}


def _kinds() -> tuple[int, ...]:
    """Return by opcode the bytes to step over after a plain push, else the kind that it is, a negative number."""
    kinds = [OTHER] * 256
    for kind, members in _KINDS_OF.items():
        for code in members:
            kinds[code] = kind
    for opcode in filter(None, BY_CODE):
        if opcode.code in _PLAIN_PUSHES:
            kinds[opcode.code] = opcode.width
    return tuple(kinds)


KIND_OF = _kinds()

RUNS: tuple[re.Pattern[bytes] | None, ...] = tuple(
    re.compile(b"(?s:%c.{%d})++" % (code, KIND_OF[code] - 1)) if code in b"KMJG" else None for code in range(256)
)
"""What finds a run of one opcode that pushes numbers, by that opcode."""

TAKES_ITEMS = codes("EMPTY_LIST", "LIST") | MAKERS
TAKES_PAIRS = codes("EMPTY_DICT", "DICT") | MAKERS
_TAKES_MEMBERS = codes("EMPTY_SET") | MAKERS


def is_odd_batch(op: int, maker: int, count: int) -> bool:
    """Tell whether CPython may refuse to give ``count`` values to what ``maker`` made."""
    if op == 0x75:  # SETITEMS
        return maker not in TAKES_PAIRS or count % 2 == 1
    return maker not in (TAKES_ITEMS if op == 0x65 else _TAKES_MEMBERS)
