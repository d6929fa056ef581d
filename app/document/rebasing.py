"""Finding edited entries again once the keys were read anew: by key, and where keys repeat by what they hold."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.cancel import CancelToken
from app.document.history import NEW, EntryRef
from app.document.pending_change import PendingChange
from app.document.places import place_of
from app.document.snapshot import Snapshot, digest_or_none
from app.errors import AppError

_COMPARED = 2_000
"""Values that are compared at a reload; those beyond are compared when somebody goes back to them."""
_COMPARED_BYTES = 64 << 20
"""Bytes of those values."""


@dataclass(slots=True)
class Rebase:
    """Where edited entries are now.

    ``moves``: entries with another name than before. ``lost``: entries, by their old names, whose edits can no longer
    be undone. ``places``: the ids of pending changes whose entries are stored, by their new names.
    """

    moves: dict[EntryRef, EntryRef] = field(default_factory=dict)
    lost: set[EntryRef] = field(default_factory=set)
    places: dict[EntryRef, int] = field(default_factory=dict)
    settled: list[PendingChange] = field(default_factory=list)
    """Changes, by their old names, of entries that are what they were to be: somebody else made them so."""


def rebase(
    snapshot: Snapshot, known: Mapping[EntryRef, bytes | None], new_nth: Callable[[], int], token: CancelToken
) -> Rebase:
    """Return where entries are whose stored values had these SHA-256; None where they were not stored."""
    finder = _Finder(snapshot, new_nth, token)
    if snapshot.is_numbered:
        finder.find_numbered(known)
    elif snapshot.may_repeat:
        finder.find_repeated(known)
    else:
        finder.find_single(known)
    return finder.found


class _Finder:
    def __init__(self, snapshot: Snapshot, new_nth: Callable[[], int], token: CancelToken) -> None:
        self.found = Rebase()
        self._snapshot = snapshot
        self._new_nth = new_nth
        self._token = token
        self._compared = 0
        self._compared_bytes = 0

    def _digest(self, entry_id: int) -> bytes | None:
        """Return the SHA-256 of a stored value; None where it cannot be read, or enough were."""
        self._token.check()
        self._compared += 1
        self._compared_bytes += self._snapshot.index.size(entry_id)
        if self._compared > _COMPARED or self._compared_bytes > _COMPARED_BYTES:
            return None
        try:
            return self._snapshot.digest(entry_id, self._token)
        except AppError:
            return None

    @property
    def _has_compared_all(self) -> bool:
        """Whether no comparison was left out, as they were too many."""
        return self._compared <= _COMPARED and self._compared_bytes <= _COMPARED_BYTES

    # ---- where a key comes once

    def find_single(self, known: Mapping[EntryRef, bytes | None]) -> None:
        self.found.moves = moves = _single(known)
        places = self._snapshot.stored_ids(moves.get(ref, ref) for ref in known)
        for ref, digest in known.items():
            name = moves.get(ref, ref)
            entry_id = places.get(name)
            if ref in self._snapshot.pending:
                self._place(self._snapshot.pending[ref], name, entry_id)
            elif self._differs(entry_id, digest):
                self.found.lost.add(ref)

    def _place(self, change: PendingChange, name: EntryRef, entry_id: int | None) -> None:
        if entry_id is not None:
            self.found.places[name] = entry_id
        if self._is_alike(change, entry_id):
            self.found.settled.append(change)

    def _is_alike(self, change: PendingChange, entry_id: int | None) -> bool:
        """Tell whether what is stored is what a change would store; False where nobody has the time to find out."""
        if entry_id is None or change.is_deleted:
            return entry_id is None and change.is_deleted
        has_length = self._snapshot.index.size(entry_id) == len(change.value)
        return has_length and self._digest(entry_id) == digest_or_none(change.value)

    def _differs(self, entry_id: int | None, digest: bytes | None) -> bool:
        if entry_id is None or digest is None:
            return (entry_id is None) != (digest is None)
        return self._digest(entry_id) not in (None, digest)

    # ---- where keys are places

    def find_numbered(self, known: Mapping[EntryRef, bytes | None]) -> None:
        """Look for values that another program moved by putting others in front, or taking these out."""
        stored = {ref: digest for ref, digest in known.items() if digest is not None}
        taken = self._at_their_places(stored)
        missing = {ref: digest for ref, digest in stored.items() if ref not in taken}
        taken |= self._elsewhere(missing, set(taken.values()))
        used = set(taken.values())
        self._put_behind([ref for ref in known if not self._stays(ref, known[ref], taken.get(ref), used)])

    def _at_their_places(self, stored: Mapping[EntryRef, bytes]) -> dict[EntryRef, int]:
        """Return the places of values that are where they were, or are changed there as they were to be.

        Where nobody can compare, or has the time, they are taken for these.
        """
        count = len(self._snapshot.index)
        places = {ref: place_of(ref.key) for ref in stored}
        near = {ref: place for ref, place in places.items() if place < count}
        return {ref: place for ref, place in near.items() if self._digest(place) in (None, *self._known(ref, stored))}

    def _known(self, ref: EntryRef, stored: Mapping[EntryRef, bytes]) -> tuple[bytes, ...]:
        pending = self._snapshot.pending.get(ref)
        wanted = None if pending is None else digest_or_none(pending.current)
        return (stored[ref],) if wanted is None else (stored[ref], wanted)

    def _elsewhere(self, missing: Mapping[EntryRef, bytes], used: Collection[int]) -> dict[EntryRef, int]:
        """Return the places of values that are not where they were, in their order."""
        wanted: defaultdict[bytes, list[EntryRef]] = defaultdict(list)
        for ref in sorted(missing, key=lambda ref: place_of(ref.key), reverse=True):
            wanted[missing[ref]].append(ref)
        found: dict[EntryRef, int] = {}
        for place in range(len(self._snapshot.index) if missing else 0):
            if not self._has_compared_all or len(found) == len(missing):
                break
            refs = wanted.get(self._digest(place) or b"") if place not in used else None
            if refs:
                found[refs.pop()] = place
        return found

    def _stays(self, ref: EntryRef, digest: bytes | None, place: int | None, used: set[int]) -> bool:
        """Settle where an entry is; tell whether that is among the stored ones, or nobody asks any more."""
        pending, own = self._snapshot.pending.get(ref), place_of(ref.key)
        if place is None and pending is not None and own < len(self._snapshot.index) and own not in used:
            if digest is None and not self._is_alike(pending, own):
                return False  # another program put a value where this one was to be added
            place = own  # it changed this one: the save will say so
            used.add(own)
        if place is None:
            return self._is_over(ref, pending, digest)
        name = EntryRef(b"%d" % place)
        if name != ref:
            self.found.moves[ref] = name
        if pending is not None:
            self._place(pending, name, place)
        return True

    def _is_over(self, ref: EntryRef, pending: PendingChange | None, digest: bytes | None) -> bool:
        """Tell whether an entry that is not stored is asked for no more: it is as it was to be, or was lost."""
        if digest is None:
            return False
        if pending is None:
            self.found.lost.add(ref)
        elif pending.is_deleted and self._has_compared_all:
            self.found.settled.append(pending)
        return pending is None

    def _put_behind(self, refs: Collection[EntryRef]) -> None:
        """Give entries that are not stored places behind those that are, where one of them has no such place."""
        count = len(self._snapshot.index)
        if all(place_of(ref.key) >= count for ref in refs):
            return
        for place, ref in enumerate(sorted(refs, key=lambda ref: place_of(ref.key)), count):
            self.found.moves[ref] = EntryRef(b"%d" % place)

    # ---- where keys repeat

    def find_repeated(self, known: Mapping[EntryRef, bytes | None]) -> None:
        by_key: defaultdict[bytes, list[EntryRef]] = defaultdict(list)
        for ref in known:
            by_key[ref.key].append(ref)
        stored = self._snapshot.index.find_all(by_key)
        for key, refs in by_key.items():
            self._assign(refs, known, stored[key])

    def _assign(self, refs: Sequence[EntryRef], known: Mapping[EntryRef, bytes | None], ids: Sequence[int]) -> None:
        """Give the entries of one key the places of stored ones that hold what they held."""
        digests = [self._digest(entry_id) for entry_id in ids]
        taken: dict[EntryRef, int] = {}
        free = set(range(len(ids)))
        for rule in (_at_its_place, _anywhere, _at_its_place_unread):
            for ref in refs:
                nth = None if ref in taken or known[ref] is None else rule(ref, known[ref], digests, free)
                if nth is not None:
                    taken[ref] = nth
                    free.discard(nth)
        for ref in refs:
            self._settle(ref, taken.get(ref), free, ids, is_known=known[ref] is not None)

    def _settle(self, ref: EntryRef, nth: int | None, free: set[int], ids: Sequence[int], *, is_known: bool) -> None:
        pending = self._snapshot.pending.get(ref)
        is_pending = pending is not None
        if nth is None and is_known and is_pending and ref.nth in free:
            nth = ref.nth  # another program changed it: the save will say so
            free.discard(nth)
        if nth is None and is_known and not is_pending:
            self.found.lost.add(ref)
            return
        if pending is not None and self._is_alike(pending, None if nth is None else ids[nth]):
            self.found.settled.append(pending)
        if nth is None:
            name = ref if ref.nth >= NEW else EntryRef(ref.key, self._new_nth())
        else:
            name = EntryRef(ref.key, nth)
            if is_pending:
                self.found.places[name] = ids[nth]
        if name != ref:
            self.found.moves[ref] = name


def _single(refs: Collection[EntryRef]) -> dict[EntryRef, EntryRef]:
    """Return the new names of entries that come from a database where keys repeat, as far as each has its own key."""
    repeating = [ref for ref in refs if ref.nth]
    counts = Counter(ref.key for ref in refs) if repeating else Counter()
    return {ref: EntryRef(ref.key) for ref in repeating if counts[ref.key] == 1}


def _at_its_place(
    ref: EntryRef, digest: bytes | None, digests: Sequence[bytes | None], free: Collection[int]
) -> int | None:
    return ref.nth if ref.nth in free and digests[ref.nth] == digest else None


def _anywhere(
    _ref: EntryRef, digest: bytes | None, digests: Sequence[bytes | None], free: Collection[int]
) -> int | None:
    return next((nth for nth in sorted(free) if digests[nth] == digest), None)


def _at_its_place_unread(
    ref: EntryRef, _digest: bytes | None, digests: Sequence[bytes | None], free: Collection[int]
) -> int | None:
    return ref.nth if ref.nth in free and digests[ref.nth] is None else None
