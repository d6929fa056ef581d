"""Arguments and options that several commands share."""

import binascii
import fnmatch
import os
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from app.cli.exit_codes import ExitCode
from app.codecs.extension_codes import extension_table
from app.errors import DecodeError

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose help goes through our own output, in UTF-8 and quiet when that is closed."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _print_help
        return option


def _print_help(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.obj.output.line(ctx.get_help())
        ctx.exit()


class NamedChoice(click.Choice[str]):
    """A choice that also knows names whose time has not come."""

    def __init__(self, choices: list[str], later: list[str]) -> None:
        super().__init__(choices)
        self._later = later

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self._later:
            self.fail(f"{value} is not there yet; choose from {', '.join(self.choices)}", param, ctx)
        chosen: str = super().convert(value, param, ctx)
        return chosen


file_argument = click.argument("file", type=click.UNPROCESSED)
source_argument = click.argument("file", type=click.UNPROCESSED, metavar="SRC")
destination_argument = click.argument("destination", type=click.UNPROCESSED, metavar="DST")
no_backup_option = click.option(
    "--no-backup", is_flag=True, help="Do not copy the file beside itself before it is changed."
)
base64_option = click.option("--key-base64", is_flag=True, help="Every KEY is base64 of its bytes.")


EXTENSIONS = "app.cli.parameters.extensions"
"""Where the context keeps the table that --extensions gives."""


def _read_extensions(ctx: click.Context, _parameter: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    try:
        ctx.meta[EXTENSIONS] = extension_table(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise click.UsageError(f"The table of extension codes {path!a} cannot be read", ctx=ctx) from error
    except DecodeError as error:
        raise click.UsageError(error.message.rstrip("."), ctx=ctx) from error


extensions_option = click.option(
    "--extensions",
    type=click.UNPROCESSED,
    metavar="TABLE",
    expose_value=False,
    callback=_read_extensions,
    help="A file of copyreg's extension codes: '7 shop.models.Order' a line, or JSON.",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a value: ``nth`` counts among entries of equal key; without a key the first entry is meant."""

    file: str
    key: bytes | None
    nth: int | None
    at: str


def place_parameters(*, key_required: bool) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Give a command FILE, KEY, --at, --nth and --key-base64, and hand it their meaning as ``place``."""

    def decorate(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        @wraps(function)
        def with_place(
            file: str, key: str | None, at: str, nth: int | None, *, key_base64: bool, **others: Any
        ) -> ExitCode:
            wanted = None if key is None else key_bytes(key, base64=key_base64)
            return function(place=Place(file, wanted, nth, at), **others)

        for add in reversed((file_argument, _key_argument(required=key_required), _AT, nth_option, base64_option)):
            with_place = add(with_place)
        return with_place

    return decorate


def _key_argument(*, required: bool) -> Callable[[F], F]:
    return click.argument("key", type=click.UNPROCESSED, required=required)


_AT = click.option("--at", metavar="PATH", default="", help="A place in the value, such as ['name'][0].attribute")
nth_option = click.option(
    "--nth",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which one of several entries with that KEY, counted from 0.",
)


def key_bytes(text: str, *, base64: bool) -> bytes:
    """Return the key that an argument names: the very bytes that the shell gave, or what they encode."""
    if not base64:
        return os.fsencode(text)
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise click.UsageError(f"The KEY {text!r} is not base64", ctx=click.get_current_context()) from error


def key_filter(pattern: str) -> Callable[[bytes], bool]:
    """Return a test of keys against a glob pattern, case-sensitive; a byte that is no UTF-8 counts as a character."""
    matches = re.compile(fnmatch.translate(_loose_text(os.fsencode(pattern)))).match
    return lambda key: matches(_loose_text(key)) is not None


def _loose_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
