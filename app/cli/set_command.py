"""``set``: one scalar of a stored value is replaced and all else stays, or a whole value is given as bytes."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from app.backends.base import Change, Expected, Insert, Replace
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.parameters import Command, Place, no_backup_option, not_yet, place_parameters
from app.cli.saving import expected_entry, save
from app.cli.session import Session
from app.codecs.literal import parse_raw
from app.codecs.screen import key_text
from app.errors import AppError, DocumentError, KeyMissing

_TAKE_VALUES = frozenset({"--at", "--nth", "--from-file"})
_BARE = frozenset({"text", "raw"})
"""Codecs of values that are nothing but a text or bytes."""


class SetCommand(Command):
    """Takes a last argument such as ``-5`` for what it is: this command has no short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_literal = args and args[-1].startswith("-") and not args[-1].startswith("--")
        if is_literal and "--" not in args and not _TAKE_VALUES & set(args[-2:-1]):
            args = [*args[:-1], "--", args[-1]]
        return super().parse_args(ctx, args)


@click.command("set", cls=SetCommand)
@place_parameters(key_required=True)
@click.argument("literal", type=click.UNPROCESSED, required=False)
@click.option(
    *("--from-file", "source"),
    type=click.UNPROCESSED,
    metavar="F",
    help="The bytes of file F become the whole value; - is standard input.",
)
@no_backup_option
@not_yet("--json", "--pickle", "--protocol")
@click.pass_obj
def set_value(session: Session, place: Place, literal: str | None, source: str | None, *, no_backup: bool) -> ExitCode:
    """Replace the value of KEY, or the place --at PATH in it, by a Python LITERAL of the same type.

    Of pickles only numbers, texts, bytes, True, False and None can be replaced, and only by their like. In a database
    that is no shelf a text is stored as UTF-8 and bytes as they are, also under a KEY that is new.
    """
    _check_options(place, literal, source)
    given = None if source is None else _read(source)
    with opened(place.file) as database:
        entry_id = _find(database, place)
        database.refuse_read_only()
        value = _new_value(database, entry_id, place.at, literal or "") if given is None else given
        changes, expected = _changes(database, entry_id, place.key or b"", value)
        if changes:
            save(database, session.output, changes, expected, backup=not no_backup)
    return ExitCode.DONE


def _check_options(place: Place, literal: str | None, source: str | None) -> None:
    context = click.get_current_context()
    if literal is None and source is None:
        raise click.UsageError("Missing argument 'LITERAL'", ctx=context)
    if literal is not None and source is not None:
        raise click.UsageError("--from-file does not go with a LITERAL", ctx=context)
    if source is not None and place.at:
        raise click.UsageError("--from-file gives the whole value and does not go with --at", ctx=context)


def _read(source: str) -> bytes:
    """Return all bytes of a file, or of standard input."""
    try:
        return _standard_input() if source == "-" else Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no possible name"
        raise AppError(f"{source:.200} could not be read: {reason}; nothing was saved.") from error


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise click.UsageError("Standard input is closed, so that there is no value", ctx=click.get_current_context())
    return sys.stdin.buffer.read()


def _find(database: Database, place: Place) -> int | None:
    """Return the entry id of the KEY, None where there is no such entry and one can be added."""
    key = place.key or b""
    if database.find(key):
        return database.choose(key, place.nth)
    if place.at or place.nth:
        raise KeyMissing(f"{database.name} has no entry named {key_text(key)}; leave --at and --nth out to add one.")
    return None


def _new_value(database: Database, entry_id: int | None, at: str, literal: str) -> bytes:
    """Return the bytes that the entry, or a new one, shall have."""
    engine, token = database.engine, database.token
    if entry_id is None:
        return _added_value(database, literal)
    codec = engine.decode(entry_id, token).codec
    if at or codec not in _BARE or engine.is_shelf(token):
        return engine.replace(entry_id, at, literal, token)
    value = parse_raw(literal)
    if isinstance(value, bytes):
        return value
    # What is a text already keeps its encoding.
    return engine.replace(entry_id, "", literal, token) if codec == "text" else value.encode()


def _added_value(database: Database, literal: str) -> bytes:
    if database.engine.is_shelf(database.token):
        what = "adding a value to it by a literal is not there yet"
        raise DocumentError(f"{database.name} is a shelf, and {what}; give a pickle with --from-file.")
    value = parse_raw(literal)
    return value if isinstance(value, bytes) else value.encode()


def _changes(
    database: Database, entry_id: int | None, key: bytes, value: bytes
) -> tuple[list[Change], Mapping[int, Expected]]:
    """Return what is to be saved; nothing when the value is so already."""
    if entry_id is None:
        return [Insert(key, value)], {}
    if value == database.engine.value(entry_id):
        return [], {}
    return [Replace(entry_id, value)], {entry_id: expected_entry(database, entry_id)}
