"""What a text from elsewhere stands for when it is pasted into a value."""

import json
import re

from app.cancel import CancelToken
from app.codecs.edits import Written
from app.codecs.literals.reading import parse_value
from app.codecs.model import Style
from app.errors import EncodeError

_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_JSON_WORD = re.compile(r"\b(null|true|false)\b")
_JSON_ESCAPE = re.compile(r"\\(/|u[dD][89abAB])")
"""Escapes that a literal has no use for: it would keep the backslash, or half a letter."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_MAX_SPLIT = 20_000
"""Characters of a text that is looked through for a value in each line; this takes a few milliseconds."""


def written(text: str) -> Written:
    """Return what a text stands for: a Python literal, or JSON where only that can be meant."""
    text = text.strip()
    is_json = _JSON_WORD.search(_JSON_TEXT.sub("", text)) or _JSON_ESCAPE.search(text)
    return Written(text, "json") if is_json and _reads_as_json(text) else Written(text)


def written_lines(text: str) -> list[Written]:
    """Return the values of a text: one in each line, as several copied rows are, where each is a value by itself.

    Two texts in two lines are two values: that Python reads them as one is what nobody copied.
    """
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if len(lines) < 2 or len(text) > _MAX_SPLIT:
        return [written(text)]
    values = [written(line) for line in lines]
    return values if all(map(_is_value, values)) else [written(text)]


def _is_value(value: Written) -> bool:
    if value.form == "json":
        return True
    try:
        parse_value(value.text, Style(), CancelToken())
    except EncodeError:
        return False
    return True


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
