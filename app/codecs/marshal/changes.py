"""What an edit does to the bytes and what it means: containers that get other parts, or the same in another order."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from app.cancel import CancelToken
from app.codecs.marshal.compare import Intended, Part
from app.codecs.marshal.encode import Define, Form, Kept, Piece, header, pieces_of
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.splice import Cut
from app.codecs.marshal.stream import FLAG_REF
from app.codecs.model import Value
from app.errors import EncodeError

_LONG_TUPLE = 255
"""Items of the longest tuple whose length takes one byte."""


@dataclass(frozen=True, slots=True)
class Change:
    """The cuts that make an edit, and the value that they are to make."""

    cuts: Sequence[Cut]
    intended: Intended


def cut_of(graph: MarshalGraph, slot: int, pieces: Sequence[Piece]) -> Cut:
    """Return the cut that puts pieces in the place of what is written at a slot."""
    trail = graph.trail(slot)
    owner = trail[-2] if len(trail) > 1 else slot
    return Cut(owner, slot, graph.stream.end(slot), pieces)


class Reshaped:
    """A container whose parts change: items one by one, of a dict keys and values by pairs."""

    def __init__(self, graph: MarshalGraph, slot: int) -> None:
        self._graph = graph
        self._stream = graph.stream
        self._target = graph.target(slot)
        self._letter = chr(self._stream.type_code(self._target))
        self._step = 2 if self._letter == "{" else 1
        self.parts: Sequence[int] = graph.elements(self._target)

    def inserted(self, index: int, values: Sequence[Value], form: Form, token: CancelToken) -> Change:
        """Return the change that puts values, of a dict a key and a value, before part ``index``."""
        at = self.parts[index] if index < len(self.parts) else self._end
        pieces = [piece for value in values for piece in pieces_of(value, form, token)]
        parts: list[Part] = [*self.parts[:index], *values, *self.parts[index:]]
        return self._change([Cut(self._target, at, at, pieces)], parts, form)

    def without(self, slots: Sequence[int], form: Form) -> Change:
        """Return the change that takes items, or the pairs of values, out."""
        gone = {place - place % self._step for place in map(self._place, slots)}
        ends = {place: self._start(place + self._step) for place in gone}
        cuts = [Cut(self._target, self.parts[place], ends[place]) for place in sorted(gone)]
        parts = [slot for place, slot in enumerate(self.parts) if place - place % self._step not in gone]
        return self._change(cuts, parts, form)

    def reordered(self, order: Sequence[int]) -> Change:
        """Return the change that puts items or pairs in another order."""
        step, count = self._step, len(self.parts) // self._step
        if len(order) != count or set(order) != set(range(count)):
            raise EncodeError(f"The new order must name each of the {count:,} positions once.")
        starts = [self._start(place * step) for place in range(count + 1)]
        pieces = [Kept(starts[place], starts[place + 1]) for place in order]
        parts = [self.parts[place * step + at] for place in order for at in range(step)]
        return Change(
            [Cut(self._target, starts[0], starts[-1], pieces)], Intended(self._graph.root, {self._target: parts})
        )

    @property
    def _end(self) -> int:
        """The offset behind the last part."""
        return self._stream.end(self._target) - (self._letter == "{")

    def _start(self, place: int) -> int:
        return self.parts[place] if place < len(self.parts) else self._end

    def _place(self, slot: int) -> int:
        return bisect_left(self.parts, slot)

    def _change(self, cuts: list[Cut], parts: Sequence[Part], form: Form) -> Change:
        """Return cuts together with the one that writes the new count."""
        intended = Intended(self._graph.root, {self._target: parts})
        if self._letter == "{":
            return Change(cuts, intended)
        stays_long = self._letter == "(" and len(self.parts) <= _LONG_TUPLE
        code = header(self._letter, len(parts), form, keeps_long=stays_long)
        size = self._stream.header_size(self._target)
        piece: Piece = code
        if self._stream.data[self._target] & FLAG_REF:
            piece = Define(self._target, bytes((code[0] | FLAG_REF,)) + code[1:])
        return Change([Cut(self._target, self._target, self._target + size, [piece]), *cuts], intended)
