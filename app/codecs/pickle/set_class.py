"""States of objects that set the attribute ``__class__``, after which an object is one of another class.

References:
    CPython's Modules/_pickle.c, ``load_build``: the second part of a state is set attribute by attribute.
"""

from collections.abc import Iterable
from itertools import islice

from app.codecs.known.shape import text
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph
from app.errors import CodecError

_CLASS = "__class__"
_MOST_PARTS = 16
_MOST_KEYS = 1000
"""Attributes of a state that are looked at."""


def sets_class(graph: Graph, state: int) -> bool:
    """Tell whether a state, or a part of it, has the attribute ``__class__``."""
    parts = [state]
    if graph.kind(state) in (Kind.TUPLE, Kind.LIST):
        parts = graph.items(state, 0, _MOST_PARTS)
    return any(_is_class(graph, key) for part in parts for key in _keys(graph, part))


def _keys(graph: Graph, part: int) -> Iterable[int]:
    """Return the first keys of a part of a state; an object can have some too, as an OrderedDict has."""
    if graph.kind(part) is Kind.DICT:
        return islice(graph.elements(graph.target(part)), 0, 2 * _MOST_KEYS, 2)
    pairs = graph.parts(part).dictitems if graph.kind(part) is Kind.OBJECT else ()
    return (key for key, _ in pairs[:_MOST_KEYS])


def _is_class(graph: Graph, key: int) -> bool:
    try:
        return (
            graph.kind(key) in (Kind.STR, Kind.STR2)
            and graph.length(key) <= 2 * len(_CLASS)
            and text(graph, key) == _CLASS
        )
    except CodecError:
        return False
