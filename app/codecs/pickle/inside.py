"""What may be values of their own within a pickle: its bytes and texts, and what follows the last STOP."""

from collections.abc import Iterator, Sequence
from itertools import chain

from app.cancel import CancelToken
from app.codecs.base import Inside
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import ALIASES, codes
from app.codecs.trees.insides import content_of

_CHECKED_SLOTS = 4096
_PLAIN = (
    frozenset(codes("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT"))
    | ALIASES
)


def insides_of(graph: Graph, slot: int) -> Sequence[Inside]:
    """Return the content of a scalar that begins like a value of its own."""
    return content_of(graph, slot) if 0 <= slot < len(graph.stream.data) else ()


def holding_slots(graph: Graph, token: CancelToken) -> Iterator[int]:
    """Yield the slots of all scalars that begin like a value of their own, in the order of the pickle."""
    data = graph.stream.data
    slots = chain([graph.root], chain.from_iterable(graph.stream.records.values()))
    for number, slot in enumerate(slots):
        if not number % _CHECKED_SLOTS:
            token.check()
        if slot < len(data) and data[slot] not in _PLAIN and insides_of(graph, slot):
            yield slot
