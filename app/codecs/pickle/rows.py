"""Rows of a value tree: what one node shows, and whether it can be edited."""

from collections.abc import Iterator
from itertools import islice

from app import limits
from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.known.editing import known_editor
from app.codecs.known.elements import Elements, elements_of
from app.codecs.known.registry import describe, node_text, preview, type_of
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import NEVER, Graph
from app.codecs.pickle.groups import element_child, groups_of
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.opcodes import ALIASES, memo_index
from app.codecs.pickle.stream import Stream
from app.codecs.screen import escape_text, shorten
from app.codecs.trees.children import Child, Group, Role
from app.errors import CodecError, LimitExceeded

_KEPT_GROUPS = 256
_BETWEEN_CHECKS = 8192
"""Records between two looks at the token."""

_DAMAGED = "The pickle is damaged, so it is read-only."
_SHOWN_IN_PART = "Only a part of the value is shown, so it is read-only."
_NOT_SHOWN = "not shown"
"""What stands for a type in the row of what comes behind the part of a value that is shown."""

ELEMENT_NODES = 1 << 62
"""Handles from here on are those of elements of arrays: behind it stands where they lie in the pickle."""


def refusal(graph: Graph, child: Child) -> str:
    """Return why what stands at a child's place cannot be edited as text, an empty text when it can."""
    kind = graph.kind(child.slot)
    if graph.stream.error:
        return _why_broken(graph)
    if kind not in SCALARS and not known_editor(graph, child.slot):
        return f"A value of type {type_of(graph, child.slot)} cannot be edited as one text."
    return ""


def _why_broken(graph: Graph) -> str:
    """Return why no place of a pickle can be edited, empty where it is whole."""
    if graph.stream.is_full:
        return _SHOWN_IN_PART
    return _DAMAGED if graph.stream.error else ""


class RowMaker:
    """Makes the rows of one pickle; keeps the children of the nodes that were asked for last."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.locator = Locator(graph, self.groups)
        self._groups: dict[int, list[Group]] = {}
        self._elements: tuple[int, Elements | None] = -1, None
        self._shared: set[int] | None = None

    def groups(self, target: int) -> list[Group]:
        """Return the children of a target."""
        known = self._groups.get(target)
        if known is None:
            if len(self._groups) >= _KEPT_GROUPS:
                self._groups.clear()
            known = self._groups[target] = groups_of(self.graph, target)
        return known

    def elements(self, slot: int) -> Elements | None:
        """Return the elements of an array; those asked for last are kept, as their memory may have to be decoded."""
        target = self.graph.target(slot)
        if self._elements[0] != target:
            self._elements = target, elements_of(self.graph, target)
        return self._elements[1]

    def count(self, slot: int) -> int:
        """Return the number of child rows of a node."""
        elements = self.elements(slot)
        own = sum(group.rows for group in self.groups(self.graph.target(slot)))
        return own + (elements.count if elements is not None else 0)

    def page(self, slot: int, start: int, count: int) -> list[NodeRow]:
        """Return at most ``count`` child rows of a node from row ``start`` on."""
        rows = list(self._element_rows(slot, start, count))
        elements = self.elements(slot)
        start = max(start - elements.count, 0) if elements is not None else start
        for group in self.groups(self.graph.target(slot)):
            if start < group.rows and len(rows) < count:
                rows += [self.row(child) for child in group.page(start, count - len(rows))]
            start = max(start - group.rows, 0)
        return rows

    def _element_rows(self, slot: int, start: int, count: int) -> Iterator[NodeRow]:
        """Yield the rows of elements of an array, which come before its other parts."""
        elements = self.elements(slot)
        if elements is not None:
            for number in range(start, min(start + count, elements.count)):
                yield self._element_row(elements, element_child(elements, slot, number))

    def _element_row(self, elements: Elements, child: Child) -> NodeRow:
        reason = _why_broken(self.graph)
        return NodeRow(
            node=ELEMENT_NODES + self.graph.target(elements.content) + 1 + elements.offset(child.number),
            step=child.step,
            label=child.label,
            type=escape_text(elements.element.name),
            text=shorten(elements.text(child.number), limits.CELL_CHARS),
            flags=("read-only",) if reason else (),
            note=reason,
            editor="" if reason else "element",
        )

    def row(self, child: Child, extra: int = 0) -> NodeRow:
        """Return the row of a child, with ``extra`` more child rows than it has itself."""
        if child.role is Role.ELEMENT and (elements := self.elements(child.slot)) is not None:
            return self._element_row(elements, child)
        kind = self.graph.kind(child.slot)
        flags: list[str] = []
        notes: list[str] = []
        text = self._text(child.slot, kind, flags, notes)
        is_scalar = kind in SCALARS
        first = None if is_scalar else self._note_sharing(child.slot, kind, flags, notes)
        reason = refusal(self.graph, child)
        if reason:
            notes.append(reason)
            if is_scalar:
                flags.append("read-only")
        return NodeRow(
            node=child.slot,
            step=child.step,
            label=escape_text(child.label),
            type=_NOT_SHOWN if "truncated" in flags and kind is Kind.DAMAGED else type_of(self.graph, child.slot),
            text=text,
            count=extra + (0 if is_scalar else self.count(child.slot)),
            flags=tuple(flags),
            note=" ".join(notes),
            editor="" if reason or "damaged" in flags else known_editor(self.graph, child.slot) or str(kind),
            first=first,
        )

    def _text(self, slot: int, kind: Kind, flags: list[str], notes: list[str]) -> str:
        graph = self.graph
        if kind is Kind.DAMAGED:
            flags.append("truncated" if graph.stream.is_full and slot == graph.stream.error_at else "damaged")
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

    def _note_sharing(self, slot: int, kind: Kind, flags: list[str], notes: list[str]) -> str | None:
        """Note that an object stands in other places; return the path of the first of them before this one."""
        if kind in (Kind.GLOBAL, Kind.PERSID, Kind.EXT, Kind.DAMAGED):
            return None
        target = self.graph.target(slot)
        is_inside = self._is_inside(slot, target)
        if is_inside or (slot != target and self.graph.stream.data[slot] in ALIASES):
            first = self.locator.path_to(self.graph.root, slot)
            named = self._named(first, slot) or "the root"
            flags.append("recursive" if is_inside else "shared")
            notes.append(f"This is {named} again." if is_inside else f"The same object as {named}.")
            return first
        if target in self.shared:
            flags.append("shared")
            notes.append("The same object stands in other places too.")
        return None

    def _is_inside(self, slot: int, target: int) -> bool:
        """Tell whether a place lies within the opcodes that make its own object."""
        log = self.graph.stream.logs.get(target)
        end = max(target, log[-1]) if log else target
        return slot != target and self.locator.start_of(target) <= slot < end

    def path_of(self, slot: int) -> str:
        """Return the canonical path of the object at a slot, ``<offset 12>`` when it has no row of its own."""
        return self._named(self.locator.path_to(self.graph.root, slot), slot)

    def _named(self, path: str | None, slot: int) -> str:
        return f"<offset {self.graph.target(slot)}>" if path is None else path

    @property
    def shared(self) -> set[int]:
        """The objects that stand in more than one place."""
        return self.find_shared(NEVER)

    def find_shared(self, token: CancelToken) -> set[int]:
        """Return `shared`, for which all records are looked at the first time.

        Raises:
            Cancelled: by ``token``.
        """
        if self._shared is None:
            stream = self.graph.stream
            aliases = _aliases(stream, token)
            if stream.aliases or not isinstance(stream.memo, list):
                self._shared = set(map(stream.target, aliases))
            else:  # equal memo indexes are equal objects: each is followed once
                memo, data = stream.memo, stream.data
                self._shared = {stream.target(memo[index]) for index in {memo_index(data, slot) for slot in aliases}}
        return self._shared


def _aliases(stream: Stream, token: CancelToken) -> Iterator[int]:
    """Yield the slots in records that push an object again."""
    data, end = stream.data, len(stream.data)
    records = iter(stream.records.values())
    while some := list(islice(records, _BETWEEN_CHECKS)):
        token.check()
        yield from (slot for kids in some for slot in kids if slot < end and data[slot] in ALIASES)
