"""Whether a save was done in the midst of which the engine was lost: told by what it would have changed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from app.cancel import CancelToken
from app.document.history import EntryRef
from app.document.pending import PendingChanges
from app.document.pending_change import PendingChange
from app.document.places import moves_by_save, place_of
from app.document.snapshot import Snapshot, digest_or_none
from app.engine.base import Engine
from app.engine.fingerprints import HASH_BYTES
from app.errors import AppError, EngineStopped

_COMPARED = 1_000
"""Keys that are compared: a save is done as a whole or not at all, so that these tell of the others."""
_NOTED = 10_000
"""Values up to which a note of a save is written down: more would hold the save up."""
_ALL = b""
"""What entries are counted under where their keys are places, which are others after the save."""

Counts = dict[bytes, Counter[bytes]]
"""How often each value, by its digest, stands under a key."""


@dataclass(slots=True)
class BegunSave:
    """A save: its changes, how many entries there were before, and which of its keys had which values."""

    changes: Sequence[PendingChange] = ()
    count: int = 0
    is_unsure: bool = False
    """Whether the engine was lost before it told how the save ended."""
    _before: Counts = field(default_factory=dict)
    _gained: Counts = field(default_factory=dict)
    _lost: Counts = field(default_factory=dict)
    _is_by_place: bool = False
    _order_before: list[bytes] = field(default_factory=list)
    """Where keys are places: the hashes of all values in their order, and as it is to be after the save."""
    _order_after: list[bytes] = field(default_factory=list)

    def begin(
        self, snapshot: Snapshot, changes: Sequence[PendingChange], token: CancelToken, *, numbered: bool
    ) -> None:
        """Take a note of what is there; where keys repeat, the values of their other entries are read for that."""
        self.changes, self.count = changes, len(snapshot.index)
        self._is_by_place = numbered and bool(moves_by_save([change.ref for change in changes], changes, self.count))
        try:
            if self._is_by_place:
                self._note_places(snapshot, token)
            else:
                self._note_keys(snapshot, token)
        except EngineStopped:
            raise
        except AppError:
            self._before, self._gained, self._lost = {}, {}, {}  # the save itself will say what is wrong there
            self._order_before, self._order_after = [], []

    def _note_keys(self, snapshot: Snapshot, token: CancelToken) -> None:
        keys = dict.fromkeys(change.ref.key for change in self.changes[:_COMPARED])
        known = [change for change in self.changes if change.ref.key in keys]
        self._note((change.ref.key, digest_or_none(change.current), change.digest) for change in known)
        self._before = _counted(snapshot, keys, token) if snapshot.may_repeat else self._lost_alone(keys)

    def _lost_alone(self, keys: Iterable[bytes]) -> Counts:
        """Return what is there where a key comes once: what the changes were made from."""
        return {key: Counter(self._lost.get(key)) for key in keys}

    def _note_places(self, snapshot: Snapshot, token: CancelToken) -> None:
        hashes = _hashes(snapshot.engine, token)
        places = snapshot.stored_ids(change.ref for change in self.changes)
        self._note(
            (_ALL, _hash_or_none(change.current), hashes[places[change.ref]] if change.ref in places else None)
            for change in self.changes
        )
        self._before = {_ALL: Counter(hashes)}
        self._order_before, self._order_after = hashes, self._after(hashes, places)

    def _after(self, hashes: Sequence[bytes], places: Mapping[EntryRef, int]) -> list[bytes]:
        """Return the hashes of all values as the save leaves them: closed up, new ones last."""
        current = {places[change.ref]: _hash_or_none(change.current) for change in self.changes if change.ref in places}
        kept = (current.get(place, value) for place, value in enumerate(hashes))
        added = sorted(
            (change for change in self.changes if change.ref not in places), key=lambda change: place_of(change.ref.key)
        )
        new = (_hash_or_none(change.current) for change in added)
        return [value for value in (*kept, *new) if value is not None]

    def _note(self, steps: Iterable[tuple[bytes, bytes | None, bytes | None]]) -> None:
        for key, gained, lost in steps:
            for counts, value in ((self._gained, gained), (self._lost, lost)):
                if value is not None:
                    counts.setdefault(key, Counter())[value] += 1

    @contextmanager
    def unsure_when_lost(self) -> Iterator[None]:
        """Take note when the engine is lost meanwhile."""
        try:
            yield
        except EngineStopped:
            self.is_unsure = True
            raise

    def as_stored(
        self, pending: Mapping[EntryRef, PendingChange], known: Mapping[EntryRef, bytes | None], *, numbered: bool
    ) -> tuple[dict[EntryRef, PendingChange], dict[EntryRef, bytes | None]]:
        """Return what is pending beyond this save, and the digests of what is ``known``, by the names after it."""
        left = PendingChanges()
        left.changes.update(pending)
        left.take_as_stored(self.changes)
        moves = moves_by_save({*known, *left.changes}, self.changes, self.count) if numbered else {}
        left.move(moves)
        return left.changes, {moves.get(ref, ref): digest for ref, digest in known.items()}

    # ---- over a crash

    def record(self, *, may_repeat: bool) -> dict[str, Any] | None:
        """Return what tells later whether it was done; None where nobody has to know, or that is too long."""
        parts = (self._before, self._gained, self._lost)
        length = sum(len(counts) for part in parts for counts in part.values())
        length += len(self._order_before) + len(self._order_after)
        if not (may_repeat or self._is_by_place) or not 0 < length <= _NOTED:
            return None
        before, gained, lost = ([[key.hex(), _hex(counts)] for key, counts in part.items()] for part in parts)
        return {
            "kind": "save",
            "count": self.count,
            "by_place": self._is_by_place,
            "before": before,
            "gained": gained,
            "lost": lost,
            "order": [b"".join(order).hex() for order in (self._order_before, self._order_after)],
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any], changes: Sequence[PendingChange]) -> "BegunSave | None":
        """Return the save of these changes that a record tells of; None where it is no such record."""
        try:
            if record["kind"] != "save":
                return None
            before, gained, lost = (_counts_of(record[name]) for name in ("before", "gained", "lost"))
            count, is_by_place = int(record["count"]), bool(record["by_place"])
            order_before, order_after = map(_order_of, record["order"])
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
            return None
        return cls(
            changes,
            count,
            _before=before,
            _gained=gained,
            _lost=lost,
            _is_by_place=is_by_place,
            _order_before=order_before,
            _order_after=order_after,
        )

    # ---- what became of it

    def was_done(self, snapshot: Snapshot, token: CancelToken) -> bool:
        """Tell whether what is stored now is what the save was to leave, whatever else was written since."""
        if self._is_by_place and self._before:
            order = _hashes(snapshot.engine, token)
            was, is_ = (order[: len(known)] == known for known in (self._order_before, self._order_after))
            if was != is_:  # others may have put more behind
                return is_
            now = {_ALL: Counter(order)}
        else:
            now = _counted(snapshot, self._before, token)
        verdicts = [self._verdict(key, now) for key in self._before]
        return True in verdicts and False not in verdicts

    def _verdict(self, key: bytes, now: Mapping[bytes, Counter[bytes]]) -> bool | None:
        """Tell whether the values of a key are those after the save; None where they tell nothing."""
        before, after = self._before[key], now[key]
        gained, lost = self._gained.get(key, Counter()), self._lost.get(key, Counter())
        if gained == lost:
            return None
        if before == after:
            return False
        came, went = after - before, before - after
        return True if gained - lost <= came and lost - gained <= went else None


def _order_of(text: str) -> list[bytes]:
    data = bytes.fromhex(text)
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]


def _hex(counts: Counter[bytes]) -> dict[str, int]:
    return {digest.hex(): count for digest, count in counts.items()}


def _counts_of(record: Iterable[tuple[str, Mapping[str, int]]]) -> Counts:
    return {
        bytes.fromhex(key): Counter({bytes.fromhex(digest): int(count) for digest, count in counts.items()})
        for key, counts in record
    }


def _counted(snapshot: Snapshot, keys: Iterable[bytes], token: CancelToken) -> Counts:
    """Return the digests of all stored values of some keys."""
    found = snapshot.index.find_all(set(keys))
    return {key: Counter(_digest(snapshot, entry_id, token) for entry_id in ids) for key, ids in found.items()}


def _digest(snapshot: Snapshot, entry_id: int, token: CancelToken) -> bytes:
    try:
        return snapshot.digest(entry_id, token)
    except EngineStopped:
        raise
    except AppError:
        return b""  # it cannot be read, before and after


def _hashes(engine: Engine, token: CancelToken) -> list[bytes]:
    """Return a hash of the value of every entry, in their order."""
    data = b"".join(engine.fingerprints(token, values=True))
    return [data[end - HASH_BYTES : end] for end in range(2 * HASH_BYTES, len(data) + 1, 2 * HASH_BYTES)]


def _hash_or_none(value: bytes | None) -> bytes | None:
    return None if value is None else blake2b(value, digest_size=HASH_BYTES).digest()
