"""Which known type an object is, and the short text of any node."""

from collections.abc import Iterable, Iterator
from itertools import chain

from app import limits
from app.codecs.known import arrays, collections, datetimes, identifiers, ndarrays, numbers, pandas, zones
from app.codecs.known.base import Known, KnownType, type_name
from app.codecs.known.shape import Shape, is_slots_state, shape_of, text
from app.codecs.nodes import CONTAINERS, SCALARS, Kind, PickleNodes
from app.codecs.screen import ELLIPSIS, escape_text, scalar_text, shorten, size_text
from app.errors import CodecError, LimitExceeded

_FAMILIES = (collections, datetimes, zones, numbers, identifiers, arrays, ndarrays, pandas)
_TYPES: dict[str, KnownType] = {
    name: known for known in chain.from_iterable(family.TYPES for family in _FAMILIES) for name in known.names
}

_BRACKETS = {
    Kind.LIST: ("[", "]"),
    Kind.TUPLE: ("(", ")"),
    Kind.SET: ("{", "}"),
    Kind.FROZENSET: ("frozenset({", "})"),
}
_TEXT_KINDS = frozenset({Kind.STR, Kind.STR2, Kind.BYTES, Kind.BYTEARRAY})
_PYTHON2_TYPES = {Kind.STR: "unicode", Kind.STR2: "str"}
_DEPTH = 3
"""Levels of containers that a preview looks into."""

_NESTED_CHARS = 60
"""Characters of a node that stands inside the text of a known type."""


def is_known_class(name: str) -> bool:
    """Tell whether a class or callable, by ``module.name``, is one of a known type."""
    return name in _TYPES


def describe(nodes: PickleNodes, slot: int) -> Known | None:
    """Return what an OBJECT is when its class is known and it is built as that class builds it, else None."""
    return describe_shape(nodes, shape_of(nodes, slot))


def describe_shape(nodes: PickleNodes, shape: Shape) -> Known | None:
    """Return what `describe` does of an OBJECT whose shape is known."""
    return _described(nodes, shape, _DEPTH)


def known_type(name: str) -> KnownType | None:
    """Return what recognises the objects of a class or callable ``module.name``."""
    return _TYPES.get(name)


def object_type(nodes: PickleNodes, slot: int) -> str:
    """Return the type of an OBJECT as a person reads it, safe for the screen; ``object`` when its class is computed."""
    return type_and_text(nodes, slot, 0)[0]


def type_of(nodes: PickleNodes, slot: int) -> str:
    """Return the type that a row shows."""
    kind = nodes.kind(slot)
    if kind is Kind.OBJECT:
        return object_type(nodes, slot)
    if nodes.is_python2 and kind in _PYTHON2_TYPES:
        return _PYTHON2_TYPES[kind]
    return str(kind)


def type_and_text(nodes: PickleNodes, slot: int, limit: int = limits.CELL_CHARS) -> tuple[str, str]:
    """Return what `object_type` and `preview` do, for the cost of one of them."""
    shape = shape_of(nodes, slot)
    known = describe_shape(nodes, shape)
    if known is not None:
        return known.type, shorten(known.text, limit)
    kind = escape_text(type_name(shape.name)) or "object"
    return kind, _cut_at(limit, _object_pieces(nodes, shape, limit, _DEPTH)) if limit else ""


def preview(nodes: PickleNodes, slot: int, limit: int = limits.CELL_CHARS) -> str:
    """Return a node as a short Python-like text of one line, safe for the screen, at most ``limit`` characters.

    The work is bounded by ``limit`` and never by the size of the value.
    """
    return _preview(nodes, slot, limit, _DEPTH)


def node_text(nodes: PickleNodes, slot: int, limit: int = limits.CELL_CHARS) -> str:
    """Return a scalar as `scalar_text` does, decoding no more than is shown; what is too large shows as its size."""
    return _scalar_text(nodes, slot, nodes.kind(slot), limit)


def _scalar_text(nodes: PickleNodes, slot: int, kind: Kind, limit: int) -> str:
    try:
        if kind in _TEXT_KINDS:
            return scalar_text(nodes.prefix(slot, limit + 1), kind, is_python2=nodes.is_python2, limit=limit)
        return scalar_text(nodes.scalar(slot), kind, is_python2=nodes.is_python2, limit=limit)
    except LimitExceeded:
        return size_text(nodes.length(slot), "byte integer")
    except CodecError as error:
        return f"<{escape_text(shorten(nodes.written_as_damaged(error.message), limit))}>"


def _described(nodes: PickleNodes, shape: Shape, depth: int) -> Known | None:
    known = _TYPES.get(shape.name)
    try:
        return known.describe(nodes, shape, _Nested(nodes, depth)) if known else None
    except CodecError:
        return None  # a part of it is damaged or too large: it is shown as the pickle builds it


class _Nested:
    """The preview that a known type asks for: one level further down."""

    def __init__(self, nodes: PickleNodes, depth: int) -> None:
        self._nodes = nodes
        self._depth = depth

    def __call__(self, slot: int) -> str:
        return _preview(self._nodes, slot, _NESTED_CHARS, self._depth - 1)


def _preview(nodes: PickleNodes, slot: int, limit: int, depth: int) -> str:
    return _cut_at(limit, _pieces(nodes, slot, limit, depth))


def _cut_at(limit: int, pieces: Iterable[str]) -> str:
    """Return the pieces as one text, asking for no more of them than are shown."""
    shown = ""
    for piece in pieces:
        shown += piece
        if len(shown) > limit:
            break
    return shorten(shown, limit)


def _pieces(nodes: PickleNodes, slot: int, limit: int, depth: int) -> Iterable[str]:
    """Return the text of a node in pieces, so that whoever joins them can stop; recursion ends with ``depth``."""
    kind = nodes.kind(slot)
    if kind in SCALARS:
        return (_scalar_text(nodes, slot, kind, limit),)
    if kind is Kind.DICT:
        return _dict_pieces(nodes, slot, limit, depth)
    if kind in CONTAINERS:
        return _container_pieces(nodes, slot, limit, depth)
    if kind is Kind.OBJECT:
        shape = shape_of(nodes, slot)
        known = _described(nodes, shape, depth) if depth > 0 else None
        return (known.text,) if known else _object_pieces(nodes, shape, limit, depth)
    return (_other_text(nodes, slot, depth),)


def _container_pieces(nodes: PickleNodes, slot: int, limit: int, depth: int) -> Iterator[str]:
    kind = nodes.kind(slot)
    size = nodes.length(slot)
    start, end = _BRACKETS[kind] if size or kind not in (Kind.SET, Kind.FROZENSET) else (f"{kind}(", ")")
    if size and depth <= 0:
        yield start + ELLIPSIS + end
        return
    items = nodes.items(slot, 0, limit)
    yield start
    yield from _joined(nodes, items, limit, depth)
    yield ("," if kind is Kind.TUPLE and size == 1 else "") + (ELLIPSIS if size > len(items) else "") + end


def _dict_pieces(nodes: PickleNodes, slot: int, limit: int, depth: int) -> Iterator[str]:
    size = nodes.length(slot)
    if size and depth <= 0:
        yield "{" + ELLIPSIS + "}"
        return
    pairs = nodes.pairs(slot, 0, limit)
    yield "{"
    yield from _joined_pairs(nodes, pairs, limit, depth)
    yield (ELLIPSIS if size > len(pairs) else "") + "}"


def _object_pieces(nodes: PickleNodes, shape: Shape, limit: int, depth: int) -> Iterator[str]:
    """Yield ``Order(1001, total=…)[…]``: arguments, keywords and attributes, items."""
    yield f"{escape_text(shape.name.rpartition('.')[2]) or 'object'}("
    if depth <= 0:
        yield ELLIPSIS + ")"
        return
    separator = ""
    for name, value in _members(nodes, shape, limit):
        yield f"{separator}{escape_text(shorten(name, _NESTED_CHARS))}{'=' if name else ''}"
        yield from _pieces(nodes, value, limit, depth - 1)
        separator = ", "
    yield ")"
    if shape.listitems:
        yield "["
        yield from _joined(nodes, shape.listitems[:limit], limit, depth)
        yield "]"
    if shape.dictitems:
        yield "{"
        yield from _joined_pairs(nodes, shape.dictitems[:limit], limit, depth)
        yield "}"


def _members(nodes: PickleNodes, shape: Shape, limit: int) -> Iterator[tuple[str, int]]:
    """Yield arguments and whole states without a name, keywords and attributes with theirs."""
    yield from (("", slot) for slot in shape.args)
    yield from ((_name(nodes, key), value) for key, value in shape.kwargs)
    for state in shape.states:
        dicts = nodes.items(state) if is_slots_state(nodes, state) else [state]
        for part in dicts:
            if nodes.kind(part) is Kind.DICT:
                yield from ((_name(nodes, key), value) for key, value in nodes.pairs(part, 0, limit))
            elif len(dicts) == 1:
                yield "", part


def _name(nodes: PickleNodes, key: int) -> str:
    try:
        return text(nodes, key) or _preview(nodes, key, _NESTED_CHARS, 0)
    except CodecError:
        return ELLIPSIS


def _joined(nodes: PickleNodes, slots: list[int] | tuple[int, ...], limit: int, depth: int) -> Iterator[str]:
    for number, slot in enumerate(slots):
        if number:
            yield ", "
        yield from _pieces(nodes, slot, limit, depth - 1)


def _joined_pairs(
    nodes: PickleNodes, pairs: list[tuple[int, int]] | tuple[tuple[int, int], ...], limit: int, depth: int
) -> Iterator[str]:
    for number, (key, value) in enumerate(pairs):
        if number:
            yield ", "
        yield from _pieces(nodes, key, limit, depth - 1)
        yield ": "
        yield from _pieces(nodes, value, limit, depth - 1)


def _other_text(nodes: PickleNodes, slot: int, depth: int) -> str:
    match nodes.kind(slot):
        case Kind.GLOBAL:
            return escape_text(shorten(type_name(nodes.global_name(slot)), limits.CELL_CHARS))
        case Kind.PERSID:
            inner = _preview(nodes, nodes.inner(slot), _NESTED_CHARS, depth - 1) if depth > 0 else ELLIPSIS
            return f"<persistent id {inner}>"
        case Kind.EXT:
            name = escape_text(shorten(nodes.global_name(slot), limits.CELL_CHARS))
            return f"<extension {nodes.inner(slot)}{': ' if name else ''}{name}>"
        case Kind.BUFFER:
            return f"<buffer {nodes.inner(slot)}>"
        case Kind.CODE:
            return _code_text(nodes, slot)
        case _:
            why = nodes.written_as_damaged(nodes.damage(slot))
            return f"<{escape_text(shorten(why, limits.CELL_CHARS))}>"


def _code_text(nodes: PickleNodes, slot: int) -> str:
    """Return ``<code shop.total from 'shop.py', line 12>``, as far as its parts are there."""
    fields = dict(nodes.fields(slot))
    shown = {name: _preview(nodes, part, _NESTED_CHARS, 0) for name, part in fields.items() if name in _CODE_NAMES}
    name = (shown.get("co_qualname") or shown.get("co_name") or "").lstrip("bu").strip("'")
    place = ", ".join(filter(None, (shown.get("co_filename"), f"line {shown.get('co_firstlineno', '?')}")))
    return f"<code {name} from {place}>"


_CODE_NAMES = frozenset({"co_name", "co_qualname", "co_filename", "co_firstlineno"})
