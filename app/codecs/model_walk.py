"""Going through a value that is to be written: every part once, in the order of writing, without recursion."""

from collections.abc import Iterator
from enum import Enum, auto

from app.codecs.model import Atom, Built, Items, Pairs, PersistentId, Value


def children(value: Value) -> Iterator[Value]:
    """Yield the parts of a value in the order in which a pickle writes them."""
    match value:
        case Items():
            yield from value.items
        case Pairs():
            yield from _flat(value.pairs)
        case Built():
            yield from _parts(value)
        case PersistentId():
            yield value.id


class Met(Enum):
    """How often the walk was at a part before."""

    FIRST = auto()
    AGAIN = auto()
    WITHIN = auto()
    """Again, and inside of itself."""


def walk(value: Value) -> Iterator[tuple[Value, Met]]:
    """Yield what stands at each place of the value; the parts of a part are gone through once."""
    is_open: dict[int, bool] = {}
    waiting: list[tuple[Value, Iterator[Value]]] = [(value, iter((value,)))]
    while waiting:
        part = next(waiting[-1][1], None)
        if part is None:
            is_open[id(waiting.pop()[0])] = False
            continue
        key = id(part)
        if key in is_open:
            yield part, Met.WITHIN if is_open[key] else Met.AGAIN
            continue
        yield part, Met.FIRST
        is_open[key] = not isinstance(part, Atom)
        if is_open[key]:
            waiting.append((part, children(part)))


def _parts(value: Built) -> Iterator[Value]:
    yield value.cls
    yield value.args
    if value.kwargs is not None:
        yield value.kwargs
    yield from value.listitems
    yield from _flat(value.dictitems)
    yield from value.states
    yield from _flat(value.setters)


def _flat(pairs: list[tuple[Value, Value]]) -> Iterator[Value]:
    for pair in pairs:
        yield from pair
