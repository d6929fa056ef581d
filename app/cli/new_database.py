"""What is chosen for a new database, and what is told of one that was made."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from app.backends.formats import FORMATS
from app.cli.exit_codes import ExitCode
from app.cli.output import Output
from app.codecs.screen import escape_text, key_text
from app.engine.base import MadeDatabase, NewDatabase, Refusals
from app.engine.copying import WAY_OUT
from app.errors import KeyRejected

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


def _choices(option: str) -> list[str]:
    """Return every text that some format knows for an option."""
    options = (known for form in FORMATS.values() for known in form.options if known.name == option)
    return list(dict.fromkeys(str(choice) for known in options for choice in known.choices if choice))


_WRITABLE = [form.format_id for form in FORMATS.values() if form.writable]
_OPTIONS: Mapping[str, Callable[..., Any]] = {
    "page_size": click.option("--page-size", type=click.IntRange(min=1), metavar="N", help="Bytes of a page or block."),
    "byte_order": click.option("--byte-order", type=click.Choice(_choices("byte_order")), help="Little if not told."),
    "numsync": click.option("--numsync", is_flag=True, help="GDBM's extended header."),
    "layout": click.option("--layout", type=click.Choice(_choices("layout")), help="GDBM's structures."),
    "duplicates": click.option(
        "--duplicates", type=click.Choice(_choices("duplicates")), help="Whether a key can come again (Berkeley DB)."
    ),
    "mode": click.option("--mode", type=Mode(), metavar="MODE", help="Permissions, such as 0600; else by the umask."),
}


def new_database_parameters(default: str | None = None) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Give a command --to and the options of a new database, and hand it their meaning as ``plan``."""
    wanted: dict[str, Any] = {"required": True} if default is None else {"default": default, "show_default": True}
    to = click.option(
        *("--to", "form"),
        type=click.Choice(_WRITABLE),
        metavar="FORMAT",
        help=f"One of {', '.join(_WRITABLE)}.",
        **wanted,
    )
    replace = click.option("--replace", is_flag=True, help="Take the place of what is there, which is backed up.")

    def decorate(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        @wraps(function)
        def with_plan(*, form: str, replace: bool, **given: Any) -> ExitCode:
            options = {name: given.pop(name) for name in _OPTIONS}
            return function(plan=lambda path: NewDatabase(path, form, options, replace), **given)

        for add in reversed((to, *_OPTIONS.values(), replace)):
            with_plan = add(with_plan)
        return with_plan

    return decorate


leave_out_option = click.option("--leave-out", is_flag=True, help="Go on without entries that FORMAT cannot hold.")


def naming_the_option(error: KeyRejected) -> KeyRejected:
    """Return the error with the option that helps, where one does; the engine knows no options."""
    return KeyRejected(error.message.replace(WAY_OUT, f"{WAY_OUT} with --leave-out"), path=error.path)


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
