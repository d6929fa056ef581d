"""Which keys and elements Python takes for the same one, and which it takes not at all."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from app import limits
from app.cancel import CancelToken
from app.codecs.known.equality import compared_as
from app.codecs.known.registry import describe
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import Graph
from app.errors import CodecError, EncodeError

_UNHASHABLE = frozenset({Kind.LIST, Kind.DICT, Kind.SET, Kind.BYTEARRAY})
_BY_ITS_PARTS = frozenset({Kind.TUPLE, Kind.FROZENSET})
_CHUNK = 4096
_END = object()


class Work:
    """Parts of keys that one edit may look at before it is refused, so that hostile keys end in time."""

    def __init__(self, graph: Graph, token: CancelToken) -> None:
        self._left = limits.KEY_PARTS + len(graph.stream.data)
        self._token = token

    def spend(self, count: int = 1) -> None:
        """Count some parts.

        Raises:
            EncodeError: there are too many.
            Cancelled: by the token.
        """
        if self._left // _CHUNK != (self._left - count) // _CHUNK:
            self._token.check()
        self._left -= count
        if self._left < 0:
            raise EncodeError("The keys or elements here are too large to be compared, so none of them can be changed.")


def check_keys(graph: Graph, keys: Sequence[int], changed: int, work: Work) -> None:
    """Refuse a key, the one at position ``changed``, that Python cannot hash or that equals another of ``keys``.

    Raises:
        EncodeError: it is one of those, or comparing them takes too much ``work``; says which.
        Cancelled: by the token of ``work``.
    """
    wanted = list(_identity(graph, keys[changed], work, is_checked=True))
    kind = graph.kind(keys[changed])
    for index, slot in enumerate(keys):
        work.spend()
        if index != changed and _may_equal(graph, slot, kind) and _is_same(wanted, _identity(graph, slot, work)):
            raise EncodeError(f"There is such a key or element already, at position {index:,}; Python would keep one.")


def _is_same(wanted: Sequence[object], found: Iterable[object]) -> bool:
    """Tell whether both are equal; stops at the first difference."""
    return all(one == other for one, other in zip_longest(wanted, found, fillvalue=_END))


_NUMBERS = frozenset({Kind.BOOL, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.COMPLEX})
_TEXTS = frozenset({Kind.STR, Kind.STR2})


def _may_equal(graph: Graph, slot: int, kind: Kind) -> bool:
    other = graph.kind(slot)
    if Kind.OBJECT in (kind, other):
        return True  # numbers of known types equal others
    return other is kind or any(other in family and kind in family for family in (_NUMBERS, _TEXTS))


def _identity(graph: Graph, slot: int, work: Work, *, is_checked: bool = False) -> Iterator[object]:
    """Yield what equal keys have in common, part by part. ``is_checked`` refuses what has no hash."""
    waiting = [slot]
    while waiting:
        work.spend()
        slot = waiting.pop()
        kind = graph.kind(slot)
        if is_checked and kind in _UNHASHABLE:
            raise EncodeError(f"A {kind} cannot be a key of a dict or an element of a set: Python cannot hash it.")
        if kind in _BY_ITS_PARTS:
            work.spend(graph.length(slot))
            items = graph.items(slot)
            yield from (kind, len(items))
            waiting += _sorted(graph, items) if kind is Kind.FROZENSET else reversed(items)
        elif kind is Kind.OBJECT and (known := compared_as(graph, slot)) is not None:
            yield known
        elif kind is Kind.OBJECT and describe(graph, slot) is not None:
            parts = graph.parts(slot)
            yield from (kind, len(parts.args))
            waiting += (*parts.args, parts.cls)
        elif kind is Kind.GLOBAL:
            yield graph.global_name(slot)
        else:
            yield _scalar_identity(graph, slot, kind)


def _sorted(graph: Graph, items: Sequence[int]) -> list[int]:
    """Return elements in an order that equal frozensets have in common, as far as scalars go."""
    return sorted(items, key=lambda item: repr(_scalar_identity(graph, item, graph.kind(item))))


def _scalar_identity(graph: Graph, slot: int, kind: Kind) -> object:
    """Return a scalar as what it is equal to: 1, 1.0 and True are one, nan and what is no scalar only to itself."""
    if kind not in SCALARS:
        return kind, graph.target(slot)
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
