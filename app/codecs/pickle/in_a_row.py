"""Several pickles in one value, as one pickler writes them: also where the second goes on with the memo of the first.

References:
    ZODB/serialize.py: ``ObjectWriter._dump`` dumps the class and then the state by one pickler, whose memo stays.
"""

from collections.abc import Sequence
from itertools import chain

from app.cancel import CancelToken
from app.codecs.known.shape import class_name
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.machine import most_nodes, run
from app.codecs.pickle.opcodes import ALIASES

_MOST_PICKLES = 1000
"""Pickles in a row that are decoded in one value."""


def parse_in_a_row(data: bytes, token: CancelToken, first: Graph | None, room: int | None = None) -> list[Graph]:
    """Return the pickles in a row, at least one; what follows the last whole one is left out.

    All together they are followed as far as there is ``room``, which is as for `machine.run`.
    """
    graphs = [first or parse(data, 0, token, room=room)]
    left = most_nodes(len(data)) if room is None else room
    while 0 <= graphs[-1].stream.stop < len(data) and len(graphs) < _MOST_PICKLES:
        left -= _held(graphs[-1])
        following = parse_following(graphs[-1], token, left)
        if following.stream.error and not following.stream.is_full:
            break
        graphs.append(following)
    return graphs


def _held(graph: Graph) -> int:
    """Return how many nodes a pickle has, as `limits.PICKLE_NODES` counts them."""
    return graph.stream.weight + sum(map(len, graph.stream.records.values()))


def parse_following(before: Graph, token: CancelToken, room: int | None = None) -> Graph:
    """Return the pickle behind another one; damage is part of it."""
    data, start, memo = before.stream.data, before.stream.stop, before.stream.memo
    found = parse(data, start, token, room=room)
    if not found.stream.error or found.stream.is_full or not isinstance(memo, list) or not memo:
        return found
    made = [before.stream.target(slot) if slot >= 0 else slot for slot in memo]
    continued = Graph(run(data, start, token, memo=made, room=room))
    return found if continued.stream.error or not _reads_only_what_is_whole(continued, before) else continued


def continued(before: Graph, token: CancelToken) -> Graph | None:
    """Return the pickle behind another one as an unpickler reads it that keeps its memo, None where there is none."""
    stream = before.stream
    if not 0 <= stream.stop < len(stream.data) or not isinstance(stream.memo, list) or not stream.memo:
        return None
    return Graph(run(stream.data, stream.stop, token, memo=stream.memo))


def goes_on(graph: Graph) -> bool:
    """Tell whether a pickle reads objects of the one before it, so that neither can be changed alone."""
    return any(target < graph.stream.start for target in _read_targets(graph))


def _reads_only_what_is_whole(graph: Graph, before: Graph) -> bool:
    """Tell whether all that is read from the pickle before can be shown by its bytes alone: names and scalars."""
    records, logs = before.stream.records, before.stream.logs
    return all(
        target not in records and target not in logs for target in _read_targets(graph) if target < graph.stream.start
    )


def _read_targets(graph: Graph) -> Sequence[int]:
    stream = graph.stream
    data = stream.data
    slots = chain([stream.root], chain.from_iterable(stream.records.values()))
    return [graph.target(slot) for slot in slots if slot < len(data) and data[slot] in ALIASES]


def record_class(graphs: Sequence[Graph]) -> str:
    """Return the class of a record of ZODB, a pickle of its class and one of its state; empty for all others."""
    if len(graphs) != 2:
        return ""
    meta = graphs[0]
    slot = meta.root
    for _ in range(2):  # a class, or a tuple of one and its arguments, or of module and name in a tuple and those
        if meta.kind(slot) is not Kind.TUPLE:
            break
        items = meta.items(slot, 0, 3)
        if len(items) != 2:
            return ""
        if all(meta.kind(item) in (Kind.STR, Kind.STR2) for item in items):
            return ".".join(_word(meta, item) for item in items)
        slot = items[0]
    return class_name(meta, slot)


def _word(graph: Graph, slot: int) -> str:
    found = graph.prefix(slot, 200)
    return found if isinstance(found, str) else found.decode("latin-1")
