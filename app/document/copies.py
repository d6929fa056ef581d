"""Making databases, copying, checking and salvaging them, as jobs.

Every job runs in an engine of its own, which ``make_engine`` starts in the thread that does the work and which is ended
with it: the document's own engine, and with it the window, stays usable meanwhile, so such a job is to be run beside
the jobs of the document. All of them can be cancelled, and leave nothing behind then. (Compacting is a kind of saving:
`Document.compact_job`.)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from app.cancel import CancelToken
from app.document.document import Document
from app.document.job import Job
from app.document.pending_change import changes_of
from app.document.places import by_place
from app.engine.base import Engine, MadeDatabase, NewDatabase, ProblemNote, Refusals, SalvageReport

T = TypeVar("T")

EngineFactory = Callable[[], Engine]
"""Makes an engine with no database open (`ChildEngine` itself, in the window)."""

Seen = Sequence[Sequence[int]] | None
"""What files looked like, as `FileState.signature`; None where that does not matter."""


def create_job(target: NewDatabase, make_engine: EngineFactory) -> Job[MadeDatabase]:
    """Make an empty database. Fails with SaveFailed where the name is taken, OptionRejected for odd options."""
    return Job(f"Creating {_name(target)}", _alone(make_engine, lambda engine, token: engine.create(target, token)))


def refusals_job(
    document: Document, target: NewDatabase, make_engine: EngineFactory, *, seen: Seen = None
) -> Job[Refusals]:
    """Learn which entries `convert_job` would have to leave out; before anything is written."""
    path, pending, is_numbered = document.main_path, document.pending_changes, document.is_numbered

    def work(engine: Engine, token: CancelToken) -> Refusals:
        changes, expected = changes_of(pending)
        changes = by_place(changes) if is_numbered else changes
        engine.open(path, token)
        return engine.refusals(target, changes, token, expected=expected, seen=seen)

    return Job(f"Looking what {_name(target)} can hold", _alone(make_engine, work))


def convert_job(
    document: Document, target: NewDatabase, make_engine: EngineFactory, *, leaves_out: bool = False, seen: Seen = None
) -> Job[MadeDatabase]:
    """Write all entries with the pending changes into a new database; the document stays as it is (*Save as*).

    ``seen``: what `changed_on_disk_job` said the files look like, while the pending changes are not in them yet.

    Fails with KeyRejected when entries cannot be stored and ``leaves_out`` is false; with StaleIndex when the files
    were written since ``seen``: by a save, the changes would be made a second time.
    """
    path, pending, is_numbered = document.main_path, document.pending_changes, document.is_numbered

    def work(engine: Engine, token: CancelToken) -> MadeDatabase:
        changes, expected = changes_of(pending)
        changes = by_place(changes) if is_numbered else changes
        engine.open(path, token)
        return engine.convert(target, changes, token, leaves_out=leaves_out, expected=expected, seen=seen)

    return Job(f"Writing {_name(target)}", _alone(make_engine, work))


def check_job(path: Path, make_engine: EngineFactory) -> Job[tuple[ProblemNote, ...]]:
    """Learn everything in which the files of a database contradict their format; nothing when it is sound."""
    work = _alone(make_engine, lambda engine, token: engine.check_file(str(path), token))
    return Job(f"Checking {path.name}", work)


def salvage_job(
    source: Path, target: NewDatabase, make_engine: EngineFactory, *, deleted: bool = False, format_id: str = ""
) -> Job[SalvageReport]:
    """Write all that can be found in damaged files into a new database.

    ``deleted``: also entries that were removed or superseded. ``format_id``: what the source was, where its files
    do not tell any more (any of `formats.FORMATS`); UnknownFormat asks for it.
    """

    def work(engine: Engine, token: CancelToken) -> SalvageReport:
        return engine.salvage(str(source), target, token, deleted=deleted, format_id=format_id)

    return Job(f"Salvaging {source.name}", _alone(make_engine, work))


def _alone(make_engine: EngineFactory, work: Callable[[Engine, CancelToken], T]) -> Callable[[CancelToken], T]:
    """Return work of a job that has an engine for itself."""

    def run(token: CancelToken) -> T:
        with _ended(make_engine()) as engine:
            return work(engine, token)

    return run


@contextmanager
def _ended(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.close()


def _name(target: NewDatabase) -> str:
    return Path(target.path).name
