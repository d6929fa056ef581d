"""What a set of changes means for a database as it is now: which entries go, change and come, or who was faster."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.errors import ChangedOnDisk, KeyRejected

NAMED_KEYS = 3
"""Keys that a sentence names before it counts the rest."""

KEY_CHARS = 60
"""Characters of a key in a sentence."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of the database as it is now that has a key of interest.

    ``handle`` is the backend's own name for it (a row number, a rowid).
    """

    handle: int
    sha256: bytes


@dataclass(slots=True)
class Plan:
    """Changes in terms of the database as it is now, keyed by the backend's handles."""

    replaced: dict[int, bytes] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    inserted: list[tuple[bytes, bytes]] = field(default_factory=list)


def digest(value: bytes) -> bytes:
    """Return the SHA-256 by which an entry is known to be still the same."""
    return sha256(value).digest()


def keys_of_interest(changes: Sequence[Change], expected: Mapping[int, Expected]) -> set[bytes]:
    """Return the keys whose entries `plan` must be given."""
    return {_key(change, expected) for change in changes}


def _key(change: Change, expected: Mapping[int, Expected]) -> bytes:
    return change.key if isinstance(change, Insert) else expected[change.entry_id].key


def plan(
    changes: Sequence[Change],
    expected: Mapping[int, Expected],
    current: Mapping[bytes, Sequence[Candidate]],
    path: Path,
    *,
    duplicates: bool = False,
) -> Plan:
    """Return what is to be done; with ``duplicates`` a key that is there may be inserted again.

    ``current`` has the entries of all `keys_of_interest`, in index order; keys that are not there may be left out.

    Raises:
        ChangedOnDisk: an entry is gone or has another value, or an inserted key is there; names all of them.
    """
    planner = _Planner(expected, current, duplicates=duplicates)
    conflicts = [_key(change, expected) for change in changes if not planner.take(change)]
    if conflicts:
        raise changed_on_disk(path, conflicts)
    return planner.made


class _Planner:
    """Takes one change after another; several may be about the same entry."""

    def __init__(
        self, expected: Mapping[int, Expected], current: Mapping[bytes, Sequence[Candidate]], *, duplicates: bool
    ) -> None:
        self.made = Plan()
        self._expected = expected
        self._current = current
        self._duplicates = duplicates
        self._handles: dict[int, int] = {}
        self._taken: set[int] = set()
        self._inserted: set[bytes] = set()

    def take(self, change: Change) -> bool:
        """Add one change to the plan; tell whether the database is as the change expects."""
        if isinstance(change, Insert):
            return self._take_insert(change)
        handle = self._handle(change.entry_id)
        if handle is None or handle in self.made.removed:
            return False
        match change:
            case Replace(_, value):
                self.made.replaced[handle] = value
            case Remove(_):
                self.made.replaced.pop(handle, None)
                self.made.removed.add(handle)
        return True

    def _handle(self, entry_id: int) -> int | None:
        """Return the entry as it is called now; two entries never become one, whatever they have in common."""
        if entry_id not in self._handles:
            known = self._expected[entry_id]
            handle = _find_free(known, self._current.get(known.key, ()), self._taken)
            if handle is None:
                return None
            self._taken.add(handle)
            self._handles[entry_id] = handle
        return self._handles[entry_id]

    def _take_insert(self, change: Insert) -> bool:
        there = self._current.get(change.key, ())
        is_taken = change.key in self._inserted or any(entry.handle not in self.made.removed for entry in there)
        if is_taken and not self._duplicates:
            return False
        self._inserted.add(change.key)
        self.made.inserted.append((change.key, change.value))
        return True


def _find_free(known: Expected, there: Sequence[Candidate], taken: set[int]) -> int | None:
    handle = find_again(known, there)
    if handle not in taken:
        return handle
    return find_again(known, [entry for entry in there if entry.handle not in taken])


def find_again(known: Expected, there: Sequence[Candidate]) -> int | None:
    """Return the handle of the expected entry: by digest among entries of its key, by nth among equal ones."""
    same = [entry for entry in there if entry.sha256 == known.sha256]
    if not same:
        return None
    nth = there[known.nth] if known.nth < len(there) else same[0]
    return (nth if nth in same else same[0]).handle


def agree(expected: Iterable[object], found: Iterable[object]) -> bool:
    """Tell whether both give equal things in equal number, taking neither into memory whole."""
    nothing = object()
    return all(one == other for one, other in zip_longest(expected, found, fillvalue=nothing))


def changed_on_disk(path: Path, keys: Iterable[bytes]) -> ChangedOnDisk:
    """Return the error that names the entries somebody else changed."""
    names = tuple(Counter(keys))
    more = f" and {len(names) - NAMED_KEYS:,} more" if len(names) > NAMED_KEYS else ""
    shown = ", ".join(key_text(key) for key in names[:NAMED_KEYS])
    differ = "differs" if len(names) == 1 else "differ"
    what = f"{shown}{more} {differ} from what was edited"
    message = f"{path.name} was changed by another program: {what}, so nothing was saved."
    return ChangedOnDisk(message, path=path, keys=names)


def rejected(path: Path, key: bytes, reason: str) -> KeyRejected:
    """Return the error for an entry that the format cannot hold."""
    return KeyRejected(f"{key_text(key)} cannot be stored in {path.name}: {reason}. Nothing was saved.", path=path)


def key_text(key: bytes) -> str:
    """Return a key as a sentence names it: its text in quotes, or its Python bytes literal, shortened."""
    try:
        text = key.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and text:
        return repr(text) if len(text) <= KEY_CHARS else f"{text[:KEY_CHARS]!r}…"
    return repr(key) if len(key) <= KEY_CHARS else f"{key[:KEY_CHARS]!r}…"
