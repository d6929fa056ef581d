"""``convert`` and ``compact``: the same entries in another file, or in the same one without unused room."""

import click

from app.backends.base import SaveOptions
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.interrupts import cancelled_by_signals
from app.cli.new_database import NewDatabaseCommand, Plan, leave_out_option, new_database_parameters, tell_made
from app.cli.parameters import Command, destination_argument, file_argument, no_backup_option, source_argument
from app.cli.saving import save_notes
from app.cli.session import Session
from app.codecs.screen import escape_text
from app.engine.base import MadeDatabase, NewDatabase


@click.command(cls=NewDatabaseCommand)
@source_argument
@destination_argument
@new_database_parameters()
@leave_out_option
@click.pass_obj
def convert(session: Session, file: str, destination: str, plan: Plan, *, leave_out: bool) -> ExitCode:
    """Copy all entries of SRC into a new database named DST, byte for byte.

    What FORMAT cannot hold is named before anything is written. SRC stays as it is.
    """
    with opened(file) as database:
        made = _convert(database, plan(destination), leaves_out=leave_out)
        tell_made(session.output, made)
        for note in database.engine.notes():
            session.output.line(escape_text(note))
        return database.finish()


def _convert(database: Database, target: NewDatabase, *, leaves_out: bool) -> MadeDatabase:
    len(database.entries)  # a database whose entries cannot be listed could not be opened
    with cancelled_by_signals(database.token):
        return database.engine.convert(target, [], database.token, leaves_out=leaves_out)


@click.command(cls=Command)
@file_argument
@no_backup_option
@click.pass_obj
def compact(session: Session, file: str, *, no_backup: bool) -> ExitCode:
    """Write FILE anew without the room that nothing uses, beside itself first, and tell what that saved.

    What was deleted or superseded can be salvaged from the backup alone afterwards. A program that has a dbm.dumb
    database open would destroy it when it writes: close such programs first. There a backup is made in any case.
    """
    with opened(file) as database:
        database.refuse_read_only()
        with cancelled_by_signals(database.token):
            report = database.engine.compact(SaveOptions(backup=not no_backup), database.token)
    before, after = report.bytes_before, report.bytes_after
    sizes = f"{before:,} bytes before, {after:,} after, {before - after:,} saved"
    session.output.line(escape_text(f"{database.name}: {sizes}."))
    for sentence in save_notes(report):
        session.output.line(escape_text(sentence))
    return ExitCode.DONE
