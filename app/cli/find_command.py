"""``find``: the keys and paths of entries whose keys or values match a pattern."""

import json

import click

from app.cli.audit_command import named
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.output import Output, complain
from app.cli.parameters import Command, extensions_option, file_argument
from app.cli.session import Session
from app.codecs.findings import Query
from app.codecs.matching import Matcher
from app.codecs.screen import escape_text, quote_text
from app.engine.base import Found
from app.errors import EncodeError


@click.command(cls=Command)
@file_argument
@click.argument("pattern", type=click.UNPROCESSED)
@click.option("--regex", is_flag=True, help="PATTERN is a regular expression, as Python's.")
@click.option("--ignore-case", is_flag=True, help="Let capital letters equal small ones.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each place.")
@extensions_option
@click.pass_obj
def find(session: Session, file: str, pattern: str, *, regex: bool, ignore_case: bool, as_json: bool) -> ExitCode:
    """Find PATTERN in the keys and values of FILE: a line for each place, with key, path and text between tabs.

    The path of a key that matches is empty. Numbers match by their decimal text, dates and the like by what is shown;
    bytes as UTF-8, and by hexadecimal digits behind 0x.
    """
    query = _query(pattern, is_regex=regex, ignores_case=ignore_case)
    with opened(file) as database:
        len(database.entries)  # read before the search begins, so that a file that cannot be listed is told of as such
        places = 0
        for report in database.engine.search(None, query, database.token):
            for found in report.hits:
                _write(database, session.output, found, as_json=as_json)
            places += len(report.hits)
            database.damage += [
                f"the value of {database.key_text(key)} cannot be searched: {why}" for key, why in report.unread
            ]
        code = database.finish()
        if not places and code is ExitCode.DONE:
            complain(f"Nothing in {database.name} matches {quote_text(pattern)}.")
        return code if places else ExitCode.FINDING


def _query(pattern: str, *, is_regex: bool, ignores_case: bool) -> Query:
    """Return the query that the arguments ask for.

    Raises:
        click.UsageError: nothing is looked for, or the regular expression is wrong.
    """
    query = Query(pattern, is_regex, ignores_case)
    try:
        Matcher(query)
    except EncodeError as error:
        raise click.UsageError(error.message.rstrip("."), ctx=click.get_current_context()) from error
    if not pattern:
        raise click.UsageError("The PATTERN is empty, and would match everything", ctx=click.get_current_context())
    return query


def _write(database: Database, output: Output, found: Found, *, as_json: bool) -> None:
    if as_json:
        line = {**named(found.key), "path": found.path, "text": found.text, "is_key": found.is_key}
        output.json(json.dumps(line, ensure_ascii=False) + "\n")
        return
    key = escape_text(database.key_text(found.key))
    output.line("\t".join((key, escape_text(found.path), found.text)))
