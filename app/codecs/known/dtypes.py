"""numpy's dtypes as pickles write them: a code, and a state with byte order, fields and unit of time."""

import re
from math import prod

from app.codecs.known.packed import (
    Characters,
    ElementType,
    Field,
    Number,
    Octets,
    Opaque,
    Record,
    Several,
)
from app.codecs.known.packed_moments import Moment
from app.codecs.known.shape import Shape, attributes, integer, integers, sequence, shape_of, text
from app.codecs.nodes import Kind, PickleNodes

_CODE = re.compile(r"([?biufcSaUVOMm])(\d{0,9})\Z", re.ASCII)
_ORDERS = {"<": "<", ">": ">", "|": "<", "=": "<"}
_FORMATS = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d", "c8": "ff", "c16": "dd",
}  # fmt: skip
_NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}
_DEPTH = 4
_MAX_FIELDS = 64
_MAX_SEVERAL = 1024
_LONG_SIZES = {"f": (12, 16), "c": (24, 32)}
"""Bytes of long doubles, whose format is the machine's own."""

_RECORDS = ("numpy.record", "numpy.rec.record", "numpy.core.records.record", "numpy._core.records.record")


class ObjectType(ElementType):
    """Elements that are objects of the pickle: they are no memory but slots in a list."""

    name = "object"
    size = 8

    def text(self, data: bytes, offset: int) -> str:
        raise NotImplementedError

    def json(self, data: bytes, offset: int) -> str:
        raise NotImplementedError

    def packed(self, text: str) -> bytes:
        raise NotImplementedError


def element_type(nodes: PickleNodes, slot: int, depth: int = _DEPTH) -> ElementType | None:
    """Return how the elements of a dtype are stored; None when it is no dtype, or one that is not decoded."""
    return shape_type(nodes, shape_of(nodes, slot), depth) if nodes.kind(slot) is Kind.OBJECT else None


def shape_type(nodes: PickleNodes, shape: Shape, depth: int = _DEPTH) -> ElementType | None:
    """Return how the elements of a dtype are stored whose shape is known."""
    state = sequence(nodes, shape.states[0], 10) if len(shape.states) == 1 else []
    if shape.name != "numpy.dtype" or not shape.args or depth < 0 or state is None:
        return None
    if len(state) > 2 and nodes.kind(state[2]) is not Kind.NONE:
        return _several(nodes, state[2], depth)
    match = _CODE.match(_code(nodes, shape.args[0], state))
    order = text(nodes, state[1]) if len(state) > 1 else "|"
    if match is None or order not in _ORDERS:
        return None
    return _coded(nodes, state, match[1], int(match[2] or 0), _ORDERS[order], depth)


def _coded(nodes: PickleNodes, state: list[int], letter: str, size: int, order: str, depth: int) -> ElementType | None:
    """Return the type that a letter and a size stand for."""
    if letter == "V" and not (len(state) > 3 and nodes.kind(state[3]) is Kind.TUPLE):
        return Opaque(f"V{size}", size) if size else None
    if letter == "V":
        return _record(nodes, state, size, depth)
    if letter in "Mm":
        return _moment(nodes, state, order, is_span=letter == "m")
    return simple_type(letter, size, order)


def _code(nodes: PickleNodes, slot: int, state: list[int]) -> str:
    """Return the code of a dtype; numpy's class of records stands for one whose size is in the state."""
    if nodes.kind(slot) is Kind.GLOBAL and nodes.global_name(slot) in _RECORDS and len(state) > 5:
        return f"V{integer(nodes, state[5]) or 0}"
    return text(nodes, slot) or ""


def _several(nodes: PickleNodes, slot: int, depth: int) -> ElementType | None:
    """Return the type of an array in each element: ``(dtype, shape)``."""
    parts = sequence(nodes, slot, 2)
    sizes = sequence(nodes, parts[1], _MAX_FIELDS) if parts and len(parts) == 2 else None
    axes = integers(nodes, sizes) if sizes else None
    base = element_type(nodes, parts[0], depth - 1) if parts and axes else None
    if base is None or not axes or isinstance(base, ObjectType) or any(size < 1 for size in axes):
        return None
    count = prod(axes)
    if count > _MAX_SEVERAL:
        return None
    return Several(f"({', '.join(map(str, axes))}{',' if len(axes) == 1 else ''}){base.name}", base.size * count, base)


def simple_type(letter: str, size: int, order: str) -> ElementType | None:
    """Return the type of numbers, texts, bytes or objects that a letter and a size stand for; None for any other."""
    if letter == "O":
        return ObjectType()
    if letter in "Sa":
        return Octets(f"S{size}", size) if size else None
    if letter == "U":
        return Characters(f"U{size}", 4 * size, "utf-32-le" if order == "<" else "utf-32-be") if size else None
    if letter in "fc" and size in _LONG_SIZES[letter]:
        return Opaque(f"{_NAMES[letter]}{8 * size}", size)
    form = _FORMATS.get("b1" if letter in "?b" else f"{letter}{size}")
    if form is None:
        return None
    bits = "" if letter in "?b" else str(8 * size)
    return Number(_NAMES.get(letter, "bool") + bits, max(size, 1), order + form)


def _moment(nodes: PickleNodes, state: list[int], order: str, *, is_span: bool) -> ElementType | None:
    """Return the type of a date: its unit stands at the end of the state as ``(metadata, (unit, step, 1, 1))``."""
    outer = sequence(nodes, state[8], 2) if len(state) > 8 else None
    inner = sequence(nodes, outer[1], 4) if outer and len(outer) == 2 else None
    unit = nodes.prefix(inner[0], 8) if inner and nodes.kind(inner[0]) in (Kind.BYTES, Kind.STR2, Kind.STR) else None
    step = integer(nodes, inner[1]) if inner and len(inner) > 1 else None
    if unit is None or not step or step < 0:
        return None
    word = unit if isinstance(unit, str) else unit.decode("latin-1")
    prefix = "timedelta64" if is_span else "datetime64"
    return Moment(f"{prefix}[{'' if step == 1 else step}{word}]", 8, order + "q", word, step, is_span)


def _record(nodes: PickleNodes, state: list[int], size: int, depth: int) -> ElementType | None:
    names = sequence(nodes, state[3], _MAX_FIELDS) if len(state) > 4 else None
    members = attributes(nodes, state[4]) if names else None
    if not names or members is None or not size:
        return None
    fields = []
    for slot in names:
        name = text(nodes, slot)
        field = _field(nodes, name, members[name], size, depth) if name in members else None
        if field is None:
            return None
        fields.append(field)
    if len({field.name for field in fields}) != len(fields):
        return None
    return Record(f"[{', '.join(f'{field.name}: {field.type.name}' for field in fields)}]", size, tuple(fields))


def _field(nodes: PickleNodes, name: str | None, slot: int, size: int, depth: int) -> Field | None:
    place = sequence(nodes, slot, 3)
    if name is None or place is None or len(place) < 2:
        return None
    kind, offset = element_type(nodes, place[0], depth - 1), integer(nodes, place[1])
    if kind is None or isinstance(kind, ObjectType) or offset is None or not 0 <= offset <= size - kind.size:
        return None
    return Field(name, offset, kind)
