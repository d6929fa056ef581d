"""Where the opcodes of each place begin and end: the region that an edit cuts out, moves or puts something before."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from app.codecs.pickle.opcodes import CODE
from app.codecs.pickle.stream import Stream
from app.errors import EncodeError

_MARK = CODE["MARK"]


@dataclass(frozen=True, slots=True)
class Region:
    """Offsets ``start`` to ``end`` (exclusive) of the opcodes that push one value, its PUTs and changes included."""

    start: int
    end: int

    def __contains__(self, offset: int) -> bool:
        return self.start <= offset < self.end


class Geometry:
    """Regions of one whole pickle.

    What a POP throws away right before a value belongs to that value: picklers write tuples that hold themselves so.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.positions = list(stream.records)
        """Offsets of all opcodes that took values from the stack, ascending."""
        self._starts: dict[int, int] = {}
        self._thrown: dict[int, int] = {}
        """The start of what is thrown away by the offset behind its POP."""
        self._popped_at = dict(zip(stream.popped, stream.pops, strict=True))
        for slot, pos in self._popped_at.items():
            self._note_thrown(slot, pos)

    def _note_thrown(self, slot: int, pos: int) -> None:
        start = self.start(slot)
        data = self.stream.data
        if data[pos] == CODE["POP_MARK"] and start > self.stream.start and data[start - 1] == _MARK:
            start -= 1
        self._thrown[pos + 1] = min(start, self._thrown.get(pos + 1, start))

    def start(self, slot: int) -> int:
        """Return the offset where the opcodes that push ``slot`` begin."""
        stream = self.stream
        chain = []
        while slot not in self._starts and slot not in stream.marks and slot in stream.records:
            chain.append(slot)
            slot = stream.records[slot][0]
        start = self._starts.get(slot, -1)
        if start < 0:
            start = stream.marks.get(slot, slot)
            while start in self._thrown:
                start = self._thrown[start]
        self._starts.update(dict.fromkeys(chain, start))
        return start

    def consumer(self, slot: int) -> int:
        """Return the offset of the opcode that takes ``slot`` from the stack; of STOP for the root.

        Raises:
            EncodeError: nothing takes it, so that its region has no end.
        """
        stream = self.stream
        if slot == stream.root:
            return stream.stop - 1
        if slot in self._popped_at:
            return self._popped_at[slot]
        for at in range(bisect_right(self.positions, slot), len(self.positions)):
            kids = stream.records[self.positions[at]]
            if kids and kids[0] <= slot <= kids[-1] and kids[bisect_left(kids, slot)] == slot:
                return self.positions[at]
        raise EncodeError("This value is left over on the stack, so it cannot be edited.")

    def taken_by(self, consumer: int) -> Sequence[int]:
        """Return the slots that the opcode at ``consumer`` takes."""
        kids = self.stream.records.get(consumer)
        if kids is not None:
            return kids
        return (self.stream.root,) if consumer == self.stream.stop - 1 else ()

    def region(self, slot: int) -> Region:
        """Return where the opcodes of a place are."""
        return self.region_in(slot, self.consumer(slot))

    def region_in(self, slot: int, consumer: int) -> Region:
        """Return the region of a slot that the opcode at ``consumer`` takes."""
        kids = self.taken_by(consumer)
        at = bisect_left(kids, slot) + 1
        return Region(self.start(slot), self.start(kids[at]) if at < len(kids) else consumer)
