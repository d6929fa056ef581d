"""What tests of writing Berkeley DB files share: entries to write, changes to save, and reading back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.backends.registry import open_database
from app.cancel import CancelToken
from tests.backends.listing import entries_of, expected_of
from tests.backends.native import Pair
from tests.backends.rewriting import NO_BACKUP


def read(path: Path) -> list[Pair]:
    """Return all entries of a file that nothing is wrong with."""
    with open_database(path) as backend:
        found = entries_of(backend)
        assert backend.problems == []
        assert list(backend.check_structure(CancelToken())) == []
    return found


def with_duplicates(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    """Return every fifth key with two to some hundreds of values, no pair twice."""
    chance, more = Random(seed), list(pairs)
    for key, _value in pairs[::5]:
        count = chance.choice([1, 3, 200])
        more += [(key, b"%d " % number + bytes(chance.choice([0, 20, 90, 700]))) for number in range(count)]
    chance.shuffle(more)
    return list(dict.fromkeys(more))


def edit(path: Path) -> list[Pair]:
    """Save changes of all kinds into a file; return what must be in it then, what was inserted last."""
    with open_database(path) as backend:
        expected, before = expected_of(backend), entries_of(backend)
    replaced = {row: b"new %d" % row + b"v" * (row % 900) for row in expected if row % 7 == 1}
    inserted = [(b"added %d" % number, b"i" * number) for number in range(0, 2000, 50)]
    with open_database(path) as backend:
        backend.apply(_changes(expected, replaced, inserted), expected, NO_BACKUP, CancelToken())
    kept = [(key, replaced.get(row, value)) for row, (key, value) in enumerate(before) if row % 7]
    return [*kept, *inserted]


def _changes(expected: Mapping[int, Expected], replaced: Mapping[int, bytes], inserted: list[Pair]) -> list[Change]:
    return [
        *(Remove(row) for row in expected if row % 7 == 0),
        *(Replace(*replacement) for replacement in replaced.items()),
        *(Insert(*pair) for pair in inserted),
    ]
