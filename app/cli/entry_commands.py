"""``delete`` and ``rename``: entries go, or get another key."""

import click

from app.backends.base import Change, Insert, Remove, Replace
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.parameters import (
    Command,
    base64_option,
    file_argument,
    key_bytes,
    no_backup_option,
    nth_option,
)
from app.cli.saving import expected_entry, save
from app.cli.session import Session
from app.codecs.edits import DeleteNodes
from app.codecs.screen import key_text
from app.errors import KeyRejected


@click.command(cls=Command)
@file_argument
@click.argument("keys", nargs=-1, required=True, type=click.UNPROCESSED, metavar="KEY...")
@nth_option
@base64_option
@click.option("--at", metavar="PATH", default="", help="Take out this place in the value, not the entry.")
@no_backup_option
@click.pass_obj
def delete(
    session: Session, file: str, keys: tuple[str, ...], nth: int | None, *, key_base64: bool, at: str, no_backup: bool
) -> ExitCode:
    """Take the entries with these KEYs out of FILE, or one place in the value of one, all in one save or none."""
    if (nth is not None or at) and len(keys) > 1:
        raise click.UsageError(f"{'--at' if at else '--nth'} goes with one KEY", ctx=click.get_current_context())
    wanted = dict.fromkeys(key_bytes(key, base64=key_base64) for key in keys)
    with opened(file) as database:
        entry_ids = [database.choose(key, nth) for key in wanted]
        database.refuse_read_only()
        changes = [_deletion(database, entry_id, at) for entry_id in entry_ids]
        expected = {entry_id: expected_entry(database, entry_id) for entry_id in entry_ids}
        save(database, session.output, changes, expected, backup=not no_backup)
    return ExitCode.DONE


def _deletion(database: Database, entry_id: int, at: str) -> Change:
    if not at:
        return Remove(entry_id)
    return Replace(entry_id, database.engine.edit(entry_id, DeleteNodes((at,)), database.token))


@click.command(cls=Command)
@file_argument
@click.argument("old", type=click.UNPROCESSED)
@click.argument("new", type=click.UNPROCESSED)
@nth_option
@base64_option
@no_backup_option
@click.pass_obj
def rename(
    session: Session, file: str, old: str, new: str, nth: int | None, *, key_base64: bool, no_backup: bool
) -> ExitCode:
    """Give the entry OLD of FILE the key NEW; not a byte of its value changes.

    Where a format keeps an order of its own, the entry takes the place of a new one.
    """
    old_key, new_key = key_bytes(old, base64=key_base64), key_bytes(new, base64=key_base64)
    with opened(file) as database:
        entry_id = database.choose(old_key, nth)
        database.refuse_read_only()
        if old_key != new_key:
            _refuse_taken(database, new_key)
            value = database.engine.value(entry_id)
            expected = {entry_id: expected_entry(database, entry_id)}
            changes: list[Change] = [Remove(entry_id), Insert(new_key, value)]
            save(database, session.output, changes, expected, backup=not no_backup)
    return ExitCode.DONE


def _refuse_taken(database: Database, key: bytes) -> None:
    if not database.info.may_repeat and database.find(key):
        raise KeyRejected(f"{database.name} has an entry named {key_text(key)} already; delete that one first.")
