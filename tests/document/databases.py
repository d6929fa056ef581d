"""Databases of a few formats for tests of the document: made, read and written by engines of their own."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from app.backends.base import Change, Expected, SaveOptions
from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.document.document import Document
from app.document.job import Job, StreamJob, run_now
from app.document.journals import Journals
from app.engine.base import NewDatabase
from app.engine.local import LocalEngine

T = TypeVar("T")
Pair = tuple[bytes, bytes]
ENTRIES = {b"a": b"one", b"b": b"two", b"c": b"three"}


def make(path: Path, format_id: str, **options: str | int | bool | None) -> Path:
    """Make an empty database."""
    with closing(LocalEngine()) as engine:
        made = engine.create(NewDatabase(str(path), format_id, options), CancelToken())
    return Path(made.files[0]) if not path.exists() else path


def pairs_of(path: Path) -> list[Pair]:
    """Return all entries, by an engine that just opened the file."""
    with closing(LocalEngine()) as engine:
        return [(index.key(row), engine.value(row)) for index in [_opened(engine, path)] for row in range(len(index))]


def write(path: Path, changes: Sequence[Change]) -> None:
    """Change a database as another program would; entry ids are positions."""
    with closing(LocalEngine()) as engine:
        index = _opened(engine, path)
        expected = {
            row: Expected(index.key(row), index.nth(row), engine.digest(row, CancelToken()))
            for row in range(len(index))
        }
        engine.apply(changes, expected, SaveOptions(backup=False), CancelToken())


def store(path: Path, key: bytes, value: bytes | None) -> None:
    """Change an entry of a ``dbm.sqlite3`` file as another program would; None takes it away."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM Dict WHERE key = ?", (key,))
        if value is not None:
            connection.execute("INSERT INTO Dict VALUES (?, ?)", (key, value))


def _opened(engine: LocalEngine, path: Path) -> KeyIndex:
    engine.open(str(path), CancelToken())
    index = KeyIndex()
    for chunk in engine.index(CancelToken()):
        index.append(chunk)
    return index


def opened(path: Path, journals: Journals | None = None, *, read_only: bool = False) -> Document:
    """Return an open document whose keys are read."""
    document = Document(LocalEngine(), path, read_only=read_only, journals=journals)
    run_now(document.open_job())
    reload(document)
    return document


def reload(document: Document) -> None:
    run_now(document.index_job())
    run_now(document.findings_job())


def run(job: Job[T] | StreamJob[T] | None) -> None:
    assert job is not None
    run_now(job)


def outcome(job: Job[T] | None) -> T:
    """Run a job and return what its work gave; ``done`` is called as well."""
    assert job is not None
    found: list[T] = []
    take = job.done

    def done(result: T) -> None:
        found.append(result)
        take(result)

    job.done = done
    run_now(job)
    [result] = found
    return result


def ids(document: Document) -> list[int]:
    """Return the ids of all rows of the table."""
    return [*range(len(document.index)), *document.added_entries]


def shown(document: Document) -> list[Pair]:
    """Return the entries that a save would leave, by what the document shows."""
    return [
        (document.key(entry_id), value_of(document, entry_id))
        for entry_id in ids(document)
        if not _is_deleted(document, entry_id)
    ]


def _is_deleted(document: Document, entry_id: int) -> bool:
    pending = document.pending(entry_id)
    return pending is not None and pending.is_deleted


def value_of(document: Document, entry_id: int) -> bytes:
    """Return the current value of an entry."""
    return outcome(document.bytes_job(document.source(entry_id), 0, 1 << 30))


def id_of(document: Document, key: bytes, nth: int = 0) -> int:
    """Return the id of the nth row with that key that is not to be deleted."""
    found = [id_ for id_ in ids(document) if document.key(id_) == key and not _is_deleted(document, id_)]
    return found[nth]
