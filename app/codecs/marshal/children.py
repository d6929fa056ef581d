"""The children of nodes with the steps that lead to them, and the way from paths to slots and back."""

from bisect import bisect_right
from collections.abc import Sequence

from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.layouts import NAMES
from app.codecs.nodes import Kind
from app.codecs.paths import Attribute, Part, Step
from app.codecs.trees.children import Child, Fixed, Group, Items, Pairs, Role
from app.codecs.trees.picking import picked
from app.errors import PathError

_KEPT_GROUPS = 256


class Children:
    """The children of the nodes of one value; those that were asked for last are kept."""

    def __init__(self, graph: MarshalGraph) -> None:
        self.graph = graph
        self.root = Child(graph.root, "", "", Role.ROOT)
        self._groups: dict[int, Group | None] = {}

    def group(self, target: int) -> Group | None:
        """Return the children of a target, None when it can have none."""
        if target not in self._groups:
            if len(self._groups) >= _KEPT_GROUPS:
                self._groups.clear()
            self._groups[target] = self._made(target)
        return self._groups[target]

    def _made(self, target: int) -> Group | None:
        graph = self.graph
        match graph.kind(target):
            case Kind.LIST | Kind.TUPLE:
                return Items(graph.elements(target), Role.ITEM)
            case Kind.SET | Kind.FROZENSET:
                return Items(graph.elements(target), Role.MEMBER, form="{{#{}}}")
            case Kind.DICT:
                return Pairs(graph, graph.elements(target), Role.VALUE)
            case Kind.OBJECT:
                return Items(graph.elements(target), Role.CALL_ARGUMENT, "<args>")
            case Kind.CODE:
                return Fixed(*(self._field(name, slot) for name, slot in graph.fields(target)))
        return None

    @staticmethod
    def _field(name: str, slot: int) -> Child:
        return Child(slot, f".{name}", name, Role.ATTRIBUTE if name in NAMES else Role.OTHER)

    # ---- from paths to slots

    def trail(self, steps: Sequence[Step]) -> list[Child]:
        """Return the children on the way that steps take, the root first.

        Raises:
            PathError: a step leads nowhere; the message names it.
        """
        passed = [self.root]
        done = ""
        place: tuple[Group, int] | None = None
        rest = list(steps)
        while rest:
            step = rest.pop(0)
            if step == Part("args") and rest and self.graph.kind(passed[-1].slot) is Kind.OBJECT:
                done, step = done + str(step), rest.pop(0)
            try:
                place = self._descend(passed[-1], place, step)
            except PathError as error:
                raise PathError(f"{error.message} It was looked for at {done or 'the root'}.") from error
            done += str(step)
            child = place[0].child_at(place[1])
            if step == Part("key"):
                passed.pop()
            passed.append(child)
        return passed

    def _descend(self, at: Child, place: tuple[Group, int] | None, step: Step) -> tuple[Group, int]:
        if step == Part("key") and place is not None and isinstance(place[0], Pairs) and place[1] % 2:
            return place[0], place[1] - 1
        group = self.group(self.graph.target(at.slot))
        if group is None:
            raise PathError(
                f"{step} leads nowhere: there is no such part in a value of type {self.graph.kind(at.slot)}."
            )
        return group, self._place(group, step)

    def _place(self, group: Group, step: Step) -> int:
        if isinstance(step, Attribute) and isinstance(group, Fixed):
            return self._attribute(group, step)
        return picked(self.graph, group, step)

    @staticmethod
    def _attribute(group: Group, step: Attribute) -> int:
        for index in range(len(group.slots)):
            if group.child_at(index).label == step.name:
                return index
        raise PathError(f"There is no attribute {step}.")

    # ---- from slots to paths

    def path_of(self, slot: int) -> str:
        """Return the canonical path of the object at a slot: that of the place where it is written."""
        wanted = self.graph.target(slot)
        at, path = self.graph.root, []
        while at != wanted:
            group = self.group(at)
            place = bisect_right(group.slots, wanted) - 1 if group is not None else -1
            if group is None or place < 0:
                return f"<offset {wanted}>"
            child = group.child_at(place)
            path.append(child.step)
            at = child.slot
        return "".join(path)

    def is_inside(self, slot: int) -> bool:
        """Tell whether the object at a slot is one that the slot itself stands in."""
        target = self.graph.target(slot)
        return target != slot and target in self.graph.trail(slot)
