"""The ways from a root to one place after another, each found from where it parts from the one before."""

from app.codecs.pickle.graph import Graph
from app.codecs.pickle.locate import Locator
from app.codecs.trees.children import Group

Step = tuple[Group, int]
"""A group of children, and the position in its slots."""


class Ways:
    """The way from a root to the slot that was asked for last, for the next one, which is mostly near.

    Asked for slots in the order of their offsets, all ways together take as long as there are steps in the tree.
    """

    def __init__(self, graph: Graph, locator: Locator, root: int, start: str = "") -> None:
        """``start`` is where the paths begin that the root is at."""
        self.start = start
        self._locator = locator
        self._root = graph.target(root)
        self.steps: list[Step] = []
        self._ends: list[int] = []
        """The last offset of the opcodes that make what each step leads to."""
        self._texts: list[str] = []
        """What the first steps are in a path."""

    def lead_to(self, slot: int) -> bool:
        """Go to the place of a slot, or to the innermost one around it; tell whether it is the place."""
        self._go_back(slot)
        at = self._root
        if self.steps:
            group, index = self.steps[-1]
            at = group.slots[index]
        while at != slot:
            found = self._locator.step_towards(at, slot)
            if found is None:
                return False
            group, index = found
            at = group.slots[index]
            self.steps.append(found)
            self._ends.append(self._locator.end_of(at))
        return True

    def _go_back(self, slot: int) -> None:
        """Forget the steps that lead beside a slot."""
        kept = len(self.steps)
        while kept:
            group, index = self.steps[kept - 1]
            if self._locator.start_of(group.slots[index]) <= slot <= self._ends[kept - 1]:
                break
            kept -= 1
        del self.steps[kept:], self._ends[kept:], self._texts[kept:]

    @property
    def owner(self) -> int:
        """The slot in whose children the last step is."""
        if len(self.steps) < 2:
            return self._root
        group, index = self.steps[-2]
        return group.slots[index]

    def path(self, last: str | None = None) -> str:
        """Return the path that the steps take, with another text for the last of them."""
        self._texts += [group.child_at(index).step for group, index in self.steps[len(self._texts) :]]
        if last is None:
            return self.start + "".join(self._texts)
        return "".join((self.start, *self._texts[:-1], last))
