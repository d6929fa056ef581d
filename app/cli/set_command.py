"""``set``: one scalar of a stored value is replaced, all else stays."""

from collections.abc import Iterator

import click

from app.backends.base import Expected, Replace, SaveOptions, SaveReport
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.interrupts import cancelled_by_signals
from app.cli.parameters import Command, Place, not_yet, place_parameters
from app.cli.session import Session
from app.codecs.screen import escape_text, key_text
from app.errors import KeyMissing, ReadOnlyDatabase


class SetCommand(Command):
    """Takes a last argument such as ``-5`` for what it is: this command has no short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[-1].startswith("-") and not args[-1].startswith("--") and "--" not in args:
            args = [*args[:-1], "--", args[-1]]
        return super().parse_args(ctx, args)


@click.command("set", cls=SetCommand)
@place_parameters(key_required=True)
@click.argument("literal", type=click.UNPROCESSED)
@click.option("--no-backup", is_flag=True, help="Do not copy the file beside itself before it is changed.")
@not_yet("--json", "--from-file", "--pickle", "--protocol")
@click.pass_obj
def set_value(session: Session, place: Place, literal: str, *, no_backup: bool) -> ExitCode:
    """Replace the value of KEY, or the place --at PATH in it, by a Python LITERAL of the same type.

    Only numbers, texts, bytes, True, False and None can be replaced, and only by their like.
    """
    with opened(place.file) as database:
        entry_id = _choose(database, place)
        if why := database.why_read_only:
            raise ReadOnlyDatabase(why)
        with cancelled_by_signals(database.token):
            report = _replace(database, entry_id, place.at, literal, backup=not no_backup)
    for sentence in _notes(report):
        session.output.line(escape_text(sentence))
    return ExitCode.DONE


def _choose(database: Database, place: Place) -> int:
    key = place.key or b""
    if not any(True for _entry_id in database.entries.find(key)):
        raise KeyMissing(f"{database.name} has no entry named {key_text(key)}, and adding one is not there yet.")
    return database.choose(key, place.nth)


def _replace(database: Database, entry_id: int, at: str, literal: str, *, backup: bool) -> SaveReport:
    """Save the value with the literal in it, unless it is so already."""
    engine, token, entries = database.engine, database.token, database.entries
    value = engine.replace(entry_id, at, literal, token)
    if value == engine.read(entry_id, 0, entries.size(entry_id), token):
        return SaveReport()
    expected = Expected(entries.key(entry_id), entries.nth(entry_id), engine.digest(entry_id, token))
    return engine.apply([Replace(entry_id, value)], {entry_id: expected}, SaveOptions(backup=backup), token)


def _notes(report: SaveReport) -> Iterator[str]:
    if report.backups:
        yield f"The state before is kept in {', '.join(path.name for path in report.backups)}."
    yield from report.warnings
