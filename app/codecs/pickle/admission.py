"""Which pickles hold nothing but JSON-like data, told from their opcodes alone by a regular expression."""

import re

from app.codecs.pickle.layouts import MOST_BYTES, Layouts

_MOST_BYTES = 1 << 16
"""Bytes of a value in which the same text can stand in many places, but which has no tuples to hash."""

_MOST_TUPLE_BYTES = 1 << 10
"""Bytes of a value with tuples: hashing one that is a key goes as deep as it is nested, on the thread's stack."""

_FRAME = 0x95
_FRAME_BYTES = 11
_PROTO_BYTES = 2
_FRAMED = 4
"""The first protocol with frames."""

_STOP = ord(".")


def _counted(opcode: bytes, above: bytes = b"") -> bytes:
    """Return the pattern of a text of up to 255 bytes; ``above`` are the higher bytes of its count."""
    sizes = (re.escape(bytes((size,))) + above + b".{%d}" % size for size in range(256))
    return opcode + b"(?:" + b"|".join(sizes) + b")"


_INTEGER = b"|".join(re.escape(bytes((size,))) + b".{%d}" % size for size in range(8))
_TEXT = _counted(rb"\x8c")  # SHORT_BINUNICODE
_LONG_TEXT = _counted(b"X", rb"\x00\x00\x00")  # BINUNICODE
_GET = b"h."
_NO_TEXTS = (
    b"K.", b"[N\\x88\\x89]", b"[\\]})]", b"G.{8}", b"M..", b"J.{4}",
    rb"\x8a(?:%b)" % _INTEGER,  # LONG1; no longer ones: different numbers of 61 bits and more can have one hash
)  # fmt: skip
_TUPLES = rb"[t\x85\x86\x87]"


def _steps(pushes: tuple[bytes, ...], joins: bytes) -> re.Pattern[bytes]:
    """Return the pattern of one opcode that pushes, with those behind it that only memoize and join."""
    return re.compile(b"(?s)(?:" + b"|".join(pushes) + b")" + joins)


_JOINS = rb"[\x94(eusa]*+"
_OLD_JOINS = rb"[(eusa]*+(?:q.[(eusa]*+)*+"
_SHARING = _steps((_TEXT, _GET, *_NO_TEXTS, _LONG_TEXT), _JOINS)
_OLD_SHARING = _steps((_LONG_TEXT, _GET, *_NO_TEXTS), _OLD_JOINS)
_WITH_TUPLES = _steps((_TEXT, *_NO_TEXTS, _TUPLES, _LONG_TEXT), _JOINS)
_OLD_WITH_TUPLES = _steps((_LONG_TEXT, *_NO_TEXTS, _TUPLES), _OLD_JOINS)


def plain_pushes(data: bytes) -> int:
    """Return how many values the opcodes of an admissible pickle push, 0 for all other bytes."""
    if len(data) > MOST_BYTES:
        return _counted_pushes(data)
    known = _LAYOUTS.find(data)
    if known is not None:
        return known
    pushes = _counted_pushes(data)
    if pushes and _LAYOUTS.is_due(data):
        _LAYOUTS.learn(data, (), pushes)
    return pushes


def _counted_pushes(data: bytes) -> int:
    if not _PROTO_BYTES < len(data) <= _MOST_BYTES or data[0] != 0x80 or not 2 <= data[1] <= 5 or data[-1] != _STOP:
        return 0
    is_old = data[1] < _FRAMED
    body = data[_FRAME_BYTES if data[_PROTO_BYTES] == _FRAME else _PROTO_BYTES : -1]
    # Nothing is left where each step begins where the one before it ended, the first and the last at the ends.
    left, pushes = (_OLD_SHARING if is_old else _SHARING).subn(b"", body)
    if left and len(data) <= _MOST_TUPLE_BYTES:
        left, pushes = (_OLD_WITH_TUPLES if is_old else _WITH_TUPLES).subn(b"", body)
    return 0 if left else pushes


_LAYOUTS: Layouts[int] = Layouts()
