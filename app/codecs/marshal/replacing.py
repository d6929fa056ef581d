"""One object in the place of another: here alone, or wherever it is shared."""

from bisect import bisect_left
from collections.abc import Sequence

from app.cancel import CancelToken
from app.codecs.marshal.changes import Change, cut_of
from app.codecs.marshal.compare import Intended, Part
from app.codecs.marshal.encode import Define, Form, Piece, Use, flagged, pieces_of
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.splice import LONE
from app.codecs.marshal.stream import FLAG_REF, SINGLETONS
from app.codecs.model import Value
from app.codecs.trees.children import Child


def replaced(
    graph: MarshalGraph,
    trail: Sequence[Child],
    value: Value,
    form: Form,
    token: CancelToken,
    *,
    everywhere: bool = False,
) -> Change:
    """Return the change that puts a value where ``trail`` leads."""
    slot = trail[-1].slot
    target = graph.target(slot)
    like = chr(graph.stream.type_code(target))
    pieces = pieces_of(value, form, token, like)
    uses = [use for use in graph.stream.uses if graph.target(use) == target]
    if everywhere and uses:
        return _everywhere(graph, target, uses, pieces, value)
    if slot == target and not uses:
        pieces = _numbered(graph, slot, pieces, value)
    return Change([cut_of(graph, slot, pieces)], _intended(graph, trail, value))


def _intended(graph: MarshalGraph, trail: Sequence[Child], value: Value) -> Intended:
    if len(trail) == 1:
        return Intended(value)
    slot = trail[-1].slot
    parent = graph.target(graph.trail(slot)[-2])
    parts: list[Part] = list(graph.elements(parent))
    parts[bisect_left(graph.elements(parent), slot)] = value
    return Intended(graph.root, {parent: parts})


def _numbered(graph: MarshalGraph, slot: int, pieces: list[Piece], value: Value) -> list[Piece]:
    """Return the pieces of a value that counts as the old one did, so that no other number changes."""
    data, first = graph.stream.data, pieces[0]
    if not isinstance(first, bytes):
        return pieces
    if slot in graph.stream.interned and graph.is_python2:
        return [Define(LONE, b"t" + first[1:], is_string=True), *pieces[1:]] if first[:1] == b"s" else pieces
    if not data[slot] & FLAG_REF or data[slot] & 0x7F in SINGLETONS or first[0] in SINGLETONS:
        return pieces
    return [Define(LONE, flagged(first)), *pieces[1:]]


def _everywhere(graph: MarshalGraph, target: int, uses: Sequence[int], pieces: list[Piece], value: Value) -> Change:
    """Return the change in all places that hold the object; one that cannot be named is written in each of them."""
    first = pieces[0]
    if isinstance(first, Define):
        own = first.key
        pieces = [Use(target) if isinstance(piece, Use) and piece.key == own else piece for piece in pieces]
        pieces[0] = Define(target, first.code)
    elif isinstance(first, bytes) and _counts_by_flags(graph) and first[0] not in SINGLETONS:
        pieces = [Define(target, flagged(first)), *pieces[1:]]
    else:
        cuts = [cut_of(graph, slot, pieces) for slot in (target, *uses)]
        return Change(cuts, Intended(graph.root, objects={target: value}))
    return Change([cut_of(graph, target, pieces)], Intended(graph.root, objects={target: value}))


def _counts_by_flags(graph: MarshalGraph) -> bool:
    """Tell whether references of the value go by flags, not by interned strings."""
    return bool(graph.stream.refs)
