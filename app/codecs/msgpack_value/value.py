"""msgpack as a tree with paths; edits replace the bytes of what they name, and counts of containers."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Holder, Inside, NodeRow
from app.codecs.edits import (
    AddPair,
    DeleteNodes,
    Edit,
    InsertItem,
    New,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.codecs.holding import CONTENT, may_hold
from app.codecs.known.registry import node_text, preview
from app.codecs.literals.scalars import format_literal
from app.codecs.model import Atom, Items, Pairs, Style, Value
from app.codecs.msgpack_value.encode import encoded, head
from app.codecs.msgpack_value.graph import MsgpackGraph, record_at
from app.codecs.nodes import SCALARS, Kind
from app.codecs.paths import Literal, Part, Position, Step, parse_path
from app.codecs.plain.writing import plain_pieces
from app.codecs.screen import escape_text
from app.codecs.trees import children
from app.codecs.trees.children import Child, Group, Role
from app.codecs.trees.new_content import new_content
from app.codecs.trees.node_json import node_json
from app.codecs.trees.pretty import pretty
from app.codecs.trees.walk import walk
from app.errors import EncodeError, PathError

_CONTAINERS = (Kind.LIST, Kind.DICT)
_TEXTS = (Kind.STR, Kind.STR2, Kind.BYTES)
_FEWEST_BYTES = 4


class MsgpackValue(DecodedValue):
    """One msgpack value."""

    codec: ClassVar[str] = "msgpack"

    def __init__(self, graph: MsgpackGraph) -> None:
        super().__init__(graph.data)
        self._graph = graph
        self._groups: dict[int, Group] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        behind = len(self.data) - self._graph.end
        return (f"{behind:,} bytes follow the value at offset {self._graph.end:,}.",) if behind else ()

    def _group(self, slot: int) -> Group:
        if slot not in self._groups:
            flat = self._graph.elements(slot)
            is_dict = self._graph.kind(slot) is Kind.DICT
            self._groups[slot] = (
                children.Pairs(self._graph, flat, Role.VALUE) if is_dict else children.Items(flat, Role.ITEM)
            )
        return self._groups[slot]

    # ---- rows

    @property
    def root(self) -> NodeRow:
        return self._row(Child(0, "", "", Role.ROOT))

    def _row(self, child: Child) -> NodeRow:
        graph, slot = self._graph, child.slot
        kind = graph.kind(slot)
        type_, label = ("bytes" if kind is Kind.STR2 else str(kind)), escape_text(child.label)
        if kind in _CONTAINERS:
            return NodeRow(slot, child.step, label, type_, preview(graph, slot), self._group(slot).rows)
        if kind is Kind.EXT:
            text = f"extension {graph.inner(slot)}, {graph.length(slot):,} bytes"
            return NodeRow(slot, child.step, label, type_, text, flags=("read-only",), note="Extensions are kept.")
        note = "A text that is no UTF-8." if kind is Kind.STR2 else ""
        return NodeRow(slot, child.step, label, type_, node_text(graph, slot), note=note, editor=str(kind))

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        if node not in self._graph.kids:
            return []
        return [self._row(child) for child in self._group(node).page(start, count)]

    def find(self, path: str) -> NodeRow:
        return self._row(self._trail(path)[-1][0])

    def _trail(self, path: str) -> list[tuple[Child, int]]:
        """Return the children on a path, and the position of each among its parent's items or pairs."""
        trail, done = [(Child(0, "", "", Role.ROOT), 0)], ""
        for step in parse_path(path):
            try:
                trail.append(self._descend(trail, step))
            except PathError as error:
                raise PathError(f"{error.message} It was looked for at {done or 'the root'}.") from error
            done += str(step)
        return trail

    def _descend(self, trail: list[tuple[Child, int]], step: Step) -> tuple[Child, int]:
        slot, position = trail[-1][0].slot, trail[-1][1]
        kind = self._graph.kind(slot)
        if step == Part("key") and len(trail) > 1 and self._graph.kind(trail[-2][0].slot) is Kind.DICT:
            return self._group(trail[-2][0].slot).child_at(2 * position), position
        group = self._group(slot) if kind in _CONTAINERS else None
        if isinstance(group, children.Pairs) and isinstance(step, Literal | Position):
            index = step.index if isinstance(step, Position) else group.keys.place(step.text)
            if 0 <= index < len(group.keys):
                return group.child_at(2 * index + 1), index
        elif isinstance(group, children.Items) and isinstance(step, Literal):
            index = _index(step.text, group.rows)
            if 0 <= index < group.rows:
                return group.child_at(index), index
        raise PathError(f"{step} leads nowhere: there is no such part in a value of type {kind}.")

    def _path_of(self, slot: int) -> str:
        return f"<offset {slot}>"

    # ---- edits

    def edit_text(self, path: str) -> str:
        slot = self._trail(path)[-1][0].slot
        kind = self._graph.kind(slot)
        if kind not in SCALARS:
            raise PathError(f"What stands at {path or 'the root'} is no single value that can be written as text.")
        return format_literal(self._graph.scalar(slot), kind)

    def replace(self, path: str, literal: str) -> bytes:
        return self.edit(ReplaceNode(path, Written(literal)), CancelToken())

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        new = self._edited(edit, token)
        MsgpackGraph(new, token)
        return new

    def _edited(self, edit: Edit, token: CancelToken) -> bytes:
        match edit:
            case ReplaceNode():
                return self._replaced(edit, token)
            case InsertItem(path, index, new):
                slot, items = self._items(path, Kind.LIST)
                if not 0 <= index <= len(items):
                    raise EncodeError(f"There is no place {index:,} among {len(items):,} items.")
                return self._rebuilt(slot, [*items[:index], self._new(new, token), *items[index:]])
            case AddPair(path, key, new):
                return self._add_pair(path, key, new, token)
            case DeleteNodes(paths):
                return self._delete(paths)
            case Reorder(path, order):
                slot, items = self._items(path)
                if sorted(order) != list(range(len(items))):
                    raise EncodeError(f"The new order must have each of {len(items):,} positions once.")
                return self._rebuilt(slot, [items[index] for index in order])
            case RenameKey(path, key):
                trail = self._trail(path)
                if len(trail) < 2 or self._graph.kind(trail[-2][0].slot) is not Kind.DICT:
                    raise EncodeError(f"{path or 'The root'} has no key that could be changed.")
                old = self._graph.elements(trail[-2][0].slot)[2 * trail[-1][1]]
                written = self._new(key, token)
                if written != self._bytes(old):
                    self._check_new(trail[-2][0].slot, written)
                return self._spliced(old, written)
        raise EncodeError("msgpack has neither classes nor protocols that could be changed.")

    def _replaced(self, edit: ReplaceNode, token: CancelToken) -> bytes:
        try:
            slot = self._trail(edit.path)[-1][0].slot
        except PathError:
            return self._add_at(edit, token)
        graph = self._graph
        like = graph.kind(slot) if graph.kind(slot) in SCALARS and not edit.any_type else None
        new = self._new(edit.new, token, like)
        made = MsgpackGraph(new, token)
        if like is not None and made.kind(0) is like and _equal(made.scalar(0), graph.scalar(slot)):
            return self.data  # the same, whatever its width
        return self._spliced(slot, new)

    def _add_at(self, edit: ReplaceNode, token: CancelToken) -> bytes:
        steps = parse_path(edit.path)
        path = "".join(map(str, steps[:-1]))
        parent, last = self._trail(path)[-1][0].slot, steps[-1]
        if isinstance(last, Literal) and self._graph.kind(parent) is Kind.DICT:
            return self._add_pair(path, Written(last.text), edit.new, token)
        if last == Literal(str(self._graph.length(parent))) and self._graph.kind(parent) is Kind.LIST:
            return self._edited(InsertItem(path, self._graph.length(parent), edit.new), token)
        self._trail(edit.path)
        raise PathError(f"There is nothing at {edit.path}.")

    def _add_pair(self, path: str, key: New, new: New, token: CancelToken) -> bytes:
        slot, items = self._items(path, Kind.DICT)
        written = self._new(key, token)
        self._check_new(slot, written)
        return self._rebuilt(slot, [*items, written + self._new(new, token)])

    def _check_new(self, slot: int, key: bytes) -> None:
        if any(self._bytes(old) == key for old in self._graph.elements(slot)[::2]):
            raise EncodeError("There is such a key already.")

    def _delete(self, paths: Sequence[str]) -> bytes:
        trails = [self._trail(path) for path in paths]
        if any(len(trail) < 2 for trail in trails):
            raise EncodeError("The whole value cannot be deleted from itself; delete the entry.")
        if len({trail[-2][0].slot for trail in trails}) != 1:
            raise EncodeError("Only what has one parent can be deleted at once.")
        parent = trails[0][-2][0].slot
        gone = {trail[-1][1] for trail in trails}
        items = self._parts(parent)
        return self._rebuilt(parent, [item for index, item in enumerate(items) if index not in gone])

    def _items(self, path: str, kind: Kind | None = None) -> tuple[int, list[bytes]]:
        slot = self._trail(path)[-1][0].slot
        found = self._graph.kind(slot)
        if found not in _CONTAINERS or kind not in (None, found):
            raise EncodeError(f"{path or 'The root'} is a {found}, which cannot be changed so.")
        return slot, self._parts(slot)

    def _parts(self, slot: int) -> list[bytes]:
        """Return the bytes of the items or pairs of a container."""
        flat = self._graph.elements(slot)
        step = 2 if self._graph.kind(slot) is Kind.DICT else 1
        lasts = flat[step - 1 :: step]
        return [self.data[first : self._graph.end_of(last)] for first, last in zip(flat[::step], lasts, strict=True)]

    def _bytes(self, slot: int) -> bytes:
        return self.data[slot : self._graph.end_of(slot)]

    def _rebuilt(self, slot: int, items: list[bytes]) -> bytes:
        """Return the value with other items in a container; its head stays where their number does."""
        kind = self._graph.kind(slot)
        same = len(items) == record_at(self.data, slot).size
        start = self.data[slot : record_at(self.data, slot).start] if same else head(kind, len(items))
        return self._spliced(slot, start + b"".join(items))

    def _spliced(self, slot: int, new: bytes) -> bytes:
        return self.data[:slot] + new + self.data[self._graph.end_of(slot) :]

    def _new(self, new: New, token: CancelToken, like: Kind | None = None) -> bytes:
        from app.codecs.new_values import new_value  # noqa: PLC0415  # it asks the registry, which knows this codec

        return encoded(new_value(new, Style(), token, like=like), token)

    def insides(self, node: int) -> Sequence[Inside]:
        graph = self._graph
        if not 0 <= node < len(self.data) or (kind := graph.kind(node)) not in _TEXTS:
            return ()
        record = record_at(self.data, node)
        content = slice(record.start, record.start + record.size)
        first = self.data[record.start : record.start + min(record.size, 64)]
        if record.size < _FEWEST_BYTES or not may_hold(first, is_text=kind is Kind.STR):
            return ()
        return (Inside(CONTENT, record.size, lambda count: self.data[content][:count]),)

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        for child, steps in walk(Child(0, "", "", Role.ROOT), self._within, token):
            if self.insides(child.slot):
                yield child.slot, partial("".join, steps)

    def _within(self, child: Child) -> Iterator[Child] | None:
        kids = self._graph.kids
        return self._group(child.slot).page(0, 2 * len(kids[child.slot])) if child.slot in kids else None

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        is_text = self._graph.kind(self._trail(path)[-1][0].slot) is Kind.STR
        return self.edit(ReplaceNode(path, new_content(data, is_text=is_text)), token)

    def model(self, path: str, token: CancelToken) -> Value:
        graph, root = self._graph, self._trail(path)[-1][0].slot
        order, waiting = [], [root]
        while waiting:
            token.check()
            order.append(waiting.pop())
            waiting += graph.elements(order[-1])
        made: dict[int, Value] = {}
        for slot in reversed(order):
            made[slot] = self._model(slot, [made.pop(kid) for kid in graph.elements(slot)])
        return made[root]

    def _model(self, slot: int, kids: list[Value]) -> Value:
        kind = self._graph.kind(slot)
        if kind is Kind.LIST:
            return Items(Kind.LIST, kids)
        if kind is Kind.DICT:
            return Pairs(list(zip(kids[::2], kids[1::2], strict=True)))
        if kind is Kind.EXT:
            raise EncodeError("An extension type of msgpack cannot be copied: nothing else could hold it.")
        return Atom(Kind.BYTES if kind is Kind.STR2 else kind, self._graph.scalar(slot))

    # ---- all of it

    def text(self, limit: int, path: str = "") -> str:
        return pretty(self._graph, self._trail(path)[-1][0].slot, limit, self._path_of)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        return node_json(self._graph, self._trail(path)[-1][0].slot, limit)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        yield from plain_pieces(self._graph, self._trail(path)[-1][0].slot, self._path_of, token)


def _equal(one: object, other: object) -> bool:
    return repr(one) == repr(other)


def _index(text: str, count: int) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return -1
    return int(text) + count if text.startswith("-") else int(text)
