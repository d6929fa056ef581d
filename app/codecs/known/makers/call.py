"""A call of a known type in a literal: its arguments by name, and the model of what it makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text, shorten
from app.errors import EncodeError

_SHOWN_CHARS = 60
_INTS = (Kind.INT, Kind.LONG)
_INT64 = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class Call:
    """``name(*args, **kwargs)`` as it was written, and the style in which its object is to be written."""

    name: str
    args: Sequence[Value]
    kwargs: Mapping[str, Value]
    style: Style

    def bound(self, *names: str) -> dict[str, Value]:
        """Return the arguments by the names of the parameters, without those that were left out.

        Raises:
            EncodeError: there are too many, one is unknown or given twice.
        """
        if len(self.args) > len(names):
            most = f"at most {len(names)}" if names else "no"
            raise EncodeError(f"{self.name}() takes {most} {'value' if len(names) == 1 else 'values'}.")
        found = dict(zip(names, self.args, strict=False))
        for name, value in self.kwargs.items():
            if name not in names or name in found:
                why = "is given twice" if name in found else f"is not one of {', '.join(names) or 'its arguments'}"
                raise EncodeError(f"{self.name}() cannot be written so: {_shown(name)} {why}.")
            found[name] = value
        return found

    def wrong(self, why: str) -> EncodeError:
        """Return the error that says why the call makes no object."""
        return EncodeError(f"{self.name}() cannot be written so: {_shown(why).rstrip('.')}.")

    def needs_python3(self) -> None:
        """Refuse a class that Python 2 does not have."""
        if self.style.is_python2:
            raise EncodeError(f"{self.name}() cannot be written in a pickle of Python 2, which has no such class.")


Maker = Callable[[Call], Value]


def integer(call: Call, value: Value, name: str) -> int:
    """Return the int that an argument is."""
    if isinstance(value, Atom) and value.kind in _INTS and isinstance(value.value, int):
        return value.value
    raise call.wrong(f"{name} must be a whole number")


def number(call: Call, value: Value, name: str) -> int | float:
    """Return the int or float that an argument is."""
    if isinstance(value, Atom) and value.kind is Kind.FLOAT and isinstance(value.value, float):
        return value.value
    return integer(call, value, name)


def text(call: Call, value: Value, name: str) -> str:
    """Return the text, or the ASCII text of an 8-bit string, that an argument is."""
    if isinstance(value, Atom) and value.kind is Kind.STR and isinstance(value.value, str):
        return value.value
    if isinstance(value, Atom) and value.kind is Kind.STR2 and isinstance(value.value, bytes) and value.value.isascii():
        return value.value.decode("ascii")
    raise call.wrong(f"{name} must be a text")


def is_none(value: Value | None) -> bool:
    """Tell whether an argument is None, or left out."""
    return value is None or (isinstance(value, Atom) and value.kind is Kind.NONE)


def sequence(call: Call, value: Value, name: str) -> list[Value]:
    """Return the items of a list or tuple."""
    if isinstance(value, Items) and value.kind in (Kind.LIST, Kind.TUPLE):
        return value.items
    raise call.wrong(f"{name} must be a list")


def pairs_of(call: Call, value: Value, name: str) -> list[tuple[Value, Value]]:
    """Return the pairs of a dict, or of a list of pairs."""
    if isinstance(value, Pairs):
        return value.pairs
    pairs = []
    for item in sequence(call, value, name):
        if not isinstance(item, Items) or item.kind not in (Kind.LIST, Kind.TUPLE) or len(item.items) != 2:
            raise call.wrong(f"{name} must be a dict or a list of pairs")
        pairs.append((item.items[0], item.items[1]))
    return pairs


def given_pairs(call: Call, args: Sequence[Value]) -> list[tuple[Value, Value]]:
    """Return the pairs that ``dict(*args, **kwargs)`` takes."""
    if len(args) > 1:
        raise call.wrong("it takes one dict or one list of pairs")
    named = [(native_text(name, call.style), value) for name, value in call.kwargs.items()]
    return (pairs_of(call, args[0], "its content") if args else []) + named


def call_of(module: str, name: str, *args: Value) -> Built:
    """Return the model of ``module.name(*args)``; the names are Python 3's."""
    return Built(GlobalName(module, name), Items(Kind.TUPLE, list(args)), is_call=True)


def int_atom(value: int, style: Style) -> Atom:
    """Return an int as the style's Python makes it: Python 2 has two kinds."""
    return Atom(Kind.LONG if style.is_python2 and value not in _INT64 else Kind.INT, value)


def native_text(value: str, style: Style) -> Atom:
    """Return a text as ``str`` of the style's Python is."""
    return Atom(Kind.STR2, value.encode("ascii")) if style.is_python2 and value.isascii() else Atom(Kind.STR, value)


def octets_atom(value: bytes, style: Style) -> Atom:
    """Return bytes as the style's Python has them."""
    return Atom(Kind.STR2 if style.is_python2 else Kind.BYTES, value)


def none_atom() -> Atom:
    return Atom(Kind.NONE, None)


def _shown(given: str) -> str:
    return escape_text(shorten(given, 4 * _SHOWN_CHARS))
