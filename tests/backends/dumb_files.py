"""Databases as ``dbm.dumb`` makes them, and saving into them."""

import dbm.dumb
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st

from app.backends.base import Change, Match, SaveOptions, SaveReport
from app.backends.dumb.backend import DumbBackend
from app.backends.file_operations import FileOperations
from app.cancel import CancelToken
from tests.backends.listing import expected_of

KEYS = st.binary(max_size=12)


VALUES = st.binary(max_size=1200)


DATABASES = st.dictionaries(KEYS, VALUES, max_size=8)


NO_BACKUP = SaveOptions(backup=False)


def opened(base: Path, operations: FileOperations | None = None) -> DumbBackend:
    match = Match("dumb", "", "", base.with_name(base.name + ".dat"), base, ())
    return DumbBackend(match, operations)


def written(folder: Path, entries: dict[bytes, bytes]) -> Path:
    base = folder / "shelf.v1"
    with dbm.dumb.open(str(base), "n") as database:
        for key, value in entries.items():
            database[key] = value
    return base


def as_python_reads(base: Path) -> dict[bytes, bytes]:
    with dbm.dumb.open(str(base), "r") as database:
        return dict(database.items())  # type: ignore[arg-type]  # the stub allows str keys; there are none


def save(backend: DumbBackend, *changes: Change, options: SaveOptions = NO_BACKUP) -> SaveReport:
    return backend.apply(changes, expected_of(backend), options, CancelToken())


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
