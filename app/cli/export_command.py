"""``export``: entries as plain JSON or JSON Lines, to standard output or to a file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.interrupts import cancelled_by_signals
from app.cli.output import Output
from app.cli.parameters import (
    Command,
    NamedChoice,
    base64_option,
    extensions_option,
    file_argument,
    key_bytes,
    key_filter,
)
from app.cli.session import Session
from app.codecs.screen import key_text
from app.engine.base import ExportItem
from app.engine.export import Progress
from app.errors import AppError, DocumentError


@dataclass(frozen=True, slots=True)
class _Shape:
    """How entries are written: a line each or all as one object; their values as typed or as plain JSON."""

    lines: bool
    typed: bool


def _shape_options(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Give a command --as and --typed, and hand it their meaning as ``shape``."""

    @click.option(
        "--as",
        "form",
        type=NamedChoice(["json", "jsonl"], later=["csv", "python"]),
        default="json",
        show_default=True,
        help="One JSON object, or one line of JSON an entry.",
    )
    @click.option("--typed", is_flag=True, help="Typed JSON, which can be brought back (docs/TYPED_JSON.md).")
    @wraps(function)
    def with_shape(*arguments: Any, form: str, typed: bool, **options: Any) -> ExitCode:
        return function(*arguments, shape=_Shape(lines=form == "jsonl", typed=typed), **options)

    return with_shape


@click.command(cls=Command)
@file_argument
@click.argument("keys", nargs=-1, type=click.UNPROCESSED, metavar="[KEY]...")
@click.option("--match", metavar="PATTERN", help="Also entries whose keys are like this: * ? [a-z], case-sensitive.")
@_shape_options
@click.option("-o", "--output", "target", type=click.UNPROCESSED, metavar="OUT", help="A file instead of the screen.")
@base64_option
@extensions_option
@click.pass_obj
def export(
    session: Session,
    file: str,
    keys: tuple[str, ...],
    match: str | None,
    shape: _Shape,
    target: str | None,
    key_base64: bool,
) -> ExitCode:
    """Export entries of FILE as JSON: all of them, or those with a KEY or like PATTERN, in file order.

    Plain JSON is for reading; it does not keep every type. Typed JSON does: each value is a document that jsonpickle
    loads with keys=True.
    """
    wanted = [key_bytes(key, base64=key_base64) for key in keys]
    with opened(file) as database:
        items = _choose_items(database, wanted, match)
        with _naming_the_option():
            if target is None or target == "-":
                _write_stream(database, session.output, items, shape)
            else:
                _write_file(database, Path(target), items, shape)
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


def _write_stream(database: Database, output: Output, items: list[ExportItem] | None, shape: _Shape) -> None:
    progress, token = Progress(0, []), database.token
    pieces = database.engine.export_pieces(items, lines=shape.lines, typed=shape.typed, progress=progress, token=token)
    for piece in pieces:
        output.json(piece)
    _note_damaged(database, progress.damaged, shape)


def _write_file(database: Database, target: Path, items: list[ExportItem] | None, shape: _Shape) -> None:
    _check_target(database, target)
    damaged: tuple[bytes, ...] = ()
    with cancelled_by_signals(database.token):
        reports = database.engine.export(items, str(target), lines=shape.lines, typed=shape.typed, token=database.token)
        for report in reports:
            damaged = report.damaged
    _note_damaged(database, damaged, shape)


def _check_target(database: Database, target: Path) -> None:
    """Refuse targets that replacing would destroy: the database, and devices and pipes."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise AppError(f"{target.name} is a device or a pipe; leave -o away and redirect the output.", path=target)
    for file in database.info.files:
        if target.exists() and Path(file).exists() and target.samefile(file):
            raise AppError(f"{target.name} is the database itself, which an export would destroy; name another file.")


def _note_damaged(database: Database, keys: Sequence[bytes], shape: _Shape) -> None:
    tag = "shelfscope/raw" if shape.typed else "__damaged__"
    database.damage += [f"the value of {key_text(key)}, or a part of it, is written as {tag}" for key in keys]
