"""Reading an edited pickle back: it must be the old graph with the edit made, and nothing else."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, count
from operator import itemgetter, ne

from app.codecs.model import Value
from app.codecs.pickle.editing.assemble import FRAME_BYTES
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.intent import CHANGES, Part, Ref, part_of
from app.codecs.pickle.editing.program import Moves
from app.codecs.pickle.editing.same_value import is_same_value
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.opcodes import GETS
from app.errors import EncodeError

_CHUNK = 4096


class Different(Exception):
    """The result is not what was meant."""


class Verifier:
    """Compares an edited pickle with the original.

    Every old object that is still there has one new offset, known from where its opcode went. Places are compared by
    the objects that stand in them: each place must hold the same object as before, or what the edit put there.
    Opcodes that were copied are the same by their bytes, so an object is the same when its places are.
    """

    def __init__(self, draft: Draft, again: Graph, moves: Moves) -> None:
        self._draft = draft
        self._intent = draft.intent
        self._links = draft.links
        self._geometry = draft.geometry
        self._old = draft.stream
        self._again = again
        self._new = again.stream
        self._moves = moves
        self._exempt = {target for target, _ in draft.intent.contents} | draft.intent.objects.keys()
        """The objects that other opcodes may change than before."""
        self._found: dict[int, int] = {}

    def is_as_meant(self) -> bool:
        """Tell whether the result reads back as the original with the draft's intent carried out.

        Raises:
            Cancelled: by the draft's token.
        """
        try:
            self._check_ends()
            self._check_bytes()
            self._check_records()
            self._check_logs()
            self._check_changes()
            self._check_memo()
            self._check_copies()
            self._check_contents()
        except Different:
            return False
        return True

    def _check_ends(self) -> None:
        old, new = self._old, self._new
        require(not new.error and new.protocol == old.protocol and new.open_marks == old.open_marks)
        require(len(new.frames) == len(old.frames))
        self._check_places([old.root, *old.left], [new.root, *new.left])
        require(new.stop == len(new.data) - (len(old.data) - old.stop) and new.start == old.start)

    def _check_bytes(self) -> None:
        """Compare what was copied byte for byte, but for the lengths of frames."""
        old, new = memoryview(self._old.data), memoryview(self._new.data)
        frames = [pos for pos, _ in self._old.frames]
        for start, end, now in self._moves.segments:
            shift = now - start
            at = start
            for pos in frames[bisect_left(frames, start) : bisect_left(frames, end)]:
                require(old[at : pos + 1] == new[at + shift : pos + 1 + shift])
                at = pos + FRAME_BYTES
            require(old[at:end] == new[at + shift : end + shift])

    # Opcodes that moved together and are the same byte for byte do the same to what they push themselves: by induction
    # over them, as long as what stands on the stack above where it stood before the first of them is the same in both
    # pickles, the next one is carried out alike, and only what reaches below that can differ. So of such a stretch
    # these are compared, and no others: which opcodes take something, what those take that reach below (slots ascend
    # in what an opcode takes, so the first tells), what changes objects made before, and what the memo holds then.
    def _check_records(self) -> None:
        """Compare what each kept opcode takes from the stack."""
        positions, found = self._geometry.positions, list(self._new.records)
        changed = self._changed_records()
        looked_at = {self._geometry.consumer(slot) for slot in self._intent.places}
        kept = 0
        for number, (start, end, now) in enumerate(self._moves.segments):
            if number % _CHUNK == 0:
                self._draft.token.check()
            part = positions[bisect_left(positions, start) : bisect_left(positions, end)]
            first = bisect_left(found, now)
            kept += len(part)
            for at in range(0, len(part), _CHUNK):
                self._draft.token.check()
                chunk = part[at : at + _CHUNK]
                there = found[first + at : first + at + len(chunk)]
                require(there == [pos + now - start for pos in chunk])
                reaching = _reaching(self._old.records, chunk, start)
                require(self._are_alike(reaching, _reaching(self._new.records, there, now), now - start, changed))
                self._check_each((looked_at.intersection(chunk) | set(reaching)) - changed, now - start)
        require(len(found) == kept + len(self._taking_in_codes(found)))

    def _are_alike(self, reaching: Sequence[int], found: Sequence[int], shift: int, changed: set[int]) -> bool:
        """Tell whether the same opcodes reach below, but for those that are to take something else."""
        return {pos + shift for pos in reaching if pos not in changed} == {
            pos for pos in found if pos - shift not in changed
        }

    def _check_each(self, positions: Iterable[int], shift: int) -> None:
        """Compare what each of some opcodes takes, place by place."""
        for pos in positions:
            self._check_places(self._old.records[pos], self._new.records[pos + shift])

    def _taking_in_codes(self, found: Sequence[int]) -> list[int]:
        """Return those of the ascending new offsets that lie in new code."""
        return [
            pos
            for start, end in self._moves.codes
            for pos in found[bisect_left(found, start) : bisect_left(found, end)]
        ]

    def _changed_records(self) -> set[int]:
        """Return the opcodes that may take something else than before: those of objects whose contents change."""
        changed: set[int] = set()
        for target, _ in self._intent.contents:
            changed.update((target, *self._old.logs.get(target, ())))
        return changed

    def _check_logs(self) -> None:
        """Compare which opcodes change each kept object, and in which order, where they did not move with it."""
        moves, new, exempt = self._moves, self._new.logs, self._exempt
        start = end = 0
        for target, log in self._old.logs.items():
            if not start <= target < end:
                start, end, _ = moves.segment(target)
            if start <= target and log[-1] < end:
                continue
            now = moves(target)
            if (new.get(now, []) if now >= 0 else [-1] * len(log)) != moves.all(log):
                require(target in exempt)

    # Each kept opcode that changed a kept object does so still, as far as that object is not to change: what is
    # left are those that changed one that is, and new ones.
    def _check_changes(self) -> None:
        """Require that no other opcode changes a kept object that is to stay as it is."""
        new, moves = self._new, self._moves
        others = {pos for pos in self._taking_in_codes(list(new.records)) if new.data[pos] in CHANGES}
        for target in self._exempt:
            others.update(moves.all(self._old.logs.get(target, ())))
        others.discard(-1)
        if not others:
            return
        made, may_change = set(moves.made.values()), set(moves.all(list(self._exempt)))
        for target, log in new.logs.items():
            if not others.isdisjoint(log) and target not in may_change:
                require(moves.is_new(target) and target not in made)

    def _check_copies(self) -> None:
        """Compare which object each kept DUP and READONLY_BUFFER stands for."""
        data = self._old.data
        for slot in list(self._old.aliases):  # which remembers more when it is asked
            now = self._moves(slot) if data[slot] not in GETS else -1
            if now >= 0:
                self._check_place(slot, now)

    def _check_memo(self) -> None:
        """Compare which object each kept GET fetches."""
        old, new = self._old, self._new
        if isinstance(old.memo, list) and isinstance(new.memo, list):
            other = self._numbered_otherwise(old.memo, new.memo)
            if not other:
                return
            read = self._links.among_fetched(other)
            gets = self._links.gets_of(read)
            if not gets:
                return
            # a memo number stands for one object in either pickle, so one of its GETs tells of all
            gets = self._links.first_of_each(gets, read, lambda get: self._moves(get) >= 0)
        else:
            gets = self._links.gets
        self._check_gets(gets)

    def _numbered_otherwise(self, before: list[int], now: list[int]) -> set[int]:
        """Return the memo numbers that stand for another object in the end, or for none."""
        token, size = self._draft.stage(2), len(self._old.data)
        other: set[int] = set()
        for at in range(0, len(before), _CHUNK):
            expected = self._moves.all(before[at : at + _CHUNK])
            found = now[at : at + _CHUNK]
            if expected != found:
                found += [-1] * (len(expected) - len(found))
                other.update(compress(count(at), map(ne, expected, found)))
            token.advance(max(before[at], 0), size)
        return other

    def _check_gets(self, gets: Sequence[int]) -> None:
        old, new = self._old, self._new
        targets = self._moves.all([old.target(get) for get in gets])
        for get, now, target in zip(gets, self._moves.all(gets), targets, strict=True):
            if now >= 0 and (target < 0 or new.target(now) != target):
                self._check_place(get, now)

    def _check_contents(self) -> None:
        """Compare the objects that hold something else than before."""
        contents = self._intent.contents
        for target in {target for target, _ in contents}:
            now = self._moves(target)
            require(now >= 0)
            for part in Part:
                expected: Sequence[Ref] = contents.get((target, part), part_of(self._old, target, part))
                self._check_places(expected, part_of(self._new, now, part))
        for target, name in self._intent.names.items():
            now = self._moves(target)
            require(now >= 0 and self._again.global_name(now) == name)

    def _check_places(self, expected: Sequence[Ref], found: Sequence[int]) -> None:
        require(len(expected) == len(found))
        offsets = self._moves.all([ref if isinstance(ref, int) else -1 for ref in expected])
        for ref, offset, slot in zip(expected, offsets, found, strict=True):
            if offset != slot or ref in self._intent.places:
                self._check_place(ref, slot)

    def _check_place(self, ref: Ref, slot: int) -> None:
        """Compare what stands at the new ``slot`` with what should."""
        if isinstance(ref, int):
            target = self._old.target(ref)
            value = self._intent.places.get(ref) or self._intent.objects.get(target)
            if value is None:
                require(self._moves(target) == self._new.target(slot) >= 0)
                return
            ref = value
        self._check_new(ref, slot)

    def _check_new(self, value: Value, slot: int) -> None:
        target = self._new.target(slot)
        known = self._found.get(id(value))
        if known is not None:
            require(known == target)
            return
        self._found[id(value)] = target
        try:
            found = model_of(self._again, slot, self._draft.token)
        except EncodeError as error:
            raise Different from error
        require(is_same_value(value, found, self._draft.style, self._draft.token))


def require(is_so: bool) -> None:
    """Raise `Different` unless it is so."""
    if not is_so:
        raise Different


def _reaching(records: Mapping[int, Sequence[int]], positions: Sequence[int], start: int) -> list[int]:
    """Return those of some opcodes that take what was pushed before ``start``."""
    taken = [records[pos] for pos in positions]
    try:
        if min(map(_FIRST, taken)) >= start:
            return []
    except IndexError:
        pass  # one takes nothing
    return [pos for pos, kids in zip(positions, taken, strict=True) if kids and kids[0] < start]


_FIRST = itemgetter(0)
