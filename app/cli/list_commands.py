"""``keys`` and ``dump``: all entries, streamed in file order."""

import json
from base64 import b64encode

import click

from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.output import Output
from app.cli.parameters import Command, file_argument, key_filter
from app.cli.session import Session
from app.codecs.registry import key_summary
from app.codecs.screen import key_text
from app.errors import CorruptDatabase

_BASE64_SLICE = 3 << 18
"""Bytes encoded at once: a multiple of 3, so that only the last slice is padded."""


@click.command(cls=Command)
@file_argument
@click.option("--match", metavar="PATTERN", default="*", help="Only keys like this: * ? [a-z], case-sensitive.")
@click.option("--decoded", is_flag=True, help="Behind a tab, what keys say that are pickles or marshal themselves.")
@click.pass_obj
def keys(session: Session, file: str, match: str, *, decoded: bool) -> ExitCode:
    """List the keys of FILE in file order, one a line.

    A key that is not UTF-8 is written as a Python bytes literal, and one that would break the line
    as a str literal; all others as they are.
    """
    is_wanted = key_filter(match)
    with opened(file) as database:
        for chunk in database.chunks():
            names = map(database.shown_key, map(chunk.key, range(len(chunk))))
            shown = _decoded_line if decoded else _line
            session.output.text("".join(shown(key) for key in names if is_wanted(key)))
        return database.finish()


def _line(key: bytes) -> str:
    return f"{key_text(key)}\n"


def _decoded_line(key: bytes) -> str:
    says = key_summary(key)
    return f"{key_text(key)}\t{says}\n" if says else _line(key)


@click.command(cls=Command)
@file_argument
@click.pass_obj
def dump(session: Session, file: str) -> ExitCode:
    """Write every entry of FILE raw and lossless: {"k": base64, "v": base64} a line, in file order.

    The entries of sub-databases have their name besides: "db".
    """
    with opened(file) as database:
        first = 0
        for chunk in database.chunks():
            for row in range(len(chunk)):
                _dump_entry(database, session.output, first + row, chunk.key(row), chunk.sizes[row])
            first += len(chunk)
        return database.finish()


def _dump_entry(database: Database, output: Output, entry_id: int, key: bytes, size: int) -> None:
    try:
        value = database.engine.read(entry_id, 0, size, database.token)
    except CorruptDatabase as error:
        database.damage.append(f"the value of {database.key_text(key)} cannot be read: {error.message}")
        return
    output.write(b'{"k": "%b", "v": "' % b64encode(key))
    for start in range(0, len(value), _BASE64_SLICE):
        output.write(b64encode(value[start : start + _BASE64_SLICE]))
    part = database.engine.part_of(entry_id)
    output.write(b'"}\n' if part is None else b'", "db": %b}\n' % _json_text(part))


def _json_text(name: bytes) -> bytes:
    return json.dumps(name.decode("utf-8", "surrogateescape")).encode()
