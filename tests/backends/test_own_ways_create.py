"""dumb, sqlite3 and lmdb are made each in a way of their own: wherever that ends, the old or the new one is there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.backends.base import Backend
from app.cancel import CancelToken
from app.errors import Cancelled, SaveFailed
from tests.backends import dumb_files, lmdb_files, sqlite_files
from tests.backends.creating import created
from tests.backends.failing_files import Died, FailingOperations, LyingOperations
from tests.backends.listing import entries_of

OLD = {b"a": b"1", b"b": b"2" * 6000, b"c": b"3"}
NEW = {b"a": b"new" * 500, b"c": b"3", b"caf\xe9": b"added"}


@dataclass(frozen=True)
class Way:
    """One format: what its own library writes into a folder, what that reads, and what we read."""

    format_id: str
    name: str
    written: Callable[[Path, dict[bytes, bytes]], Path]
    native: Callable[[Path], dict[bytes, bytes]]
    opened: Callable[[Path], Backend]

    def start(self, folder: Path, *, replaces: bool) -> Path:
        """Return the base of a database in a new folder, in which there is an old one when it ``replaces`` that."""
        folder.mkdir()
        return self.written(folder, OLD) if replaces else folder / self.name


WAYS = (
    Way("dumb", "shelf.v1", dumb_files.written, dumb_files.as_python_reads, dumb_files.opened),
    Way("sqlite3", "shelf.db", sqlite_files.written, sqlite_files.as_python_reads, sqlite_files.opened),
    Way("lmdb", "test.mdb", lmdb_files.written, lmdb_files.as_lmdb_reads, lmdb_files.opened),
)
each_way = pytest.mark.parametrize("way", WAYS, ids=[way.format_id for way in WAYS])


@each_way
@pytest.mark.parametrize("replaces", [False, True])
def test_a_program_that_dies_anywhere_leaves_the_old_or_the_new_database(
    tmp_path: Path, way: Way, *, replaces: bool
) -> None:
    counted = way.start(tmp_path / "counted", replaces=replaces)
    created(way.format_id, counted, NEW, counting := FailingOperations(), replaces=replaces)
    names = {path.name for path in counted.parent.iterdir() if ".shelfscope-" not in path.name}
    seen = []
    for number, name in enumerate(counting.names):
        base = way.start(tmp_path / str(number), replaces=replaces)
        with pytest.raises(Died):
            created(way.format_id, base, NEW, FailingOperations(number, dies=True), replaces=replaces)

        is_there = replaces or names <= {path.name for path in base.parent.iterdir()}
        left = way.native(base) if is_there else OLD
        assert left in (OLD, NEW), f"died at operation {number}, {name}"
        if is_there:
            with way.opened(base) as backend:
                assert dict(entries_of(backend)) == left
                assert not backend.problems
        seen.append(left == NEW)
    assert sorted(seen) == seen
    assert set(seen) == {False, True}


@each_way
def test_a_disk_that_refuses_leaves_nothing_or_all_of_a_new_database(tmp_path: Path, way: Way) -> None:
    created(way.format_id, way.start(tmp_path / "counted", replaces=False), NEW, counting := FailingOperations())
    for number in range(counting.done):
        base = way.start(tmp_path / str(number), replaces=False)
        try:
            created(way.format_id, base, NEW, FailingOperations(number))
        except SaveFailed:
            assert list(base.parent.iterdir()) == []
        else:
            assert way.native(base) == NEW


def test_a_disk_that_writes_something_else_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(SaveFailed, match="reads back differently"):
        created("dumb", tmp_path / "new", NEW, LyingOperations())

    assert list(tmp_path.iterdir()) == []


@each_way
def test_a_cancelled_creation_leaves_nothing(tmp_path: Path, way: Way) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        created(way.format_id, tmp_path / way.name, NEW, token=token)

    assert list(tmp_path.iterdir()) == []
