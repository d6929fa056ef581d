"""The elements of arrays of numpy and ``array``, one by one: their paths, their texts, and what another one changes."""

import re
from dataclasses import dataclass
from math import prod

from app.codecs.known.arrays import read_machine_array
from app.codecs.known.base import Patches
from app.codecs.known.dtypes import ObjectType
from app.codecs.known.ndarrays import read_array
from app.codecs.known.packed import ElementType, offset_of
from app.codecs.model import Atom
from app.codecs.nodes import Kind, PickleNodes
from app.errors import CodecError, PathError

_INDEX = re.compile(r"\s*-?\d{1,18}\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements that lie in memory, numbered with the last index running fastest.

    ``content`` is the slot of ``memory``; ``by_columns`` tells that the first index runs fastest there.
    """

    nodes: PickleNodes
    element: ElementType
    shape: tuple[int, ...]
    by_columns: bool
    content: int
    memory: memoryview

    @property
    def count(self) -> int:
        return prod(self.shape)

    def step(self, number: int) -> str:
        """Return the step of a path to an element: ``[5]``, ``[0, 1]``, ``[()]`` where there are no axes."""
        return f"[{self.label(number)}]"

    def label(self, number: int) -> str:
        places = []
        for size in reversed(self.shape):
            number, place = divmod(number, size)
            places.append(str(place))
        return ", ".join(reversed(places)) or "()"

    def number(self, text: str) -> int:
        """Return which element ``0, 1`` is; indexes below 0 count from the end.

        Raises:
            PathError: there is none; says why.
        """
        parts = [] if text.strip() == "()" else text.split(",")
        if len(parts) != len(self.shape) or not all(map(_INDEX.fullmatch, parts)):
            raise PathError(f"[{text}] leads nowhere: an element has {len(self.shape)} indexes here.")
        number = 0
        for part, size in zip(parts, self.shape, strict=True):
            place = int(part) + (size if int(part) < 0 else 0)
            if not 0 <= place < size:
                raise PathError(f"[{text}] leads nowhere: there are {size:,} along that axis.")
            number = number * size + place
        return number

    def text(self, number: int) -> str:
        """Return an element as it is shown and edited."""
        return self.element.text(self._bytes(number), 0)

    def json(self, number: int) -> str:
        """Return an element as JSON."""
        return self.element.json(self._bytes(number), 0)

    def replaced(self, number: int, text: str) -> Patches:
        """Return the memory with another element in it, nothing where the element is that already.

        Raises:
            EncodeError: the text is wrong, or too large for an element; says what to write.
        """
        if text.strip() == self.text(number):
            return {}
        old = self._bytes(number)
        new = self.element.repacked(old, text.strip())
        if new == old:
            return {}
        data = bytearray(self.memory)
        start = self.offset(number)
        data[start : start + len(new)] = new
        return {self.content: Atom(self.nodes.kind(self.content), bytes(data))}

    def offset(self, number: int) -> int:
        """Return where an element begins in the memory, in bytes."""
        return offset_of(self.shape, self.element.size, number, by_columns=self.by_columns)

    def _bytes(self, number: int) -> bytes:
        start = self.offset(number)
        return bytes(self.memory[start : start + self.element.size])


def elements_of(nodes: PickleNodes, slot: int) -> Elements | None:
    """Return the elements of the array at a slot; None when it is none, or one of objects with rows of their own."""
    try:
        return _elements_of(nodes, slot) if nodes.kind(slot) is Kind.OBJECT else None
    except CodecError:
        return None  # a part of it is damaged or too large


def _elements_of(nodes: PickleNodes, slot: int) -> Elements | None:
    if (array := read_array(nodes, slot)) is not None:
        if isinstance(array.element, ObjectType):
            return None
        memory = nodes.view(array.content)
        return Elements(nodes, array.element, array.shape, array.by_columns, array.content, memory)
    machine = read_machine_array(nodes, slot)
    if machine is None:
        return None
    element, count, content = machine
    return Elements(nodes, element, (count,), by_columns=False, content=content, memory=nodes.view(content))
