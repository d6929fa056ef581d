"""Rows of a value tree: what one node shows, and whether it can be edited."""

from app.codecs.base import NodeRow
from app.codecs.known.registry import describe, node_text, object_type, preview
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.children import Child, Group, Role, groups_of
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.opcodes import ALIASES, memo_index
from app.codecs.screen import escape_text
from app.errors import CodecError, LimitExceeded

_PYTHON2_TYPES = {Kind.STR: "unicode", Kind.STR2: "str"}
_EDITABLE_ROLES = frozenset({Role.ITEM, Role.VALUE, Role.ATTRIBUTE, Role.ARGUMENT, Role.ROOT})
_REASONS = {
    Role.KEY: "Keys cannot be edited in place yet.",
    Role.MEMBER: "Elements of sets cannot be edited yet.",
    Role.CALL_ARGUMENT: "Arguments of a call cannot be edited yet: what is called may refuse others.",
    Role.STATE: "This state is the class's own, which may refuse another.",
    Role.OTHER: "This part cannot be edited yet.",
}
_KEPT_GROUPS = 256


def type_of(graph: Graph, slot: int) -> str:
    """Return the type that a row shows."""
    kind = graph.kind(slot)
    if kind is Kind.OBJECT:
        return object_type(graph, slot)
    if graph.is_python2 and kind in _PYTHON2_TYPES:
        return _PYTHON2_TYPES[kind]
    return str(kind)


def refusal(graph: Graph, child: Child) -> str:
    """Return why the scalar at a child's place cannot be edited, an empty text when it can."""
    kind = graph.kind(child.slot)
    if kind not in SCALARS:
        return f"A value of type {type_of(graph, child.slot)} cannot be edited as a whole yet."
    if kind is Kind.NONE:
        return "None cannot become a value of another type yet."
    if kind is Kind.COMPLEX:
        return "Complex numbers cannot be edited yet."
    if graph.stream.error:
        return "The pickle is damaged, so it is read-only."
    return "" if child.role in _EDITABLE_ROLES else _REASONS[child.role]


class RowMaker:
    """Makes the rows of one pickle; keeps the children of the nodes that were asked for last."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.locator = Locator(graph, self.groups)
        self._groups: dict[int, list[Group]] = {}
        self._shared: set[int] | None = None

    def groups(self, target: int) -> list[Group]:
        """Return the children of a target."""
        known = self._groups.get(target)
        if known is None:
            if len(self._groups) >= _KEPT_GROUPS:
                self._groups.clear()
            known = self._groups[target] = groups_of(self.graph, target)
        return known

    def count(self, slot: int) -> int:
        """Return the number of child rows of a node."""
        return sum(group.rows for group in self.groups(self.graph.target(slot)))

    def page(self, slot: int, start: int, count: int) -> list[NodeRow]:
        """Return at most ``count`` child rows of a node from row ``start`` on."""
        rows: list[NodeRow] = []
        for group in self.groups(self.graph.target(slot)):
            if start < group.rows and len(rows) < count:
                rows += [self.row(child) for child in group.page(start, count - len(rows))]
            start = max(start - group.rows, 0)
        return rows

    def row(self, child: Child, extra: int = 0) -> NodeRow:
        """Return the row of a child, with ``extra`` more child rows than it has itself."""
        kind = self.graph.kind(child.slot)
        flags: list[str] = []
        notes: list[str] = []
        text = self._text(child.slot, kind, flags, notes)
        is_scalar = kind in SCALARS
        if not is_scalar:
            self._note_sharing(child.slot, kind, flags, notes)
        reason = refusal(self.graph, child)
        if reason:
            notes.append(reason)
            if is_scalar:
                flags.append("read-only")
        return NodeRow(
            node=child.slot,
            step=child.step,
            label=escape_text(child.label),
            type=type_of(self.graph, child.slot),
            text=text,
            count=extra + (0 if is_scalar else self.count(child.slot)),
            flags=tuple(flags),
            note=" ".join(notes),
            editor="" if reason or "damaged" in flags else str(kind),
        )

    def _text(self, slot: int, kind: Kind, flags: list[str], notes: list[str]) -> str:
        graph = self.graph
        if kind is Kind.DAMAGED:
            flags.append("damaged")
            notes.append(escape_text(graph.damage(slot)))
        elif kind in SCALARS:
            self._probe(slot, kind, flags, notes)
            return node_text(graph, slot)
        elif kind is Kind.OBJECT and describe(graph, slot) is None:
            flags.append("unknown-class")
            if graph.made(graph.target(slot)).is_call:
                flags.append("call")
        if slot in graph.stream.pending:
            flags.append("truncated")
        return preview(graph, slot)

    def _probe(self, slot: int, kind: Kind, flags: list[str], notes: list[str]) -> None:
        """Note a scalar whose argument is malformed; a text is only looked at as far as it is shown."""
        try:
            if kind in (Kind.STR, Kind.STR2, Kind.BYTES, Kind.BYTEARRAY):
                self.graph.prefix(slot, 1)
            else:
                self.graph.scalar(slot)
        except LimitExceeded:
            return
        except CodecError as error:
            flags.append("damaged")
            notes.append(escape_text(error.message))

    def _note_sharing(self, slot: int, kind: Kind, flags: list[str], notes: list[str]) -> None:
        if kind in (Kind.GLOBAL, Kind.PERSID, Kind.EXT, Kind.DAMAGED):
            return
        target = self.graph.target(slot)
        if self._is_inside(slot, target):
            flags.append("recursive")
            notes.append(f"This is {self.path_of(slot) or 'the root'} again.")
        elif slot != target and self.graph.stream.data[slot] in ALIASES:
            flags.append("shared")
            notes.append(f"The same object as {self.path_of(slot) or 'the root'}.")
        elif target in self.shared:
            flags.append("shared")
            notes.append("The same object stands in other places too.")

    def _is_inside(self, slot: int, target: int) -> bool:
        """Tell whether a place lies within the opcodes that make its own object."""
        log = self.graph.stream.logs.get(target)
        end = max(target, log[-1]) if log else target
        return slot != target and self.locator.start_of(target) <= slot < end

    def path_of(self, slot: int) -> str:
        """Return the canonical path of the object at a slot, ``<offset 12>`` when it has no row of its own."""
        path = self.locator.path_to(self.graph.root, slot)
        return f"<offset {self.graph.target(slot)}>" if path is None else path

    @property
    def shared(self) -> set[int]:
        """The objects that stand in more than one place."""
        if self._shared is None:
            stream = self.graph.stream
            data = stream.data
            aliases = (
                slot for kids in stream.records.values() for slot in kids if slot < len(data) and data[slot] in ALIASES
            )
            if stream.aliases or not isinstance(stream.memo, list):
                self._shared = set(map(stream.target, aliases))
            else:  # equal memo indexes are equal objects: each is followed once
                memo = stream.memo
                self._shared = {stream.target(memo[index]) for index in {memo_index(data, slot) for slot in aliases}}
        return self._shared
