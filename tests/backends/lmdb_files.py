"""LMDB environments as the ``lmdb`` package makes them, and saving into them."""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import lmdb
from hypothesis import strategies as st

from app.backends.base import Change, Match, SaveOptions, SaveReport
from app.backends.file_operations import FileOperations
from app.backends.lmdb.backend import LmdbBackend
from app.cancel import CancelToken
from tests.backends.listing import expected_of

KEYS = st.binary(min_size=1, max_size=12)
VALUES = st.binary(max_size=5000)
DATABASES = st.dictionaries(KEYS, VALUES, max_size=8)
NO_BACKUP = SaveOptions(backup=False)


def opened(path: Path, operations: FileOperations | None = None) -> LmdbBackend:
    backend = LmdbBackend(Match("lmdb", "", "", path, path, (path,), sys.byteorder))
    backend.operations = operations or FileOperations()
    return backend


def written(folder: Path, entries: Mapping[bytes, bytes], map_size: int = 1 << 20) -> Path:
    path = folder / "test.mdb"
    with (
        lmdb.open(str(path), subdir=False, lock=False, map_size=map_size) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, value in entries.items():
            transaction.put(key, value)
    return path


def with_waste(folder: Path, entries: Mapping[bytes, bytes]) -> Path:
    """Make an environment with many free pages."""
    path = written(folder, {b"waste %d" % number: bytes(3000) for number in range(60)})
    with lmdb.open(str(path), subdir=False, lock=False, map_size=1 << 20) as environment:
        with environment.begin(write=True) as transaction:
            for number in range(60):
                transaction.delete(b"waste %d" % number)
        with environment.begin(write=True) as transaction:
            for key, value in entries.items():
                transaction.put(key, value)
    return path


def as_lmdb_reads(path: Path) -> dict[bytes, bytes]:
    with (
        lmdb.open(str(path), subdir=False, lock=False, readonly=True) as environment,
        environment.begin() as transaction,
    ):
        return dict(transaction.cursor())


def save(backend: LmdbBackend, *changes: Change, options: SaveOptions = NO_BACKUP) -> SaveReport:
    return backend.apply(changes, expected_of(backend), options, CancelToken())


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
