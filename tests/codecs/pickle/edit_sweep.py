"""Every kind of edit at the places of a pickle, each with what a real Python does to the object for the same."""

import pickle
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    Copied,
    DeleteNodes,
    Edit,
    InsertItem,
    New,
    RenameGlobal,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.codecs.nodes import Kind
from app.codecs.paths import Attribute, Literal, Member, Part, Position, Step, parse_path
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.value import PickleValue
from tests.codecs.interpreters import packed

TOKEN = CancelToken()
Wire = list[Any]
"""A value of a request: its sort and its content."""
Steps = tuple[Wire, ...]
"""How the referee comes from the loaded object to a part of it."""

NONE: Wire = ["none", None]
NEW_OBJECT = Written("[7, None, (1.5,)]"), ["list", [["int", "7"], NONE, ["tuple", [["float", "0x1.8p+0"]]]]]
FROM_JSON = (
    Written('{"neu": [1, "neu", null]}', "json"),
    [
        "dict",
        [[["str", "neu"], ["list", [["int", "1"], ["str", "neu"], NONE]]]],
    ],
)
_PART: Any = ["copied"]
COPIED = Copied(pickle.dumps({"from": [_PART, _PART[0]]}, 2), "['from'][0]"), ["list", [["str", "copied"]]]
HASHED = Written("(7777, 2.5)"), ["tuple", [["int", hex(7777)], ["float", "0x1.4p+1"]]]
NUMBER = Written("7777"), ["int", hex(7777)]
NAME = "neu"

_KNOWN_CALLS = {
    "datetime.datetime": "datetime.datetime(2031, 2, 3, 4, 5, 6, 7)",
    "datetime.date": "datetime.date(2031, 2, 3)",
    "datetime.time": "datetime.time(4, 5, 6, 7)",
    "datetime.timedelta": "datetime.timedelta(1, 2, 3)",
    "pathlib.PurePosixPath": "pathlib.PurePosixPath('neu', 'path')",
}
_MODULES = ("shelfzoo", "pandas", "numpy", "__main__")
"""Where the classes come from that the referee stands in for."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An edit, and the same for the referee: the steps to the place, what to do there and with which value."""

    kind: str
    edit: Edit
    steps: Steps
    op: dict[str, Any]
    new: Wire


@dataclass(frozen=True, slots=True)
class Place:
    """A node: its path, its row, the kinds of it and of what holds it, its steps and the last one of its path."""

    path: str
    row: NodeRow
    kind: Kind
    holder: Kind | None
    steps: Steps
    last: Sequence[Step]


def decode(data: bytes) -> PickleValue:
    value = PickleCodec().decode(data, TOKEN)
    assert isinstance(value, PickleValue)
    return value


def wire_of(graph: Graph, slot: int) -> Wire | None:
    """Return a scalar, or a tuple or frozenset of such, as the referee reads it; None for anything else."""
    kind = graph.kind(slot)
    if kind in (Kind.TUPLE, Kind.FROZENSET):
        items = [wire_of(graph, item) for item in graph.items(slot)]
        return None if None in items else [str(kind), items]
    if kind in (Kind.INT, Kind.LONG):
        return scalar_wire(kind, graph.integer(slot))
    plain = (Kind.NONE, Kind.BOOL, Kind.FLOAT, Kind.COMPLEX, Kind.STR, Kind.STR2, Kind.BYTES, Kind.BYTEARRAY)
    return scalar_wire(kind, graph.scalar(slot)) if kind in plain else None


def scalar_wire(kind: Kind, value: Any) -> Wire:
    match value:
        case bytes():
            return [str(kind), packed(value)]
        case float():
            return [str(kind), value.hex()]
        case complex():
            return [str(kind), [value.real.hex(), value.imag.hex()]]
        case int() if kind is not Kind.BOOL:
            return [str(kind), f"{value:x}"]
    return [str(kind), value]


def places(value: PickleValue, most: int, width: int) -> Iterator[Place]:
    """Yield at most ``most`` places, level by level, of each node's children the first ``width``."""
    waiting = [Place("", value.root, value.graph.kind(value.graph.root), None, (), ())]
    seen: set[int] = set()
    while waiting and most:
        place = waiting.pop(0)
        yield place
        most -= 1
        if place.row.node in seen or place.kind in (Kind.PERSID, Kind.EXT):
            continue
        seen.add(place.row.node)
        waiting += children(value, place, width)


def children(value: PickleValue, place: Place, width: int) -> Iterator[Place]:
    graph = value.graph
    positions = {"": 0, "dictitems": 0, "kwargs": 0}
    for row in value.rows(place.row.node, 0, width):
        last = parse_path(row.step)
        prefix = last[0].name if isinstance(last[0], Part) and len(last) > 1 else ""
        if isinstance(last[0], Part) and last[0].number and last[0].name != "state":
            continue  # another pickle, or what was popped
        step = step_of(graph, place, last, positions.get(prefix, 0), row)
        if prefix in positions and not (isinstance(last[-1], Part) and last[-1].name == "key"):
            positions[prefix] += 1
        if step is not None:
            kind = Kind.DAMAGED if step[0] == "element" else graph.kind(row.node)
            yield Place(place.path + row.step, row, kind, place.kind, (*place.steps, step), last)


def step_of(  # noqa: PLR0911 - a table of steps
    graph: Graph, place: Place, last: Sequence[Step], position: int, row: NodeRow
) -> Wire | None:
    """Return the referee's step for a child; None where the object's own Python has no name for it."""
    is_key = isinstance(last[-1], Part) and last[-1].name == "key"
    match place.kind, last:
        case ((Kind.LIST | Kind.TUPLE), [Literal(text)]):
            return ["item", int(text)]
        case ((Kind.SET | Kind.FROZENSET), [Member()]):
            found = wire_of(graph, row.node)
            return None if found is None else ["member", found]
        case Kind.DICT, _:
            keys = [key for key, _ in graph.pairs(place.row.node, 0, position + 1)]
            key = wire_of(graph, keys[-1])
            rank = sum(wire_of(graph, each) is None for each in keys[:-1]) if key is None else 0
            return ["key" if is_key else "value", key, rank]
        case Kind.OBJECT, [Attribute(name)]:
            return ["attribute", name]
        case Kind.OBJECT, [Part("args"), Literal(text)]:
            return ["arg", int(text)]
        case Kind.OBJECT, [Part("state", number)]:
            return ["state", max(number, 1) - 1]
        case Kind.OBJECT, [Part("listitems"), Literal(text)]:
            return ["listitem", int(text)]
        case Kind.OBJECT, [Part("dictitems"), (Literal() | Position())]:
            return ["dictitem", position]
        case Kind.OBJECT, [Part("kwargs"), Literal(text)]:
            return ["kwarg", ["str", text.strip("u'")]] if text.strip("u'").isalnum() else None
        case Kind.OBJECT, [Literal(text)] if place.row.type == "array.array":
            return ["element", int(text)]
    return None


def trials(value: PickleValue, most: int = 10**9, width: int = 1000) -> Iterator[Trial]:
    """Yield the edits of all kinds that fit the places of a pickle."""
    graph = value.graph
    for place in places(value, most, width):
        if place.steps or place.kind not in (Kind.PERSID, Kind.EXT):
            yield from edits_of_child(graph, place)
        if not place.steps or place.steps[-1][0] != "element":
            yield from edits_of_container(graph, place)
    yield from edits_of_all(value)


def edits_of_child(graph: Graph, place: Place) -> Iterator[Trial]:
    path, steps = place.path, place.steps
    is_element = bool(steps) and steps[-1][0] == "element"
    found = ("5", ["int", "5"]) if is_element else other_scalar(graph, place)
    if found is not None:
        text, wire = found
        yield Trial("scalar", ReplaceNode(path, Written(text)), steps, {"op": "put"}, wire)
        if place.kind in (Kind.STR, Kind.STR2, Kind.BYTES) and graph.length(place.row.node) > 1:
            edit = ReplaceNode(path, Written(text), everywhere=True)
            yield Trial("scalar everywhere", edit, steps, {"op": "everywhere"}, wire)
    if is_element:
        return
    if place.row.type in _KNOWN_CALLS:
        call = _KNOWN_CALLS[place.row.type]
        yield Trial("known type", ReplaceNode(path, Written(call)), steps, {"op": "put"}, ["call", call])
    is_hashed = is_in_hashed(steps)
    objects: dict[str, tuple[New, Wire]] = {"literal": HASHED, "number": NUMBER}
    if not is_hashed:
        objects = {"literal": NEW_OBJECT, "json": FROM_JSON, "copied": COPIED}
    for name, (new, wire) in objects.items():
        yield Trial(f"object from {name}", ReplaceNode(path, new, any_type=True), steps, {"op": "put"}, wire)
    if place.kind in (Kind.LIST, Kind.DICT, Kind.TUPLE, Kind.SET, Kind.OBJECT) and steps:
        new, wire = objects["literal"]
        edit = ReplaceNode(path, new, any_type=True, everywhere=True)
        yield Trial("object everywhere", edit, steps, {"op": "everywhere"}, wire)
    if steps and steps[-1][0] != "key":
        yield Trial("delete", DeleteNodes((path,)), steps, {"op": "delete"}, NONE)
    if place.holder is Kind.DICT and steps[-1][0] == "value":
        key_steps = (*steps[:-1], ["key", *steps[-1][1:]])
        yield Trial("rename key", RenameKey(path, NUMBER[0]), key_steps, {"op": "put"}, NUMBER[1])


def is_in_hashed(steps: Steps) -> bool:
    return any(step[0] in ("key", "member") for step in steps)


def other_scalar(graph: Graph, place: Place) -> tuple[str, Wire] | None:
    """Return another value for a scalar as a literal and for the referee."""
    kind = place.kind
    if kind in (Kind.INT, Kind.LONG):
        number = abs(graph.integer(place.row.node)) + (1 << 70 if kind is Kind.LONG else 1000)
        return str(number), scalar_wire(kind, number)
    prefix = "u" if graph.is_python2 else ""
    new: dict[Kind, tuple[str, Any]] = {
        Kind.FLOAT: ("2.5", 2.5),
        Kind.COMPLEX: ("(1+2.5j)", 1 + 2.5j),
        Kind.STR: (f"{prefix}'neu é €'", "neu é €"),
        Kind.STR2: (r"'neu \xe9'", b"neu \xe9"),
        Kind.BYTES: (r"b'neu \x00\xff'", b"neu \x00\xff"),
        Kind.BYTEARRAY: (r"bytearray(b'neu \x00\xff')", b"neu \x00\xff"),
    }
    if kind is Kind.BOOL:
        value = not graph.scalar(place.row.node)
        return repr(value), scalar_wire(kind, value)
    return (new[kind][0], scalar_wire(kind, new[kind][1])) if kind in new else None


def edits_of_container(graph: Graph, place: Place) -> Iterator[Trial]:
    path, steps, count = place.path, place.steps, len(graph.items(place.row.node)) if is_run(place.kind) else 0
    new, wire = HASHED if is_in_hashed(steps) else NEW_OBJECT
    match place.kind:
        case Kind.LIST | Kind.TUPLE:
            yield from edits_of_run(path, steps, count, "item", (new, wire))
        case Kind.DICT:
            op = {"op": "add pair", "key": NUMBER[1]}
            yield Trial("add pair", AddPair(path, NUMBER[0], new), steps, op, wire)
            pairs = len(graph.pairs(place.row.node))
            order = Reorder(path, tuple(reversed(range(pairs))))
            yield Trial("reorder pairs", order, steps, {"op": "reverse pairs"}, NONE)
        case Kind.SET | Kind.FROZENSET:
            yield Trial("add element", InsertItem(path, 0, HASHED[0]), steps, {"op": "add element"}, HASHED[1])
        case Kind.OBJECT if "unknown-class" in place.row.flags:
            yield from edits_of_object(graph, place)


def is_run(kind: Kind) -> bool:
    return kind in (Kind.LIST, Kind.TUPLE)


def edits_of_run(path: str, steps: Steps, count: int, sort: str, new: tuple[New, Wire]) -> Iterator[Trial]:
    """Yield inserts at the start, in the middle and at the end, and other orders."""
    for at in sorted({0, count // 2, count}):
        yield Trial("insert", InsertItem(path, at, new[0]), steps, {"op": "insert", "at": at, "sort": sort}, new[1])
    if count > 1:
        backwards = Reorder(path, tuple(reversed(range(count))))
        yield Trial("reorder", backwards, steps, {"op": "reverse", "sort": sort}, NONE)
        moved = (*range(1, count), 0)
        yield Trial("move", Reorder(path, moved), steps, {"op": "order", "order": moved, "sort": sort}, NONE)


def edits_of_object(graph: Graph, place: Place) -> Iterator[Trial]:
    path, steps = place.path, place.steps
    parts = graph.parts(place.row.node)
    new, wire = NEW_OBJECT
    name = scalar_wire(Kind.STR2, NAME.encode()) if graph.is_python2 else scalar_wire(Kind.STR, NAME)
    yield Trial("add attribute", ReplaceNode(f"{path}.{NAME}", new), steps, {"op": "add attribute", "name": name}, wire)
    if parts.listitems:
        yield from edits_of_run(f"{path}<listitems>", steps, len(parts.listitems), "listitem", NEW_OBJECT)
    if parts.dictitems:
        op = {"op": "add dictitem", "key": NUMBER[1]}
        yield Trial("add pair", AddPair(f"{path}<dictitems>", NUMBER[0], new), steps, op, wire)
    if parts.args and not is_in_hashed(steps):
        yield from edits_of_run(f"{path}<args>", steps, len(parts.args), "arg", NEW_OBJECT)


def edits_of_all(value: PickleValue) -> Iterator[Trial]:
    """Yield the edits that concern a whole pickle: other protocols and other names of classes."""
    for protocol in range(6):
        yield Trial(f"protocol {protocol}", ChangeProtocol(protocol), (), {"op": "same"}, NONE)
    for name in sorted({named.name for named in value.audit(TOKEN).globals}):
        if name.partition(".")[0] not in _MODULES or name.startswith("shelfzoo._") or "._" in name:
            continue
        module, _, rest = name.partition(".") if name.startswith("shelfzoo.") else name.rpartition(".")
        home = "renamed" if module in ("shelfzoo", "__main__") and rest not in ("GetState", "StateSetter") else "kept"
        new = "set_neu" if rest.startswith("set_") else "Neu"
        op = {"op": "rename global", "old": [module, rest], "name": [home, new]}
        yield Trial("rename class", RenameGlobal(name, f"{home}.{new}"), (), op, NONE)


def request(before: bytes, after: bytes, trial: Trial) -> dict[str, Any]:
    """Return a trial as the referee reads it."""
    return {
        "before": packed(before),
        "after": packed(after),
        "steps": trial.steps,
        "edit": trial.op,
        "new": trial.new,
    }


REFUSED = re.compile(
    "around it could not be read any more|make this object of exactly one argument|sizes and flags of a dtype"
    "|is its class's own, so no attribute can be added|so none can be added, taken out or moved"
)
"""What edits of the sweep may be refused for."""
