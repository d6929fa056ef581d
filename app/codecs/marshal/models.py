"""Nodes of a marshal value as values to be written elsewhere."""

from app.cancel import CancelToken
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Value
from app.codecs.nodes import SCALARS, Kind, Scalar
from app.errors import DecodeError, EncodeError, LimitExceeded

_CHECKED = 4096


def model_of(graph: MarshalGraph, slot: int, token: CancelToken) -> Value:
    """Return what stands at ``slot``; places of one object share one model, which may hold itself.

    Raises:
        EncodeError: it holds a code object, or something that cannot be read.
        DecodeError: a scalar is malformed.
    """
    try:
        return _model_of(graph, slot, token)
    except DecodeError as error:
        graph.written_as_damaged(error.message)
        raise


def _model_of(graph: MarshalGraph, slot: int, token: CancelToken) -> Value:
    made: dict[int, Value] = {}
    waiting = [slot]
    while waiting:
        if len(made) % _CHECKED == 0:
            token.check()
        target = graph.target(waiting.pop())
        if target not in made:
            made[target] = _empty(graph, target)
            waiting += graph.elements(target)
    for target, value in made.items():
        _fill(value, [made[graph.target(kid)] for kid in graph.elements(target)])
    return made[graph.target(slot)]


def _empty(graph: MarshalGraph, target: int) -> Value:
    """Return a scalar, or a container without what is in it."""
    kind = graph.kind(target)
    if kind in SCALARS:
        return Atom(kind, whole_scalar(graph, target))
    match kind:
        case Kind.DICT:
            return Pairs()
        case Kind.LIST | Kind.TUPLE | Kind.SET | Kind.FROZENSET:
            return Items(kind)
        case Kind.OBJECT:
            return Built(GlobalName("builtins", "slice"), Items(Kind.TUPLE), is_call=True)
        case Kind.GLOBAL:
            module, _, name = graph.global_name(target).rpartition(".")
            return GlobalName(module, name)
        case Kind.CODE:
            raise EncodeError("A code object can stand in no other value; copy one of its parts.")
    raise EncodeError(f"What is damaged cannot be copied. {graph.written_as_damaged(graph.damage(target))}")


def whole_scalar(graph: MarshalGraph, slot: int) -> Scalar:
    """Return a scalar of any size, whatever it costs."""
    try:
        return graph.scalar(slot)
    except LimitExceeded:
        return graph.integer(slot)


def _fill(value: Value, kids: list[Value]) -> None:
    match value:
        case Items():
            value.items += kids
        case Pairs():
            value.pairs += zip(kids[::2], kids[1::2], strict=True)
        case Built(args=Items(items=items)):
            items += kids
