"""What the entries are at one moment, for work that runs while the document may go on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from app.backends.changes import NAMED_KEYS, key_text
from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.document.history import EntryRef
from app.document.pending_change import PendingChange
from app.engine.base import Engine
from app.engine.value_calls import Stored
from app.errors import KeyRejected, KeysTaken

_BATCH = 5_000
"""Entries that the engine is asked about in one message: a large one would hold up the window while it is packed."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stored entries and the pending changes over them.

    ``may_repeat``: whether a key can come more than once; ``is_numbered``: whether keys are the places of values.

    It is taken when work begins: what was asked for before is laid over by then.
    """

    name: str
    engine: Engine
    index: KeyIndex
    pending: Mapping[EntryRef, PendingChange]
    may_repeat: bool
    is_numbered: bool

    def stored_ids(self, refs: Iterable[EntryRef]) -> dict[EntryRef, int]:
        """Return the ids of those entries that are stored, with one look through all keys."""
        wanted = list(refs)
        found = self.index.find_all({ref.key for ref in wanted})
        return {ref: found[ref.key][ref.nth] for ref in wanted if ref.nth < len(found[ref.key])}

    def stored(self, entry_id: int, token: CancelToken) -> bytes:
        """Return a stored value."""
        place = self.place(entry_id)
        return self.engine.read(place, 0, place.size, token)

    def place(self, entry_id: int) -> Stored:
        """Return where a stored value is; unlike its id that means the same after the keys were read anew."""
        return Stored(*self.index.entry(entry_id))

    def digest(self, entry_id: int, token: CancelToken) -> bytes:
        """Return the SHA-256 of a stored value."""
        return self.engine.digest(self.place(entry_id), token)

    def value(self, ref: EntryRef, entry_id: int | None, token: CancelToken) -> bytes | None:
        """Return the value that an entry has now, None where it is not there; ``entry_id`` where it is stored."""
        pending = self.pending.get(ref)
        if pending is not None:
            return pending.current
        return None if entry_id is None else self.stored(entry_id, token)

    def taken(self, keys: Collection[bytes]) -> list[bytes]:
        """Return those keys that new entries cannot have, as a key comes but once; with one look through all keys."""
        if self.may_repeat:
            return []
        refs = [EntryRef(key) for key in keys]
        stored = self.stored_ids(refs)
        return [ref.key for ref in dict.fromkeys(refs) if self._is_there(ref, stored)]

    def refuse_taken(self, keys: Collection[bytes]) -> None:
        """Refuse new entries whose keys are `taken`.

        Raises:
            KeysTaken: names them.
        """
        taken = self.taken(keys)
        if taken:
            more = f" and {len(taken) - NAMED_KEYS:,} more" if len(taken) > NAMED_KEYS else ""
            named = ", ".join(key_text(key) for key in taken[:NAMED_KEYS])
            message = f"{self.name} has {named}{more} already, and can hold each key only once; choose another key."
            raise KeysTaken(message, keys=tuple(taken))

    def refuse_unstorable(self, entries: Sequence[tuple[bytes, bytes]], token: CancelToken) -> None:
        """Refuse new entries that the format of the database cannot hold.

        Raises:
            KeyRejected: names the first one and says why.
        """
        for start in range(0, len(entries), _BATCH):
            token.check()
            batch = [(key, len(value)) for key, value in entries[start : start + _BATCH]]
            found = self.engine.unstorable(batch, token)
            if found.count:
                first = found.first[0]
                raise KeyRejected(f"{key_text(first.key)} cannot be stored in {self.name}: {first.reason}.")

    def _is_there(self, ref: EntryRef, stored: Mapping[EntryRef, int]) -> bool:
        pending = self.pending.get(ref)
        return ref in stored if pending is None else not pending.is_deleted


def digest_or_none(value: bytes | None) -> bytes | None:
    """Return the SHA-256 of a value, None where there is none."""
    return None if value is None else sha256(value).digest()
