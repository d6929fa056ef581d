"""Entries that are copied: as bytes that any program of ours takes back, and as a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

from app.backends.key_index import KeyIndex
from app.document.entry_ids import FIRST_ADDED
from app.document.pending_change import PendingChange
from app.engine.value_calls import Stored
from app.errors import EncodeError, LimitExceeded

COPIED_BYTES = 1 << 28
"""Bytes of keys and values that are copied at once."""
COPIED_ENTRIES = 100_000
_SIZES = Struct("<QQ")
"""Bytes of a key and of its value, which both follow."""
_BATCH = 500
"""Values that are read at once: a large message would hold up the window while it is taken apart."""
_BATCH_BYTES = 1 << 20

Pair = tuple[bytes, bytes]
Place = tuple[bytes, Stored | bytes]
"""A key, and where its value is, or the value itself."""


@dataclass(frozen=True, slots=True)
class CopiedEntries:
    """Keys and values as they are, and a text that says the same as far as text can; empty where that is too long."""

    data: bytes
    text: str = ""

    @classmethod
    def of(cls, entries: Sequence[Pair], text: str = "") -> "CopiedEntries":
        parts = (part for key, value in entries for part in (_SIZES.pack(len(key), len(value)), key, value))
        return cls(b"".join(parts), text)

    @property
    def entries(self) -> list[Pair]:
        """The entries. Any program may have made the bytes.

        Raises:
            EncodeError: they are no such bytes, or too many entries.
        """
        found: list[Pair] = []
        place = 0
        while place < len(self.data):
            if len(self.data) - place < _SIZES.size or len(found) >= COPIED_ENTRIES:
                raise _wrong()
            key_size, value_size = _SIZES.unpack_from(self.data, place)
            start = place + _SIZES.size
            place = start + key_size + value_size
            if place > len(self.data):
                raise _wrong()
            found.append((self.data[start : start + key_size], self.data[start + key_size : place]))
        return found


def _wrong() -> EncodeError:
    return EncodeError("What is on the clipboard is said to be entries, but is damaged; copy them again.")


def sources_of(wanted: Sequence[int], index: KeyIndex, pending: Mapping[int, PendingChange]) -> list[Place]:
    """Return the keys of entries and where their values are now.

    Raises:
        LimitExceeded: they are too many or too large to be copied.
    """
    if len(wanted) > COPIED_ENTRIES:
        raise _too_much(f"{len(wanted):,} entries are")
    found: list[Place] = []
    size = 0
    for entry_id in wanted:
        change = pending.get(entry_id)
        if change is None and entry_id < FIRST_ADDED:
            place = Stored(*index.entry(entry_id))
            found.append((place.key, place))
            size += len(place.key) + place.size
        elif change is not None and not change.is_deleted:
            found.append((change.ref.key, change.value))
            size += len(change.ref.key) + len(change.value)
    if size > COPIED_BYTES:
        raise _too_much(f"{size:,} bytes are")
    return found


def batches(sources: Sequence[Place]) -> Iterator[list[Place]]:
    """Yield entries in batches that fit a message."""
    batch: list[Place] = []
    size = 0
    for key, source in sources:
        length = source.size if isinstance(source, Stored) else 0
        if batch and (size + length > _BATCH_BYTES or len(batch) >= _BATCH):
            yield batch
            batch, size = [], 0
        batch.append((key, source))
        size += length
    if batch:
        yield batch


def _too_much(what: str) -> LimitExceeded:
    return LimitExceeded(f"{what} too much for the clipboard; copy fewer entries, or convert the database.")
