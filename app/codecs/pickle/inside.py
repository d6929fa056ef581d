"""What may be values of their own within a pickle: its bytes and texts, and what follows the last STOP."""

from collections.abc import Iterator, Sequence
from itertools import chain

from app.cancel import CancelToken
from app.codecs.base import Inside
from app.codecs.content import CONTENT, may_hold
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import ALIASES, codes
from app.errors import CodecError

_HOLDING = frozenset({Kind.BYTES, Kind.BYTEARRAY, Kind.STR2, Kind.STR})
_FEWEST_BYTES = 4
_FIRST_BYTES = 64
_CHECKED_SLOTS = 4096
_PLAIN = (
    frozenset(codes("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT"))
    | ALIASES
)


def insides_of(graph: Graph, slot: int) -> Sequence[Inside]:
    """Return the content of a scalar that begins like a value of its own."""
    if not 0 <= slot < len(graph.stream.data) or (kind := graph.kind(slot)) not in _HOLDING:
        return ()
    try:
        size = graph.length(slot)
        if size < _FEWEST_BYTES or not may_hold(_prefix(graph, slot, _FIRST_BYTES), is_text=kind is Kind.STR):
            return ()
    except CodecError:
        return ()

    def read(count: int | None) -> bytes:
        return _prefix(graph, slot, size if count is None else count)

    return (Inside(CONTENT, size, read),)


def holding_slots(graph: Graph, token: CancelToken) -> Iterator[int]:
    """Yield the slots of all scalars that begin like a value of their own, in the order of the pickle."""
    data = graph.stream.data
    slots = chain([graph.root], chain.from_iterable(graph.stream.records.values()))
    for number, slot in enumerate(slots):
        if not number % _CHECKED_SLOTS:
            token.check()
        if slot < len(data) and data[slot] not in _PLAIN and insides_of(graph, slot):
            yield slot


def _prefix(graph: Graph, slot: int, count: int) -> bytes:
    found = graph.prefix(slot, count)
    return found if isinstance(found, bytes) else found.encode("utf-8", "surrogatepass")
