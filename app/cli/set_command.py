"""``set``: a place in a stored value gets another one and all else stays, or a whole value is given."""

from collections.abc import Mapping

import click

from app.backends.base import Change, Expected, Insert, Replace
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.parameters import Command, Place, no_backup_option, place_parameters
from app.cli.saving import expected_entry, save
from app.cli.session import Session
from app.cli.wishes import Wish, new_value, wish_parameters
from app.codecs.screen import key_text
from app.errors import KeyMissing

_TAKE_VALUES = frozenset({"--at", "--nth", "--from-file", "--json", "--typed", "--protocol"})


class SetCommand(Command):
    """Takes a last argument such as ``-5`` for what it is: this command has no short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_literal = args and args[-1].startswith("-") and not args[-1].startswith("--")
        if is_literal and "--" not in args and not _TAKE_VALUES & set(args[-2:-1]):
            args = [*args[:-1], "--", args[-1]]
        return super().parse_args(ctx, args)


@click.command("set", cls=SetCommand)
@place_parameters(key_required=True)
@wish_parameters
@no_backup_option
@click.pass_obj
def set_value(session: Session, place: Place, wish: Wish, *, no_backup: bool) -> ExitCode:
    """Replace the value of KEY, or the place --at PATH in it, by a Python LITERAL; a KEY that is new is added.

    So is a new key, a new attribute or the index behind the last one at PATH. In a pickle all else keeps its bytes.
    In a database that is no shelf a text is stored as UTF-8 and bytes as they are.
    """
    if place.at and wish.is_whole:
        option = "--from-file" if wish.source is not None else "--pickle or --protocol"
        raise click.UsageError(
            f"{option} gives the whole value and does not go with --at", ctx=click.get_current_context()
        )
    with opened(place.file) as database:
        entry_id = _find(database, place)
        database.refuse_read_only()
        value = new_value(database, entry_id, place.at, wish)
        changes, expected = _changes(database, entry_id, place.key or b"", value)
        if changes:
            save(database, session.output, changes, expected, backup=not no_backup)
    return ExitCode.DONE


def _find(database: Database, place: Place) -> int | None:
    """Return the entry id of the KEY, None where there is no such entry and one can be added."""
    key = place.key or b""
    if database.find(key):
        return database.choose(key, place.nth)
    if place.at or place.nth:
        raise KeyMissing(f"{database.name} has no entry named {key_text(key)}; leave --at and --nth out to add one.")
    return None


def _changes(
    database: Database, entry_id: int | None, key: bytes, value: bytes
) -> tuple[list[Change], Mapping[int, Expected]]:
    """Return what is to be saved; nothing when the value is so already."""
    if entry_id is None:
        return [Insert(key, value)], {}
    if value == database.engine.value(entry_id):
        return [], {}
    return [Replace(entry_id, value)], {entry_id: expected_entry(database, entry_id)}
