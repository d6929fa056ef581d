"""Which keys and elements Python takes for the same one, and which it takes not at all."""

from collections.abc import Sequence

from app.codecs.known.equality import compared_as
from app.codecs.known.registry import describe
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph
from app.errors import CodecError, EncodeError

_UNHASHABLE = frozenset({Kind.LIST, Kind.DICT, Kind.SET, Kind.BYTEARRAY})
_BY_ITS_PARTS = frozenset({Kind.TUPLE, Kind.FROZENSET})
_MOST_PARTS = 10_000
"""Parts of one key that are looked at."""


def check_keys(graph: Graph, keys: Sequence[int], changed: int) -> None:
    """Refuse a key, the one at position ``changed``, that Python cannot hash or that equals another of ``keys``.

    Raises:
        EncodeError: it is one of those; says which.
    """
    wanted = _identity(graph, keys[changed])
    kind = graph.kind(keys[changed])
    for index, slot in enumerate(keys):
        if index != changed and _may_equal(graph, slot, kind) and _identity(graph, slot, is_checked=False) == wanted:
            raise EncodeError(f"There is such a key or element already, at position {index:,}; Python would keep one.")


_NUMBERS = frozenset({Kind.BOOL, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.COMPLEX})
_TEXTS = frozenset({Kind.STR, Kind.STR2})


def _may_equal(graph: Graph, slot: int, kind: Kind) -> bool:
    other = graph.kind(slot)
    if Kind.OBJECT in (kind, other):
        return True  # numbers of known types equal others
    return other is kind or any(other in family and kind in family for family in (_NUMBERS, _TEXTS))


def _identity(graph: Graph, slot: int, *, is_checked: bool = True) -> tuple[object, ...]:
    """Return what equal keys have in common. ``is_checked`` refuses what has no hash."""
    found: list[object] = []
    waiting = [slot]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return tuple(found)
        slot = waiting.pop()
        kind = graph.kind(slot)
        if is_checked and kind in _UNHASHABLE:
            raise EncodeError(f"A {kind} cannot be a key of a dict or an element of a set: Python cannot hash it.")
        if kind in _BY_ITS_PARTS:
            items = graph.items(slot)
            found += (kind, len(items))
            waiting += _sorted(graph, items) if kind is Kind.FROZENSET else reversed(items)
        elif kind is Kind.OBJECT and (known := compared_as(graph, slot)) is not None:
            found.append(known)
        elif kind is Kind.OBJECT and describe(graph, slot) is not None:
            parts = graph.parts(slot)
            found += (kind, len(parts.args))
            waiting += (*parts.args, parts.cls)
        elif kind is Kind.GLOBAL:
            found.append(graph.global_name(slot))
        else:
            found.append(_scalar_identity(graph, slot, kind))
    return (graph.target(slot),)


def _sorted(graph: Graph, items: Sequence[int]) -> list[int]:
    """Return elements in an order that equal frozensets have in common, as far as scalars go."""
    return sorted(items, key=lambda item: repr(_scalar_identity(graph, item, graph.kind(item))))


def _scalar_identity(graph: Graph, slot: int, kind: Kind) -> object:
    """Return a scalar as what it is equal to: 1, 1.0 and True are one, nan is equal to nothing but itself."""
    try:
        value = graph.integer(slot) if kind in (Kind.INT, Kind.LONG) else graph.scalar(slot)
    except (CodecError, LookupError):
        return kind, graph.target(slot)
    if isinstance(value, complex) and not value.imag:
        value = value.real
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match value:
        case int():
            found: tuple[object, ...] = "number", f"{int(value):x}"
        case float() | complex():
            found = "number", repr(value), slot if value != value else -1  # noqa: PLR0124 - nan
        case bytes() if kind is Kind.STR2 and value.isascii():
            found = "text", value.decode("ascii")
        case str():
            found = "text", value
        case _:
            found = str(kind), value
    return found
