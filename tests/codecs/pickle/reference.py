"""The machine written for reading instead of speed: one opcode at a time, by name. The machine must leave the same."""

from collections.abc import Sequence

from app.codecs.pickle.damage import mend
from app.codecs.pickle.gaps import Gaps, IrregularMemo
from app.codecs.pickle.machine import SparseMemo
from app.codecs.pickle.opcodes import ALIASES, BY_CODE, MAKERS, STRINGS, TEXTS, TUPLES, Layout, codes, memo_index
from app.codecs.pickle.stream import Memo, Stream

_TAKERS = {
    "SETITEM": codes("EMPTY_DICT", "DICT") | MAKERS,
    "SETITEMS": codes("EMPTY_DICT", "DICT") | MAKERS,
    "APPEND": codes("EMPTY_LIST", "LIST") | MAKERS,
    "APPENDS": codes("EMPTY_LIST", "LIST") | MAKERS,
    "ADDITEMS": codes("EMPTY_SET") | MAKERS,
    "BUILD": MAKERS,
}


class _BrokenOff(Exception):
    """The opcode cannot be carried out."""


def reference_run(data: bytes, start: int, *, is_prefix: bool = False, memo: Sequence[int] = ()) -> Stream:
    """Return what `machine.run` should."""
    filled = list(memo)
    gaps = Gaps(data, filled)
    try:
        stream = _Machine(data, start, filled, gaps).run(is_prefix=is_prefix)
        if not gaps.are_read_early(stream):
            return stream
    except IrregularMemo:
        pass
    sparse = SparseMemo((index, slot) for index, slot in enumerate(memo) if slot >= 0)
    return _Machine(data, start, sparse, None).run(is_prefix=is_prefix)


class _Machine:
    def __init__(self, data: bytes, start: int, memo: Memo, gaps: Gaps | None) -> None:
        self.data = data
        self.stream = Stream(data, start, memo)
        self.memo = memo
        self.gaps = gaps
        self.levels: list[list[int]] = [[]]
        self.mark_at: list[int] = []
        self.pos = start
        self.end = start

    def run(self, *, is_prefix: bool) -> Stream:
        try:
            while self.stream.stop < 0:
                self.step()
        except (IndexError, KeyError, _BrokenOff):
            mend(self.stream, self.levels, self.mark_at, self.pos, is_prefix=is_prefix)
        return self.stream

    def step(self) -> None:
        opcode = BY_CODE[self.data[self.pos]]
        if opcode is None:
            raise _BrokenOff
        if opcode.code in STRINGS:
            self.stream.is_python2 = True  # which it is, too, when the rest of the text is missing
        end = self.end_of(opcode.layout, opcode.width)
        self.end = end
        self.carry_out(opcode.name)
        self.pos = end

    def end_of(self, layout: Layout, width: int) -> int:
        """Return the end of the opcode as its argument says, beyond the data too; that is met at the next opcode."""
        data, pos = self.data, self.pos
        if layout is Layout.FIXED:
            if width > 1 and pos + width > len(data) and BY_CODE[data[pos]].name not in _PUSHED_BLINDLY:  # type: ignore[union-attr]
                raise IndexError
            return pos + width
        if layout in (Layout.LINE, Layout.TWO_LINES):
            end = data.find(b"\n", pos) + 1
            if end and layout is Layout.TWO_LINES:
                end = data.find(b"\n", end) + 1
            if not end:
                raise _BrokenOff
            return end
        size = -layout
        count = data[pos + 1 : pos + 1 + size]
        if len(count) < size:
            self.push(pos)
            raise IndexError
        return pos + 1 + size + int.from_bytes(count, "little")

    @property
    def stack(self) -> list[int]:
        return self.levels[-1]

    def push(self, slot: int) -> None:
        self.stack.append(slot)

    def pop_level(self) -> list[int]:
        kids = self.levels.pop()
        self.stream.marks[self.pos] = self.mark_at.pop()
        return kids

    def carry_out(self, name: str) -> None:  # noqa: PLR0912, PLR0915 - one case for each opcode is what makes it easy to check
        stream, data, pos = self.stream, self.data, self.pos
        match name:
            case "STOP":
                stream.root = self.stack.pop()
                stream.stop = pos + 1
                stream.open_marks = len(self.levels) - 1
                stream.left = [slot for level in self.levels for slot in level]
            case "PROTO":
                stream.protocol = max(stream.protocol, data[pos + 1])
                if data[pos + 1] > 5:
                    stream.odd.append(pos)
            case "FRAME":
                stream.frames.append((pos, int.from_bytes(data[pos + 1 : pos + 9], "little")))
            case "MARK":
                self.mark_at.append(pos)
                self.levels.append([])
            case "MEMOIZE":
                if self.gaps is not None and self.gaps.holes:
                    self.stack[-1]
                    raise IrregularMemo
                self.memo.append(self.stack[-1])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.put(self.stack[-1])
            case "GET" | "BINGET" | "LONG_BINGET":
                index = memo_index(data, pos)
                if index < 0 or (value := self.memo[index]) < 0:
                    raise _BrokenOff
                if self.gaps is None:
                    stream.aliases[pos] = stream.aliases.get(value, value)
                self.push(pos)
            case "DUP":
                stream.aliases[pos] = stream.target(self.stack[-1])
                self.push(pos)
            case "POP" if self.stack:
                stream.popped = [*stream.popped, self.stack.pop()]
                stream.pops = [*stream.pops, pos]
            case "POP" | "POP_MARK":
                kids = list(self.stack)
                stream.popped = [*stream.popped, *kids]
                stream.pops = [*stream.pops, *[pos] * len(kids)]
                self.mark_at.pop()
                self.levels.pop()
            case "TUPLE1" | "TUPLE2" | "TUPLE3" | "NEWOBJ_EX":
                self.take({"TUPLE1": 1, "TUPLE2": 2}.get(name, 3))
                if name == "NEWOBJ_EX":
                    stream.odd.append(pos)
            case "REDUCE" | "NEWOBJ" | "STACK_GLOBAL":
                first, second = self.take(2)
                if name == "STACK_GLOBAL":
                    is_fine = data[first] in TEXTS and data[second] in TEXTS
                else:
                    is_fine = data[second] in TUPLES
                if not is_fine:
                    stream.odd.append(pos)
            case "BINPERSID":
                self.take(1)
            case "READONLY_BUFFER":
                [kid] = self.take(1)
                stream.aliases[pos] = stream.target(kid)
                stream.odd.append(pos)
            case "SETITEM" | "APPEND" | "BUILD":
                count = 2 if name == "SETITEM" else 1
                changes = tuple(self.stack.pop() for _ in range(count))[::-1]
                target = self.stack[-1]
                self.stream.records[pos] = changes
                self.change(name, target, changes)
            case "SETITEMS" | "APPENDS" | "ADDITEMS":
                if len(self.levels) == 1:
                    raise IndexError
                target = self.levels[-2][-1]
                changes = tuple(self.stack)
                stream.records[pos] = changes
                self.pop_level()
                self.change(name, target, changes)
            case "TUPLE" | "LIST" | "DICT" | "FROZENSET" | "OBJ":
                kids = list(self.stack)
                if (name == "DICT" and len(kids) % 2) or (name == "OBJ" and not kids):
                    stream.odd.append(pos)
                if len(self.levels) == 1:
                    raise IndexError
                stream.records[pos] = kids
                self.pop_level()
                self.push(pos)
            case "INST":
                self.note_odd_name()
                stream.records[pos] = list(self.stack)
                if len(self.levels) == 1:
                    raise IndexError
                self.pop_level()
                stream.insts = [*stream.insts, pos]
                self.push(pos)
            case _:
                self.scalar(name)

    def scalar(self, name: str) -> None:
        """Push what an opcode holds, names or refers to, and note what is special about it."""
        stream, data, pos = self.stream, self.data, self.pos
        match name:
            case "INT" if data[pos + 1 : self.end - 1] not in (b"00", b"01"):
                stream.has_text_ints = True
            case "LONG" if self.end - 1 - pos < 12:
                stream.has_small_longs = True
            case "LONG1" if data[pos + 1] <= 4:
                stream.has_small_longs = True
            case "GLOBAL":
                self.note_odd_name()
            case "PERSID":
                stream.persids = [*stream.persids, pos]
            case "NEXT_BUFFER":
                stream.buffers = [*stream.buffers, pos]
            case "EXT1" | "EXT2" | "EXT4":
                stream.odd.append(pos)
        self.push(pos)

    def note_odd_name(self) -> None:
        if not self.data[self.pos : self.end].isascii():
            self.stream.odd.append(self.pos)

    def take(self, count: int) -> tuple[int, ...]:
        """Put what stands in this place for the uppermost objects."""
        kids = tuple(self.stack.pop() for _ in range(count - 1))
        kids = (self.stack[-1], *kids[::-1])
        self.stream.records[self.pos] = kids
        self.stack[-1] = self.pos
        return kids

    def put(self, value: int) -> None:
        index = memo_index(self.data, self.pos)
        if index < 0:
            raise _BrokenOff
        if index == len(self.memo):
            self.memo.append(value)
        elif self.gaps is None:
            self.memo[index] = value
        else:
            self.gaps.put(index, value, self.pos)

    def change(self, name: str, target: int, kids: Sequence[int]) -> None:
        stream, data = self.stream, self.data
        if data[target] in ALIASES:
            target = stream.target(target)
        if data[target] not in _TAKERS[name] or (name == "SETITEMS" and len(kids) % 2):
            stream.odd.append(self.pos)
        stream.logs.setdefault(target, []).append(self.pos)


_PUSHED_BLINDLY = frozenset({"BININT", "BININT1", "BININT2", "BINFLOAT", "EXT1", "EXT2", "EXT4"})
"""Opcodes of a fixed width whose arguments are not looked at when they are pushed."""
