"""``show``: one value, or one place in it, in the form that is asked for."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from app import limits
from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.json_text import json_pieces
from app.cli.output import Output, complain
from app.cli.parameters import Command, Place, extensions_option, place_parameters
from app.cli.session import Session
from app.errors import DocumentError, PathError

_HEX_COLUMNS = 16
_OPCODES_AT_ONCE = 1000
_UNPRINTABLE = bytes(code if 0x20 <= code < 0x7F else ord(".") for code in range(256))
_BYTE_KINDS = frozenset({"str", "str2", "bytes", "bytearray"})


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is shown; ``size`` is that of the whole value in bytes, ``limit`` None where the default holds."""

    database: Database
    entry_id: int
    size: int
    at: str
    limit: int | None


@click.command(cls=Command)
@place_parameters(key_required=False)
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "tree", "json", "typed", "hex", "opcodes", "raw"]),
    default="text",
    show_default=True,
    help="Pretty text, node JSON, plain or typed JSON, a hex table, pickle opcodes or the bytes themselves.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N characters of text, nodes of a tree, bytes of hex and raw, opcodes.",
)
@extensions_option
@click.pass_obj
def show(session: Session, place: Place, form: str, limit: int | None) -> ExitCode:
    """Show the value of KEY, or of the only or first entry of FILE."""
    _check_options(session.output, place, form, limit)
    with opened(place.file) as database:
        entry_id = database.choose(place.key, place.nth)
        subject = _Subject(database, entry_id, database.entries.size(entry_id), place.at, limit)
        _WRITERS[form](subject, session.output)
        return ExitCode.DONE if form in {"hex", "raw"} else _finish(subject)


def _check_options(output: Output, place: Place, form: str, limit: int | None) -> None:
    context = click.get_current_context()
    if form in {"json", "typed"} and limit is not None:
        raise click.UsageError(f"--limit does not go with --as {form}, which is always whole", ctx=context)
    if form == "opcodes" and place.at:
        raise click.UsageError("--as opcodes shows a whole value and does not go with --at", ctx=context)
    if form == "raw" and output.is_terminal:
        raise click.UsageError("Raw bytes are not for a terminal: redirect them, or use --as hex", ctx=context)
    if place.nth is not None and place.key is None:
        raise click.UsageError("--nth needs a KEY", ctx=context)


def _finish(subject: _Subject) -> ExitCode:
    """Tell what is wrong with the value itself; other entries of a damaged database are not the matter here."""
    value = subject.database.engine.decode(subject.entry_id, subject.database.token)
    if not (value.is_damaged or value.damage_met):
        return ExitCode.DONE
    key = subject.database.key_text(subject.database.entries.key(subject.entry_id))
    if value.is_damaged:
        why = value.problems[0] if value.problems else "it cannot be shown whole."
        what = "is too large to be held whole" if value.why_cut else "is damaged"
    else:
        why, what = value.damage_met, "is not shown whole"
    complain(f"The value of {key} in {subject.database.name} {what}: {why}")
    return ExitCode.FINDING


def _write_text(subject: _Subject, output: Output) -> None:
    engine, limit = subject.database.engine, subject.limit or limits.TEXT_PANE_CHARS
    output.line(engine.text(subject.entry_id, limit, subject.database.token, subject.at))


def _write_tree(subject: _Subject, output: Output) -> None:
    engine, limit = subject.database.engine, subject.limit or limits.TREE_NODES
    for piece in json_pieces(engine.tree(subject.entry_id, subject.at, limit, subject.database.token)):
        output.json(piece)
    output.line("")


def _write_json(subject: _Subject, output: Output) -> None:
    output.json(subject.database.engine.plain(subject.entry_id, subject.at, subject.database.token))
    output.line("")


def _write_typed(subject: _Subject, output: Output) -> None:
    output.json(subject.database.engine.typed(subject.entry_id, subject.at, subject.database.token))
    output.line("")


def _write_opcodes(subject: _Subject, output: Output) -> None:
    """Write a line an opcode: offset, depth of the stack, name, argument, what it builds."""
    engine, token = subject.database.engine, subject.database.token
    start, end = 0, subject.limit if subject.limit is not None else sys.maxsize
    while rows := engine.opcodes(subject.entry_id, start, min(_OPCODES_AT_ONCE, end - start), token):
        for row in rows:
            text = f"{row.offset:>8} {row.depth:>4} {row.name:<16} {row.argument}"
            output.line(f"{text:<60}  {row.builds}".rstrip())
        start += len(rows)
    if not start:
        codec = engine.decode(subject.entry_id, token).codec
        raise DocumentError(f"This value is no pickle but {codec}, which has no opcodes; show it --as hex.")


def _write_hex(subject: _Subject, output: Output) -> None:
    for line in _hex_lines(_bytes_of(subject)):
        output.line(line)


def _write_raw(subject: _Subject, output: Output) -> None:
    output.write(_bytes_of(subject))


_WRITERS: dict[str, Callable[[_Subject, Output], None]] = {
    "text": _write_text,
    "tree": _write_tree,
    "json": _write_json,
    "typed": _write_typed,
    "hex": _write_hex,
    "opcodes": _write_opcodes,
    "raw": _write_raw,
}


def _bytes_of(subject: _Subject) -> bytes:
    """Return the bytes of a whole value, or of the text or bytes at a place in it (text as UTF-8)."""
    engine, token = subject.database.engine, subject.database.token
    if not subject.at:
        return engine.read(subject.entry_id, 0, min(subject.limit or subject.size, subject.size), token)
    node = engine.tree(subject.entry_id, subject.at, 1, token)
    if node["t"] not in _BYTE_KINDS:
        raise PathError(f"At {subject.at} is no text and no bytes but a {node['t']}; show it --as text or --as json.")
    return bytes.fromhex(node["hex"])[: subject.limit]


def _hex_lines(data: bytes) -> Iterator[str]:
    half = _HEX_COLUMNS // 2
    for start in range(0, len(data), _HEX_COLUMNS):
        row = data[start : start + _HEX_COLUMNS]
        left, right = row[:half].hex(" "), row[half:].hex(" ")
        yield f"{start:08x}  {left:<{3 * half}} {right:<{3 * half}} |{row.translate(_UNPRINTABLE).decode('ascii')}|"
