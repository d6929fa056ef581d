"""Entries as text: lines of ``key: value`` in Python literals, or a JSON object."""

import json
import re
from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.edits import Written
from app.codecs.literals.scalars import parse_raw
from app.codecs.screen import quote_bytes, quote_text
from app.document.new_bytes import maker
from app.engine.base import Engine
from app.errors import EncodeError, LimitExceeded

_CHARS = 4 << 20
"""Characters of a text that is taken for entries; Python's JSON reader holds up the window while it reads a value."""
_LINE = re.compile(r"""\s*(?P<key>[bB]?(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"))\s*:\s*(?P<value>\S.*)""", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_WHAT = "a text that is pasted has to be lines such as 'key': 'value', or a JSON object"


def line_of(key: bytes, value: str) -> str:
    """Return the line of an entry whose value has this text."""
    return f"{_key_literal(key)}: {value}"


def _key_literal(key: bytes) -> str:
    try:
        return quote_text(key.decode())
    except UnicodeDecodeError:
        return quote_bytes(key)


def entries_of(text: str, engine: Engine, name: str, token: CancelToken) -> list[tuple[bytes, bytes]]:
    """Return the entries that a text stands for, their values as those of the database ``name`` are written.

    Raises:
        EncodeError: it is no such text, or a value is wrong or cannot be stored outside of shelves.
        LimitExceeded: it is too long.
    """
    if len(text) > _CHARS:
        raise LimitExceeded(f"{len(text):,} characters are too many to be pasted as entries; import them instead.")
    make = maker(engine, name, token)
    entries = []
    for place, key, new in _pairs(text):
        token.check()
        try:
            entries.append((key, make(new)))
        except EncodeError as error:
            raise EncodeError(f"{place}: {error.message}") from error
    if not entries:
        raise EncodeError(f"There is nothing to paste: {_WHAT}.")
    return entries


def _pairs(text: str) -> Iterator[tuple[str, bytes, Written]]:
    """Yield where an entry stands, its key and its value."""
    yield from _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)


def _of_lines(text: str) -> Iterator[tuple[str, bytes, Written]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise EncodeError(f"Line {number:,} is no entry: {_WHAT}.")
        key = parse_raw(found["key"])
        yield f"Line {number:,}", key if isinstance(key, bytes) else key.encode(), Written(found["value"].strip())


def _of_json(text: str) -> Iterator[tuple[str, bytes, Written]]:
    """Yield the members of an object; a value that is no text is handed on as it is written."""
    reader = json.JSONDecoder()
    place = _after_space(text, text.index("{") + 1)
    try:
        while text[place : place + 1] != "}":
            key, place = reader.raw_decode(text, place)
            place = _after_space(text, _past(text, _after_space(text, place), ":"))
            value, end = reader.raw_decode(text, place)
            written = Written(quote_text(value)) if isinstance(value, str) else Written(text[place:end], "json")
            yield quote_text(str(key)), _key_of(key), written
            place = _after_space(text, end)
            if text[place : place + 1] != "}":
                place = _after_space(text, _past(text, place, ","))
    except json.JSONDecodeError as error:
        raise EncodeError(f"Line {error.lineno:,}, column {error.colno:,} is wrong: {_WHAT}.") from error
    except (RecursionError, ValueError) as error:
        raise EncodeError(f"This JSON is too deep or has too long a number: {_WHAT}.") from error
    if text[place + 1 :].strip():
        raise EncodeError(f"There is more behind the JSON object: {_WHAT}.")


def _key_of(key: object) -> bytes:
    if not isinstance(key, str):
        raise EncodeError("The keys of a JSON object are texts in quotes.")
    try:
        return key.encode()
    except UnicodeEncodeError as error:
        raise EncodeError(f"{quote_text(key)} cannot be a key: no encoding can write it.") from error


def _past(text: str, place: int, mark: str) -> int:
    if text[place : place + 1] != mark:
        raise json.JSONDecodeError(f"{mark!r} is missing", text, min(place, len(text)))
    return place + 1


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place
