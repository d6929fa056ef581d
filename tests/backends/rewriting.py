"""What every format that saves by rewriting must stand: the same entries again, and a death at any operation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from app.backends.base import Backend, Change, Insert, Remove, Replace, SaveOptions, SaveReport
from app.backends.create import create_database
from app.backends.file_operations import FileOperations
from app.backends.spool import SpooledRecords
from app.backends.writer import Writer
from app.cancel import CancelToken
from app.errors import SaveFailed
from tests.backends.failing_files import Died, FailingOperations
from tests.backends.listing import entries_of, expected_of, ids_by_key

Pair = tuple[bytes, bytes]
Make = Callable[[Path], Path]
"""Makes the database of a test in a folder, and returns what to open."""
Open = Callable[[Path], Backend]

NO_BACKUP = SaveOptions(backup=False)


def create(writer: Writer, base: Path, pairs: Iterable[Pair]) -> None:
    """Make a database of pairs that the writer refuses none of."""
    with SpooledRecords() as records:
        for key, value in pairs:
            records.add(key, value)
        assert list(writer.refusals(records, CancelToken())) == []
        create_database(writer, base, records, CancelToken())


def save(
    backend: Backend,
    *changes: Change,
    options: SaveOptions = NO_BACKUP,
    operations: FileOperations | None = None,
) -> SaveReport:
    """Apply changes to the database as it is now."""
    backend.operations = operations or backend.operations
    return backend.apply(changes, expected_of(backend), options, CancelToken())


def compact(backend: Backend) -> SaveReport:
    list(backend.index(CancelToken()))
    return backend.compact(NO_BACKUP, CancelToken())


def edit(backend: Backend, replaced: Pair, removed: bytes, inserted: Pair) -> tuple[Change, ...]:
    """Return one change of each kind, in terms of keys."""
    ids = ids_by_key(expected_of(backend))
    return Replace(ids[replaced[0]], replaced[1]), Remove(ids[removed]), Insert(*inserted)


def operations_of(make: Make, opened: Open, changes: Sequence[Change], folder: Path) -> list[str]:
    """Return the names of all operations on files of a save with a backup."""
    folder.mkdir(parents=True)
    counting = FailingOperations()
    with opened(make(folder)) as backend:
        save(backend, *changes, options=SaveOptions(), operations=counting)
    return counting.names


def states_after_death(make: Make, opened: Open, changes: Sequence[Change], folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the operation before which a save died, and what to open then, for every operation."""
    for number, name in enumerate(operations_of(make, opened, changes, folder / "counted")):
        place = folder / str(number)
        place.mkdir()
        path = make(place)
        with opened(path) as backend, pytest.raises(Died):
            save(backend, *changes, options=SaveOptions(), operations=FailingOperations(number, dies=True))
        yield f"died before operation {number}, {name}", path


def check_every_failure(make: Make, opened: Open, changes: Sequence[Change], folder: Path) -> None:
    """Let every operation of a save fail once: all files are as they were, or the save is done and warns at most."""
    names = operations_of(make, opened, changes, folder / "counted")
    commit = len(names) - 1 - names[::-1].index("replace")
    for number, name in enumerate(names):
        place = folder / str(number)
        place.mkdir()
        path = make(place)
        before = contents(place)
        with opened(path) as backend:
            try:
                save(backend, *changes, options=SaveOptions(), operations=FailingOperations(number))
            except SaveFailed:
                assert contents(place) == before, f"failed at operation {number}, {name}"
                assert number <= commit
            else:
                assert number > commit or name == "fsync_folder"
        with opened(path) as backend:
            entries_of(backend)
            assert backend.problems == []


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
