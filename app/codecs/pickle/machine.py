"""The symbolic machine: opcodes become flat records; nothing is built, hashed, called or recursed into."""

import re
import struct
from collections.abc import Callable
from itertools import repeat
from typing import NoReturn

from app import limits
from app.cancel import CancelToken
from app.codecs.pickle.collector import CollectorPaused
from app.codecs.pickle.damage import mend
from app.codecs.pickle.opcodes import (
    ALIASES,
    BY_CODE,
    CODE,
    MAKERS,
    TEXTS,
    TUPLES,
    Layout,
    codes,
    text_index,
)
from app.codecs.pickle.stream import Memo, Stream
from app.errors import LimitExceeded

_CHUNK = 8192
"""Opcodes between two looks at the token."""

_RUN_MARGIN = 32
"""Bytes before the end where runs of scalars are no longer matched at once."""

_LAST_PROTOCOL = 5
_SMALL_LONG_BYTES = 4
_SMALL_LONG_CHARS = 12
_BOOLS = (b"00", b"01")
_U4 = struct.Struct("<I").unpack_from
_U8 = struct.Struct("<Q").unpack_from

_STRING8 = -2
_LONG1 = -3
_ALIAS = -5
_LINE = int(Layout.LINE)

_SCALAR_PUSHES = codes(
    "NONE", "BININT1", "BININT2", "BININT", "BINFLOAT", "NEWTRUE", "NEWFALSE", "EMPTY_DICT", "EMPTY_LIST",
    "EMPTY_TUPLE", "EMPTY_SET", "SHORT_BINBYTES", "SHORT_BINUNICODE", "BINUNICODE", "BINBYTES", "LONG4",
    "BINUNICODE8", "BINBYTES8", "BYTEARRAY8", "INT", "LONG", "FLOAT", "UNICODE",
)  # fmt: skip


def _widths() -> tuple[int, ...]:
    """Return by opcode the bytes to step over after a plain push, a negative class, or 0 for all others."""
    widths = [0] * 256
    for opcode in filter(None, BY_CODE):
        if opcode.code in _SCALAR_PUSHES:
            widths[opcode.code] = opcode.width or int(opcode.layout)
        elif opcode.code in ALIASES:
            widths[opcode.code] = _ALIAS
    widths[CODE["SHORT_BINSTRING"]] = _STRING8
    widths[CODE["LONG1"]] = _LONG1
    return tuple(widths)


_WIDTHS = _widths()
_RUNS: tuple[re.Pattern[bytes] | None, ...] = tuple(
    re.compile(b"(?s:%c.{%d})++" % (code, _WIDTHS[code] - 1)) if code in b"KMJG" else None for code in range(256)
)

_TAKES_ITEMS = codes("EMPTY_LIST", "LIST") | MAKERS
_TAKES_PAIRS = codes("EMPTY_DICT", "DICT") | MAKERS
_TAKES_MEMBERS = codes("EMPTY_SET") | MAKERS
_HOLE = -1


class _IrregularMemo(Exception):
    """A memo slot is overwritten or skipped: GETs must be resolved as they come."""


class _SparseMemo(dict[int, int]):
    """A memo with holes; MEMOIZE numbers by the count of filled slots, as CPython does."""

    def append(self, slot: int) -> None:
        self[len(self)] = slot


def run(data: bytes, start: int, token: CancelToken, *, is_prefix: bool = False) -> Stream:
    """Return the records of the pickle at ``start``; damage is noted in them, never raised.

    With ``is_prefix`` the bytes are known to go on, and a text that is cut is kept as far as it goes.

    Raises:
        LimitExceeded: more than `limits.PICKLE_NODES` opcodes.
        Cancelled: by ``token``.
    """
    with CollectorPaused():
        try:
            memo: list[int] = []
            return _run(data, start, token, memo, lazy=True, is_prefix=is_prefix)
        except _IrregularMemo:
            return _run(data, start, token, _SparseMemo(), lazy=False, is_prefix=is_prefix)


def _check_room(room: int, pos: int) -> None:
    if room < -_CHUNK:
        raise LimitExceeded(f"The pickle has more than {limits.PICKLE_NODES:,} opcodes.", offset=pos)


def _irregular(_slot: int) -> NoReturn:
    raise _IrregularMemo


def _break_off() -> NoReturn:
    """End the loop at an opcode that cannot be carried out; `mend` finds out why."""
    raise ValueError


# One function in spite of its length: a call per opcode would treble the time of a decode. The branches are
# ordered by how often real pickles take them. ``stack`` holds only what lies above the last MARK, so reaching
# through a MARK fails like an empty stack, as in CPython.
def _run(  # noqa: PLR0912, PLR0915 - see above
    data: bytes, start: int, token: CancelToken, memo: Memo, *, lazy: bool, is_prefix: bool
) -> Stream:
    stream = Stream(data, start, memo=memo)
    records, logs, marks, aliases, odd = stream.records, stream.logs, stream.marks, stream.aliases, stream.odd
    stack: list[int] = []
    outer: list[list[int]] = []
    mark_at: list[int] = []
    push, pop, put = stack.append, stack.pop, memo.append
    memoize: Callable[[int], None] = put
    widths, runs = _WIDTHS, _RUNS
    last_run = len(data) - _RUN_MARGIN
    room = limits.PICKLE_NODES
    pos = start
    try:
        while True:
            token.check()
            _check_room(room, pos)
            room -= _CHUNK
            for _ in repeat(None, _CHUNK):
                op = data[pos]
                width = widths[op]
                if width > 0:
                    push(pos)
                    pos += width
                    pattern = runs[op]
                    if (
                        pattern is not None
                        and pos < last_run
                        and data[pos] == op == data[pos + width] == data[pos + width + width]
                        and (found := pattern.match(data, pos))
                    ):
                        end = found.end()
                        stack += range(pos, end, width)
                        room -= (end - pos) // width
                        _check_room(room, pos)
                        pos = end
                elif width == -1:  # SHORT_BINUNICODE, SHORT_BINBYTES
                    push(pos)
                    end = pos + 2 + data[pos + 1]
                    if data[end] == 0x94:  # MEMOIZE nearly always follows
                        memoize(pos)
                        end += 1
                    pos = end
                elif width == -4:
                    push(pos)
                    pos += 5 + _U4(data, pos + 1)[0]
                elif op == 0x94:  # MEMOIZE
                    memoize(stack[-1])
                    pos += 1
                elif op == 0x68:  # BINGET
                    value = memo[data[pos + 1]]
                    if value < 0:
                        _break_off()
                    if not lazy:
                        aliases[pos] = aliases.get(value, value)
                    push(pos)
                    pos += 2
                elif op in {0x71, 0x72, 0x70}:  # BINPUT, LONG_BINPUT, PUT
                    value = stack[-1]
                    if op == 0x71:
                        index, end = data[pos + 1], pos + 2
                    elif op == 0x72:
                        index, end = _U4(data, pos + 1)[0], pos + 5
                    else:
                        end = data.index(b"\n", pos) + 1
                        index = text_index(data, pos, end - 1)
                        if index < 0:
                            _break_off()
                    if index == len(memo):
                        put(value)
                    elif not lazy:
                        memo[index] = value
                    elif index == 1 and not memo:  # cPickle numbers from 1
                        put(_HOLE)
                        put(value)
                        memoize = _irregular
                    else:
                        raise _IrregularMemo
                    pos = end
                elif op == 0x28:  # MARK
                    mark_at.append(pos)
                    outer.append(stack)
                    stack = []
                    push, pop = stack.append, stack.pop
                    pos += 1
                elif op == 0x85:  # TUPLE1
                    records[pos] = (stack[-1],)
                    stack[-1] = pos
                    pos += 1
                elif op == 0x86:  # TUPLE2
                    second = pop()
                    records[pos] = (stack[-1], second)
                    stack[-1] = pos
                    pos += 1
                elif op == 0x87:  # TUPLE3
                    third = pop()
                    second = pop()
                    records[pos] = (stack[-1], second, third)
                    stack[-1] = pos
                    pos += 1
                elif op in {0x75, 0x65, 0x90}:  # SETITEMS, APPENDS, ADDITEMS
                    target = outer[-1][-1]
                    records[pos] = stack
                    marks[pos] = mark_at.pop()
                    if widths[data[target]] == _ALIAS:
                        target = stream.target(target)
                    if op == 0x75:
                        if data[target] not in _TAKES_PAIRS or len(stack) & 1:
                            odd.append(pos)
                    elif data[target] not in (_TAKES_ITEMS if op == 0x65 else _TAKES_MEMBERS):
                        odd.append(pos)
                    if (log := logs.get(target)) is None:
                        logs[target] = [pos]
                    else:
                        log.append(pos)
                    stack = outer.pop()
                    push, pop = stack.append, stack.pop
                    pos += 1
                elif op in {0x73, 0x61, 0x62}:  # SETITEM, APPEND, BUILD
                    value = pop()
                    if op == 0x73:
                        key = pop()
                        target = stack[-1]
                        records[pos] = (key, value)
                        takers = _TAKES_PAIRS
                    else:
                        target = stack[-1]
                        records[pos] = (value,)
                        takers = _TAKES_ITEMS if op == 0x61 else MAKERS
                    if widths[data[target]] == _ALIAS:
                        target = stream.target(target)
                    if data[target] not in takers:
                        odd.append(pos)
                    if (log := logs.get(target)) is None:
                        logs[target] = [pos]
                    else:
                        log.append(pos)
                    pos += 1
                elif op in {0x52, 0x81, 0x93}:  # REDUCE, NEWOBJ, STACK_GLOBAL
                    second = pop()
                    first = stack[-1]
                    records[pos] = (first, second)
                    if op == 0x93:
                        if data[first] not in TEXTS or data[second] not in TEXTS:
                            odd.append(pos)
                    elif data[second] not in TUPLES:
                        odd.append(pos)
                    stack[-1] = pos
                    pos += 1
                elif width == -2:  # SHORT_BINSTRING
                    stream.is_python2 = True
                    push(pos)
                    pos += 2 + data[pos + 1]
                elif width == _LINE:  # INT, LONG, FLOAT, UNICODE
                    end = data.index(b"\n", pos)
                    push(pos)
                    if op == 0x49:
                        if data[pos + 1 : end] not in _BOOLS:
                            stream.has_text_ints = True
                    elif op == 0x4C and end - pos < _SMALL_LONG_CHARS:
                        stream.has_small_longs = True
                    pos = end + 1
                elif op == 0x53:  # STRING
                    stream.is_python2 = True
                    end = data.index(b"\n", pos)
                    push(pos)
                    pos = end + 1
                elif width == _ALIAS and op != 0x98:  # GET, LONG_BINGET, DUP
                    end = pos + 1
                    if op == 0x32:
                        aliases[pos] = stream.target(stack[-1])
                    else:
                        end = pos + 5 if op == 0x6A else data.index(b"\n", pos) + 1
                        index = _U4(data, pos + 1)[0] if op == 0x6A else text_index(data, pos, end - 1)
                        if index < 0 or (value := memo[index]) < 0:
                            _break_off()
                        if not lazy:
                            aliases[pos] = aliases.get(value, value)
                    push(pos)
                    pos = end
                elif op in {0x63, 0x69}:  # GLOBAL, INST
                    end = data.index(b"\n", data.index(b"\n", pos) + 1)
                    if op == 0x69:
                        records[pos] = stack
                        marks[pos] = mark_at.pop()
                        stream.insts.append(pos)
                        stack = outer.pop()
                        push, pop = stack.append, stack.pop
                    push(pos)
                    pos = end + 1
                elif op in {0x74, 0x6C, 0x64, 0x91, 0x6F}:
                    # TUPLE, LIST, DICT, FROZENSET, OBJ
                    if (op == 0x64 and len(stack) & 1) or (op == 0x6F and not stack):
                        odd.append(pos)
                    marks[pos] = mark_at.pop()
                    records[pos] = stack
                    stack = outer.pop()
                    push, pop = stack.append, stack.pop
                    push(pos)
                    pos += 1
                elif width == -8:
                    push(pos)
                    pos += 9 + _U8(data, pos + 1)[0]
                elif width == -3:  # LONG1
                    if data[pos + 1] <= _SMALL_LONG_BYTES:
                        stream.has_small_longs = True
                    push(pos)
                    pos += 2 + data[pos + 1]
                elif op == 0x95:  # FRAME
                    stream.frames.append((pos, _U8(data, pos + 1)[0]))
                    pos += 9
                elif op == 0x2E:  # STOP
                    stream.root = pop()
                    stream.stop = pos + 1
                    stream.open_marks = len(outer)
                    stream.left = [slot for level in (*outer, stack) for slot in level]
                    return stream
                elif op == 0x80:  # PROTO
                    stream.protocol = max(stream.protocol, data[pos + 1])
                    if data[pos + 1] > _LAST_PROTOCOL:
                        odd.append(pos)
                    pos += 2
                elif op in {0x30, 0x31}:  # POP, POP_MARK
                    if op == 0x30 and stack:
                        stream.popped.append(pop())
                        stream.pops.append(pos)
                    else:
                        stream.popped += stack
                        stream.pops += repeat(pos, len(stack))
                        mark_at.pop()
                        stack = outer.pop()
                        push, pop = stack.append, stack.pop
                    pos += 1
                elif op == 0x54:  # BINSTRING
                    stream.is_python2 = True
                    push(pos)
                    pos += 5 + _U4(data, pos + 1)[0]
                elif op == 0x92:  # NEWOBJ_EX
                    third = pop()
                    second = pop()
                    records[pos] = (stack[-1], second, third)
                    odd.append(pos)
                    stack[-1] = pos
                    pos += 1
                elif op in {0x51, 0x98}:  # BINPERSID, READONLY_BUFFER
                    records[pos] = (stack[-1],)
                    if op == 0x98:
                        aliases[pos] = stream.target(stack[-1])
                        odd.append(pos)
                    stack[-1] = pos
                    pos += 1
                elif op == 0x50:  # PERSID
                    end = data.index(b"\n", pos)
                    stream.persids.append(pos)
                    push(pos)
                    pos = end + 1
                elif op == 0x97:  # NEXT_BUFFER
                    stream.buffers.append(pos)
                    push(pos)
                    pos += 1
                elif 0x82 <= op <= 0x84:  # EXT1, EXT2, EXT4
                    odd.append(pos)
                    push(pos)
                    pos += (2, 3, 5)[op - 0x82]
                else:
                    _break_off()
    except (IndexError, KeyError, ValueError, struct.error):
        mend(stream, [*outer, stack], mark_at, pos, is_prefix=is_prefix)
    return stream
