"""Entries as JSON text, streamed: one object, or a line an entry (DESIGN section 6)."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.typed.writing import raw_json
from app.engine.base import ExportItem
from app.errors import AppError, DocumentError

ReadValue = Callable[[ExportItem], DecodedValue | str]
"""Returns a value, or its JSON where that is known without decoding it."""


@dataclass(slots=True)
class Progress:
    """What an export met so far; ``damaged`` are keys whose values, or parts of them, were written as damaged."""

    entries: int
    damaged: list[bytes]


def key_name(key: bytes) -> str:
    """Return the name of a key in a JSON object: its UTF-8 text, or its Python bytes literal."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return repr(key)


def check_names(keys: Iterable[bytes], token: CancelToken) -> None:
    """Make sure that a JSON object can hold all keys.

    Raises:
        DocumentError: two keys would get one name.
    """
    seen: set[str] = set()
    for key in keys:
        token.check()
        name = key_name(key)
        if name in seen:
            raise DocumentError(
                f"Two entries would be named {name!a} in one JSON object; export as JSON Lines instead."
            )
        seen.add(name)


def json_pieces(
    entries: Iterable[ExportItem],
    read: ReadValue,
    *,
    lines: bool,
    typed: bool = False,
    progress: Progress,
    token: CancelToken,
) -> Iterator[str]:
    """Yield the export in pieces of text; ``progress`` is kept up to date between them.

    A value that cannot be read is written as ``{"__damaged__": why}``, or with its typed tag, and noted.
    """
    write = _typed_pieces if typed else _value_pieces
    if not lines:
        yield "{"
    for number, entry in enumerate(entries):
        token.check()
        yield from _line_start(entry.key) if lines else _member_start(entry.key, first=number == 0)
        yield from write(entry, read, progress, token)
        yield "}\n" if lines else ""
        progress.entries += 1
    if not lines:
        yield "\n}\n" if progress.entries else "}\n"


def _member_start(key: bytes, *, first: bool) -> Iterator[str]:
    yield "\n  " if first else ",\n  "
    yield json.dumps(key_name(key), ensure_ascii=False)
    yield ": "


def _line_start(key: bytes) -> Iterator[str]:
    try:
        yield '{"key": ' + json.dumps(key.decode(), ensure_ascii=False)
    except UnicodeDecodeError:
        yield f'{{"key_base64": "{b64encode(key).decode()}"'
    yield ', "value": '


def _value_pieces(entry: ExportItem, read: ReadValue, progress: Progress, token: CancelToken) -> Iterator[str]:
    try:
        value = read(entry)
    except AppError as error:
        progress.damaged.append(entry.key)
        yield json.dumps({"__damaged__": error.message}, ensure_ascii=False)
        return
    if isinstance(value, str):
        yield value
        return
    yield from value.plain(token)
    if value.is_damaged or value.damage_met:
        progress.damaged.append(entry.key)


def _typed_pieces(entry: ExportItem, read: ReadValue, progress: Progress, token: CancelToken) -> Iterator[str]:
    """Yield a value as a document of its own."""
    try:
        value = read(entry)
    except AppError as error:
        progress.damaged.append(entry.key)
        yield raw_json(None, error.message)
        return
    if isinstance(value, str):
        yield value
        return
    yield from value.typed(token)
    if value.is_damaged or value.damage_met:
        progress.damaged.append(entry.key)
