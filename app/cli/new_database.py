"""What is chosen for a new database, and what is told of one that was made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from app.backends.formats import FORMATS
from app.cli.exit_codes import ExitCode
from app.cli.output import Output
from app.cli.parameters import Command
from app.codecs.screen import escape_text, key_text
from app.engine.advice import choosing
from app.engine.base import MadeDatabase, NewDatabase, Refusals
from app.engine.copying import WAY_OUT
from app.errors import KeyRejected, NameTaken

LEFT_OUT_SHOWN = 20
"""Entries that were left out and are named."""

Plan = Callable[[str], NewDatabase]
"""Makes the description of a new database from its name and what was chosen."""


class Mode(click.ParamType[int]):
    """Permissions in octal, as chmod takes them."""

    name = "mode"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not (value.isascii() and value.isdigit()) or set(value) & {"8", "9"} or int(value, 8) > 0o777:
            self.fail(f"{value!r} are no permissions; write them as chmod takes them, such as 0600", param, ctx)
        return int(value, 8)


class FormatChoice(click.Choice[str]):
    """A format that can be written; with ``empty`` one whose databases can have no entries."""

    def __init__(self, *, empty: bool) -> None:
        writable = [form for form in FORMATS.values() if form.writable]
        super().__init__([form.format_id for form in writable if form.can_be_empty or not empty])
        self._never_empty = {form.format_id: form.label.lower() for form in writable if empty and not form.can_be_empty}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self._never_empty:
            self.fail(f"a {self._never_empty[value]} cannot be empty; convert or load into one", param, ctx)
        chosen: str = super().convert(value, param, ctx)
        return chosen


class ShortChoice(click.Choice[str]):
    """A choice by short names; the whole ones are known too."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__(list(names))
        self._names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self._names.values():
            whole: str = value
            return whole
        return self._names[super().convert(value, param, ctx)]


class NewDatabaseCommand(Command):
    """Lists the formats of ``--to`` in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        [to] = (known.type for known in self.params if known.name == "form")
        with formatter.section("Formats"):
            choices = to.choices if isinstance(to, FormatChoice) else ()
            formatter.write_dl([(name, FORMATS[name].use) for name in choices])


def _choices(option: str) -> list[str]:
    """Return every text that some format knows for an option."""
    options = (known for form in FORMATS.values() for known in form.options if known.name == option)
    return list(dict.fromkeys(str(choice) for known in options for choice in known.choices if choice))


_LAYOUTS = dict(zip(("64", "32", "i386"), _choices("layout"), strict=True))
_OPTIONS: Mapping[str, Callable[..., Any]] = {
    "page_size": click.option("--page-size", type=click.IntRange(min=1), metavar="N", help="Bytes of a page or block."),
    "byte_order": click.option("--byte-order", type=click.Choice(_choices("byte_order")), help="Little if not told."),
    "numsync": click.option("--numsync", is_flag=True, help="GDBM's extended header."),
    "layout": click.option(
        "--layout",
        type=ShortChoice(_LAYOUTS),
        help="GDBM's structures: of 64 bits, of 32, or as on a 32-bit machine with large files (i386).",
    ),
    "duplicates": click.option(
        "--duplicates",
        type=ShortChoice({"none": ""} | {name: name for name in _choices("duplicates")}),
        help="Whether a key can come again (Berkeley DB); unsorted if not told and some do.",
    ),
    "mode": click.option("--mode", type=Mode(), metavar="MODE", help="Permissions, such as 0600; else by the umask."),
}


def new_database_parameters(default: str | None = None) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Give a command --to and the options of a new database, and hand it their meaning as ``plan``.

    One with a ``default`` format makes databases of no entries.
    """
    wanted: dict[str, Any] = {"required": True} if default is None else {"default": default, "show_default": True}
    of_format = FormatChoice(empty=default is not None)
    to = click.option(
        *("--to", "form"), type=of_format, metavar="FORMAT", help="What the new database is; see below.", **wanted
    )
    replace = click.option("--replace", is_flag=True, help="Take the place of what is there, which is backed up.")

    def decorate(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        @wraps(function)
        def with_plan(*, form: str, replace: bool, **given: Any) -> ExitCode:
            options = {name: given.pop(name) for name in _OPTIONS}
            with _naming_options():
                return function(plan=lambda path: NewDatabase(path, form, options, replace), **given)

        for add in reversed((to, *_OPTIONS.values(), replace)):
            with_plan = add(with_plan)
        return with_plan

    return decorate


leave_out_option = click.option("--leave-out", is_flag=True, help="Go on without entries that FORMAT cannot hold.")


@contextmanager
def _naming_options() -> Iterator[None]:
    """Name the options that help where one does; the engine knows none."""
    try:
        yield
    except NameTaken as error:
        message = f"{error.message.rstrip('.')}, or give --replace, which keeps a backup."
        raise NameTaken(message, path=error.path) from error
    except KeyRejected as error:
        message = error.message.replace(WAY_OUT, f"{WAY_OUT} with --leave-out")
        for option in (known for form in FORMATS.values() for known in form.options):
            for choice in option.choices:
                name = f"--{option.name.replace('_', '-')} {choice}"
                message = message.replace(f"{choosing(option, choice)},", f"use {name},")
        raise KeyRejected(message, path=error.path) from error


def tell_made(output: Output, made: MadeDatabase) -> None:
    """Write what became of a new database."""
    for sentence in _sentences(made):
        output.line(escape_text(sentence))


def _sentences(made: MadeDatabase) -> Iterator[str]:
    were = "was" if len(made.files) == 1 else "were"
    yield f"{_names(made.files)} {were} made with {count_text(made.entries)}."
    yield from _left_out(made.left_out)
    if made.backups:
        yield f"What was there before is kept in {_names(made.backups)}."
    yield from made.warnings


def _left_out(refusals: Refusals) -> Iterator[str]:
    shown = refusals.first[:LEFT_OUT_SHOWN]
    for entry in shown:
        yield f"Left out: {key_text(entry.key)} ({entry.reason})."
    if refusals.count > len(shown):
        yield f"Left out: {refusals.count - len(shown):,} more."


def count_text(entries: int) -> str:
    """Return a number of entries in words that fit it."""
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"


def _names(paths: tuple[str, ...]) -> str:
    names = [Path(path).name for path in paths]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
