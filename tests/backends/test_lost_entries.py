"""Entries that listing does not reach and that salvage could find: a save would drop them, and is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.base import Insert, SaveOptions
from app.backends.gdbm.backend import GdbmBackend
from app.backends.rewrite import RewritingBackend
from app.cancel import CancelToken
from app.errors import ReadOnlyDatabase
from tests import corpus
from tests.backends.listing import entries_of, expected_of, folder_state
from tests.backends.saving_variants import NO_BACKUP, Variant, opened

PAIRS = [(b"key %03d" % number, b"value %d" % number * 9) for number in range(300)]


def without_count(path: Path) -> None:
    """Take the count and the first slots from a page of SDBM; without these it is no page that was emptied."""
    content = bytearray(path.read_bytes())
    place = next(place for place in range(0, len(content), 1024) if any(content[place : place + 2]))
    content[place : place + 6] = bytes(6)
    path.write_bytes(content)


def without_element(path: Path) -> None:
    """Let an entry in a bucket of GDBM look as one that was never there."""
    with opened(path) as backend:
        assert isinstance(backend, GdbmBackend)
        place = backend.directory[0] + backend.header.layout.table_at
        size = backend.header.layout.element
    content = bytearray(path.read_bytes())
    while content[place : place + 4] == b"\xff" * 4:
        place += size
    content[place : place + 4] = b"\xff" * 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("format_id", "damage"),
    [("sdbm", without_count), ("gdbm", without_element), ("gdbm-ndbm", without_element)],
)
def test_a_save_that_would_drop_entries_which_were_not_listed_is_refused(
    tmp_path: Path, format_id: str, damage: Callable[[Path], None]
) -> None:
    made = Variant(format_id).make(tmp_path, PAIRS)
    path = made.with_suffix(".pag") if made.with_suffix(".pag").exists() else made
    damage(path)
    before = folder_state(tmp_path)

    with opened(path) as backend:
        expected = expected_of(backend)
        assert backend.problems == []  # else it would be refused for these
        for work in (
            lambda: backend.apply([Insert(b"new", b"")], expected, SaveOptions(), CancelToken()),
            lambda: backend.compact(NO_BACKUP, CancelToken()),
        ):
            with pytest.raises(ReadOnlyDatabase, match="salvage it into a new one"):
                work()

    assert folder_state(tmp_path) == before


INTACT = [case for case in corpus.databases(corrupt=False) if case.format in {"gdbm", "gdbm-ndbm", "sdbm"}]


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_no_intact_database_is_taken_for_one_that_lost_entries(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with opened(case.copy_to(tmp_path)) as backend:
        entries_of(backend)

        assert isinstance(backend, RewritingBackend)
        assert list(backend.lost_entries(CancelToken())) == []
