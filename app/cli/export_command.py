"""``export``: entries as plain JSON or JSON Lines, to standard output or to a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.interrupts import cancelled_by_signals
from app.cli.output import Output
from app.cli.parameters import (
    Command,
    NamedChoice,
    base64_option,
    file_argument,
    key_bytes,
    key_filter,
    not_yet,
)
from app.cli.session import Session
from app.codecs.screen import key_text
from app.engine.base import ExportItem
from app.engine.export import Progress
from app.errors import AppError, DocumentError


@click.command(cls=Command)
@file_argument
@click.argument("keys", nargs=-1, type=click.UNPROCESSED, metavar="[KEY]...")
@click.option("--match", metavar="PATTERN", help="Also entries whose keys are like this: * ? [a-z], case-sensitive.")
@click.option(
    "--as",
    "form",
    type=NamedChoice(["json", "jsonl"], later=["csv", "python"]),
    default="json",
    show_default=True,
    help="One JSON object, or one line of JSON an entry.",
)
@click.option("-o", "--output", "target", type=click.UNPROCESSED, metavar="OUT", help="A file instead of the screen.")
@base64_option
@not_yet("--typed")
@click.pass_obj
def export(
    session: Session,
    file: str,
    keys: tuple[str, ...],
    match: str | None,
    form: str,
    target: str | None,
    key_base64: bool,
) -> ExitCode:
    """Export entries of FILE as plain JSON: all of them, or those with a KEY or like PATTERN, in file order.

    Plain JSON is for reading; it does not keep every type.
    """
    wanted = [key_bytes(key, base64=key_base64) for key in keys]
    with opened(file) as database:
        items = _choose_items(database, wanted, match)
        with _naming_the_option():
            if target is None or target == "-":
                _write_stream(database, session.output, items, lines=form == "jsonl")
            else:
                _write_file(database, Path(target), items, lines=form == "jsonl")
        return database.finish()


@contextmanager
def _naming_the_option() -> Iterator[None]:
    """Name the option that helps where two keys would get one name; the engine knows no options."""
    try:
        yield
    except DocumentError as error:
        raise DocumentError(f"{error.message.rstrip('.')}: use --as jsonl.") from error


def _choose_items(database: Database, wanted: list[bytes], match: str | None) -> list[ExportItem] | None:
    """Return the entries that were asked for in file order, None for all.

    Raises:
        KeyMissing: one of the keys is not there.
    """
    entries = database.entries
    if not wanted and match is None:
        return None
    chosen = {entry_id for key in wanted for entry_id in database.all_of(key)}
    if match is not None:
        is_wanted = key_filter(match)
        chosen.update(
            entry_id for entry_id in range(len(entries)) if is_wanted(database.shown_key(entries.key(entry_id)))
        )
    return [ExportItem(entries.key(entry_id), entry_id) for entry_id in sorted(chosen)]


def _write_stream(database: Database, output: Output, items: list[ExportItem] | None, *, lines: bool) -> None:
    progress = Progress(0, [])
    for piece in database.engine.export_pieces(items, lines=lines, progress=progress, token=database.token):
        output.json(piece)
    _note_damaged(database, progress.damaged)


def _write_file(database: Database, target: Path, items: list[ExportItem] | None, *, lines: bool) -> None:
    _check_target(database, target)
    damaged: tuple[bytes, ...] = ()
    with cancelled_by_signals(database.token):
        for report in database.engine.export(items, str(target), lines=lines, token=database.token):
            damaged = report.damaged
    _note_damaged(database, damaged)


def _check_target(database: Database, target: Path) -> None:
    """Refuse targets that replacing would destroy: the database, and devices and pipes."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise AppError(f"{target.name} is a device or a pipe; leave -o away and redirect the output.", path=target)
    for file in database.info.files:
        if target.exists() and Path(file).exists() and target.samefile(file):
            raise AppError(f"{target.name} is the database itself, which an export would destroy; name another file.")


def _note_damaged(database: Database, keys: Sequence[bytes]) -> None:
    database.damage += [f"the value of {key_text(key)} is written as __damaged__" for key in keys]
