"""JSON text as values that are to be written: exact numbers, no name twice, no recursion.

References:
    RFC 8259; the words NaN, Infinity and -Infinity are taken as Python's ``json`` takes them.
"""

import json
import math
import re
from dataclasses import dataclass, field

from app.cancel import CancelToken
from app.codecs.literals.decimals import decimal_value
from app.codecs.literals.scalars import MAX_CHARS
from app.codecs.literals.tokens import placed_error
from app.codecs.model import Atom, Items, Pairs, Value
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text, shorten
from app.errors import EncodeError

MAX_DEPTH = 10_000
"""Arrays and objects in each other."""

_CHUNK = 4096
"""Words between two looks at the token."""

_MAX_DIGITS = 1_000_000
_SHOWN_CHARS = 40
_SPACE = re.compile(r"[ \t\n\r]*+")
_WORD = re.compile(
    r"""(?P<string>"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")
    |(?P<number>-?(?:0|[1-9]\d*+)(?P<fraction>(?:\.\d++)?(?:[eE][+-]?\d++)?)(?![\w.]))
    |(?P<word>true|false|null|NaN|-?Infinity)\b
    |(?P<mark>[\[\]{},:])""",
    re.VERBOSE | re.ASCII,
)
_CONSTANTS = {
    "true": (Kind.BOOL, True),
    "false": (Kind.BOOL, False),
    "null": (Kind.NONE, None),
    "NaN": (Kind.FLOAT, math.nan),
    "Infinity": (Kind.FLOAT, math.inf),
    "-Infinity": (Kind.FLOAT, -math.inf),
}


@dataclass(slots=True)
class _Open:
    """An array or object that is not closed yet."""

    container: Items | Pairs
    start: int
    names: set[str] = field(default_factory=set)
    name: Atom | None = None


def json_value(text: str, token: CancelToken) -> Value:
    """Return what a JSON text says: objects are dicts with keys in their order, arrays lists.

    Raises:
        EncodeError: it is no JSON, or a name stands twice in an object; the sentence tells line and column.
        Cancelled: by ``token``.
    """
    if len(text) > MAX_CHARS:
        raise EncodeError(f"The text is {len(text):,} characters long; at most {MAX_CHARS:,} are taken.")
    return _Parser(text, token).parse()


class _Parser:
    """One JSON text. The open brackets are a list, so nesting costs no recursion."""

    def __init__(self, text: str, token: CancelToken) -> None:
        self._text = text
        self._token = token
        self._place = 0
        self._count = 0
        self._open: list[_Open] = []

    def parse(self) -> Value:
        while True:
            value = self._value()
            while value is not None:
                if not self._open:
                    self._expect_end()
                    return value
                value = self._put(value)

    def _next(self) -> re.Match[str] | None:
        """Step behind the white space and return the word there, None at the end."""
        self._count += 1
        if self._count % _CHUNK == 0:
            self._token.check()
        space = _SPACE.match(self._text, self._place)
        self._place = space.end() if space else self._place
        if self._place == len(self._text):
            return None
        found = _WORD.match(self._text, self._place)
        if found is None:
            raise self._error(f"{self._shown()} is no JSON.")
        return found

    def _take(self, marks: str, expected: str) -> str:
        """Step behind the next word, which must be one of the marks."""
        found = self._next()
        if found is None:
            raise self._error(f"The text ends here; {expected} is missing.")
        if found.lastgroup != "mark" or found.group() not in marks:
            raise self._error(f"{self._shown()} stands where {expected} belongs.")
        self._place = found.end()
        return found.group()

    def _takes(self, mark: str) -> bool:
        found = self._next()
        is_there = found is not None and found.group() == mark
        self._place += is_there
        return is_there

    def _value(self) -> Value | None:
        """Read a scalar or an empty container; None where a container stays open."""
        found = self._next()
        if found is None:
            raise self._error("The text ends here; a value is missing.")
        start = self._place
        if found.lastgroup == "mark":
            if found.group() not in "[{":
                raise self._error(f"{found.group()} stands where a value belongs.")
            self._place = found.end()
            return self._start(found.group(), start)
        value = self._scalar(found)
        self._place = found.end()
        return value

    def _start(self, bracket: str, start: int) -> Value | None:
        if len(self._open) == MAX_DEPTH:
            raise self._error(f"More than {MAX_DEPTH:,} brackets are open here.")
        container = Items(Kind.LIST) if bracket == "[" else Pairs()
        if self._takes("]" if bracket == "[" else "}"):
            return container
        self._open.append(_Open(container, start))
        if bracket == "{":
            self._read_name()
        return None

    def _put(self, value: Value) -> Value | None:
        """Put a value into the innermost container; return that where it is closed behind it."""
        opened = self._open[-1]
        container = opened.container
        if isinstance(container, Items):
            container.items.append(value)
            mark = self._take("],", "a comma or ]")
        else:
            container.pairs.append((opened.name or value, value))
            mark = self._take("},", "a comma or }")
        if mark == ",":
            if isinstance(container, Pairs):
                self._read_name()
            return None
        self._open.pop()
        return container

    def _read_name(self) -> None:
        found = self._next()
        if found is None or found.lastgroup != "string":
            raise self._error("A name in double quotes is missing here.")
        name = self._string(found)
        opened = self._open[-1]
        if name in opened.names:
            shown = escape_text(shorten(found.group(), _SHOWN_CHARS))
            raise self._error(f"The name {shown} stands twice in this object; a dict can have it only once.")
        opened.names.add(name)
        opened.name = Atom(Kind.STR, name)
        self._place = found.end()
        self._take(":", "a colon")

    def _scalar(self, found: re.Match[str]) -> Atom:
        match found.lastgroup:
            case "string":
                return Atom(Kind.STR, self._string(found))
            case "word":
                return Atom(*_CONSTANTS[found.group()])
        return self._number(found)

    def _string(self, found: re.Match[str]) -> str:
        quoted = found.group()
        if "\\" not in quoted:
            return quoted[1:-1]
        text: str = json.loads(quoted)  # one string, so nothing nests
        return text

    def _number(self, found: re.Match[str]) -> Atom:
        digits = found.group()
        if not found["fraction"]:
            if len(digits) > _MAX_DIGITS:
                raise self._error(f"A number of {len(digits):,} digits is too long; at most {_MAX_DIGITS:,} are taken.")
            return Atom(Kind.INT, decimal_value(digits))
        value = float(digits)
        if math.isinf(value):
            raise self._error(f"{digits[:_SHOWN_CHARS]} is too large for a float; write Infinity if that is meant.")
        return Atom(Kind.FLOAT, value)

    def _expect_end(self) -> None:
        if self._next() is not None:
            raise self._error(f"{self._shown()} stands behind the value; nothing may follow it.")

    def _shown(self) -> str:
        return escape_text(shorten(self._text[self._place : self._place + _SHOWN_CHARS + 1], _SHOWN_CHARS))

    def _error(self, sentence: str) -> EncodeError:
        return placed_error(self._text, self._place, sentence)
