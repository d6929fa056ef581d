"""``create`` and ``load``: new databases, empty or from what ``dump`` wrote."""

import sys

import click

from app.backends.spool import SpooledRecords
from app.cancel import CancelToken
from app.cli.exit_codes import ExitCode
from app.cli.interrupts import cancelled_by_signals
from app.cli.new_database import NewDatabaseCommand, Plan, leave_out_option, new_database_parameters, tell_made
from app.cli.parameters import file_argument
from app.cli.session import Session
from app.engine.destination import Destination, create
from app.engine.loading import load, spool_lines


@click.command("create", cls=NewDatabaseCommand)
@file_argument
@new_database_parameters(default="sqlite3")
@click.pass_obj
def create_database(session: Session, file: str, plan: Plan) -> ExitCode:
    """Make an empty database named FILE.

    Formats of several files add their suffixes to that name.
    """
    token = CancelToken()
    with cancelled_by_signals(token):
        made = create(plan(file), token)
    tell_made(session.output, made)
    return ExitCode.DONE


@click.command("load", cls=NewDatabaseCommand)
@file_argument
@new_database_parameters()
@leave_out_option
@click.pass_obj
def load_database(session: Session, file: str, plan: Plan, *, leave_out: bool) -> ExitCode:
    """Make a database named FILE from standard input: the lines that 'dump' writes, in their order."""
    if sys.stdin is None or sys.stdin.isatty():
        message = "Standard input has no lines to load: use 'shelfscope dump OTHER | shelfscope load FILE'"
        raise click.UsageError(message, ctx=click.get_current_context())
    target, token = plan(file), CancelToken()
    Destination.of(target).refuse_taken()  # before all is read
    with SpooledRecords() as records:
        parts = spool_lines(sys.stdin.buffer, records)
        with cancelled_by_signals(token):
            made = load(records, target, token, leaves_out=leave_out)
    tell_made(session.output, made)
    if parts:
        session.output.line(f"The entries of {parts:,} sub-databases are together now, and not told apart.")
    return ExitCode.DONE
