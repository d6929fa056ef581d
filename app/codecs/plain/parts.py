"""Arrays and objects of plain JSON as parts: text, and the slots of nodes that stand between."""

from collections.abc import Iterable, Iterator, Sequence

Part = str | int
"""JSON text as it is, or the slot of a node that is to be written there."""

Pairs = Sequence[tuple[int, int]]
"""Slots of keys and values."""


def array(slots: Iterable[int]) -> Iterator[Part]:
    """Yield an array of nodes."""
    separator = "["
    for slot in slots:
        yield separator
        yield slot
        separator = ","
    yield "[]" if separator == "[" else "]"


def members(names: Sequence[str], pairs: Pairs, start: str, end: str) -> Iterator[Part]:
    """Yield the members of an object, ``names`` being JSON strings, between ``start`` and ``end``."""
    separator = start
    for name, (_, value) in zip(names, pairs, strict=True):
        yield f"{separator}{name}:"
        yield value
        separator = ","
    yield end if pairs else start + end


def pair_array(pairs: Pairs) -> Iterator[Part]:
    """Yield an array of arrays of key and value."""
    separator = "[["
    for key, value in pairs:
        yield separator
        yield key
        yield ","
        yield value
        separator = "],["
    yield "]]" if pairs else "[]"
