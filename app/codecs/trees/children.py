"""The children of a node in the order a person sees them, each with the step that leads to it; read by pages."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from app.codecs.known.registry import preview
from app.codecs.nodes import PickleNodes
from app.codecs.trees.keys import KeyTable

_LABEL_CHARS = 80


class Role(Enum):
    """What a child is to its parent; decides whether it can be edited."""

    ITEM = auto()
    MEMBER = auto()
    VALUE = auto()
    KEY = auto()
    ARGUMENT = auto()
    CALL_ARGUMENT = auto()
    ATTRIBUTE = auto()
    STATE = auto()
    ELEMENT = auto()
    """An element in the memory of the array at the child's slot; no node of its own."""
    OTHER = auto()
    ROOT = auto()


HASHED_ROLES = frozenset({Role.KEY, Role.MEMBER})
"""Places whose values are told apart by hash: with another value, two could become one."""


@dataclass(frozen=True, slots=True)
class Child:
    """One child: its slot, the step to it, the plain label of its row; ``number`` is that of an ELEMENT."""

    slot: int
    step: str
    label: str
    role: Role
    number: int = -1


class Group(ABC):
    """A run of children of one sort. ``slots`` holds their slots, keys of pairs included, in stream order."""

    slots: Sequence[int]

    @property
    @abstractmethod
    def rows(self) -> int:
        """The number of rows."""

    @abstractmethod
    def page(self, start: int, count: int) -> Iterator[Child]:
        """Yield at most ``count`` children from row ``start`` on."""

    @abstractmethod
    def child_at(self, index: int) -> Child:
        """Return the child at a position of ``slots``."""


class Items(Group):
    """Numbered children: items, arguments, members of a set."""

    def __init__(self, slots: Sequence[int], role: Role, prefix: str = "", form: str = "[{}]") -> None:
        self.slots = slots
        self._role = role
        self._form = prefix + form

    @property
    def rows(self) -> int:
        return len(self.slots)

    def page(self, start: int, count: int) -> Iterator[Child]:
        for index in range(start, min(start + count, len(self.slots))):
            yield self.child_at(index)

    def child_at(self, index: int) -> Child:
        step = self._form.format(index)
        return Child(self.slots[index], step, step if step.startswith("<") else str(index), self._role)


class Fixed(Group):
    """Children given one by one."""

    def __init__(self, *children: Child) -> None:
        self.slots = [child.slot for child in children]
        self._children = children

    @property
    def rows(self) -> int:
        return len(self._children)

    def page(self, start: int, count: int) -> Iterator[Child]:
        yield from self._children[start : start + count]

    def child_at(self, index: int) -> Child:
        return self._children[index]


class Pairs(Group):
    """Values by key; a key that is itself a structure gets a row before its value's."""

    def __init__(self, graph: PickleNodes, flat: Sequence[int], role: Role, prefix: str = "") -> None:
        self.slots = flat
        self._graph = graph
        self._role = role
        self.prefix = prefix
        self.keys = KeyTable(graph, flat)
        self.names: dict[str, int] = {}
        """Positions of the keys that are attribute names no other state has."""

    @property
    def rows(self) -> int:
        return self.keys.rows

    def page(self, start: int, count: int) -> Iterator[Child]:
        wanted = range(start, start + count)
        index = self.keys.pair_of(start)
        while index < len(self.keys) and self.keys.row_of(index) - 1 < wanted.stop:
            if self.keys.has_row(index) and self.keys.row_of(index) - 1 in wanted:
                yield self.child_at(2 * index)
            if self.keys.row_of(index) in wanted:
                yield self.child_at(2 * index + 1)
            index += 1

    def child_at(self, index: int) -> Child:
        pair, is_value = divmod(index, 2)
        if not is_value:
            step = f"{self.prefix}[#{pair}]<key>"
            return Child(self.slots[index], step, f"key {pair}", Role.KEY)
        return Child(self.slots[index], self._step(pair), self._label(pair), self._role)

    def _step(self, pair: int) -> str:
        if name := self._name(pair):
            return f".{name}"
        literal = self.keys.literal(pair)
        return f"{self.prefix}[{literal}]" if literal else f"{self.prefix}[#{pair}]"

    def _label(self, pair: int) -> str:
        if name := self._name(pair):
            return name
        return preview(self._graph, self.slots[2 * pair], _LABEL_CHARS)

    def _name(self, pair: int) -> str:
        if not self.names:
            return ""
        text = self.keys.text(pair)
        return text if self.names.get(text) == pair else ""
