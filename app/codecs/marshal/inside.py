"""What may be values of their own within a marshal value: its bytes and texts."""

from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.base import Inside
from app.codecs.content import CONTENT, may_hold
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.nodes import Kind
from app.errors import CodecError

_HOLDING = frozenset({Kind.BYTES, Kind.STR2, Kind.STR})
_FEWEST_BYTES = 4
_FIRST_BYTES = 64
_CHECKED_SLOTS = 4096


def insides_of(graph: MarshalGraph, slot: int) -> tuple[Inside, ...]:
    """Return the content of a scalar that begins like a value of its own."""
    kind = graph.kind(slot) if 0 <= slot < len(graph.stream.data) else Kind.NONE
    if kind not in _HOLDING:
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


def holding_slots(graph: MarshalGraph, token: CancelToken) -> Iterator[int]:
    """Yield the slots of all scalars that begin like a value of their own, in no order."""
    for number, slot in enumerate(graph.slots()):
        if not number % _CHECKED_SLOTS:
            token.check()
        if graph.target(slot) == slot and insides_of(graph, slot):
            yield slot


def _prefix(graph: MarshalGraph, slot: int, count: int) -> bytes:
    found = graph.prefix(slot, count)
    return found if isinstance(found, bytes) else found.encode("utf-8", "surrogatepass")
