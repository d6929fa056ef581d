"""What an edit is meant to do to the graph, said without any bytes: what must be read back from the result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from app.codecs.model import Value
from app.codecs.pickle.opcodes import CODE, codes
from app.codecs.pickle.stream import Stream


class Part(Enum):
    """The runs of places that an object consists of."""

    OWN = auto()
    """What the opcode that makes it takes: elements of a tuple, class and arguments."""
    ITEMS = auto()
    PAIRS = auto()
    """Keys and values in turn."""
    STATES = auto()


_ADDED_BY = {
    Part.ITEMS: codes("APPEND", "APPENDS", "ADDITEMS"),
    Part.PAIRS: codes("SETITEM", "SETITEMS"),
    Part.STATES: codes("BUILD"),
}
CHANGES = frozenset[int]().union(*_ADDED_BY.values())
"""Opcodes that change an object made before."""

_BORN_WITH = {CODE["LIST"]: Part.ITEMS, CODE["DICT"]: Part.PAIRS}

Ref = int | Value
"""What stands at a place: what stood at an old slot, or something new."""


@dataclass(slots=True)
class Intent:
    """What is to be different, and nothing else.

    ``places``: new values by the old slots whose places they take. ``objects``: new values by the targets of objects
    that they replace wherever those stand. ``contents``: all that a part of an object is to hold.
    ``names``: new names of classes (``module.name``) by the targets of their GLOBAL or INST.
    """

    places: dict[int, Value] = field(default_factory=dict)
    objects: dict[int, Value] = field(default_factory=dict)
    contents: dict[tuple[int, Part], Sequence[Ref]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


def part_of(stream: Stream, target: int, part: Part) -> list[int]:
    """Return the slots in a part of the object made at ``target``."""
    born_with = _BORN_WITH.get(stream.data[target], Part.OWN)
    found = list(stream.records.get(target, ())) if born_with is part else []
    if part is not Part.OWN:
        for pos in stream.logs.get(target, ()):
            if stream.data[pos] in _ADDED_BY[part]:
                found += stream.records[pos]
    return found
