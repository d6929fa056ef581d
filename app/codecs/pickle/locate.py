"""From a path to a slot, and from a slot to its canonical path."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.codecs.known.elements import elements_of
from app.codecs.known.shape import shape_of
from app.codecs.nodes import Kind
from app.codecs.paths import Attribute, Literal, Part, Step
from app.codecs.pickle.collection_paths import spelled_out
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.groups import element_child, groups_of, state_step
from app.codecs.pickle.opcodes import ALIASES
from app.codecs.trees.children import Child, Group, Items, Pairs, Role
from app.codecs.trees.picking import picked
from app.errors import PathError

GroupsOf = Callable[[int], list[Group]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path has led: a child, a group of children that is no node itself, or both.

    ``origin`` is the group that the child was picked from and ``index`` its position there.
    ``lead`` is how the path came here from the object at ``owner`` while it is inside a state.
    """

    child: Child | None
    group: Group | None = None
    origin: Group | None = None
    index: int = -1
    owner: int = -1
    lead: str = ""


class Locator:
    """Walks the paths of one pickle. ``groups`` gives the children of a target, so that they can be kept."""

    def __init__(self, graph: Graph, groups: GroupsOf | None = None) -> None:
        self._graph = graph
        self._groups = groups or (lambda target: groups_of(graph, target))
        self._starts: dict[int, int] = {}

    def find(self, root: Child, steps: Sequence[Step]) -> Child:
        """Return the child that ``steps`` lead to from ``root``.

        Raises:
            PathError: a step leads nowhere; the message names it.
        """
        return self.trail(root, steps)[-1]

    def trail(self, root: Child, steps: Sequence[Step]) -> list[Child]:
        """Return the children on the way that ``steps`` take, ``root`` first and what they lead to last."""
        place = Place(root)
        passed = [root]
        done = ""
        for step in steps:
            try:
                for part in self._spelled_out(place, step):
                    place = self._descend(place, part)
                    if place.child is not None:
                        passed.append(place.child)
            except PathError as error:
                raise PathError(f"{error.message} It was looked for at {done or 'the root'}.") from error
            done += str(step)
        if place.child is None:
            raise PathError(f"{done} is no value itself; name one of its parts, as {done}[0].")
        return passed

    def _spelled_out(self, place: Place, step: Step) -> Sequence[Step]:
        """Return the steps that a step stands for: a key of a collection leads to where the pickle has its pairs."""
        if place.lead or place.group is not None or place.child is None or place.child.role is Role.ELEMENT:
            return (step,)
        return spelled_out(self._graph, place.child.slot, step)

    def _descend(self, place: Place, step: Step) -> Place:
        if place.lead:
            return self._inside_state(place, step)
        if place.group is not None or place.child is None:
            return self._pick(place.group, step)
        if place.child.role is Role.ELEMENT:
            raise PathError(f"{step} leads nowhere: an element of an array has no parts.")
        if isinstance(step, Part):
            return self._part(place, place.child.slot, step)
        groups = self._groups(self._graph.target(place.child.slot))
        if isinstance(step, Attribute):
            return self._attribute(groups, step)
        kind = self._graph.kind(place.child.slot)
        if kind is Kind.OBJECT and isinstance(step, Literal):
            elements = elements_of(self._graph, place.child.slot)
            if elements is not None:
                return Place(element_child(elements, place.child.slot, elements.number(step.text)))
        if kind is Kind.OBJECT or not groups:
            raise PathError(f"{step} leads nowhere: there is no such part in a value of type {kind}.")
        return self._pick(groups[0], step)

    def _inside_state(self, place: Place, step: Step) -> Place:
        """Return what a step names in a state: the same child as among the object's rows, if it is one of them."""
        for group in self._groups(place.owner):
            if isinstance(group, Pairs) and group.prefix == place.lead:
                return self._pick(group, step)
        found = self._descend(replace(place, lead=""), step)
        return found if found.lead else replace(found, owner=place.owner, lead=place.lead + str(step))

    def _attribute(self, groups: list[Group], step: Attribute) -> Place:
        for group in groups:
            if isinstance(group, Pairs) and step.name in group.names:
                return self._pair(group, group.names[step.name])
        raise PathError(f"There is no attribute {step}.")

    def _pick(self, group: Group | None, step: Step) -> Place:
        """Return what a step names in a group."""
        if group is None:
            raise PathError(f"{step} leads nowhere here.")
        index = picked(self._graph, group, step)
        return Place(group.child_at(index), origin=group, index=index)

    def _pair(self, pairs: Pairs, index: int) -> Place:
        return Place(pairs.child_at(2 * index + 1), origin=pairs, index=2 * index + 1)

    def _part(self, place: Place, slot: int, step: Part) -> Place:
        if step.name == "key" and isinstance(place.origin, Pairs):
            return Place(place.origin.child_at(place.index - 1))
        if self._graph.kind(slot) is Kind.PERSID and step == Part("id"):
            return Place(self._groups(self._graph.target(slot))[0].child_at(0))
        if self._graph.kind(slot) is not Kind.OBJECT:
            raise PathError(f"{step} leads nowhere here.")
        return self._object_part(slot, step)

    def _object_part(self, slot: int, step: Part) -> Place:
        graph = self._graph
        parts = graph.parts(slot)
        if step.name == "state" and 0 < max(step.number, 1) <= len(parts.states):
            state = parts.states[max(step.number, 1) - 1]
            child = Child(state, str(step), str(step), Role.STATE)
            return Place(child, owner=graph.target(slot), lead=state_step(max(step.number, 1)))
        if step == Part("args") and parts.args_slot >= 0 and shape_of(graph, slot).args == parts.args:
            role = Role.CALL_ARGUMENT if parts.is_call else Role.ARGUMENT
            arguments = Items(parts.args, role, "<args>") if parts.args else None
            return Place(Child(parts.args_slot, "<args>", "<args>", Role.OTHER), arguments)
        for group in self._groups(graph.target(slot)):
            first = group.child_at(0) if group.rows else None
            if first is not None and first.step == str(step):
                return Place(first)
            if first is not None and first.step.startswith(str(step)):
                return Place(None, group)
        raise PathError(f"{step} leads nowhere here.")

    def start_of(self, slot: int) -> int:
        """Return the offset where the opcodes that push ``slot`` begin."""
        stream = self._graph.stream
        chain = []
        while slot not in self._starts and slot not in stream.marks and slot in stream.records:
            chain.append(slot)
            slot = stream.records[slot][0]
        start = self._starts.get(slot, stream.marks.get(slot, slot))
        self._starts.update(dict.fromkeys(chain, start))
        return start

    def path_to(self, root: int, slot: int) -> str | None:
        """Return the canonical path of the place where the object at ``slot`` was made, None if it has no row.

        What stands in a container was pushed between its neighbours, so offsets lead there without a search.
        """
        wanted = self._graph.target(slot)
        path = []
        at = self._graph.target(root)
        while at != wanted:
            child = self._towards(at, wanted)
            if child is None:
                return None
            path.append(child.step)
            if self._graph.stream.data[child.slot] in ALIASES and child.slot != wanted:
                return None
            at = child.slot
        return "".join(path)

    def path_near(self, root: int, slot: int, deepest: int | None = None) -> tuple[str, bool]:
        """Return the path of the place of a slot, or of the innermost one around it, and whether it is the place.

        With ``deepest``, a path has at most so many steps: whoever asks for all nodes must not walk to each of them
        in a value where they are within each other.
        """
        path: list[str] = []
        at = self._graph.target(root)
        while at != slot:
            child = self._towards(at, slot) if deepest is None or len(path) < deepest else None
            if child is None:
                return "".join(path), False
            path.append(child.step)
            at = child.slot
        return "".join(path), True

    def _towards(self, at: int, wanted: int) -> Child | None:
        found = self.step_towards(at, wanted)
        return None if found is None else found[0].child_at(found[1])

    def step_towards(self, at: int, wanted: int) -> tuple[Group, int] | None:
        """Return the group and the position in it of the child of ``at`` in whose opcodes a slot lies, if any."""
        for group in self._groups(at):
            index = bisect_right(group.slots, wanted, key=self.start_of) - 1
            if index >= 0 and self.start_of(group.slots[index]) <= wanted <= self.end_of(group.slots[index]):
                return group, index
        return None

    def end_of(self, slot: int) -> int:
        """Return the last offset of the opcodes that make the object at ``slot``, its later batches included."""
        log = self._graph.stream.logs.get(slot)
        return max(slot, log[-1]) if log else slot
