"""numpy's scalars and arrays as the calls that a person writes: ``numpy.float64(1.5)``, ``numpy.array([1, 2])``."""

import struct
from collections.abc import Iterator, Sequence
from math import prod

from app import limits
from app.codecs.known.makers.call import Call, native_text
from app.codecs.known.makers.ndarrays import Dtype, dtype_of
from app.codecs.known.packed import Characters, ElementType, Number, Octets
from app.codecs.known.packed_moments import Moment
from app.codecs.literals.scalars import parse_literal
from app.codecs.model import Atom, Built, Items, Style, Value
from app.codecs.nodes import Kind
from app.errors import EncodeError, LimitExceeded

_MODULE = "numpy.core.multiarray"
_DTYPE_PARTS = 8
_STATE_PARTS = 5
_MAX_AXES = 32
_KINDS = {"bool": Kind.BOOL, "float": Kind.FLOAT, "complex": Kind.COMPLEX}

NumpyCall = tuple[str, list[Value], dict[str, Value]]
"""Name, arguments and keyword arguments."""


def numpy_calls(value: Built, name: str, args: Sequence[Value], style: Style) -> Iterator[NumpyCall]:
    """Yield the call that may make an object of numpy, which ``name`` makes of ``args``; nothing for any other."""
    if name == f"{_MODULE}.scalar" and len(args) == 2:
        content = args[1].value if isinstance(args[1], Atom) else None
        dtype = _dtype(args[0], style)
        if dtype is not None and isinstance(content, bytes) and len(content) == dtype.element.size:
            yield _scalar(dtype, content, style)
    elif name == f"{_MODULE}._reconstruct" and len(value.states) == 1:
        yield from _array(value.states[0], style)


def _dtype(value: Value, style: Style) -> Dtype | None:
    """Return the type that a dtype's code and state stand for, None for one that no literal has."""
    args = value.args.items if isinstance(value, Built) and isinstance(value.args, Items) else []
    state = value.states[0] if isinstance(value, Built) and len(value.states) == 1 else None
    parts = state.items if isinstance(state, Items) else []
    if not args or len(parts) < _DTYPE_PARTS:
        return None
    code, order = _text(args[0]), _text(parts[1])
    if code in ("M8", "m8"):
        code += _unit(parts[_DTYPE_PARTS:])
    try:
        return dtype_of(Call("numpy.dtype", (), {}, style), code if order == "|" else order + code)
    except EncodeError:
        return None


def _text(value: Value) -> str:
    content = value.value if isinstance(value, Atom) else None
    if isinstance(content, bytes):
        return content.decode("latin-1")
    return content if isinstance(content, str) else ""


def _unit(parts: Sequence[Value]) -> str:
    """Return the unit of a date as a dtype's name has it, ``[25us]``, from the last part of the state."""
    outer = parts[0].items if parts and isinstance(parts[0], Items) else []
    inner = outer[1].items if len(outer) == 2 and isinstance(outer[1], Items) else []
    step = _count(inner[1]) if len(inner) > 1 else 0
    return f"[{'' if step == 1 else step}{_text(inner[0])}]" if inner else ""


def _name(dtype: Dtype) -> str:
    """Return the name of a type: the word for it where the order of its bytes is the usual one, else its code."""
    if isinstance(dtype.element, (Characters, Octets)):
        return dtype.code if dtype.order != ">" else f">{dtype.code}"
    return dtype.element.name if dtype.order != ">" else f">{_code(dtype)}"


def _code(dtype: Dtype) -> str:
    unit = dtype.element.name.partition("[")[2] if isinstance(dtype.element, Moment) else ""
    return f"{dtype.code}[{unit}" if unit else dtype.code


def _element(element: ElementType, data: bytes, offset: int, style: Style) -> Value:
    """Return an element as it stands in a literal."""
    shown = element.text(data, offset)
    match element:
        case Number():
            kind = _KINDS.get(element.name.rstrip("0123456789"), Kind.INT)
            return Atom(kind, parse_literal(shown, kind))
        case Moment() if element.is_span or shown.endswith(f" {element.unit}"):
            count: int = struct.unpack_from(element.format, data, offset)[0]
            return native_text(shown, style) if shown == "NaT" else Atom(Kind.INT, count)
        case Moment():
            return native_text(shown, style)
    kind = Kind.STR if isinstance(element, Characters) else Kind.BYTES
    return Atom(kind, parse_literal(shown, kind))


def _scalar(dtype: Dtype, content: bytes, style: Style) -> NumpyCall:
    element, found = dtype.element, _element(dtype.element, content, 0, style)
    if isinstance(element, Moment):
        unit = native_text(element.name.partition("[")[2].rstrip("]"), style)
        return f"numpy.{'timedelta64' if element.is_span else 'datetime64'}", [found, unit], {}
    name = {"bool": "bool_"}.get(element.name, element.name)
    if isinstance(element, (Characters, Octets)):
        name = "str_" if isinstance(element, Characters) else "bytes_"
    return f"numpy.{name}", [found], {}


def _array(state: Value, style: Style) -> Iterator[NumpyCall]:
    parts = state.items if isinstance(state, Items) and len(state.items) == _STATE_PARTS else []
    axes = [_count(axis) for axis in parts[1].items] if parts and isinstance(parts[1], Items) else [-1]
    dtype = _dtype(parts[2], style) if parts else None
    content = parts[4].value if parts and isinstance(parts[4], Atom) else None
    if dtype is None or not isinstance(content, bytes) or min(axes, default=0) < 0 or len(axes) > _MAX_AXES:
        return
    size = dtype.element.size
    if prod(axis or 1 for axis in axes) > limits.TEXT_PANE_CHARS:
        raise LimitExceeded("This array has too many elements to be written as a literal.")
    if len(content) == prod(axes) * size:
        elements = [_element(dtype.element, content, offset, style) for offset in range(0, len(content), size)]
        yield "numpy.array", [_nested(elements, axes)], {"dtype": native_text(_name(dtype), style)}


def _count(value: Value) -> int:
    return value.value if isinstance(value, Atom) and isinstance(value.value, int) else -1


def _nested(elements: list[Value], axes: Sequence[int]) -> Value:
    """Return the elements as lists within lists, the last axis innermost."""
    level = elements
    for number in range(len(axes) - 1, -1, -1):
        count = prod(axes[:number])
        size = axes[number]
        level = [Items(Kind.LIST, level[at * size : (at + 1) * size]) for at in range(count)]
    return level[0]
