"""The loop of the symbolic machine: what each opcode leaves in the records."""

import struct
from collections.abc import Callable
from itertools import repeat
from typing import NoReturn

from app import limits
from app.cancel import CancelToken
from app.codecs.pickle.damage import mend
from app.codecs.pickle.gaps import Gaps, IrregularMemo
from app.codecs.pickle.kinds import (
    ALIAS,
    BATCH,
    BYTES4,
    BYTES8,
    EMPTY,
    GET,
    KIND_OF,
    LINE,
    LONG1,
    MARK,
    OFTEN,
    RUNS,
    SCALARS,
    STRING8,
    TAKES_ITEMS,
    TAKES_PAIRS,
    TEXT,
    TUPLE,
    is_odd_batch,
)
from app.codecs.pickle.opcodes import ALIASES, MAKERS, TEXTS, TUPLES, text_index
from app.codecs.pickle.stream import Memo, Stream
from app.errors import LimitExceeded

_CHUNK = 8192
"""Opcodes between two looks at the token."""

_HEADER = 11
"""Bytes of PROTO and FRAME."""

_RUN_MARGIN = 32
"""Bytes before the end where runs of scalars are no longer matched at once."""

_LAST_PROTOCOL = 5
_SMALL_LONG_BYTES = 4
_SMALL_LONG_CHARS = 12
_BOOLS = (b"00", b"01")
_U4 = struct.Struct("<I").unpack_from
_U8 = struct.Struct("<Q").unpack_from


def _check_room(room: int, pos: int) -> None:
    if room < -_CHUNK:
        raise LimitExceeded(f"The pickle has more than {limits.PICKLE_NODES:,} opcodes.", offset=pos)


def _behind_header(stream: Stream) -> int:
    """Take in PROTO and FRAME, which most pickles begin with, and return where the next opcode is."""
    data, start = stream.data, stream.start
    header = data[start : start + _HEADER]
    if len(header) < _HEADER or header[0] != 0x80 or header[1] > _LAST_PROTOCOL or header[2] != 0x95:
        return start
    stream.protocol = header[1]
    stream.frames.append((start + 2, _U8(header, 3)[0]))
    return start + _HEADER


def _irregular(_slot: int) -> NoReturn:
    raise IrregularMemo


def _break_off() -> NoReturn:
    """End the loop at an opcode that cannot be carried out; `mend` finds out why."""
    raise ValueError


# One function in spite of its length: a call per opcode would treble the time of a decode. The branches are
# ordered by how often real pickles take them. ``stack`` holds only what lies above the last MARK, so reaching
# through a MARK fails like an empty stack, as in CPython.
def carry_out(  # noqa: PLR0912, PLR0915 - see above
    data: bytes, start: int, token: CancelToken, memo: Memo, gaps: Gaps | None, *, is_prefix: bool
) -> Stream:
    """Return the records of the pickle at ``start``; ``gaps`` is None where GETs are resolved as they come.

    Raises:
        IrregularMemo: they have to be, and ``gaps`` was given.
        LimitExceeded, Cancelled: as `machine.run`.
    """
    stream = Stream(data, start, memo)
    records, logs, marks, aliases, odd = stream.records, stream.logs, stream.marks, stream.aliases, stream.odd
    stack: list[int] = []
    outer: list[list[int]] = []
    mark_at: list[int] = []
    push, pop, put = stack.append, stack.pop, memo.append
    memoize: Callable[[int], None] = put
    lazy = gaps is not None
    kinds, runs = KIND_OF, RUNS
    last_run = len(data) - _RUN_MARGIN
    room = limits.PICKLE_NODES
    pos = _behind_header(stream)
    try:
        while True:
            token.check()
            _check_room(room, pos)
            room -= _CHUNK
            for _ in repeat(None, _CHUNK):
                op = data[pos]
                kind = kinds[op]
                if kind > 0:
                    push(pos)
                    pos += kind
                    pattern = runs[op]
                    if (
                        pattern is not None
                        and pos < last_run
                        and data[pos] == op == data[pos + kind] == data[pos + kind + kind]
                        and (found := pattern.match(data, pos))
                    ):
                        end = found.end()
                        stack += range(pos, end, kind)
                        room -= (end - pos) // kind
                        _check_room(room, pos)
                        pos = end
                elif kind == TEXT:
                    push(pos)
                    end = pos + 2 + data[pos + 1]
                    if data[end] == 0x94:  # MEMOIZE nearly always follows
                        memoize(pos)
                        end += 1
                    pos = end
                elif kind > SCALARS:
                    if kind == GET:
                        value = memo[data[pos + 1]]
                        if value < 0:
                            _break_off()
                        if not lazy:
                            aliases[pos] = aliases.get(value, value)
                        push(pos)
                        pos += 2
                    elif kind == BYTES4:
                        push(pos)
                        end = pos + 5 + _U4(data, pos + 1)[0]
                        after = data[end]
                        if after == 0x71 and data[end + 1] == len(memo):  # BINPUT of the next number, LONG_BINPUT
                            put(pos)
                            end += 2
                        elif after == 0x72 and _U4(data, end + 1)[0] == len(memo):
                            put(pos)
                            end += 5
                        pos = end
                    else:  # BINPUT, LONG_BINPUT, PUT
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
                        elif gaps is None:
                            memo[index] = value
                        else:
                            gaps.put(index, value, pos)
                            memoize = _irregular if gaps.holes else put
                        pos = end
                elif kind > OFTEN:
                    if kind == EMPTY:
                        push(pos)
                        end = pos + 1
                        after = data[end]
                        if after == 0x94:
                            memoize(pos)
                            end += 1
                        elif after == 0x71 and data[end + 1] == len(memo):
                            put(pos)
                            end += 2
                        elif after == 0x72 and _U4(data, end + 1)[0] == len(memo):
                            put(pos)
                            end += 5
                        pos = end
                        if data[pos] == 0x28:  # MARK
                            mark_at.append(pos)
                            outer.append(stack)
                            stack = []
                            push, pop = stack.append, stack.pop
                            pos += 1
                    elif kind == TUPLE:
                        if op == 0x86:
                            second = pop()
                            records[pos] = (stack[-1], second)
                        elif op == 0x85:
                            records[pos] = (stack[-1],)
                        else:
                            third = pop()
                            second = pop()
                            records[pos] = (stack[-1], second, third)
                        stack[-1] = pos
                        end = pos + 1
                        after = data[end]
                        if after == 0x94:
                            memoize(pos)
                            end += 1
                        elif after == 0x71 and data[end + 1] == len(memo):
                            put(pos)
                            end += 2
                        elif after == 0x72 and _U4(data, end + 1)[0] == len(memo):
                            put(pos)
                            end += 5
                        pos = end
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
                        push, pop = stack.append, stack.pop
                        pos += 1
                    elif kind == MARK:
                        mark_at.append(pos)
                        outer.append(stack)
                        stack = []
                        push, pop = stack.append, stack.pop
                        pos += 1
                    else:  # MEMOIZE
                        memoize(stack[-1])
                        pos += 1
                elif op == 0x2E:  # STOP
                    stream.root = pop()
                    stream.stop = pos + 1
                    if stack or outer:
                        stream.open_marks = len(outer)
                        stream.left = [slot for level in (*outer, stack) for slot in level]
                    return stream
                elif op in {0x73, 0x61, 0x62}:  # SETITEM, APPEND, BUILD
                    value = pop()
                    if op == 0x73:
                        key = pop()
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
                elif kind == STRING8:  # SHORT_BINSTRING
                    stream.is_python2 = True
                    push(pos)
                    pos += 2 + data[pos + 1]
                elif kind == LINE:  # INT, LONG, FLOAT, UNICODE
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
                elif kind == ALIAS and op != 0x98:  # GET, LONG_BINGET, DUP
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
                elif kind == BYTES8:
                    push(pos)
                    pos += 9 + _U8(data, pos + 1)[0]
                elif kind == LONG1:  # LONG1
                    if data[pos + 1] <= _SMALL_LONG_BYTES:
                        stream.has_small_longs = True
                    push(pos)
                    pos += 2 + data[pos + 1]
                elif op == 0x95:  # FRAME
                    stream.frames.append((pos, _U8(data, pos + 1)[0]))
                    pos += 9
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
