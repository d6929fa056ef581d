"""The children of the objects of a pickle: items, pairs, and the parts of objects of classes."""

from app.codecs.known.elements import Elements
from app.codecs.known.shape import is_slots_state, shape_of
from app.codecs.nodes import Kind
from app.codecs.paths import is_plain_name
from app.codecs.pickle.graph import Graph
from app.codecs.trees.children import Child, Fixed, Group, Items, Pairs, Role

_KEPT_SMALL = 4096
_LARGE = 1000
"""Children from which a container is a large one."""


def element_child(elements: Elements, slot: int, number: int) -> Child:
    """Return an element of the array at ``slot``."""
    return Child(slot, elements.step(number), elements.label(number), Role.ELEMENT, number)


def groups_of(graph: Graph, target: int) -> list[Group]:
    """Return the children of the object at ``target``."""
    match graph.kind(target):
        case Kind.LIST | Kind.TUPLE:
            return [Items(graph.elements(target), Role.ITEM)]
        case Kind.SET | Kind.FROZENSET:
            return [Items(graph.elements(target), Role.MEMBER, form="{{#{}}}")]
        case Kind.DICT:
            return [Pairs(graph, graph.elements(target), Role.VALUE)]
        case Kind.OBJECT:
            return _object_groups(graph, target)
        case Kind.PERSID:
            return [Fixed(Child(graph.inner(target), "<id>", "id", Role.OTHER))]
    return []


class KeptGroups:
    """The children of the objects of one pickle, for whoever goes through them in order.

    Those of large containers are kept to the end: finding them again for each place in them would be quadratic.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._small: dict[int, list[Group]] = {}
        self._large: dict[int, list[Group]] = {}

    def __call__(self, target: int) -> list[Group]:
        """Return the children of the object at ``target``."""
        known = self._small.get(target) or self._large.get(target)
        if known is not None:
            return known
        found = groups_of(self._graph, target)
        if sum(len(group.slots) for group in found) >= _LARGE:
            self._large[target] = found
            return found
        if len(self._small) >= _KEPT_SMALL:
            self._small.clear()
        self._small[target] = found
        return found


def _object_groups(graph: Graph, target: int) -> list[Group]:
    parts, shape = graph.parts(target), shape_of(graph, target)
    groups: list[Group] = []
    if not shape.name:
        groups.append(Fixed(Child(parts.cls, "<callable>", "<callable>", Role.OTHER)))
    if shape.args:
        groups.append(Items(shape.args, Role.CALL_ARGUMENT if parts.is_call else Role.ARGUMENT, "<args>"))
    elif parts.args_slot >= 0 and graph.kind(parts.args_slot) is not Kind.TUPLE:
        groups.append(Fixed(Child(parts.args_slot, "<args>", "<args>", Role.OTHER)))
    if shape.kwargs:
        groups.append(Pairs(graph, _flat(shape.kwargs), Role.CALL_ARGUMENT, "<kwargs>"))
    groups += state_groups(graph, parts.states)
    if parts.listitems:
        groups.append(Items(parts.listitems, Role.ITEM, "<listitems>"))
    if parts.dictitems:
        groups.append(Pairs(graph, _flat(parts.dictitems), Role.VALUE, "<dictitems>"))
    return groups


def state_groups(graph: Graph, states: tuple[int, ...]) -> list[Group]:
    """Return the attributes that states set, and states that are no attributes as they are."""
    groups: list[Group] = []
    for number, state in enumerate(states, 1):
        prefix = state_step(number)
        if graph.kind(state) is Kind.DICT:
            groups.append(Pairs(graph, graph.elements(graph.target(state)), Role.ATTRIBUTE, prefix))
        elif is_slots_state(graph, state):
            for index, part in enumerate(graph.items(state)):
                if graph.kind(part) is Kind.DICT:
                    flat = graph.elements(graph.target(part))
                    groups.append(Pairs(graph, flat, Role.ATTRIBUTE, f"{prefix}[{index}]"))
        else:
            groups.append(Fixed(Child(state, prefix, prefix, Role.STATE)))
    _share_names([group for group in groups if isinstance(group, Pairs)])
    return groups


def state_step(number: int) -> str:
    """Return the step to the state that the ``number``-th BUILD sets, counted from 1."""
    return "<state>" if number == 1 else f"<state {number}>"


def _share_names(attributes: list[Pairs]) -> None:
    """Let the texts that are keys of one state only be attribute names."""
    seen: dict[str, int] = {}
    for group in attributes:
        for text in group.keys.text_places():
            seen[text] = seen.get(text, 0) + 1
    for group in attributes:
        places = group.keys.text_places()
        group.names = {text: at for text, at in places.items() if at >= 0 and seen[text] == 1 and is_plain_name(text)}


def _flat(pairs: tuple[tuple[int, int], ...]) -> list[int]:
    return [slot for pair in pairs for slot in pair]
