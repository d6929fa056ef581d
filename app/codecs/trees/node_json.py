"""Node JSON of DESIGN section 4, built without recursion."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.codecs.known.registry import describe_shape
from app.codecs.known.shape import Shape, is_slots_state, shape_of
from app.codecs.literals.decimals import decimal_text
from app.codecs.nodes import CONTAINERS, SCALARS, Kind, ObjectParts, PickleNodes
from app.errors import CodecError, LimitExceeded

_NUMBERED = CONTAINERS | {Kind.OBJECT, Kind.CODE}
"""What has an ``id`` in node JSON."""

Json = dict[str, Any]
Task = tuple[int, Callable[[Any], None]]
"""A slot whose node is wanted, and what takes it."""


def node_json(nodes: PickleNodes, slot: int, limit: int) -> Json:
    """Return the node JSON of ``slot`` with at most some ``limit`` nodes."""
    return _TreeWriter(nodes, limit).write(slot)


class _TreeWriter:
    """One walk over a pickle: each open container is an iterator of the tasks that are left in it."""

    def __init__(self, nodes: PickleNodes, limit: int) -> None:
        self._nodes = nodes
        self._room = limit
        self._ids: dict[int, int] = {}
        self._open: list[Iterator[Task]] = []

    def write(self, slot: int) -> Json:
        root: list[Json] = []
        self._open.append(iter([(slot, root.append)]))
        while self._open:
            task = next(self._open[-1], None)
            if task is None:
                self._open.pop()
            else:
                slot, take = task
                self._room -= 1
                take(self._node(slot))
        return root[0]

    def _node(self, slot: int) -> Json:
        nodes = self._nodes
        kind = nodes.kind(slot)
        if kind in SCALARS:
            return self._scalar(slot, kind)
        if kind not in _NUMBERED:
            return self._other(slot, kind)
        target = nodes.target(slot)
        if target in self._ids:
            return {"ref": self._ids[target]}
        self._ids[target] = len(self._ids)
        node: Json = {"t": str(kind), "id": self._ids[target]}
        if kind is Kind.OBJECT:
            self._open.append(self._object(slot, node))
            return node
        if kind is Kind.CODE:
            self._open.append(self._fields(slot, node))
            return node
        if kind is Kind.DICT:
            pairs = nodes.pairs(slot)
            node["n"] = len(pairs)
            self._open.append(self._pairs(pairs, node, "items"))
        else:
            items = nodes.items(slot)
            node["n"] = len(items)
            self._open.append(self._items(items, node, "items"))
        return node

    def _scalar(self, slot: int, kind: Kind) -> Json:
        try:
            return {"t": str(kind), **self._content(slot, kind)}
        except CodecError as error:
            why = self._nodes.written_as_damaged(error.message)
            return {"t": str(Kind.DAMAGED), "why": why, "offset": self._nodes.target(slot)}

    def _content(self, slot: int, kind: Kind) -> Json:
        if kind in (Kind.INT, Kind.LONG):
            return {"v": self._decimal(slot)}
        match self._nodes.scalar(slot):
            case None:
                return {}
            case bool() as value:
                return {"v": value}
            case str() as value:
                raw = value.encode("utf-8", "surrogatepass")
                return {"hex": raw.hex(), "n": len(raw)}
            case bytes() as value:
                return {"hex": value.hex(), "n": len(value)}
            case value:
                return {"v": repr(value)}

    def _decimal(self, slot: int) -> str:
        try:
            return str(self._nodes.scalar(slot))
        except (LimitExceeded, ValueError):  # ValueError: this Python was started with a lower limit of digits
            return decimal_text(self._nodes.integer(slot))

    def _other(self, slot: int, kind: Kind) -> Json:
        nodes = self._nodes
        node: Json = {"t": str(kind)}
        match kind:
            case Kind.GLOBAL:
                node["name"] = nodes.global_name(slot)
            case Kind.PERSID:
                self._open.append(iter([(nodes.inner(slot), _setter(node, "of"))]))
            case Kind.EXT:
                node["code"] = nodes.inner(slot)
                if name := nodes.global_name(slot):
                    node["name"] = name
            case Kind.BUFFER:
                node["index"] = nodes.inner(slot)
            case _:
                node |= {"why": nodes.written_as_damaged(nodes.damage(slot)), "offset": nodes.target(slot)}
        return node

    def _object(self, slot: int, node: Json) -> Iterator[Task]:
        nodes = self._nodes
        parts, shape = nodes.parts(slot), shape_of(nodes, slot)
        node["cls"] = shape.name
        known = describe_shape(nodes, shape)
        if known is not None:
            node["text"] = known.text
        if not node["cls"]:
            yield parts.cls, _setter(node, "callable")
        yield from self._arguments(parts, shape, node)
        if parts.states:
            yield from self._states(parts.states, node)
        if parts.listitems:
            yield from self._items(parts.listitems, node, "listitems")
        if parts.dictitems:
            yield from self._pairs(parts.dictitems, node, "dictitems")

    def _fields(self, slot: int, node: Json) -> Iterator[Task]:
        pairs: list[list[Any]] = []
        node["state"] = pairs
        fields = self._nodes.fields(slot)
        for number, (name, part) in enumerate(fields):
            if self._is_full(node, len(fields) - number):
                return
            pairs.append([name])
            yield part, pairs[-1].append

    def _arguments(self, parts: ObjectParts, shape: Shape, node: Json) -> Iterator[Task]:
        if shape.args:
            yield from self._items(shape.args, node, "args")
        elif parts.args_slot >= 0 and self._nodes.kind(parts.args_slot) is not Kind.TUPLE:
            yield parts.args_slot, _setter(node, "args")
        if shape.kwargs:
            yield from self._pairs(shape.kwargs, node, "kwargs")

    def _states(self, states: tuple[int, ...], node: Json) -> Iterator[Task]:
        """Yield the attributes when all states are dicts with text keys, else the states as they are."""
        attributes = self._attributes(states)
        if attributes is None:
            if len(states) == 1:
                yield states[0], _setter(node, "state")
            else:
                yield from self._items(states, node, "states")
            return
        pairs: list[list[Any]] = []
        node["state"] = pairs
        for number, (name, value) in enumerate(attributes):
            if self._is_full(node, len(attributes) - number):
                return
            pairs.append([name])
            yield value, pairs[-1].append

    def _attributes(self, states: tuple[int, ...]) -> list[tuple[str, int]] | None:
        nodes = self._nodes
        found = []
        for state in states:
            for part in nodes.items(state) if is_slots_state(nodes, state) else [state]:
                if nodes.kind(part) is Kind.DICT:
                    found += [(attribute_name(nodes, key), value) for key, value in nodes.pairs(part)]
                elif nodes.kind(part) is not Kind.NONE or part == state:
                    return None
        named = [(name, value) for name, value in found if name is not None]
        return named if len(named) == len(found) else None

    def _items(self, slots: Sequence[int], node: Json, name: str) -> Iterator[Task]:
        items: list[Json] = []
        node[name] = items
        for number, slot in enumerate(slots):
            if self._is_full(node, len(slots) - number):
                return
            yield slot, items.append

    def _pairs(self, pairs: Sequence[tuple[int, int]], node: Json, name: str) -> Iterator[Task]:
        items: list[list[Json]] = []
        node[name] = items
        for number, (key, value) in enumerate(pairs):
            if self._is_full(node, len(pairs) - number):
                return
            pair: list[Json] = []
            items.append(pair)
            yield key, pair.append
            yield value, pair.append

    def _is_full(self, node: Json, left: int) -> bool:
        """Tell whether no more nodes are allowed; then ``left`` children are noted as missing."""
        if self._room > 0:
            return False
        node["more"] = node.get("more", 0) + left
        return True


def _setter(node: Json, name: str) -> Callable[[Any], None]:
    def take(child: Any) -> None:
        node[name] = child

    return take


def attribute_name(nodes: PickleNodes, key: int) -> str | None:
    """Return the text of an attribute's name, None when the key is no text."""
    if nodes.kind(key) not in (Kind.STR, Kind.STR2):
        return None
    try:
        name = nodes.scalar(key)
    except CodecError:
        return None
    if not isinstance(name, bytes):
        return str(name)
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")
