"""Calls of built-in types in literals, such as ``set()``, ``frozenset({1})``, ``bytearray(b'x')``, ``float('nan')``."""

from collections.abc import Callable, Mapping, Sequence

from app.codecs.literals.scalars import parse_literal
from app.codecs.model import Atom, Items, Style, Value
from app.codecs.model_keys import identity
from app.codecs.nodes import Kind
from app.errors import EncodeError

_OCTETS = frozenset({Kind.BYTES, Kind.STR2, Kind.BYTEARRAY})
_ITERABLE = frozenset({Kind.LIST, Kind.TUPLE, Kind.SET, Kind.FROZENSET})
_NUMBERS = frozenset({Kind.INT, Kind.LONG, Kind.FLOAT, Kind.BOOL})


def builtin_call(name: str, args: Sequence[Value], named: Mapping[str, Value], style: Style) -> Value | None:
    """Return what a built-in type makes of these arguments, None where ``name`` is none of them.

    Raises:
        EncodeError: the arguments are wrong; says what to write.
    """
    maker = _MAKERS.get(name)
    if maker is None:
        return None
    if named:
        raise EncodeError(f"{name} takes no arguments with names here.")
    return maker(name, args, style)


def _set(name: str, args: Sequence[Value], style: Style) -> Items:
    kind = Kind(name)
    if not args:
        return Items(kind)
    source = args[0]
    if len(args) > 1 or not isinstance(source, Items) or source.kind not in _ITERABLE:
        raise EncodeError(f"{name} takes one list, tuple or set.")
    if len({identity(item) for item in source.items}) != len(source.items):
        raise EncodeError(f"An element of the {name} stands there twice; leave one out.")
    return Items(kind, source.items)


def _octets(name: str, args: Sequence[Value], style: Style) -> Atom:
    kind = Kind.BYTEARRAY if name == "bytearray" else Kind.STR2 if style.is_python2 else Kind.BYTES
    if not args:
        return Atom(kind, b"")
    source = args[0]
    if len(args) > 1 or not isinstance(source, Atom) or source.kind not in _OCTETS:
        raise EncodeError(rf"{name} takes bytes, as in {name}(b'\x00').")
    return Atom(kind, source.value)


def _float(name: str, args: Sequence[Value], style: Style) -> Atom:
    source = args[0] if len(args) == 1 else None
    if not isinstance(source, Atom) or not isinstance(source.value, str | bytes):
        raise EncodeError("float takes one text, as in float('nan').")
    text = source.value.decode("latin-1") if isinstance(source.value, bytes) else source.value
    return Atom(Kind.FLOAT, parse_literal(text, Kind.FLOAT))


def _complex(name: str, args: Sequence[Value], style: Style) -> Atom:
    numbers = [arg.value for arg in args if isinstance(arg, Atom) and arg.kind in _NUMBERS]
    if len(numbers) != len(args) or len(args) > 2:
        raise EncodeError("complex takes two numbers, as in complex(1.0, 2.0).")
    try:
        parts = [float(number) for number in numbers if isinstance(number, int | float)]
    except OverflowError as error:
        raise EncodeError("One of the numbers is too large for a complex number.") from error
    return Atom(Kind.COMPLEX, complex(*parts))


_MAKERS: dict[str, Callable[[str, Sequence[Value], Style], Value]] = {
    "set": _set,
    "frozenset": _set,
    "bytes": _octets,
    "bytearray": _octets,
    "float": _float,
    "complex": _complex,
}
