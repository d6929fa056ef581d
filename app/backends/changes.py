"""What a set of changes means for a database as it is now: which entries go, change and come, or who was faster."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.errors import ChangedOnDisk

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
    inserted: dict[bytes, bytes] = field(default_factory=dict)


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
) -> Plan:
    """Return what is to be done where every key can be there once.

    ``current`` has the entries of all `keys_of_interest`, in index order; keys that are not there may be left out.

    Raises:
        ChangedOnDisk: an entry is gone or has another value, or an inserted key is there; names all of them.
    """
    made = Plan()
    conflicts = [_key(change, expected) for change in changes if not _take(change, expected, current, made)]
    if conflicts:
        raise changed_on_disk(path, conflicts)
    return made


def _take(
    change: Change, expected: Mapping[int, Expected], current: Mapping[bytes, Sequence[Candidate]], made: Plan
) -> bool:
    """Add one change to the plan; tell whether the database is as the change expects."""
    if isinstance(change, Insert):
        return _take_insert(change, current.get(change.key, ()), made)
    known = expected[change.entry_id]
    handle = find_again(known, current.get(known.key, ()))
    if handle is None or handle in made.removed:
        return False
    match change:
        case Replace(_, value):
            made.replaced[handle] = value
        case Remove(_):
            made.replaced.pop(handle, None)
            made.removed.add(handle)
    return True


def _take_insert(change: Insert, there: Sequence[Candidate], made: Plan) -> bool:
    taken = change.key in made.inserted or any(entry.handle not in made.removed for entry in there)
    if not taken:
        made.inserted[change.key] = change.value
    return not taken


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


def key_text(key: bytes) -> str:
    """Return a key as a sentence names it: its text in quotes, or its Python bytes literal, shortened."""
    try:
        text = key.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and text:
        return repr(text) if len(text) <= KEY_CHARS else f"{text[:KEY_CHARS]!r}…"
    return repr(key) if len(key) <= KEY_CHARS else f"{key[:KEY_CHARS]!r}…"
