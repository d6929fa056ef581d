"""The loop of the symbolic machine: what each opcode leaves in the records."""

import struct
from collections.abc import Callable
from itertools import repeat
from typing import NoReturn

from app.cancel import CancelToken
from app.codecs.pickle.damage import leave_off, mend
from app.codecs.pickle.gaps import Gaps, IrregularMemo
from app.codecs.pickle.kinds import (
    ALIAS,
    BATCH,
    BYTES4,
    BYTES8,
    CLOSING,
    EMPTY,
    GET,
    KIND_OF,
    LINE,
    LONG1,
    MARK,
    NUMBERED,
    OFTEN,
    PUT,
    RUNS,
    SELDOM,
    STRING8,
    TAKES_ITEMS,
    TAKES_PAIRS,
    TEXT,
    is_odd_batch,
)
from app.codecs.pickle.opcodes import ALIASES, MAKERS, TEXTS, TUPLES, text_index
from app.codecs.pickle.seldom import LAST_PROTOCOL, carry_out_seldom, with_one
from app.codecs.pickle.stream import BehindBuild, Memo, Settler, Stream

_CHUNK = 8192
"""Opcodes between two looks at the token."""

_HEADER = 11
"""Bytes of PROTO and FRAME."""

_RUN_MARGIN = 32
"""Bytes before the end where runs of scalars are no longer matched at once."""

_SMALL_LONG_BYTES = 4
_SMALL_LONG_CHARS = 12
_BOOLS = (b"00", b"01")
_U4 = struct.Struct("<I").unpack_from
_U8 = struct.Struct("<Q").unpack_from


class _Full(Exception):
    """There is room for no more records."""


def _leave_off() -> NoReturn:
    """End the loop before an opcode whose records there is no room for."""
    raise _Full


def _finish(stream: Stream, gaps: Gaps | None, settler: Settler | None) -> None:
    if settler is not None:
        settler.finish(stream)
    if gaps is not None and gaps.are_read_early(stream):
        raise IrregularMemo


def _irregular(_slot: int) -> NoReturn:
    raise IrregularMemo


def _break_off() -> NoReturn:
    """End the loop at an opcode that cannot be carried out; `mend` finds out why."""
    raise ValueError


# One function in spite of its length: a call per opcode would treble the time of a decode. The branches are
# ordered by how often real pickles take them. ``stack`` holds only what lies above the last MARK, so reaching
# through a MARK fails like an empty stack, as in CPython.
def carry_out(  # noqa: PLR0912, PLR0913, PLR0915 - see above
    data: bytes,
    start: int,
    token: CancelToken,
    memo: Memo,
    is_prefix: bool,
    room: int,
    settler: Settler | None = None,
    *,
    behind_build: BehindBuild | None = None,
) -> Stream:
    """Return the records of the pickle at ``start``; with a list as ``memo``, GETs are resolved at the end.

    With ``room`` for as many opcodes, as `limits.PICKLE_NODES` counts them, the pickle is followed that far. A
    ``settler`` is called behind each `_CHUNK` of opcodes, ``behind_build`` behind each BUILD; what they raise ends the
    run.

    Raises:
        IrregularMemo: GETs must be resolved as they come, and ``memo`` is a list.
        Cancelled: by ``token``, which is looked at behind each `_CHUNK` of opcodes.
    """
    if settler is not None:
        settler.begin()
    stream = Stream(data, start, memo)
    records, logs, marks, aliases, odd = stream.records, stream.logs, stream.marks, stream.aliases, stream.odd
    stack: list[int] = []
    outer: list[list[int]] = []
    mark_at: list[int] = []
    put = memo.append
    memoize: Callable[[int], None] = put
    lazy = isinstance(memo, list)
    gaps: Gaps | None = None
    kinds = KIND_OF
    size = len(data)
    pos = start
    if size - start > _HEADER and data[start + 2] == 0x95 and data[start] == 0x80 and data[start + 1] <= LAST_PROTOCOL:
        # PROTO and FRAME, which most pickles begin with
        stream.protocol = data[start + 1]
        stream.frames.append((start + 2, _U8(data, start + 3)[0]))
        pos = start + _HEADER
    try:
        while True:
            for _ in repeat(None, _CHUNK):
                op = data[pos]
                kind = kinds[op]
                if kind > 0:
                    stack.append(pos)
                    pos += kind
                    if (
                        data[pos] == op
                        and (pattern := RUNS[op]) is not None
                        and pos + _RUN_MARGIN < size
                        and data[pos + kind] == op == data[pos + kind + kind]
                        and (found := pattern.match(data, pos))
                    ):
                        end = found.end()
                        stack += range(pos, end, kind)
                        room -= (end - pos) // kind
                        pos = end
                        if room < -_CHUNK:
                            _leave_off()
                elif kind == TEXT:
                    stack.append(pos)
                    end = pos + 2 + data[pos + 1]
                    if data[end] == 0x94:  # MEMOIZE nearly always follows
                        memoize(pos)
                        end += 1
                    pos = end
                elif kind == GET:
                    value = memo[data[pos + 1]]
                    if value < 0:
                        _break_off()
                    if not lazy:
                        aliases[pos] = aliases.get(value, value)
                    stack.append(pos)
                    pos += 2
                elif kind > NUMBERED:
                    if kind == BYTES4:
                        stack.append(pos)
                        end = pos + 5 + _U4(data, pos + 1)[0]
                    elif kind == EMPTY:
                        stack.append(pos)
                        end = pos + 1
                    else:
                        if op == 0x86:
                            second = stack.pop()
                            records[pos] = (stack[-1], second)
                        elif op == 0x85:
                            records[pos] = (stack[-1],)
                        else:
                            third = stack.pop()
                            second = stack.pop()
                            records[pos] = (stack[-1], second, third)
                        stack[-1] = pos
                        end = pos + 1
                    after = data[end]
                    if after == 0x94:
                        memoize(pos)
                        end += 1
                    elif after == 0x71 and data[end + 1] == len(memo):  # BINPUT of the next number, LONG_BINPUT
                        put(pos)
                        end += 2
                    elif after == 0x72 and _U4(data, end + 1)[0] == len(memo):
                        put(pos)
                        end += 5
                    pos = end
                elif kind > OFTEN:
                    if kind == MARK:
                        mark_at.append(pos)
                        outer.append(stack)
                        stack = []
                        pos += 1
                    elif kind == BATCH:  # SETITEMS, APPENDS, ADDITEMS
                        target = outer[-1][-1]
                        records[pos] = stack
                        marks[pos] = mark_at.pop()
                        maker = data[target]
                        if maker != 0x5D if op == 0x65 else maker != 0x7D or op != 0x75 or len(stack) & 1:
                            # no plain list or dict
                            if maker in ALIASES:
                                target = stream.target(target)
                            if is_odd_batch(op, data[target], len(stack)):
                                odd.append(pos)
                        if (log := logs.get(target)) is None:
                            logs[target] = [pos]
                        else:
                            log.append(pos)
                        stack = outer.pop()
                        pos += 1
                    elif kind == PUT:  # BINPUT, LONG_BINPUT, PUT
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
                        elif not isinstance(memo, list):
                            memo[index] = value
                        else:
                            gaps = gaps or Gaps(data, memo)
                            gaps.put(index, value, pos)
                            memoize = _irregular if gaps.holes else put
                        pos = end
                    else:  # MEMOIZE
                        memoize(stack[-1])
                        pos += 1
                elif op == 0x2E:  # STOP
                    stream.root = stack.pop()
                    stream.stop = pos + 1
                    if stack or outer:
                        stream.open_marks = len(outer)
                        stream.left = [slot for level in (*outer, stack) for slot in level]
                    _finish(stream, gaps, settler)
                    return stream
                elif op in {0x73, 0x61, 0x62}:  # SETITEM, APPEND, BUILD
                    value = stack.pop()
                    if op == 0x73:
                        key = stack.pop()
                        target = stack[-1]
                        records[pos] = (key, value)
                        takers = TAKES_PAIRS
                    else:
                        target = stack[-1]
                        records[pos] = (value,)
                        takers = TAKES_ITEMS if op == 0x61 else MAKERS
                    if data[target] in ALIASES:
                        target = stream.target(target)
                    if data[target] not in takers:
                        odd.append(pos)
                    if (log := logs.get(target)) is None:
                        logs[target] = [pos]
                    else:
                        log.append(pos)
                    pos += 1
                    if behind_build is not None and op == 0x62:
                        pos = behind_build(stream, target, pos)
                elif op in {0x52, 0x81, 0x93}:  # REDUCE, NEWOBJ, STACK_GLOBAL
                    second = stack.pop()
                    first = stack[-1]
                    records[pos] = (first, second)
                    if op == 0x93:
                        if data[first] not in TEXTS or data[second] not in TEXTS:
                            odd.append(pos)
                    elif data[second] not in TUPLES:
                        odd.append(pos)
                    stack[-1] = pos
                    pos += 1
                elif kind == STRING8:  # SHORT_BINSTRING
                    stream.is_python2 = True
                    stack.append(pos)
                    pos += 2 + data[pos + 1]
                elif kind == LINE:  # INT, LONG, FLOAT, UNICODE, STRING
                    if op == 0x53:
                        stream.is_python2 = True
                    end = data.index(b"\n", pos)
                    stack.append(pos)
                    if op == 0x49:
                        if data[pos + 1 : end] not in _BOOLS:
                            stream.has_text_ints = True
                    elif op == 0x4C and end - pos < _SMALL_LONG_CHARS:
                        stream.has_small_longs = True
                    pos = end + 1
                elif kind == ALIAS:  # GET, LONG_BINGET
                    end = pos + 5 if op == 0x6A else data.index(b"\n", pos) + 1
                    index = _U4(data, pos + 1)[0] if op == 0x6A else text_index(data, pos, end - 1)
                    if index < 0 or (value := memo[index]) < 0:
                        _break_off()
                    if not lazy:
                        aliases[pos] = aliases.get(value, value)
                    stack.append(pos)
                    pos = end
                elif op in {0x63, 0x69}:  # GLOBAL, INST
                    end = data.index(b"\n", data.index(b"\n", pos) + 1)
                    if not data[pos:end].isascii():
                        odd.append(pos)
                    if op == 0x69:
                        records[pos] = stack
                        marks[pos] = mark_at.pop()
                        stream.insts = with_one(stream.insts, pos)
                        stack = outer.pop()
                    stack.append(pos)
                    pos = end + 1
                elif kind == CLOSING:  # TUPLE, LIST, DICT, FROZENSET, OBJ
                    if (op == 0x64 and len(stack) & 1) or (op == 0x6F and not stack):
                        odd.append(pos)
                    marks[pos] = mark_at.pop()
                    records[pos] = stack
                    stack = outer.pop()
                    stack.append(pos)
                    pos += 1
                elif kind == BYTES8:
                    stack.append(pos)
                    pos += 9 + _U8(data, pos + 1)[0]
                elif kind == LONG1:
                    if data[pos + 1] <= _SMALL_LONG_BYTES:
                        stream.has_small_longs = True
                    stack.append(pos)
                    pos += 2 + data[pos + 1]
                elif op in {0x30, 0x31}:  # POP, POP_MARK
                    if op == 0x30 and stack:
                        stream.popped = with_one(stream.popped, stack.pop())
                        stream.pops = with_one(stream.pops, pos)
                    else:
                        for value in stack:
                            stream.popped = with_one(stream.popped, value)
                            stream.pops = with_one(stream.pops, pos)
                        mark_at.pop()
                        stack = outer.pop()
                    pos += 1
                elif kind == SELDOM:
                    pos = carry_out_seldom(stream, stack, pos)
                else:
                    _break_off()
            token.advance(pos, size)
            room -= _CHUNK
            if settler is not None:
                settler.settle(stream, pos)
            if room < stream.weight:
                _leave_off()
    except (IndexError, KeyError, ValueError, struct.error):
        mend(stream, [*outer, stack], mark_at, pos, is_prefix=is_prefix)
    except _Full:
        leave_off(stream, [*outer, stack], mark_at, pos)
    _finish(stream, gaps, settler)
    return stream
