"""What a command that saves has in common with the others: it can be interrupted, and tells of backups."""

from collections.abc import Iterator, Mapping, Sequence

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.cli.database import Database
from app.cli.interrupts import cancelled_by_signals
from app.cli.output import Output
from app.codecs.screen import escape_text


def save(
    database: Database, output: Output, changes: Sequence[Change], expected: Mapping[int, Expected], *, backup: bool
) -> None:
    """Save changes of a database that can be saved, and tell where the state before is kept."""
    with cancelled_by_signals(database.token):
        report = database.engine.apply(changes, expected, SaveOptions(backup=backup), database.token)
    for sentence in save_notes(report):
        output.line(escape_text(sentence))


def expected_entry(database: Database, entry_id: int) -> Expected:
    """Return how a save finds the entry again."""
    entries = database.entries
    return Expected(entries.key(entry_id), entries.nth(entry_id), database.engine.digest(entry_id, database.token))


def save_notes(report: SaveReport) -> Iterator[str]:
    """Yield a sentence for the backups, and the warnings."""
    if report.backups:
        yield f"The state before is kept in {', '.join(path.name for path in report.backups)}."
    yield from report.warnings
