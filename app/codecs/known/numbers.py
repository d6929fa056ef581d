"""Decimal, Fraction, range and slice."""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import ClassVar

from app import limits
from app.codecs.known.base import Known, KnownType, Patches, PlainText, Preview, type_name
from app.codecs.known.makers.call import int_atom, none_atom
from app.codecs.known.replacing import arguments_patch, int_patches, not_a, text_patch
from app.codecs.known.shape import Shape, integers, text
from app.codecs.model import Style
from app.codecs.nodes import SCALARS, Kind, PickleNodes
from app.codecs.screen import shorten
from app.errors import EncodeError

_DECIMAL = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(E[+-]?\d+)?|Inf(inity)?|s?NaN\d*)\Z", re.IGNORECASE | re.ASCII)
_CALL = re.compile(r"(?P<name>[a-z]+)\((?P<parts>[^()]*)\)", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d+(/\d+)?\Z", re.ASCII)


class Decimals(KnownType):
    """Called with the number's text."""

    names: ClassVar[tuple[str, ...]] = ("decimal.Decimal", "cdecimal.Decimal", "_pydecimal.Decimal", "_decimal.Decimal")
    editor: ClassVar[str] = "decimal"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self.literal(nodes, shape)
        if value is None:
            return None
        return Known("decimal.Decimal", shorten(value, limits.CELL_CHARS), PlainText(value))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        value = text(nodes, shape.args[0]) if len(shape.args) == 1 and shape.is_bare_call else None
        return value if value is not None and _DECIMAL.match(value) else None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        value = text.strip()
        try:
            digits = str(Decimal(value)) if _DECIMAL.match(value) else ""
        except InvalidOperation:
            digits = ""
        if not digits:
            raise not_a("a decimal number", text, "-1.50, 1E+3, NaN or Infinity")
        return text_patch(nodes, shape.args[0], digits)


class Fractions(KnownType):
    """Called with the fraction's text, or its two numbers since Python 3.12."""

    names: ClassVar[tuple[str, ...]] = ("fractions.Fraction",)
    editor: ClassVar[str] = "fraction"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self.literal(nodes, shape)
        if value is None:
            return None
        return Known("fractions.Fraction", shorten(value, limits.CELL_CHARS), PlainText(value))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        if not shape.is_bare_call:
            return None
        if len(shape.args) == 1:
            value = text(nodes, shape.args[0])
            return value if value is not None and _FRACTION.match(value) else None
        numbers = integers(nodes, shape.args) if len(shape.args) == 2 else None
        if numbers is None or numbers[1] == 0:
            return None
        return f"{numbers[0]}/{numbers[1]}" if numbers[1] != 1 else str(numbers[0])

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        value = text.replace(" ", "")
        if not _FRACTION.match(value) or len(value) > limits.INT_DIGITS:
            raise not_a("a fraction", text, "1/3")
        above, _, below = value.partition("/")
        if not int(below or 1):
            raise EncodeError("The denominator of a fraction must not be 0.")
        reduced = Fraction(int(above), int(below or 1))
        if len(shape.args) == 2:
            return int_patches(nodes, shape.args, (reduced.numerator, reduced.denominator), style)
        return text_patch(nodes, shape.args[0], str(reduced))


class Ranges(KnownType):
    """``range`` and Python 2's ``xrange``; Python 2 always writes three numbers."""

    names: ClassVar[tuple[str, ...]] = ("builtins.range", "__builtin__.xrange", "__builtin__.range")
    editor: ClassVar[str] = "range"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self.literal(nodes, shape)
        return None if value is None else Known(type_name(shape.name), value)

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        numbers = integers(nodes, shape.args) if shape.is_bare_call and 1 <= len(shape.args) <= 3 else None
        if numbers is None:
            return None
        if len(numbers) == 3 and numbers[2] == 1:
            numbers.pop()
        return f"{type_name(shape.name)}({', '.join(map(str, numbers))})"

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        numbers = [_whole(part, text) for part in _parts_of_call(text, ("range", "xrange"))]
        numbers = [0, *numbers, 1] if len(numbers) == 1 else [*numbers, 1][:3]
        if numbers[2] == 0:
            raise EncodeError("The step of a range must not be 0.")
        old = integers(nodes, shape.args) or []
        if numbers == ([0, *old, 1] if len(old) == 1 else [*old, 1][:3]):
            return {}
        if len(old) == len(numbers):
            return int_patches(nodes, shape.args, numbers, style)
        return arguments_patch(shape, [int_atom(number, style) for number in numbers])


class Slices(KnownType):
    """Start, stop and step, each a scalar or None."""

    names: ClassVar[tuple[str, ...]] = ("builtins.slice", "__builtin__.slice")
    editor: ClassVar[str] = "slice"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if not shape.is_bare_call or not 1 <= len(shape.args) <= 3:
            return None
        if any(nodes.kind(slot) not in SCALARS - {Kind.BYTEARRAY} for slot in shape.args):
            return None
        return Known("slice", f"slice({', '.join(preview(slot) for slot in shape.args)})")

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        if any(nodes.kind(slot) not in (Kind.INT, Kind.LONG, Kind.NONE) for slot in shape.args):
            return None
        return f"slice({', '.join(str(nodes.scalar(slot)) for slot in shape.args)})"

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        numbers = [None if part == "None" else _whole(part, text) for part in _parts_of_call(text, ("slice",))]
        if len(numbers) == 1 and len(shape.args) != 1:
            numbers.insert(0, None)
        numbers += [None] * (len(shape.args) - len(numbers))
        atoms = [none_atom() if number is None else int_atom(number, style) for number in numbers]
        if len(atoms) != len(shape.args):
            return arguments_patch(shape, atoms)
        places = zip(shape.args, numbers, atoms, strict=True)
        return {slot: atom for slot, number, atom in places if nodes.scalar(slot) != number}


def _parts_of_call(text: str, names: tuple[str, ...]) -> list[str]:
    """Return one to three pieces between the commas of ``name(…)``."""
    match = _CALL.fullmatch(text.strip())
    parts = [part.strip() for part in match["parts"].split(",")] if match and match["name"] in names else []
    if not 1 <= len(parts) <= 3:
        raise not_a(f"a {names[0]}", text, f"{names[0]}(0, 10, 2)")
    return parts


def _whole(part: str, text: str) -> int:
    if not _INTEGER.match(part) or len(part) > limits.INT_DIGITS:
        raise not_a("made of whole numbers", text, "1, 10, 2 between the brackets")
    return int(part)


TYPES: tuple[KnownType, ...] = (Decimals(), Fractions(), Ranges(), Slices())
