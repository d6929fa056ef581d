"""A pickle as indented text that looks like Python, built without recursion and only as far as is asked."""

from collections.abc import Callable, Iterator, Sequence

from app.codecs.known.registry import describe, object_type, preview
from app.codecs.known.shape import is_slots_state, shape_of
from app.codecs.nodes import CONTAINERS, Kind, PickleNodes
from app.codecs.screen import ELLIPSIS, escape_text, shorten
from app.codecs.trees.node_json import attribute_name

_LINE_CHARS = 88
_SCALAR_CHARS = 100_000
_INDENT = "    "
_NAME_CHARS = 200
_MAX_INDENTS = 40
_BRACKETS = {
    Kind.LIST: ("[", "]"),
    Kind.TUPLE: ("(", ")"),
    Kind.DICT: ("{", "}"),
    Kind.SET: ("{", "}"),
    Kind.FROZENSET: ("frozenset({", "})"),
}
Piece = str | int
"""Text as it is, or the slot of a node that is to be written there."""


def pretty(nodes: PickleNodes, slot: int, limit: int, path_of: Callable[[int], str]) -> str:
    """Return the node at ``slot`` as text of at most some ``limit`` characters; ``path_of`` names what came before."""
    writer = _PrettyWriter(nodes, path_of)
    written: list[str] = []
    size = 0
    for piece in writer.write(slot):
        written.append(piece)
        size += len(piece)
        if size >= limit:
            return "".join(written)[:limit] + ELLIPSIS
    return "".join(written)


class _PrettyWriter:
    def __init__(self, nodes: PickleNodes, path_of: Callable[[int], str]) -> None:
        self._nodes = nodes
        self._path_of = path_of
        self._seen: set[int] = set()
        self._open: list[Iterator[Piece]] = []

    def write(self, slot: int) -> Iterator[str]:
        self._open.append(iter((slot,)))
        while self._open:
            piece = next(self._open[-1], None)
            if piece is None:
                self._open.pop()
            elif isinstance(piece, str):
                yield piece
            else:
                yield self._start(piece)

    def _start(self, slot: int) -> str:
        """Return the text of a node; open one that takes several lines and return nothing."""
        nodes = self._nodes
        kind = nodes.kind(slot)
        if kind not in CONTAINERS and kind is not Kind.OBJECT:
            return preview(nodes, slot, _SCALAR_CHARS)
        target = nodes.target(slot)
        if target in self._seen:
            return f"<same as {self._path_of(target) or 'the root'}>"
        known = describe(nodes, slot) if kind is Kind.OBJECT else None
        if known is not None and known.lines is not None:
            self._open.append(self._table(known.type, known.lines()))
            return ""
        line = preview(nodes, slot, _LINE_CHARS)
        if ELLIPSIS not in line:
            return line
        self._seen.add(target)
        self._open.append(self._object(slot) if kind is Kind.OBJECT else self._container(slot, kind))
        return ""

    def _container(self, slot: int, kind: Kind) -> Iterator[Piece]:
        start, end = _BRACKETS[kind]
        yield start + "\n"
        if kind is Kind.DICT:
            yield from self._pairs(self._nodes.pairs(slot))
        else:
            yield from self._items(self._nodes.items(slot))
        yield self._margin(-1) + end

    def _table(self, title: str, lines: Iterator[str]) -> Iterator[Piece]:
        yield title
        for line in lines:
            yield f"\n{self._margin()}{line}"

    def _object(self, slot: int) -> Iterator[Piece]:
        nodes = self._nodes
        shape = shape_of(nodes, slot)
        yield object_type(nodes, slot) + "(\n"
        yield from self._items(shape.args)
        yield from self._named(shape.kwargs)
        for state in shape.states:
            for part in nodes.items(state) if is_slots_state(nodes, state) else [state]:
                if nodes.kind(part) is Kind.DICT:
                    yield from self._named(nodes.pairs(part))
                elif part == state:
                    yield from self._labelled("<state>: ", part)
        yield from self._items(shape.listitems)
        yield from self._pairs(shape.dictitems)
        yield self._margin(-1) + ")"

    def _items(self, slots: Sequence[int]) -> Iterator[Piece]:
        for slot in slots:
            yield from self._labelled("", slot)

    def _pairs(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Piece]:
        for key, value in pairs:
            yield self._margin()
            yield key
            yield ": "
            yield value
            yield ",\n"

    def _named(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Piece]:
        for key, value in pairs:
            name = attribute_name(self._nodes, key)
            if name is None:
                yield from self._pairs([(key, value)])
            else:
                yield from self._labelled(escape_text(shorten(name, _NAME_CHARS)) + "=", value)

    def _labelled(self, label: str, slot: int) -> Iterator[Piece]:
        yield self._margin() + label
        yield slot
        yield ",\n"

    def _margin(self, less: int = 0) -> str:
        """Return the indentation of a line in the innermost open node; the first frame is the root's place."""
        return _INDENT * min(len(self._open) - 1 + less, _MAX_INDENTS)
