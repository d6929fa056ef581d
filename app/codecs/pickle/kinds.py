"""The kinds of opcodes that the machine tells apart, so that it meets those first that pickles are made of."""

import re

from app.codecs.pickle.opcodes import BY_CODE, MAKERS, codes

TEXT = -1
GET = -2
SCALARS = -3
"""Above it are the kinds that push what most pickles have most of."""

BYTES4 = -4
EMPTY = -5
TUPLE = -6
NUMBERED = -7
"""Above it are those that picklers number in the memo right behind them."""

PUT = -8
BATCH = -9
MARK = -10
MEMOIZE = -11
OFTEN = -12
"""Above it are those that containers are made of."""

ALIAS = -13
BYTES8 = -14
STRING8 = -15
LONG1 = -16
LINE = -17
CLOSING = -18
SELDOM = -19
OTHER = -20

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
    ALIAS: codes("GET", "LONG_BINGET"),
    BYTES8: codes("BINUNICODE8", "BINBYTES8", "BYTEARRAY8"),
    STRING8: codes("SHORT_BINSTRING"),
    LONG1: codes("LONG1"),
    LINE: codes("INT", "LONG", "FLOAT", "UNICODE", "STRING"),
    CLOSING: codes("TUPLE", "LIST", "DICT", "FROZENSET", "OBJ"),
    SELDOM: codes(
        *("PROTO", "FRAME", "BINSTRING", "DUP", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"),
        *("PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"),
    ),
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
