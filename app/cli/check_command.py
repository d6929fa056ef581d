"""``check`` and ``salvage``: what is wrong with a file, and what can be saved of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from app.backends.formats import FORMATS
from app.cancel import CancelToken
from app.cli.database import opened
from app.cli.exit_codes import ExitCode
from app.cli.interrupts import cancelled_by_signals
from app.cli.new_database import NewDatabaseCommand, Plan, count_text, new_database_parameters, tell_made
from app.cli.output import Output
from app.cli.parameters import Command, destination_argument, file_argument, source_argument
from app.cli.session import Session
from app.codecs.screen import escape_text
from app.engine.base import ProblemNote, SalvageReport
from app.engine.looking import format_of
from app.engine.salvaging import salvage as salvage_files
from app.errors import BackendMissing, CannotOpen, CorruptDatabase, UnknownFormat

_READABLE = [form.format_id for form in FORMATS.values() if form.readable]


@click.command(cls=Command)
@file_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines to read.")
@click.pass_obj
def check(session: Session, file: str, *, as_json: bool) -> ExitCode:
    """Look for everything in which FILE contradicts its format; nothing is changed.

    A problem is a line: the byte offset, or - where there is none, and a sentence. A line before them counts them,
    one behind them says what to do. With any the exit code is 1.
    """
    form, problems = _problems(file)
    if as_json:
        listed = [{"message": problem.message, "offset": problem.offset} for problem in problems]
        facts = {"path": file, "format": form, "damaged": bool(problems), "problems": listed}
        session.output.json(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
    elif problems:
        count = f"{len(problems):,} problem{'' if len(problems) == 1 else 's'}"
        session.output.line(escape_text(f"{Path(file).name} is damaged ({form or 'unknown format'}): {count}."))
        _tell(session.output, problems)
        session.output.line("'shelfscope salvage' writes what can still be found into a new database.")
    else:
        session.output.line(escape_text(f"{Path(file).name} is sound ({form})."))
    return ExitCode.FINDING if problems else ExitCode.DONE


def _problems(file: str) -> tuple[str | None, tuple[ProblemNote, ...]]:
    """Return the format, None where it is too damaged for that, and what is wrong."""
    try:
        with opened(file) as database:
            if database.info.recognised_only:
                raise BackendMissing(database.info.recognised_only)
            with cancelled_by_signals(database.token):
                return database.info.format, database.engine.check(database.token)
    except CannotOpen as error:
        damage = error.__cause__
        if isinstance(damage, CorruptDatabase):
            return format_of(Path(file)), (ProblemNote(damage.sentence, damage.offset),)
        raise


def _tell(output: Output, problems: Sequence[ProblemNote]) -> None:
    for problem in problems:
        place = "-" if problem.offset is None else str(problem.offset)
        output.line(f"{place}: {escape_text(problem.message)}")


@click.command(cls=NewDatabaseCommand)
@source_argument
@destination_argument
@new_database_parameters()
@click.option("--deleted", is_flag=True, help="Also what was removed or superseded and still lies in unused room.")
@click.option(
    *("--from", "format_id"),
    type=click.Choice(_READABLE),
    metavar="FORMAT",
    help="What SRC was, where it does not tell any more.",
)
@click.pass_obj
def salvage(
    session: Session, file: str, destination: str, plan: Plan, *, deleted: bool, format_id: str | None
) -> ExitCode:
    """Write all that can still be found in SRC, however damaged, into a new database named DST.

    An entry whose key is lost is named by the place where it was found. The exit code is 1 when something was lost.
    """
    token = CancelToken()
    try:
        with cancelled_by_signals(token):
            report = salvage_files(file, plan(destination), token, deleted=deleted, format_id=format_id or "")
    except UnknownFormat as error:
        raise UnknownFormat(f"{error.message.rstrip('.')} (--from FORMAT).", path=error.path) from error
    tell_made(session.output, report.made)
    if not format_id:
        session.output.line(f"It was read as {report.format}; --from says otherwise.")
    session.output.line(_counts(report))
    _tell(session.output, report.problems)
    is_whole = not (report.problems or report.lost or report.made.left_out.count)
    return ExitCode.DONE if is_whole else ExitCode.FINDING


def _counts(report: SalvageReport) -> str:
    """Return how the entries were found, in one sentence."""
    parts = []
    if report.live:
        parts.append(f"{count_text(report.live)} {'was in its' if report.live == 1 else 'were in their'} place")
    if report.lost:
        parts.append(f"{_were(report.lost)} found although nothing leads there any more")
    if report.deleted:
        parts.append(f"{report.deleted:,} had been deleted or superseded")
    if report.renamed:
        parts.append(f"{report.renamed:,} got another key")
    return f"{', '.join(parts)}."


def _were(count: int) -> str:
    return f"{count:,} {'was' if count == 1 else 'were'}"
