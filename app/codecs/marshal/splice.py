"""New bytes of a value from cuts into its old ones, with all references counted anew.

References name objects by their number in the stream. Where a cut takes away an object that is still referenced, or
puts a reference before its object, the object is written at the first place that is left of it.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.cancel import CancelToken
from app.codecs.marshal.encode import Define, Kept, Piece, Use
from app.codecs.marshal.stream import FLAG_REF, REF, STRING_REF, Stream

LONE: Final = -(1 << 40)
"""The key of a new object that keeps the number of the old one, while no reference names it."""

_REFERENCE_BYTES = 5
_CHECKED = 8192


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes ``start`` to ``end`` become the pieces, wherever the container at ``owner`` is written.

    Where ``start`` is the owner, its header is changed.
    """

    owner: int
    start: int
    end: int
    pieces: Sequence[Piece] = ()


@dataclass(slots=True)
class _Range:
    """Old bytes that are being written, and the cuts into them that are still to come."""

    at: int
    end: int
    cuts: list[Cut] = field(default_factory=list)


def events_of(stream: Stream, *, always: bool = False) -> list[int]:
    """Return the slots of references and of what they can name, in order; none where there are no references.

    ``always``: also where there are none yet.
    """
    if not stream.uses and not always:
        return []
    interned = stream.interned if any(stream.type_code(slot) == STRING_REF for slot in stream.uses) else []
    return sorted({*stream.refs, *stream.uses, *interned})


def spliced(stream: Stream, cuts: Sequence[Cut], token: CancelToken) -> bytes:
    """Return all the bytes of the value with the cuts made, header and what follows included."""
    body = _joined(stream, cuts) if keeps_numbers(stream, cuts) else _Splicer(stream, cuts, token).run()
    return stream.data[: stream.start] + body + stream.data[stream.stop :]


def keeps_numbers(stream: Stream, cuts: Sequence[Cut]) -> bool:
    """Tell whether the objects that are counted stay the same in number and order, so that all else can stay."""
    return all(_keeps_numbers(stream, cut) for cut in cuts)


def _keeps_numbers(stream: Stream, cut: Cut) -> bool:
    gone = [slot for named in (stream.refs, stream.interned) for slot in _within(named, cut)]
    kinds = [type(piece) for piece in cut.pieces]
    if not gone:
        return all(kind is bytes for kind in kinds)
    first = cut.pieces[0] if cut.pieces else b""
    is_kept = isinstance(first, Define) and first.key in (cut.start, LONE)
    return gone == [cut.start] and is_kept and all(kind is bytes for kind in kinds[1:])


def _within(slots: Sequence[int], cut: Cut) -> Sequence[int]:
    return slots[bisect_left(slots, cut.start) : bisect_left(slots, cut.end)]


def _joined(stream: Stream, cuts: Sequence[Cut]) -> bytes:
    written, at = [], stream.start
    for cut in _in_order(cuts):
        written += [stream.data[at : cut.start], _code(cut)]
        at = cut.end
    return b"".join([*written, stream.data[at : stream.stop]])


def _code(cut: Cut) -> bytes:
    """Return the code of a cut that keeps all numbers."""
    codes = [piece.code if isinstance(piece, Define) else piece for piece in cut.pieces]
    return b"".join(code for code in codes if isinstance(code, bytes))


def _in_order(cuts: Sequence[Cut]) -> list[Cut]:
    return sorted(cuts, key=lambda cut: (cut.start, cut.end))


def counts_alike(old: Stream, new: Stream, cuts: Sequence[Cut]) -> bool:
    """Tell whether every counted object of ``old`` has the same number in ``new``, where the cuts moved it to."""
    if not keeps_numbers(old, cuts):
        return False
    return all(_moved(was, cuts) == now for was, now in ((old.refs, new.refs), (old.interned, new.interned)))


def _moved(slots: Sequence[int], cuts: Sequence[Cut]) -> list[int]:
    """Return slots in order as they are after cuts that keep all numbers."""
    moved: list[int] = []
    shift = place = 0
    for cut in _in_order(cuts):
        behind = bisect_right(slots, cut.start if cut.end > cut.start else cut.start - 1)
        moved += [slot + shift for slot in slots[place:behind]]
        shift, place = shift + len(_code(cut)) - (cut.end - cut.start), behind
    return moved + [slot + shift for slot in slots[place:]]


class _Splicer:
    def __init__(self, stream: Stream, cuts: Sequence[Cut], token: CancelToken) -> None:
        self._stream = stream
        self._cuts = _in_order(cuts)
        self._token = token
        has_new = any(isinstance(piece, Use) for cut in cuts for piece in cut.pieces)
        self._events = events_of(stream, always=has_new)
        self._numbers: dict[int, tuple[int, int]] = {}
        """By key, the type code of references to the object and its number."""
        self._counts = {REF: 0, STRING_REF: 0}
        self._written: list[bytes] = []
        self._waiting: list[_Range | Piece] = []

    def run(self) -> bytes:
        self._waiting.append(Kept(self._stream.start, self._stream.stop))
        while self._waiting:
            if len(self._written) % _CHECKED == 0:
                self._token.check()
            self._write(self._waiting.pop())
        return b"".join(self._written)

    def _write(self, piece: _Range | Piece) -> None:
        match piece:
            case bytes():
                self._written.append(piece)
            case Define(key, code, is_string):
                self._define(key, STRING_REF if is_string else REF)
                self._written.append(code)
            case Use(key):
                self._written.append(self._reference(key))
            case Kept(start, end):
                self._waiting.append(_Range(start, end, self._cuts_into(start, end)))
            case _Range():
                self._continue(piece)

    def _cuts_into(self, start: int, end: int) -> list[Cut]:
        """Return the cuts, the last first, whose owner is written whole in a range."""
        return [cut for cut in reversed(self._cuts) if start <= cut.owner and self._stream.end(cut.owner) <= end]

    def _continue(self, part: _Range) -> None:
        """Write a range up to the next cut or reference; what is left of it waits behind what comes there."""
        event = self._next_event(part.at)
        cut = part.cuts[-1] if part.cuts else None
        if cut is not None and cut.start <= min(event, part.end) and not self._is_written(cut):
            self._copy(part, cut.start)
            part.cuts.pop()
            part.at = cut.end
            self._waiting += [part, *reversed(cut.pieces)]
        elif event < part.end:
            self._copy(part, event)
            self._meet(part, event)
        else:
            self._copy(part, part.end)

    def _is_written(self, cut: Cut) -> bool:
        """Tell whether a cut is into the header of an object that came before."""
        return cut.start == cut.owner and cut.start in self._numbers

    def _next_event(self, at: int) -> int:
        place = bisect_left(self._events, at)
        return self._events[place] if place < len(self._events) else self._stream.stop

    def _copy(self, part: _Range, end: int) -> None:
        self._written.append(self._stream.data[part.at : end])
        part.at = end

    def _meet(self, part: _Range, slot: int) -> None:
        """Write what stands at an event: a reference, or an object that can be named, or a reference in its place."""
        stream = self._stream
        self._waiting.append(part)
        if stream.type_code(slot) in (REF, STRING_REF):
            part.at = slot + _REFERENCE_BYTES
            target = stream.target(slot)
            known = target in self._numbers
            self._waiting.append(Use(target) if known else Kept(target, stream.end(target)))
        elif slot in self._numbers:
            self._pass(part, stream.end(slot))
            self._waiting.append(Use(slot))
        else:
            self._define(slot, REF if stream.data[slot] & FLAG_REF else STRING_REF)
            self._copy(part, slot + 1)

    def _pass(self, part: _Range, end: int) -> None:
        part.at = end
        part.cuts = [cut for cut in part.cuts if cut.start >= end]

    def _define(self, key: int, space: int) -> None:
        self._numbers[key] = space, self._counts[space]
        self._counts[space] += 1

    def _reference(self, key: int) -> bytes:
        return struct.pack("<Bi", *self._numbers[key])
