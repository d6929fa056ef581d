"""Saving what a document or a journal holds when the file is gone or is another one now."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.backends.base import Insert
from app.cancel import CancelToken
from app.document.job import Job
from app.document.journals import Left
from app.document.pending_change import PendingChange, changes_of
from app.document.places import NUMBERED, by_place, closed_up
from app.engine.base import Engine, MadeDatabase, NewDatabase
from app.errors import AppError, DocumentError, KeyRejected, NameTaken, OptionRejected

_OURS_TO_CHOOSE = (KeyRejected, NameTaken, OptionRejected)
"""What another name, format or option helps against."""


@dataclass(frozen=True, slots=True)
class Rescued:
    """A new database; ``is_whole``: whether it has all entries, or only those that were changed."""

    made: MadeDatabase
    is_whole: bool


def rescue(
    engine: Engine,
    make_engine: Callable[[], Engine],
    target: NewDatabase,
    pending: Sequence[PendingChange],
    token: CancelToken,
) -> Rescued:
    """Write all entries from what ``engine`` still has open of the files; where it has nothing, what is pending alone.

    Raises:
        AppError: nothing could be written.
    """
    changes, expected = changes_of(pending)
    if target.format in NUMBERED:
        changes = by_place(changes)
    try:
        return Rescued(engine.convert(target, changes, token, leaves_out=False, expected=expected), is_whole=True)
    except _OURS_TO_CHOOSE:
        raise
    except AppError:
        kept = [Insert(change.ref.key, change.value) for change in pending if not change.is_deleted]
        if not kept:
            raise
    with closing(make_engine()) as other:
        return Rescued(_written_alone(other, target, kept, token), is_whole=False)


def kept_job(left: Left, target: NewDatabase, make_engine: Callable[[], Engine]) -> Job[MadeDatabase]:
    """Write what a crash left of a database that cannot be opened, without its deletions, into a new database."""

    def work(token: CancelToken) -> MadeDatabase:
        kept = [Insert(change.ref.key, change.value) for change in left.changes if not change.is_deleted]
        if not kept:
            raise DocumentError(
                f"There is nothing to write: all that was kept of {left.database.name} is that entries were deleted."
            )
        with closing(make_engine()) as engine:
            return _written_alone(engine, target, kept, token)

    return Job(f"Writing {Path(target.path).name}", work)


def _written_alone(engine: Engine, target: NewDatabase, entries: Sequence[Insert], token: CancelToken) -> MadeDatabase:
    """Write some entries as a copy of an empty database with these added: whole or not at all."""
    with TemporaryDirectory(prefix="shelfscope-") as folder:
        empty = NewDatabase(str(Path(folder) / "empty.db"), "sqlite3")
        engine.create(empty, token)
        engine.open(empty.path, token)
        try:
            closes_up = target.format in NUMBERED
            return engine.convert(target, closed_up(entries, 0) if closes_up else entries, token, leaves_out=False)
        finally:
            engine.close()
