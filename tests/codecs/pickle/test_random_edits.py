"""Random edits of random values, made on the opcodes, against the same edits made on the objects."""

import copy
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    DeleteNodes,
    Edit,
    InsertItem,
    RenameKey,
    Reorder,
)
from tests.codecs.pickle.editing import edit, new, replaced
from tests.codecs.pickle.same_object import is_same_object
from tests.codecs.pickle.strategies import HASHABLE, PROTOCOLS, SCALARS

DUMPERS = st.sampled_from([pickle.dumps, pickle._dumps])  # type: ignore[attr-defined]  # the pickler in Python


@st.composite
def trees(draw: st.DrawFn) -> list[Any]:
    """Draw a list whose parts stand in several places and may hold themselves."""
    containers: list[Any] = [[], {}, [], {}]
    atoms = SCALARS | HASHABLE | st.sets(HASHABLE, max_size=3)
    for container in containers:
        for _ in range(draw(st.integers(0, 4))):
            number = draw(st.integers(-2, len(containers) - 1))
            part = containers[number] if number >= 0 else draw(atoms)
            part = (part, [part]) if draw(st.booleans()) else part
            if isinstance(container, list):
                container.append(part)
            else:
                container[draw(HASHABLE)] = part
    return [containers[0], *containers, draw(atoms)]


def nodes(tree: object) -> list[tuple[str, Any, Any]]:
    """Return path, holder and key of all lists' items and dicts' values, each container gone into once."""
    found: list[tuple[str, Any, Any]] = []
    waiting = [("", tree)]
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen or not isinstance(node, (list, dict, tuple)):
            continue
        seen.add(id(node))
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for position, key in enumerate(keys):
            step = f"{path}[#{position}]" if isinstance(node, dict) else f"{path}[{key}]"
            found.append((step, node, key))
            waiting.append((step, node[key]))
    return found


NEW_VALUES = (SCALARS | st.just([1, "two", (3, {"k": "two"})])).map(copy.deepcopy)


def change(draw: st.DrawFn, tree: Any) -> Edit | None:  # noqa: PLR0911 - a table of edits
    """Make a random edit on the object, and return the same for its pickle."""
    path, holder, key = draw(st.sampled_from(nodes(tree)))
    kinds = ["replace", "delete"] if not isinstance(holder, tuple) else []
    node = holder[key]
    if isinstance(node, list):
        kinds += ["insert", "reorder"]
    if isinstance(node, dict):
        kinds += ["add", "reorder pairs"]
    if isinstance(holder, dict):
        kinds.append("rename")
    if not kinds:
        return None
    match draw(st.sampled_from(kinds)):
        case "replace":
            holder[key] = value = draw(NEW_VALUES)
            return replaced(path, value)
        case "delete":
            del holder[key]
            return DeleteNodes((path,))
        case "insert":
            index, value = draw(st.integers(0, len(node))), draw(NEW_VALUES)
            node.insert(index, value)
            return InsertItem(path, index, new(value))
        case "reorder":
            order = draw(st.permutations(range(len(node))))
            node[:] = [node[index] for index in order]
            return Reorder(path, tuple(order))
        case "reorder pairs":
            order, pairs = draw(st.permutations(range(len(node)))), list(node.items())
            node.clear()
            node.update(pairs[index] for index in order)
            return Reorder(path, tuple(order))
        case "add":
            name, value = draw(HASHABLE.filter(lambda key: key not in node)), draw(NEW_VALUES)
            node[name] = value
            return AddPair(path, new(name), new(value))
        case _:
            name = draw(HASHABLE.filter(lambda key: key not in holder))
            pairs = [(name if old is key else old, value) for old, value in holder.items()]
            holder.clear()
            holder.update(pairs)
            return RenameKey(path, new(name))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data(), tree=trees(), protocol=PROTOCOLS, dumps=DUMPERS)
def test_random_edits_are_what_they_are_on_the_object(
    data: st.DataObject, tree: Any, protocol: int, dumps: Callable[[Any, int], bytes]
) -> None:
    pickled = dumps(tree, protocol)
    expected = pickle.loads(pickled)
    for _ in range(data.draw(st.integers(1, 3))):
        made = data.draw(st.composite(change)(expected))
        if made is not None:
            pickled = edit(pickled, made)  # none of these may be refused

    assert is_same_object(pickle.loads(pickled), expected)
    assert is_same_object(pickle._loads(pickled), expected)  # type: ignore[attr-defined]  # checks frames


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(tree=trees(), before=PROTOCOLS, after=PROTOCOLS)
def test_a_changed_protocol_keeps_values_sharing_and_recursion(tree: Any, before: int, after: int) -> None:
    changed = edit(pickle.dumps(tree, before), ChangeProtocol(after))

    assert is_same_object(pickle.loads(changed), tree)
    opcodes = {opcode.proto for opcode, _, _ in pickletools.genops(changed)}
    assert max(opcodes) <= after
