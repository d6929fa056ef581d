"""Items, pairs and elements put in, taken out or moved, in every way in which pickles write them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from app.codecs.model import Value
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.geometry import Region
from app.codecs.pickle.editing.intent import Part, Ref, part_of
from app.codecs.pickle.editing.program import Code, Splice
from app.codecs.pickle.opcodes import CODE, codes, end_of
from app.errors import EncodeError

_BATCH = 1000
"""Items behind one MARK, as CPython has it."""

_SINGLES = codes("APPEND", "SETITEM")
_MARK = b"("
_SINGLE_CODE = {Part.ITEMS: b"a", Part.PAIRS: b"s"}
_TUPLE_SIZES = {CODE["EMPTY_TUPLE"]: 0, CODE["TUPLE1"]: 1, CODE["TUPLE2"]: 2, CODE["TUPLE3"]: 3}
_TUPLE_CODES = (b")", b"\x85", b"\x86", b"\x87")


@dataclass(frozen=True, slots=True)
class Unit:
    """An item, or a key and its value: the region of its opcodes and the opcode that takes it."""

    region: Region
    consumer: int


class Run:
    """One part of an object as units in order. Its changes go into the draft; at most one change a draft."""

    def __init__(self, draft: Draft, target: int, part: Part) -> None:
        self.draft = draft
        self.target = target
        self.part = part
        self.slots = part_of(draft.stream, target, part)
        self.width = 2 if part is Part.PAIRS else 1
        if len(self.slots) % self.width:
            raise EncodeError("This holds a key without a value, so it cannot be edited.")
        self._data = draft.stream.data
        self._op = self._data[target]
        own = [target] if target in draft.stream.records else []
        self._consumers = [*own, *draft.stream.logs.get(target, ())]

    def __len__(self) -> int:
        return len(self.slots) // self.width

    @property
    def _is_tuple(self) -> bool:
        return self.part is Part.OWN and (self._op in _TUPLE_SIZES or self._op == CODE["TUPLE"])

    def unit(self, index: int) -> Unit:
        """Return the unit at a position."""
        first, last = self.slots[index * self.width], self.slots[(index + 1) * self.width - 1]
        consumer = self._consumers[bisect_left(self._consumers, last)]
        region = self.draft.geometry.region_in(last, consumer)
        return Unit(Region(self.draft.geometry.start(first), region.end), consumer)

    def _is_single(self, unit: Unit) -> bool:
        return self._data[unit.consumer] in _SINGLES

    def _has_top(self, unit: Unit) -> bool:
        """Tell whether a value, and no MARK, is below the unit for sure."""
        first = self.draft.geometry.start(self.draft.geometry.taken_by(unit.consumer)[0])
        return self._is_single(unit) or first < unit.region.start

    def _mean(self, refs: Sequence[Ref]) -> None:
        self.draft.intent.contents[self.target, self.part] = refs

    def insert(self, index: int, *values: Value) -> None:
        """Put a new unit before the one at ``index``, behind the last when there is none."""
        refs: list[Ref] = list(self.slots)
        refs[index * self.width : index * self.width] = values
        self._mean(refs)
        if self._is_tuple:
            self._resize(1)
        if self._op == CODE["EMPTY_TUPLE"] and self._is_tuple:
            return self._fill_empty(values)
        offset, before, after = self._room(index)
        code = before + b"".join(self.draft.code(value, offset) for value in values) + after
        self.draft.splices.append(Splice(offset, offset, (Code(code),)))
        return None

    def _fill_empty(self, values: Sequence[Value]) -> None:
        """Make a tuple of one element of an empty one."""
        code = b"".join(self.draft.code(value, self.target) for value in values)
        whole = code + _TUPLE_CODES[1] if self.draft.style.protocol >= 2 else _MARK + code + b"t"
        new = Code(whole, stands_for=self.target, at=len(whole) - 1, is_value=True)
        self.draft.splices.append(Splice(self.target, self.target + 1, (new,)))

    def _room(self, index: int) -> tuple[int, bytes, bytes]:
        """Return where new opcodes for the unit at ``index`` go, and what stands before and behind them."""
        single = _SINGLE_CODE.get(self.part, b"")
        if index < len(self):
            unit = self.unit(index)
            return unit.region.start, b"", single if self._is_single(unit) else b""
        if self.part is Part.OWN:
            return self.target, b"", b""
        if not self.slots:
            return self._room_in_empty(single)
        unit = self.unit(len(self) - 1)
        if self._is_single(unit):
            return end_of(self._data, unit.consumer), b"", single
        taken = len(self.draft.geometry.taken_by(unit.consumer))
        if unit.consumer == self.target or taken < _BATCH * self.width or self._data[unit.consumer] == CODE["ADDITEMS"]:
            return unit.consumer, b"", b""
        return end_of(self._data, unit.consumer), b"", single

    def _room_in_empty(self, single: bytes) -> tuple[int, bytes, bytes]:
        stream = self.draft.stream
        before = [pos for pos in stream.logs.get(self.target, ()) if self._data[pos] != CODE["BUILD"]]
        offset = end_of(self._data, before[-1]) if before else self.draft.behind(self.target)
        if self._op == CODE["EMPTY_SET"]:
            return offset, _MARK, b"\x90"
        return offset, b"", single

    def delete(self, indexes: Sequence[int]) -> None:
        """Take units out."""
        gone = set(indexes)
        self._mean([slot for at, slot in enumerate(self.slots) if at // self.width not in gone])
        if self._is_tuple:
            self._resize(-len(gone))
        by_consumer: dict[int, list[Unit]] = {}
        for index in sorted(gone):
            unit = self.unit(index)
            by_consumer.setdefault(unit.consumer, []).append(unit)
        for consumer, units in by_consumer.items():
            self._cut_from(consumer, units)

    def _cut_from(self, consumer: int, units: Sequence[Unit]) -> None:
        """Cut units out of one batch; with its last one it goes as a whole."""
        draft = self.draft
        count = len(draft.geometry.taken_by(consumer)) // self.width
        if consumer != self.target and (count == len(units)):
            start = draft.stream.marks.get(consumer, units[0].region.start)
            draft.splices.append(Splice(start, end_of(self._data, consumer), has_top=True))
            return
        start, end = units[0].region.start, units[0].region.end
        has_top = self._has_top(units[0])
        for unit in units[1:]:
            if unit.region.start != end:
                draft.splices.append(Splice(start, end, has_top=has_top))
                start, has_top = unit.region.start, True
            end = unit.region.end
        draft.splices.append(Splice(start, end, has_top=has_top))

    def reorder(self, order: Sequence[int]) -> None:
        """Put the units in another order: ``order`` has each old position once."""
        if sorted(order) != list(range(len(self))):
            raise EncodeError(f"The order must have each position from 0 to {len(self) - 1:,} once.")
        self._mean([slot for index in order for slot in self.slots[index * self.width : (index + 1) * self.width]])
        changed = [index for index, old in enumerate(order) if index != old]
        if not changed:
            return
        units = {index: self.unit(index).region for index in range(changed[0], changed[-1] + 1)}
        for index, region in units.items():
            self.draft.splices.append(Splice(region.start, region.end, (units[order[index]],)))

    def _resize(self, more: int) -> None:
        """Give a tuple the opcode of its new length, and a MARK where that takes one."""
        draft, target = self.draft, self.target
        old, new = len(self), len(self) + more
        mark = draft.stream.marks.get(target, -1)
        if self._op == CODE["EMPTY_TUPLE"] or self._code_of(new) == bytes((self._op,)):
            return
        if mark >= 0 and new and old <= len(_TUPLE_CODES) - 1 and draft.style.protocol >= 2:
            return  # written with a MARK where none was needed
        code = self._code_of(new)
        draft.splices.append(Splice(target, target + 1, (Code(code, stands_for=target),)))
        if mark >= 0 and code != b"t":
            draft.splices.append(Splice(mark, mark + 1, has_top=True))
        elif mark < 0 and code == b"t":
            start = draft.geometry.start(self.slots[0])
            draft.splices.append(Splice(start, start, (Code(_MARK),)))

    def _code_of(self, size: int) -> bytes:
        protocol = self.draft.style.protocol
        if size < len(_TUPLE_CODES) and protocol >= 2:
            return _TUPLE_CODES[size]
        return b")" if not size and protocol == 1 else b"t"
