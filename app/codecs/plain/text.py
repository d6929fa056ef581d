"""JSON text that is already there: checked against RFC 8259 and stripped of white space, never parsed to objects."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from app.cancel import CancelToken

_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
    (?P<string>"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")
    |(?P<scalar>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?|true|false|null)
    |(?P<mark>[\[\]{},:])
    |(?P<constant>NaN|-?Infinity)
    )""",
    re.VERBOSE | re.ASCII,
)
_SPACE = re.compile(r"[ \t\n\r]*\Z")
_CONSTANTS = ("NaN", "Infinity", "-Infinity")
QUOTED_CONSTANTS = MappingProxyType({name: f'"{name}"' for name in _CONSTANTS})
"""As plain JSON has them: texts."""

KEPT_CONSTANTS = MappingProxyType({name: name for name in _CONSTANTS})
"""As Python's json module writes them."""

_PIECES_JOINED = 4096


def minified(text: str, token: CancelToken, constants: Mapping[str, str] = MappingProxyType({})) -> list[str] | None:
    """Return the pieces of a JSON text without white space between its tokens; None when it is no strict JSON.

    ``constants`` are what is written for the numbers that only Python's JSON has; one that is not in it is refused.
    """
    grammar = _Grammar()
    pieces: list[str] = []
    waiting: list[str] = []
    place = 0
    while match := _TOKEN.match(text, place):
        place = match.end()
        group = match.lastgroup or ""
        word = match[group]
        if group == "constant":
            group, word = "scalar", constants.get(word, "")
        if not word or not grammar.accepts(group, word):
            return None
        waiting.append(word)
        if len(waiting) == _PIECES_JOINED:
            token.check()
            pieces.append("".join(waiting))
            waiting.clear()
    pieces.append("".join(waiting))
    return pieces if grammar.is_complete and _SPACE.match(text, place) else None


class _Grammar:
    """What may come next; the open brackets are a list, so nesting costs no recursion."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._expected = "value"

    @property
    def is_complete(self) -> bool:
        return self._expected == "end"

    def accepts(self, group: str, word: str) -> bool:
        """Take one word; false when it may not stand here."""
        match self._expected, group, word:
            case (("value" | "value or ]"), "mark", ("[" | "{")):
                self._open.append(word)
                self._expected = "value or ]" if word == "[" else "name or }"
            case (("value" | "value or ]"), ("string" | "scalar"), _):
                self._end_value()
            case (("name" | "name or }"), "string", _):
                self._expected = ":"
            case ":", "mark", ":":
                self._expected = "value"
            case ("name or }", "mark", "}") | ("value or ]", "mark", "]"):
                self._close()
            case "more", "mark", ",":
                self._expected = "value" if self._open[-1] == "[" else "name"
            case "more", "mark", ("]" | "}") if (self._open[-1] == "[") == (word == "]"):
                self._close()
            case _:
                return False
        return True

    def _close(self) -> None:
        self._open.pop()
        self._end_value()

    def _end_value(self) -> None:
        self._expected = "more" if self._open else "end"
