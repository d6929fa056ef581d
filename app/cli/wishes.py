"""The new value that ``set`` is given: its options, and the bytes that they come to."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, Literal

import click

from app import limits
from app.cli.database import Database
from app.cli.exit_codes import ExitCode
from app.codecs.edits import ReplaceNode, Written
from app.codecs.literals.scalars import parse_raw
from app.codecs.model import Style
from app.errors import AppError, EncodeError

_BARE = frozenset({"text", "raw"})
"""Codecs of values that are nothing but a text or bytes."""
_PICKLE_CODEC = "pickle"
_LAST_PROTOCOL = 5
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a new value as text, or the file (``-``: standard input) whose bytes it is."""

    written: Written
    source: str | None
    any_type: bool
    everywhere: bool
    pickles: bool
    protocol: int | None

    @property
    def is_whole(self) -> bool:
        """Whether it can only be a whole value, not a place in one."""
        return self.source is not None or self.pickles or self.protocol is not None

    @property
    def is_literal(self) -> bool:
        return self.written.form == "python"


_LITERAL = click.argument("literal", type=click.UNPROCESSED, required=False)
_JSON = click.option("--json", "json_text", type=click.UNPROCESSED, metavar="TEXT", help="The new value as JSON.")
_TYPED = click.option(
    "--typed", "typed_text", type=click.UNPROCESSED, metavar="TEXT", help="The new value as typed JSON."
)
_FROM_FILE = click.option(
    *("--from-file", "source"),
    type=click.UNPROCESSED,
    metavar="F",
    help="The bytes of file F become the whole value; - is standard input.",
)
_ANY_TYPE = click.option("--any-type", is_flag=True, help="A number, text or bytes may become one of another type.")
_EVERYWHERE = click.option(
    "--everywhere", is_flag=True, help="Change all places that hold the same object, not this one alone."
)
_PICKLE = click.option(
    "--pickle", "pickles", is_flag=True, help="Make the whole value a pickle, also outside of shelves."
)
_PROTOCOL = click.option(
    "--protocol",
    type=click.IntRange(0, _LAST_PROTOCOL),
    metavar="N",
    help="The protocol of a whole new pickle, instead of the one most used in FILE.",
)
_OPTIONS = (_LITERAL, _JSON, _TYPED, _FROM_FILE, _ANY_TYPE, _EVERYWHERE, _PICKLE, _PROTOCOL)


def wish_parameters(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Give a command LITERAL and the options beside it, and hand it their meaning as ``wish``."""

    @wraps(function)
    def with_wish(
        literal: str | None,
        json_text: str | None,
        typed_text: str | None,
        source: str | None,
        **others: Any,
    ) -> ExitCode:
        written = _written({"python": literal, "json": json_text, "typed": typed_text}, source)
        flags = {name: others.pop(name) for name in ("any_type", "everywhere", "pickles", "protocol")}
        return function(wish=Wish(written, source, **flags), **others)

    for add in reversed(_OPTIONS):
        with_wish = add(with_wish)
    return with_wish


def _written(texts: Mapping[Literal["python", "json", "typed"], str | None], source: str | None) -> Written:
    """Return the one new value that the arguments give."""
    given = [Written(text, form) for form, text in texts.items() if text is not None]
    if source is not None and not given:
        return Written("")
    if not given:
        raise _usage("Missing argument 'LITERAL'")
    if len(given) > 1 or source is not None:
        raise _usage("Give one new value: a LITERAL, --json, --typed or --from-file")
    return given[0]


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, ctx=click.get_current_context())


def _read(source: str) -> bytes:
    """Return all bytes of a file, or of standard input; what has no end, as devices, is refused."""
    try:
        with _standard_input() if source == "-" else Path(source).open("rb") as file:
            value = bytearray()
            while len(value) <= limits.NEW_VALUE_BYTES and (piece := file.read(_PIECE_BYTES)):
                value += piece
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no possible name"
        raise AppError(f"{source:.200} could not be read: {reason}; nothing was saved.") from error
    if len(value) > limits.NEW_VALUE_BYTES:
        raise AppError(f"{source:.200} has more than {limits.NEW_VALUE_BYTES:,} bytes; give a smaller value.")
    return bytes(value)


def _standard_input() -> contextlib.AbstractContextManager[BinaryIO]:
    if sys.stdin is None:
        raise click.UsageError("Standard input is closed, so that there is no value", ctx=click.get_current_context())
    return contextlib.nullcontext(sys.stdin.buffer)


def new_value(database: Database, entry_id: int | None, at: str, wish: Wish) -> bytes:
    """Return the bytes that the entry, or a new one, shall have."""
    engine, token = database.engine, database.token
    if wish.source is not None:
        return _read(wish.source)
    is_new = entry_id is None
    if wish.pickles or wish.protocol is not None or (is_new and engine.is_shelf(token)):
        return engine.encode_new(wish.written, _style(engine.style(token), wish), token)
    if is_new and (style := engine.style(token)).codec != _PICKLE_CODEC:
        return engine.encode_new(wish.written, style, token)  # a file of values that are no pickles
    if entry_id is None:
        return _bare(database, wish)
    codec = engine.decode(entry_id, token).codec
    if not at and codec in _BARE and wish.is_literal and not engine.is_shelf(token):
        value = parse_raw(wish.written.text)
        if isinstance(value, bytes) or codec == "raw":  # what is a text already keeps its encoding
            return value if isinstance(value, bytes) else value.encode()
    edit = ReplaceNode(at, wish.written, any_type=wish.any_type, everywhere=wish.everywhere)
    return engine.edit(entry_id, edit, token)


def _style(style: Style, wish: Wish) -> Style:
    """Return how a whole value is written that is wished for."""
    if wish.pickles and style.codec != _PICKLE_CODEC:
        style = Style()
    return style if wish.protocol is None else replace(style, protocol=wish.protocol)


def _bare(database: Database, wish: Wish) -> bytes:
    """Return a value as a database without pickles has it."""
    if not wish.is_literal:
        raise EncodeError(
            f"{database.name} is no shelf; --pickle stores this as a pickle, --from-file bytes as they are."
        )
    try:
        value = parse_raw(wish.written.text)
    except EncodeError as error:
        raise EncodeError(f"{error.message.rstrip('.')}, or use --pickle: {database.name} is no shelf.") from error
    return value if isinstance(value, bytes) else value.encode()
