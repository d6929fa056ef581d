"""Paths of nodes as text: the steps of DESIGN section 4, parsed and written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import PathError

_STEP = re.compile(
    r"""
    \[\#(?P<position>\d{1,18})\]
    | \[(?P<literal>[a-zA-Z]{0,2}'(?:[^'\\]|\\.)*+' | [a-zA-Z]{0,2}"(?:[^"\\]|\\.)*+" | [^\[\]'"\#<>{}]++)\]
    | \{\#(?P<member>\d{1,18})\}
    | \{(?P<element>[a-zA-Z]{0,2}'(?:[^'\\]|\\.)*+' | [a-zA-Z]{0,2}"(?:[^"\\]|\\.)*+" | [^\[\]'"\#<>{}]++)\}
    | \.(?P<name>[^\W\d]\w*+)
    | <(?P<part>[a-z]++)(?:\ (?P<number>\d{1,18}))?>
    """,
    re.VERBOSE | re.DOTALL,
)
_ROOT = re.compile(r"<(?:content|before|after|pickle \d+)>")
"""Steps into a value of its own: a pickle in a row of them, or what bytes hold."""
_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Literal:
    """``[0]``, ``['a']``: an index or a key."""

    text: str

    def __str__(self) -> str:
        return f"[{self.text}]"


@dataclass(frozen=True, slots=True)
class Position:
    """``[#3]``: the third pair of a dict, counted from 0."""

    index: int

    def __str__(self) -> str:
        return f"[#{self.index}]"


@dataclass(frozen=True, slots=True)
class Member:
    """``{#2}``: an element of a set in the order of the pickle."""

    index: int

    def __str__(self) -> str:
        return f"{{#{self.index}}}"


@dataclass(frozen=True, slots=True)
class Element:
    """``{3}``: an element of a set by its literal; only for input."""

    text: str

    def __str__(self) -> str:
        return f"{{{self.text}}}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """``.name``: an attribute of an object's state."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class Part:
    """``<args>``, ``<state>``, ``<key>``, ``<pickle 2>``: what has no name in Python. ``number`` is 0 if not given."""

    name: str
    number: int = 0

    def __str__(self) -> str:
        return f"<{self.name} {self.number}>" if self.number else f"<{self.name}>"


Step = Literal | Position | Member | Element | Attribute | Part


def parse_path(path: str) -> list[Step]:
    """Return the steps of a path.

    Raises:
        PathError: a part of it is no step.
    """
    return [_step(match) for match in _matches(path)]


def step_texts(path: str) -> list[str]:
    """Return the steps of a path as they are written; joined they are the path.

    Raises: as `parse_path`.
    """
    return [match.group() for match in _matches(path)]


def root_around(path: str) -> str:
    """Return the path of the root that a place is below: of its pickle, or of the content it is in; else the empty one.

    Raises: as `parse_path`.
    """
    found = [match for match in _matches(path) if _ROOT.fullmatch(match.group())]
    return path[: found[-1].end()] if found else ""


def _matches(path: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            part = path[at : at + _SHOWN_CHARS]
            raise PathError(f"{part!r} is no step of a path; write [0], ['key'], .name, {{#0}} or <args>.")
        yield match
        at = match.end()


def _step(match: re.Match[str]) -> Step:
    text = match[match.lastgroup or 0]
    match match.lastgroup:
        case "position":
            return Position(int(text))
        case "literal":
            return Literal(text.strip())
        case "member":
            return Member(int(text))
        case "element":
            return Element(text.strip())
        case "name":
            return Attribute(text)
        case _:
            return Part(match["part"], int(match["number"] or 0))


def is_plain_name(text: str) -> bool:
    """Tell whether ``.text`` is a step that parses back to the same text."""
    found = _STEP.fullmatch("." + text)
    return found is not None and text.isidentifier()
