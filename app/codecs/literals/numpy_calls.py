"""numpy's scalars and arrays as the calls that a person writes: ``numpy.float64(1.5)``, ``numpy.array([1, 2])``."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

from app import limits
from app.codecs.known.makers.call import Call, native_text
from app.codecs.known.makers.ndarrays import Dtype, dtype_of
from app.codecs.known.packed import Characters, ElementType, Number, Octets, offsets
from app.codecs.known.packed_moments import Moment
from app.codecs.literals.scalars import parse_literal
from app.codecs.model import Atom, Built, Items, Style, Value
from app.codecs.nodes import Kind
from app.errors import EncodeError, LimitExceeded

_MODULES = ("numpy.core.", "numpy._core.")
_DTYPE_PARTS = 8
_STATE_PARTS = 5
_BUFFER_PARTS = 4
_FIRST_WITH_BUFFERS = 5
_MAX_AXES = 32
_KINDS = {"bool": Kind.BOOL, "float": Kind.FLOAT, "complex": Kind.COMPLEX}

NumpyCall = tuple[str, list[Value], dict[str, Value]]
"""Name, arguments and keyword arguments."""


def numpy_calls(value: Built, name: str, args: Sequence[Value], style: Style) -> Iterator[NumpyCall]:
    """Yield the call that may make an object of numpy, which ``name`` makes of ``args``; nothing for any other."""
    function = _function(name)
    if function == "multiarray.scalar" and len(args) == 2:
        content = args[1].value if isinstance(args[1], Atom) else None
        dtype = _dtype(args[0], style)
        if dtype is not None and isinstance(content, bytes) and len(content) == dtype.element.size:
            yield _scalar(dtype, content, style)
    elif function == "multiarray._reconstruct" and len(value.states) == 1:
        state = value.states[0]
        parts = state.items if isinstance(state, Items) and len(state.items) == _STATE_PARTS else []
        if parts:
            is_by_columns = isinstance(parts[3], Atom) and parts[3].value is True
            yield from _array(parts[1], parts[2], parts[4], style, by_columns=is_by_columns)
    elif function == "numeric._frombuffer" and len(args) == _BUFFER_PARTS:
        memory, dtype_value, shape, order = args
        yield from _array(shape, dtype_value, memory, style, by_columns=_text(order) == "F")


def numpy_styles(style: Style, name: str) -> Iterator[Style]:
    """Yield the styles in which numpy may have written what ``name`` makes, so that the same is loaded.

    They are that of the whole pickle, those of both versions of numpy, and below protocol 5, as an array in pieces is
    written.
    """
    yield style
    if _function(name):
        for protocol in sorted({style.protocol, min(style.protocol, _FIRST_WITH_BUFFERS - 1)}, reverse=True):
            yield from (replace(style, numpy_module=module.rstrip("."), protocol=protocol) for module in _MODULES)


def why_no_literal(name: str) -> str:
    """Return the sentence on an object of numpy that no call makes exactly; empty for what is not numpy's."""
    match _function(name):
        case "multiarray._reconstruct" | "numeric._frombuffer":
            return (
                "This array of numpy has no literal that makes exactly it: read-only ones, those of records or objects"
                " and those stored in another order have none. Change its elements one by one instead."
            )
        case "multiarray.scalar":
            return (
                "This scalar of numpy has no literal that makes exactly it. Change it by the text in its row instead."
            )
    return ""


def _function(name: str) -> str:
    """Return the name of one of numpy's functions as both versions have it, empty for any other."""
    return next((name.removeprefix(module) for module in _MODULES if name.startswith(module)), "")


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
    kind = Kind.BYTES if shown.startswith("b") else Kind.STR  # also of a text with numbers that no character has
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


def _array(shape: Value, dtype_value: Value, memory: Value, style: Style, *, by_columns: bool) -> Iterator[NumpyCall]:
    axes = [_count(axis) for axis in shape.items] if isinstance(shape, Items) else [-1]
    dtype = _dtype(dtype_value, style)
    content = memory.value if isinstance(memory, Atom) else None
    if dtype is None or not isinstance(content, bytes) or min(axes, default=0) < 0 or len(axes) > _MAX_AXES:
        return
    size = dtype.element.size
    if prod(axis or 1 for axis in axes) > limits.TEXT_PANE_CHARS:
        raise LimitExceeded("This array has too many elements to be written as a literal.")
    if len(content) == prod(axes) * size:
        places = offsets(tuple(axes), size, by_columns=by_columns) if content else ()
        elements = [_element(dtype.element, content, offset, style) for offset in places]
        order: dict[str, Value] = {"order": native_text("F", style)} if by_columns else {}
        yield "numpy.array", [_nested(elements, axes)], {"dtype": native_text(_name(dtype), style), **order}


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
