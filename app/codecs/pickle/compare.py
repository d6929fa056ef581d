"""Whether an edited pickle is the original but for the edit: every record at its shifted offset, the memo, the root."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.codecs.pickle.stream import Stream


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes ``start`` to ``end`` of the original become ``code``, and ``slot`` becomes ``new_slot``.

    With ``keeps_old`` the old value is still built for the memo, then popped.
    """

    start: int
    end: int
    code: bytes
    slot: int
    new_slot: int
    keeps_old: bool

    def moved(self, offset: int) -> int:
        """Return where an offset of the original is now."""
        return offset if offset < self.start else offset + len(self.code) - (self.end - self.start)

    def kid(self, slot: int) -> int:
        """Return the slot that stands now where ``slot`` stood."""
        return self.new_slot if slot == self.slot else self.moved(slot)

    def memoized(self, slot: int) -> int:
        """Return the slot that the memo holds now for one that it held."""
        return self.moved(slot) if self.keeps_old else self.kid(slot)

    def is_new(self, offset: int) -> bool:
        """Tell whether an offset of the result lies in the new code."""
        return self.start <= offset < self.start + len(self.code)


def is_same_but_for(old: Stream, new: Stream, cut: Cut) -> bool:
    """Tell whether ``new`` is ``old`` with the cut made and nothing else changed.

    The bytes outside of the cut are the same already, so equal records mean equal values, sharing and order.
    """
    return (
        not new.error
        and new.stop == cut.moved(old.stop)
        and new.root == cut.kid(old.root)
        and new.protocol == old.protocol
        and new.left == [cut.kid(slot) for slot in old.left]
        and [pos for pos, _ in new.frames] == [cut.moved(pos) for pos, _ in old.frames]
        and _has_same_memo(old, new, cut)
        and _has_same_records(old, new, cut)
        and new.logs == {cut.moved(target): [cut.moved(pos) for pos in log] for target, log in old.logs.items()}
    )


def _has_same_records(old: Stream, new: Stream, cut: Cut) -> bool:
    kept = sum(1 for pos in new.records if not cut.is_new(pos))
    if kept != len(old.records):
        return False
    shift = len(cut.code) - (cut.end - cut.start)
    for pos, kids in old.records.items():
        is_before = pos < cut.start
        found = new.records.get(pos if is_before else pos + shift)
        if found is None or not _has_same_kids(kids, found, cut, is_before=is_before):
            return False
    return True


def _has_same_kids(old: Sequence[int], new: Sequence[int], cut: Cut, *, is_before: bool) -> bool:
    if is_before and cut.slot not in old:
        return old == new
    if len(old) != len(new):
        return False
    start, slot = cut.start, cut.slot
    shift = len(cut.code) - (cut.end - start)
    return all(
        now == (cut.new_slot if was == slot else was + shift if was >= start else was)
        for was, now in zip(old, new, strict=True)
    )


def _has_same_memo(old: Stream, new: Stream, cut: Cut) -> bool:
    before = {index: cut.memoized(slot) for index, slot in _filled(old).items()}
    if before != _filled(new):
        return False
    aliases = {cut.kid(slot): cut.memoized(target) for slot, target in old.aliases.items() if slot != cut.slot}
    return aliases == {slot: target for slot, target in new.aliases.items() if not cut.is_new(slot)}


def _filled(stream: Stream) -> dict[int, int]:
    memo = stream.memo
    pairs = memo.items() if isinstance(memo, dict) else enumerate(memo) if isinstance(memo, list) else ()
    return {index: slot for index, slot in pairs if slot >= 0}
