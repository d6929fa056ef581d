"""A large result read beside its original: what is as it was is compared at once and not held again."""

from abc import abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, MutableMapping, Sequence, ValuesView
from operator import itemgetter
from typing import TypeVar

from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.program import Moves
from app.codecs.pickle.editing.verify import Verifier, require
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.stream import Stream

T = TypeVar("T")

_Taken = MutableMapping[int, Sequence[int]]

_CHUNK = 4096


class Beside:
    """Takes away from the records of a result, while the machine writes them, what its original has as well.

    Each opcode that was copied must take from the stack what it took, as far as its stretch of copied opcodes goes;
    so one that does is looked up in the original from then on. What is otherwise is kept, to be judged at the end.
    MARKs are not kept: nobody asks a result for them.

    Raises:
        Different: from any step, when some other opcodes take something than did.
    """

    def __init__(self, draft: Draft, moves: Moves) -> None:
        intent = draft.intent
        self.old = draft.stream
        self.moves = moves
        self.positions = draft.geometry.positions
        self.segments = sorted((now, now + end - start, start) for start, end, now in moves.segments)
        self._nows = [now for now, _, _ in self.segments]
        self.changed = {target for target, _ in intent.contents}
        """The objects whose contents change."""
        self.exempt = self.changed | intent.objects.keys()
        """The objects of which any opcode may change another one."""
        self._looked_at = {draft.geometry.consumer(slot) for slot in intent.places}
        for target in self.changed:
            self._looked_at.update((target, *self.old.logs.get(target, ())))

    def begin(self) -> None:
        """Start, or start again with what is read once more."""
        self._from = 0
        self._at = 0
        self.records: dict[int, Sequence[int]] = {}
        """What opcodes take that are new, or take something else, by their new offsets."""
        self.logs: dict[int, list[int]] = {}
        """What changes the objects that are new or exempt, by their new offsets."""
        self.unlike: list[int] = []
        """The old offsets of the copied opcodes among ``records``."""
        self.alike = 0
        """How many objects are changed by the same opcodes as before."""
        self._begun: dict[int, int] = {}
        """How many opcodes of its log an object has met so far, where more are to come."""

    def settle(self, stream: Stream, pos: int) -> None:
        """Take away what the opcodes before the new offset ``pos`` left since the last time."""
        self._settle_records(stream.records, pos)
        self._settle_logs(stream.logs)
        stream.records.clear()
        stream.logs.clear()
        stream.marks.clear()
        self._from = pos

    def finish(self, stream: Stream) -> None:
        """Settle the rest, and let the stream look up what was taken away."""
        if stream.error:  # it is refused, whatever it holds
            self.records.update(stream.records)
        else:
            self.settle(stream, len(stream.data))
            require(not self._begun)
        stream.records = _Records(self.records, self)
        stream.logs = _Logs(self.logs, self)

    def before(self, pos: int) -> int:
        """Return the old offset of the opcode at a new one, -1 where it was not there."""
        now, end, start = self._segment(pos)
        return pos - now + start if now <= pos < end else -1

    def _segment(self, pos: int) -> tuple[int, int, int]:
        """Return the stretch that a new offset lies in or behind: where it begins and ends, and began before."""
        at = bisect_right(self._nows, pos) - 1
        return self.segments[at] if at >= 0 else (0, 0, 0)

    def _settle_records(self, records: _Taken, pos: int) -> None:
        found = list(records)
        done = 0
        while self._at < len(self.segments) and self.segments[self._at][0] < pos:
            now, end, start = self.segments[self._at]
            first = bisect_left(found, max(now, self._from))
            last = bisect_left(found, min(end, pos), first)
            self.records.update((new, records[new]) for new in found[done:first])
            done = last
            shift = now - start
            kept = self.takers(max(now, self._from) - shift, min(end, pos) - shift)
            require(found[first:last] == [position + shift for position in kept])
            self._compare(records, kept, start, shift)
            if end > pos:
                break
            self._at += 1
        self.records.update((new, records[new]) for new in found[done:])

    def takers(self, start: int, end: int) -> Sequence[int]:
        """Return the old opcodes from ``start`` to ``end`` that took something."""
        first = bisect_left(self.positions, start)
        return self.positions[first : bisect_left(self.positions, end, first)]

    def _compare(self, records: _Taken, kept: Sequence[int], start: int, shift: int) -> None:
        """Keep what opcodes take where that reaches out of their stretch, which begins at ``start``, in either pickle.

        Slots ascend in what an opcode takes, so the first tells. `verify` says why the others take the same.
        """
        old, looked_at = self.old.records, self._looked_at
        was, taken = [old[pos] for pos in kept], [records[pos + shift] for pos in kept]
        if _all_from(start, was) and _all_from(start + shift, taken) and looked_at.isdisjoint(kept):
            return
        for pos, before, now in zip(kept, was, taken, strict=True):
            if not (before and before[0] >= start and now and now[0] >= start + shift) or pos in looked_at:
                self.records[pos + shift] = now
                self.unlike.append(pos)

    def _settle_logs(self, logs: MutableMapping[int, list[int]]) -> None:
        old, begun, exempt = self.old.logs, self._begun, self.exempt
        now, end, shift = 0, 0, 0
        for target, log in logs.items():
            if not now <= target < end:
                now, end, start = self._segment(target)
                shift = now - start
            whole: Sequence[int] = old.get(target - shift, ())
            is_apart = target not in begun and target < end and target - shift not in exempt
            if is_apart and len(whole) == len(log) and log[-1] < end and whole[-1] + shift == log[-1]:
                self.alike += 1  # all within one stretch: what is between is the same, too
            else:
                self._settle_log(target, log)

    def _settle_log(self, target: int, log: list[int]) -> None:
        """Require that a kept object is changed by the next of the opcodes that changed it, and by no others."""
        source = self.before(target)
        if source < 0 or source in self.exempt:
            self.logs.setdefault(target, []).extend(log)
            return
        whole: Sequence[int] = self.old.logs.get(source, ())
        met = self._begun.pop(target, 0)
        behind = met + len(log)
        require(self.moves.all(whole[met:behind]) == log)
        if behind < len(whole):
            self._begun[target] = behind
        else:
            self.alike += 1


def _all_from(start: int, taken: Sequence[Sequence[int]]) -> bool:
    """Tell whether all of some opcodes take something, and nothing that was pushed before ``start``."""
    try:
        return not taken or min(map(_FIRST, taken)) >= start
    except IndexError:
        return False


_FIRST = itemgetter(0)


class _Joined(MutableMapping[int, T]):
    """What is kept of a result by new offset, before what its original has."""

    def __init__(self, kept: dict[int, T], beside: Beside) -> None:
        self._kept = kept
        self._beside = beside

    @abstractmethod
    def _carried(self, pos: int) -> T | None:
        """Return what stands at a new offset as it did in the original."""

    @abstractmethod
    def _all_carried(self) -> Iterator[int]:
        """Yield the new offsets of all that stands as it did, and of some that does not."""

    def __getitem__(self, pos: int) -> T:
        found = self._kept.get(pos)
        if found is None and (found := self._carried(pos)) is None:
            raise KeyError(pos)
        return found

    def __setitem__(self, pos: int, value: T) -> None:
        self._kept[pos] = value

    def __delitem__(self, pos: int) -> None:
        del self._kept[pos]

    def __iter__(self) -> Iterator[int]:
        """Yield all offsets, in no order."""
        yield from self._kept
        yield from (pos for pos in self._all_carried() if pos not in self._kept)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Records(_Joined[Sequence[int]]):
    """What opcodes take."""

    def _carried(self, pos: int) -> Sequence[int] | None:
        source = self._beside.before(pos)
        taken = self._beside.old.records.get(source)
        return None if taken is None else [slot + pos - source for slot in taken]

    def _all_carried(self) -> Iterator[int]:
        return filter((-1).__ne__, self._beside.moves.all(self._beside.positions))

    def values(self) -> ValuesView[Sequence[int]]:
        return _EachTaken(self, self._kept, self._beside)


class _EachTaken(ValuesView[Sequence[int]]):
    """What each opcode takes, without looking up one after the other."""

    def __init__(self, records: _Records, kept: dict[int, Sequence[int]], beside: Beside) -> None:
        super().__init__(records)
        self._kept = kept
        self._beside = beside

    def __iter__(self) -> Iterator[Sequence[int]]:
        yield from self._kept.values()
        taken = self._beside.old.records
        for now, end, start in self._beside.segments:
            shift = now - start
            for pos in self._beside.takers(start, end - shift):
                if pos + shift not in self._kept:
                    yield [slot + shift for slot in taken[pos]]


class _Logs(_Joined[list[int]]):
    """What changes objects."""

    def _carried(self, pos: int) -> list[int] | None:
        beside = self._beside
        source = beside.before(pos)
        log = None if source in beside.exempt else beside.old.logs.get(source)
        return None if log is None else beside.moves.all(log)

    def _all_carried(self) -> Iterator[int]:
        beside = self._beside
        return filter(
            (-1).__ne__, beside.moves.all([target for target in beside.old.logs if target not in beside.exempt])
        )


class BesideVerifier(Verifier):
    """Compares what a reading beside the original left to be compared."""

    def __init__(self, draft: Draft, again: Graph, moves: Moves, beside: Beside) -> None:
        super().__init__(draft, again, moves)
        self._beside = beside

    def _check_records(self) -> None:
        changed = self._changed_records()
        for number, pos in enumerate(self._beside.unlike):
            if number % _CHUNK == 0:
                self._draft.token.check()
            if pos not in changed:
                self._check_places(self._old.records[pos], self._beside.records[self._moves(pos)])

    def _check_logs(self) -> None:
        moves, logs, exempt = self._moves, self._old.logs, self._exempt
        for target in moves.made.keys() - exempt:
            require(self._beside.logs.get(moves(target), []) == moves.all(logs.get(target, [])))
        start = end = kept = 0
        for number, target in enumerate(logs):
            if number % _CHUNK == 0:
                self._draft.token.check()
            if not start <= target < end:
                start, end, _ = moves.segment(target)
            if target in exempt or target in moves.made:
                continue
            if start <= target < end:
                kept += 1
            else:
                require(max(moves.all(logs[target])) < 0)
        require(self._beside.alike == kept)

    def _check_changes(self) -> None:
        """Do nothing: an opcode that changed another kept object has ended the reading."""
