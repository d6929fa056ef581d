"""What is wrong with a marshal value as a whole, as sentences."""

from collections.abc import Iterator

from app.codecs.marshal.graph import MarshalGraph
from app.codecs.nodes import Kind

_LOOKED_AT = 20_000
_UNHASHABLE = frozenset({Kind.LIST, Kind.DICT, Kind.SET})
_HASHED_IN = frozenset({Kind.SET, Kind.FROZENSET})


def problems_of(graph: MarshalGraph) -> Iterator[str]:
    """Yield sentences on damage, on what follows the value, and on what would harm the real decoder."""
    stream = graph.stream
    if stream.error:
        yield stream.error
    elif stream.stop < len(stream.data):
        yield f"{len(stream.data) - stream.stop:,} bytes follow the value, which ends at offset {stream.stop:,}."
    yield from _refused(graph)


def _refused(graph: MarshalGraph) -> Iterator[str]:
    """Yield what Python itself refuses, or crashes on: keys that cannot be hashed, and tuples that hold themselves."""
    stream = graph.stream
    for number, (target, kids) in enumerate(stream.records.items()):
        if number >= _LOOKED_AT:
            return
        kind = graph.kind(target)
        hashed = kids if kind in _HASHED_IN else kids[::2] if kind is Kind.DICT else ()
        if any(graph.kind(slot) in _UNHASHABLE for slot in hashed[:_LOOKED_AT]):
            yield "A list, dict or set is used as a key or an element of a set: Python refuses to load this value."
            return
    for slot in stream.uses[:_LOOKED_AT]:
        target = graph.target(slot)
        if graph.kind(target) is Kind.TUPLE and target < slot < stream.end_or_stop(target):
            yield "A tuple holds itself: Python's own marshal can crash when it loads this value."
            return
