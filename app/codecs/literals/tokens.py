"""The words of a Python literal, one after the other, each with its place."""

import re
from dataclasses import dataclass

from app.codecs.screen import escape_text, shorten
from app.errors import EncodeError

SHOWN_CHARS = 40
"""Characters of a word that an error shows."""

_SPACE = re.compile(r"(?:[ \t\r\n\f]++|\#[^\n]*+|\\\r?\n)*+")
_WORD = re.compile(
    r"""(?P<string>[a-zA-Z]{0,2}(?:
        \'\'\'(?:[^\\\']++|\\.|\'(?!\'\'))*+\'\'\'
        |\"\"\"(?:[^\\"]++|\\.|"(?!""))*+\"\"\"
        |'(?!'')(?:[^\\'\r\n]++|\\.)*+'
        |"(?!"")(?:[^\\"\r\n]++|\\.)*+"))
    |(?P<number>(?:0[xX][0-9a-fA-F_]*+|0[oObB][0-7_]*+|(?:\d[\d_]*+\.?[\d_]*+|\.\d[\d_]*+)(?:[eE][+-]?\d[\d_]*+)?)
        [jJlL]?(?!\w))
    |(?P<name>[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+)
    |(?P<mark>\.\.\.|[\[\](){},:=+-])""",
    re.VERBOSE | re.DOTALL,
)
_UNICODE = re.compile(r"\s*[uU][rR]?['\"]")
_UNENDED = re.compile(r"""[a-zA-Z]{0,2}['"]""")


class PlacedError(EncodeError):
    """An error whose sentence tells where in the text it is."""


def placed_error(text: str, place: int, sentence: str) -> PlacedError:
    """Return the error whose sentence tells line and column of a place, both from 1 on."""
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return PlacedError(f"Line {line:,}, column {column:,}: {sentence}")


@dataclass(frozen=True, slots=True)
class Word:
    """``sort`` is string, number, name, mark or end; ``start`` the index of its first character."""

    sort: str
    text: str
    start: int

    @property
    def shown(self) -> str:
        """The word, or the beginning of it, safe for the screen."""
        return escape_text(shorten(self.text, SHOWN_CHARS))


def is_unicode_literal(text: str) -> bool:
    """Tell whether a literal begins as Python 2's texts do."""
    return _UNICODE.match(text) is not None


class Words:
    """The words of a text from its start on, with a look at the next one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.next = self._read(0)

    def take(self) -> Word:
        """Return the next word and step behind it."""
        word = self.next
        self.next = self._read(word.start + len(word.text))
        return word

    def takes(self, mark: str) -> bool:
        """Step behind the next word if it is that mark; tell whether it was."""
        if self.next.sort != "mark" or self.next.text != mark:
            return False
        self.take()
        return True

    def is_followed_by(self, mark: str) -> bool:
        """Tell whether that mark stands behind the next word."""
        word = self._read(self.next.start + len(self.next.text))
        return word.sort == "mark" and word.text == mark

    def placed(self, place: int, error: EncodeError) -> EncodeError:
        """Return an error with line and column, unless it tells them already."""
        return error if isinstance(error, PlacedError) else self.at(place, error.message)

    def at(self, place: int, sentence: str) -> EncodeError:
        """Return the error whose sentence tells where a place is."""
        return placed_error(self._text, place, sentence)

    def unexpected(self, word: Word, expected: str) -> EncodeError:
        """Return the error for a word that may not stand where it does."""
        if word.sort == "end":
            return self.at(word.start, f"The text ends here; {expected} is missing.")
        return self.at(word.start, f"{word.shown} stands where {expected} belongs.")

    def _read(self, place: int) -> Word:
        space = _SPACE.match(self._text, place)
        start = space.end() if space else place
        if start == len(self._text):
            return Word("end", "", start)
        found = _WORD.match(self._text, start)
        if found is None:
            if _UNENDED.match(self._text, start):
                raise self.at(start, "This text in quotes has no end.")
            shown = escape_text(shorten(self._text[start : start + SHOWN_CHARS], SHOWN_CHARS // 2))
            raise self.at(start, f"{shown} is no part of a Python literal.")
        return Word(found.lastgroup or "", found.group(), start)
