"""numpy's arrays, scalars and dtypes: shape and elements from the bytes, numpy itself is not asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, Patches, PlainParts, Preview, type_name
from app.codecs.known.dtypes import ObjectType, element_type, shape_type
from app.codecs.known.packed import ElementType, Record, Several, offsets
from app.codecs.known.packed_moments import Moment
from app.codecs.known.replacing import octets_patch
from app.codecs.known.shape import Shape, class_name, integers, is_octets, memory, sequence, shape_of, text
from app.codecs.model import Style
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import ELLIPSIS, escape_text, shorten

_MODULES = ("numpy.core", "numpy._core")
_SHOWN = 8
_MASKED = "--"
_SHOWN_CHARS = 200
_MAX_AXES = 64
_MAX_AXIS = 1 << 62


@dataclass(frozen=True, slots=True)
class NdArray:
    """An array whose elements can be read. ``content`` is the slot of its memory, or of the list of its objects."""

    nodes: PickleNodes
    type: str
    element: ElementType
    shape: tuple[int, ...]
    by_columns: bool
    content: int

    @property
    def count(self) -> int:
        return prod(self.shape)

    def first_texts(self, preview: Preview) -> list[str]:
        """Return the texts of the first few elements."""
        if isinstance(self.element, ObjectType):
            return [preview(slot) for slot in islice(self._object_slots(), _SHOWN)]
        places = list(islice(self._places(), _SHOWN))
        data = memory(self.nodes, self.content, max(places, default=0) + self.element.size)
        return [self.element.text(data, place) for place in places]

    def parts(self) -> Iterator[str | int]:
        """Yield nested JSON arrays."""
        if not self.count:
            yield "[]"
            return
        blocks = [prod(self.shape[axis:]) for axis in range(len(self.shape))]
        for number, element in enumerate(self._elements()):
            yield ("," if number else "") + "[" * sum(number % block == 0 for block in blocks)
            yield element
            yield "]" * sum((number + 1) % block == 0 for block in blocks)

    def _elements(self) -> Iterator[str | int]:
        if isinstance(self.element, ObjectType):
            yield from self._object_slots()
            return
        data = memory(self.nodes, self.content, self.count * self.element.size)
        for place in self._places():
            yield self.element.json(data, place)

    def _object_slots(self) -> Iterator[int]:
        slots = self.nodes.items(self.content)
        return (slots[place] for place in self._places(size=1))

    def _places(self, size: int = 0) -> Iterator[int]:
        return offsets(self.shape, size or self.element.size, by_columns=self.by_columns) if self.count else iter(())


class NdArrays(KnownType):
    """``_reconstruct`` with the array in its state, or ``_frombuffer`` in protocol 5."""

    names: ClassVar[tuple[str, ...]] = tuple(
        f"{module}.{name}" for module in _MODULES for name in ("multiarray._reconstruct", "numeric._frombuffer")
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        array = _from_buffer(nodes, shape) if shape.name.endswith("_frombuffer") else _from_state(nodes, shape)
        if array is None:
            return None
        return Known(escape_text(array.type), _array_text(array, preview), PlainParts(array.parts))


def _array_text(array: NdArray, preview: Preview) -> str:
    """Return type, shape and first elements."""
    shown = array.first_texts(preview)
    if array.count > len(shown):
        shown.append(ELLIPSIS)
    return shorten(f"{escape_text(array.element.name)} {array.shape}: [{', '.join(shown)}]", _SHOWN_CHARS)


class NumpyScalars(KnownType):
    """Called with a dtype and the memory of one element."""

    names: ClassVar[tuple[str, ...]] = tuple(f"{module}.multiarray.scalar" for module in _MODULES)
    editor: ClassVar[str] = "element"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        element = element_type(nodes, shape.args[0]) if len(shape.args) == 2 and shape.is_bare_call else None
        if element is None or isinstance(element, ObjectType) or not is_octets(nodes, shape.args[1]):
            return None
        data = memory(nodes, shape.args[1], element.size + 1)
        if len(data) != element.size:
            return None
        name = f"numpy.{escape_text(element.name)}"
        return Known(
            name, shorten(element.text(data, 0), _SHOWN_CHARS), PlainParts(lambda: iter((element.json(data, 0),)))
        )

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        element = element_type(nodes, shape.args[0])
        return None if element is None else element.text(memory(nodes, shape.args[1], element.size), 0)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        element = element_type(nodes, shape.args[0])
        if element is None or text.strip() == self.literal(nodes, shape):
            return {}
        old = memory(nodes, shape.args[1], element.size)
        return octets_patch(nodes, shape.args[1], element.repacked(old, text.strip()))


class Dtypes(KnownType):
    """A dtype by itself."""

    names: ClassVar[tuple[str, ...]] = ("numpy.dtype",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        code = text(nodes, shape.args[0]) if shape.args else None
        found = shape_type(nodes, shape)
        name = found.name if isinstance(found, (Moment, Record, Several)) else code
        return Known("numpy.dtype", f"dtype({escape_text(shorten(name, _SHOWN_CHARS))})") if name else None


@dataclass(frozen=True, slots=True)
class MaskedArray(NdArray):
    """An array some elements of which count as missing: those whose byte at ``mask`` is not 0."""

    mask: bytes

    def first_texts(self, preview: Preview) -> list[str]:
        shown = super(MaskedArray, self).first_texts(preview)
        return [_MASKED if masked else text for masked, text in zip(self._masked(), shown, strict=False)]

    def _elements(self) -> Iterator[str | int]:
        elements = super(MaskedArray, self)._elements()
        return ("null" if masked else element for masked, element in zip(self._masked(), elements, strict=False))

    def _masked(self) -> Iterator[bool]:
        return (self.mask[place] != 0 for place in self._places(size=1))


class MaskedArrays(KnownType):
    """``_mareconstruct`` with memory and mask in its state."""

    names: ClassVar[tuple[str, ...]] = ("numpy.ma.core._mareconstruct",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        state = sequence(nodes, shape.states[0], 7) if len(shape.states) == 1 and shape.args else None
        if state is None or len(state) != 7 or nodes.kind(state[3]) is not Kind.BOOL or not is_octets(nodes, state[5]):
            return None
        by_columns = bool(nodes.scalar(state[3]))
        array = _array(nodes, "numpy.ma.MaskedArray", state[2], state[1], state[4], by_columns=by_columns)
        if array is None or nodes.length(state[5]) != array.count:
            return None
        mask = memory(nodes, state[5], array.count)
        masked = MaskedArray(nodes, array.type, array.element, array.shape, by_columns, array.content, mask)
        return Known(array.type, _array_text(masked, preview), PlainParts(masked.parts))


def read_array(nodes: PickleNodes, slot: int) -> NdArray | None:
    """Return the array at a slot, when it is one that can be read."""
    if nodes.kind(slot) is not Kind.OBJECT:
        return None
    shape = shape_of(nodes, slot)
    if shape.name not in NdArrays.names:
        return None
    return _from_buffer(nodes, shape) if shape.name.endswith("_frombuffer") else _from_state(nodes, shape)


def _from_state(nodes: PickleNodes, shape: Shape) -> NdArray | None:
    """Return the array of the state ``(version, shape, dtype, is Fortran order, memory or list)``."""
    state = sequence(nodes, shape.states[0], 5) if len(shape.states) == 1 and shape.args else None
    if state is None or len(state) != 5 or nodes.kind(state[3]) not in (Kind.BOOL, Kind.INT):
        return None
    name = type_name(class_name(nodes, shape.args[0])) or "numpy.ndarray"
    return _array(nodes, name, state[2], state[1], state[4], by_columns=bool(nodes.scalar(state[3])))


def _from_buffer(nodes: PickleNodes, shape: Shape) -> NdArray | None:
    """Return the array of the arguments ``(memory, dtype, shape, order)``."""
    if len(shape.args) != 4 or not shape.is_bare_call:
        return None
    content, dtype, axes, order = shape.args
    return _array(nodes, "numpy.ndarray", dtype, axes, content, by_columns=text(nodes, order) == "F")


def _array(nodes: PickleNodes, name: str, dtype: int, axes: int, content: int, *, by_columns: bool) -> NdArray | None:
    element = element_type(nodes, dtype)
    slots = sequence(nodes, axes, _MAX_AXES)
    sizes = None if slots is None else integers(nodes, slots)
    if element is None or sizes is None or any(not 0 <= size < _MAX_AXIS for size in sizes):
        return None
    array = NdArray(nodes, name, element, tuple(sizes), by_columns, content)
    if isinstance(element, ObjectType):
        return array if nodes.kind(content) is Kind.LIST and nodes.length(content) == array.count else None
    return array if is_octets(nodes, content) and nodes.length(content) == array.count * element.size else None


TYPES: tuple[KnownType, ...] = (NdArrays(), MaskedArrays(), NumpyScalars(), Dtypes())
