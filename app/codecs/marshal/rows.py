"""Rows of a value tree: what one node of a marshal value shows, and whether it can be edited."""

from app.codecs.base import NodeRow
from app.codecs.known.registry import node_text, preview, type_of
from app.codecs.marshal.children import Children
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.nodes import SCALARS, Kind
from app.codecs.screen import escape_text
from app.codecs.trees.children import Child, Role
from app.errors import CodecError, LimitExceeded

_SHARED_SILENTLY = SCALARS | {Kind.GLOBAL, Kind.DAMAGED}
_PART_OF_CODE = "The interpreter runs by this part of the code object, and could crash with another."


def refusal(graph: MarshalGraph, child: Child) -> str:
    """Return why the scalar at a child's place cannot be edited, an empty text when it can."""
    if graph.stream.is_full:
        return "Only a part of the value is shown, so it is read-only."
    if graph.stream.error:
        return "The value is damaged, so it is read-only."
    if child.role is Role.OTHER:
        return _PART_OF_CODE
    kind = graph.kind(child.slot)
    return "" if kind in SCALARS else f"A value of type {type_of(graph, child.slot)} is no single text to be edited."


class RowMaker:
    """Makes the rows of one value."""

    def __init__(self, children: Children) -> None:
        self._graph = children.graph
        self._children = children
        self._shared: frozenset[int] | None = None

    def count(self, slot: int) -> int:
        """Return the number of child rows of a node."""
        group = self._children.group(self._graph.target(slot))
        return group.rows if group is not None else 0

    def page(self, slot: int, start: int, count: int) -> list[NodeRow]:
        """Return at most ``count`` child rows of a node from row ``start`` on."""
        group = self._children.group(self._graph.target(slot))
        return [self.row(child) for child in group.page(start, count)] if group is not None else []

    def row(self, child: Child, extra: int = 0) -> NodeRow:
        """Return the row of a child, with ``extra`` more child rows than it has itself."""
        graph = self._graph
        kind = graph.kind(child.slot)
        flags: list[str] = []
        notes: list[str] = []
        first = None
        if kind in SCALARS:
            self._probe(child.slot, flags, notes)
        elif kind is Kind.DAMAGED:
            flags.append("truncated" if graph.stream.is_full else "damaged")
            notes.append(escape_text(graph.damage(child.slot)))
        else:
            first = self._note_sharing(child.slot, kind, flags, notes)
        reason = refusal(graph, child)
        if reason:
            notes.append(reason)
            flags += ["read-only"] if kind in SCALARS else []
        return NodeRow(
            node=child.slot,
            step=child.step,
            label=escape_text(child.label),
            type="not shown" if kind is Kind.DAMAGED and "truncated" in flags else type_of(graph, child.slot),
            text=node_text(graph, child.slot) if kind in SCALARS else preview(graph, child.slot),
            count=extra + self.count(child.slot),
            flags=tuple(flags),
            note=" ".join(notes),
            editor="" if reason or "damaged" in flags else str(kind),
            first=first,
        )

    def _probe(self, slot: int, flags: list[str], notes: list[str]) -> None:
        """Note a scalar whose bytes are malformed; a text is only looked at as far as it is shown."""
        graph = self._graph
        try:
            if graph.kind(slot) in (Kind.STR, Kind.STR2, Kind.BYTES):
                graph.prefix(slot, 1)
            else:
                graph.scalar(slot)
        except LimitExceeded:
            return
        except CodecError as error:
            flags.append("damaged")
            notes.append(escape_text(error.message))

    def _note_sharing(self, slot: int, kind: Kind, flags: list[str], notes: list[str]) -> str | None:
        """Note that an object stands in other places; return the path of the first of them before this one."""
        if kind in _SHARED_SILENTLY:
            return None
        target = self._graph.target(slot)
        if target != slot:
            is_inside = self._children.is_inside(slot)
            path = self._children.path_of(target)
            flags.append("recursive" if is_inside else "shared")
            notes.append(
                f"This is {path or 'the root'} again." if is_inside else f"The same object as {path or 'the root'}."
            )
            return None if path.startswith("<offset ") else path
        if target in self.shared:
            flags.append("shared")
            notes.append("The same object stands in other places too.")
        return None

    @property
    def shared(self) -> frozenset[int]:
        """The objects that references name."""
        if self._shared is None:
            self._shared = frozenset(map(self._graph.target, self._graph.stream.uses))
        return self._shared
