"""Models of numpy's scalars and arrays: a dtype and the memory of the elements; numpy itself is not asked.

References:
    numpy: arraydescr_reduce in descriptor.c, array_reduce and array_reduce_ex in methods.c, gentype_reduce in
    scalartypes.c.src.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

from app.codecs.known.dtypes import simple_type
from app.codecs.known.makers.call import (
    Call,
    Maker,
    call_of,
    int_atom,
    integer,
    is_none,
    native_text,
    none_atom,
    number,
    octets_atom,
    text,
)
from app.codecs.known.packed import Characters, ElementType, Number, Octets, offsets
from app.codecs.known.packed_moments import Moment
from app.codecs.literals.scalars import format_literal
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind

_SIZES = {"int": (1, 2, 4, 8), "uint": (1, 2, 4, 8), "float": (2, 4, 8), "complex": (8, 16)}
_CODES = {f"{name}{8 * size}": f"{name[0]}{size}" for name, sizes in _SIZES.items() for size in sizes}
_DTYPES = _CODES | {"bool": "b1", "bool_": "b1", "int": "i8", "float": "f8", "complex": "c16"}
_CODE = re.compile(
    r"([<>=|]?)(?:([biufcSU])(\d{1,6})|(M8|datetime64|m8|timedelta64)\[(\d{0,6})(\w{1,2})\])\Z", re.ASCII
)
_UNITS = frozenset({"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"})
_UNIT_OF_TEXT = re.compile(
    r"\d{4}(?P<M>-\d\d(?P<D>-\d\d(?P<h>[T ]\d\d(?P<m>:\d\d(?P<s>:\d\d(?P<fraction>\.\d{1,9})?)?)?)?)?)?\Z", re.ASCII
)
_EXAMPLE = "numpy.array([1, 2], dtype='int64')"
_MAX_AXES = 32
_FIRST_WITH_BUFFERS = 5
"""The protocol from which on numpy writes the memory of an array as a buffer, where Python can read such a one."""

_MOST_BYTES = 1 << 28
"""Bytes of the memory of one array: a few short texts among wide ones must not take up all there is."""


@dataclass(frozen=True, slots=True)
class Dtype:
    """How numpy names a type of elements in pickles: its code, the order of bytes, and what reads and packs it."""

    code: str
    order: str
    element: ElementType

    def model(self, style: Style) -> Built:
        """Return ``numpy.dtype(code, False, True)`` with its state."""
        element = self.element
        sizes = (-1, -1, 0)
        if isinstance(element, Characters):
            sizes = (element.size, 4, 8)
        elif isinstance(element, Octets):
            sizes = (element.size, 1, 0)
        flags = [Atom(Kind.INT if style.is_python2 else Kind.BOOL, flag) for flag in _flags(style)]
        made = call_of("numpy", "dtype", native_text(self.code, style), *flags)
        numbers = [int_atom(size, style) for size in sizes]
        version, unit = (4, [_unit(element, style)]) if isinstance(element, Moment) else (3, [])
        nothing = [none_atom() for _ in range(3)]
        state = [int_atom(version, style), native_text(self.order, style), *nothing, *numbers, *unit]
        made.states.append(Items(Kind.TUPLE, state))
        return made


def _unit(element: Moment, style: Style) -> Value:
    """Return the last part of the state of a date's type: metadata, and the unit with its number of steps."""
    numbers = [int_atom(part, style) for part in (element.step, 1, 1)]
    unit = Items(Kind.TUPLE, [octets_atom(element.unit.encode("ascii"), style), *numbers])
    return Items(Kind.TUPLE, [none_atom() if style.numpy_module == "numpy._core" else Pairs(), unit])


def _flags(style: Style) -> tuple[int, int]:
    """Return what tells numpy not to align the type, but to copy it: bools only in Python 3."""
    return (0, 1) if style.is_python2 else (False, True)


def _function(name: str, style: Style) -> tuple[str, str]:
    """Return module and name of one of numpy's functions, as the numpy that wrote the pickle has it."""
    module, _, last = name.rpartition(".")
    return f"{style.numpy_module or 'numpy.core'}.{module}", last


def dtype_of(call: Call, name: str) -> Dtype:
    """Return the type that a name such as ``int64``, ``<f4``, ``U5`` or ``datetime64[s]`` stands for.

    Raises:
        EncodeError: none of those that can be written.
    """
    match = _CODE.match(_DTYPES.get(name, name))
    found = _coded(*match.groups(default="")) if match else None
    if found is None:
        raise call.wrong(f"the dtype {name} is none of numbers, texts, bytes or dates, as 'int64', 'U5', 'M8[s]'")
    return found


def _coded(order: str, letter: str, size: str, moment: str, step: str, unit: str) -> Dtype | None:
    order = ">" if order == ">" else "<"
    if moment:
        is_span = moment[0] in "mt"
        name = f"{'timedelta64' if is_span else 'datetime64'}[{step}{unit}]"
        count = int(step or 1)
        element = Moment(name, 8, f"{order}q", unit, count, is_span)
        return Dtype("m8" if is_span else "M8", order, element) if count and unit in _UNITS else None
    found = simple_type(letter, int(size), order)
    if found is None or (letter == "b" and size != "1"):
        return None
    has_order = found.size > 1 and letter != "S"
    return Dtype(f"{letter}{int(size)}", order if has_order else "|", found)


# ---- elements


def _packed(call: Call, value: Value, element: ElementType) -> bytes:
    """Return the memory of one element."""
    match element:
        case Number():
            return element.packed(_number_text(call, value, element))
        case Characters():
            return element.packed(format_literal(text(call, value, "an element"), Kind.STR))
        case Moment() if isinstance(value, Atom) and value.kind in (Kind.INT, Kind.LONG):
            return element.packed(f"{integer(call, value, 'an element') * element.step} {element.unit}")
        case Moment():
            return element.packed(text(call, value, "an element"))
    return element.packed(format_literal(_octets(call, value), Kind.BYTES))


def _number_text(call: Call, value: Value, element: Number) -> str:
    kind = value.kind if isinstance(value, Atom) else None
    if element.name == "bool":
        if kind is not Kind.BOOL or not isinstance(value, Atom):
            raise call.wrong("an element must be True or False")
        return repr(value.value)
    if element.name.startswith("complex") and isinstance(value, Atom) and kind is Kind.COMPLEX:
        return format_literal(value.value, Kind.COMPLEX)
    if not element.name.startswith(("float", "complex")):
        return str(integer(call, value, "an element"))
    try:
        found = float(number(call, value, "an element"))
    except OverflowError as error:
        raise call.wrong("an element is too large for a float") from error
    if element.name.startswith("float"):
        return format_literal(found, Kind.FLOAT)
    return format_literal(complex(found, 0.0), Kind.COMPLEX)


def _octets(call: Call, value: Value) -> bytes:
    if isinstance(value, Atom) and value.kind in (Kind.BYTES, Kind.STR2) and isinstance(value.value, bytes):
        return value.value
    raise call.wrong("an element must be bytes")


# ---- scalars


def make_scalar(name: str, call: Call) -> Value:
    """Return a number or bool of one of numpy's types, as ``numpy.float64(1.5)``."""
    value = call.bound("value").get("value")
    if value is None:
        raise call.wrong("it takes one value")
    return _scalar_model(call, dtype_of(call, name), value)


def make_text(call: Call) -> Value:
    """Return ``numpy.str_(text)``."""
    value = call.bound("value").get("value", Atom(Kind.STR, ""))
    return _scalar_model(call, dtype_of(call, f"U{max(len(text(call, value, 'the value')), 1)}"), value)


def make_octets(call: Call) -> Value:
    """Return ``numpy.bytes_(bytes)``."""
    value = call.bound("value").get("value", octets_atom(b"", call.style))
    return _scalar_model(call, dtype_of(call, f"S{max(len(_octets(call, value)), 1)}"), value)


def make_moment(name: str, call: Call) -> Value:
    """Return ``numpy.datetime64(text, unit)`` or ``numpy.timedelta64(count, unit)``."""
    given = call.bound("value", "unit")
    value = given.get("value", none_atom())
    unit = text(call, given["unit"], "unit") if "unit" in given else ""
    if not unit:
        unit = _unit_of(call, value)
        value = native_text(f"{text(call, value, 'the value')}:00", call.style) if unit == "h" else value
    return _scalar_model(call, dtype_of(call, f"{name}[{unit}]"), value)


def _unit_of(call: Call, value: Value) -> str:
    """Return the unit that the text of a date is exact to, as numpy finds it."""
    is_text = isinstance(value, Atom) and value.kind in (Kind.STR, Kind.STR2)
    match = (
        _UNIT_OF_TEXT.match(text(call, value, "the value")) if is_text and call.name.endswith("datetime64") else None
    )
    if match is None:
        raise call.wrong("give its unit behind it, as 's' or 'ns'")
    if match["fraction"]:
        return ("ms", "us", "ns")[(len(match["fraction"]) - 2) // 3]
    return next((unit for unit in ("s", "m", "h", "D", "M") if match[unit]), "Y")


def _scalar_model(call: Call, dtype: Dtype, value: Value) -> Value:
    memory = _packed(call, value, dtype.element)
    names = _function("multiarray.scalar", call.style)
    return call_of(*names, dtype.model(call.style), octets_atom(memory, call.style))


# ---- arrays


def make_array(call: Call) -> Value:
    """Return ``numpy.array(content, dtype, order='F')``: lists within each other, and how their elements are stored."""
    given = call.bound("object", "dtype", "order")
    if "object" not in given:
        raise call.wrong(f"it takes its elements, as {_EXAMPLE}")
    axes, elements = _flattened(call, given["object"])
    named = given.get("dtype")
    dtype = dtype_of(
        call, _usual_dtype(call, elements) if is_none(named) else text(call, named or none_atom(), "dtype")
    )
    if prod(axes) * dtype.element.size > _MOST_BYTES:
        raise call.wrong(f"its memory would have more than {_MOST_BYTES:,} bytes")
    order = text(call, given["order"], "order") if "order" in given else "C"
    if order not in ("C", "F"):
        raise call.wrong("order must be 'C' or 'F'")
    memory = b"".join(_packed(call, element, dtype.element) for element in elements)
    if order == "F":
        memory = _by_columns(memory, axes, dtype.element.size)
    return _array_model(axes, dtype, memory, order, call.style)


def _by_columns(memory: bytes, axes: Sequence[int], size: int) -> bytes:
    """Return the elements in the order of the first index running fastest."""
    if not memory:
        return memory
    places = offsets(tuple(reversed(axes)), size, by_columns=True)
    return b"".join(memory[place : place + size] for place in places)


def _flattened(call: Call, content: Value) -> tuple[list[int], list[Value]]:
    """Return how many there are along each axis, and the elements in their order."""
    axes: list[int] = []
    level = [content]
    while level and all(isinstance(part, Items) and part.kind in (Kind.LIST, Kind.TUPLE) for part in level):
        lists = [part.items for part in level if isinstance(part, Items)]
        if len({len(items) for items in lists}) > 1:
            raise call.wrong("the lists within each other must be equally long")
        if len(axes) == _MAX_AXES:
            raise call.wrong(f"an array has at most {_MAX_AXES} axes")
        axes.append(len(lists[0]))
        level = [part for items in lists for part in items]
    return axes, level


def _usual_dtype(call: Call, elements: Sequence[Value]) -> str:
    """Return the type that numpy would choose for elements."""
    kinds = frozenset(element.kind if isinstance(element, Atom) else None for element in elements)
    for allowed, name in _USUAL:
        if kinds <= allowed:
            return name(elements)
    raise call.wrong(f"its elements need a dtype that holds all of them, as {_EXAMPLE}")


def _longest(elements: Sequence[Value]) -> int:
    contents = (element.value for element in elements if isinstance(element, Atom))
    return max((len(content) for content in contents if isinstance(content, (str, bytes))), default=1) or 1


_NUMBERS = frozenset({Kind.INT, Kind.LONG, Kind.FLOAT})
_USUAL: tuple[tuple[frozenset[Kind], Callable[[Sequence[Value]], str]], ...] = (
    (frozenset(), lambda _: "float64"),
    (frozenset({Kind.BOOL}), lambda _: "bool"),
    (frozenset({Kind.INT, Kind.LONG}), lambda _: "int64"),
    (_NUMBERS, lambda _: "float64"),
    (_NUMBERS | {Kind.COMPLEX}, lambda _: "complex128"),
    (frozenset({Kind.STR}), lambda elements: f"U{_longest(elements)}"),
    (frozenset({Kind.BYTES, Kind.STR2}), lambda elements: f"S{_longest(elements)}"),
)


def _array_model(axes: Sequence[int], dtype: Dtype, memory: bytes, order: str, style: Style) -> Value:
    shape = Items(Kind.TUPLE, [int_atom(size, style) for size in axes])
    has_buffer = style.protocol >= _FIRST_WITH_BUFFERS and not isinstance(dtype.element, Moment)  # none holds dates
    if has_buffer and style.numpy_module:  # the other way can be loaded by every numpy without a warning
        names, buffer = _function("numeric._frombuffer", style), Atom(Kind.BYTEARRAY, memory)
        return call_of(*names, buffer, dtype.model(style), shape, native_text(order, style))
    none = Items(Kind.TUPLE, [int_atom(0, style)])
    names = _function("multiarray._reconstruct", style)
    made = call_of(*names, GlobalName("numpy", "ndarray"), none, octets_atom(b"b", style))
    content = [Atom(Kind.BOOL, order == "F"), octets_atom(memory, style)]
    made.states.append(Items(Kind.TUPLE, [int_atom(1, style), shape, dtype.model(style), *content]))
    return made


_BY_NAME: dict[str, Maker] = {
    "array": make_array,
    "str_": make_text,
    "bytes_": make_octets,
    **{name: partial(make_moment, name) for name in ("datetime64", "timedelta64")},
    **{name: partial(make_scalar, name) for name in (*_CODES, "bool", "bool_")},
}
MAKERS: dict[str, Maker] = {f"{module}.{name}": maker for module in ("numpy", "np") for name, maker in _BY_NAME.items()}
