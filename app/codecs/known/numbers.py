"""Decimal, Fraction, range and slice."""

import re
from typing import ClassVar

from app import limits
from app.codecs.known.base import Known, KnownType, PlainText, Preview, type_name
from app.codecs.known.shape import Shape, integers, text
from app.codecs.nodes import SCALARS, Kind, PickleNodes
from app.codecs.screen import shorten

_DECIMAL = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(E[+-]?\d+)?|Inf(inity)?|s?NaN\d*)\Z", re.IGNORECASE | re.ASCII)
_FRACTION = re.compile(r"[+-]?\d+(/\d+)?\Z", re.ASCII)


class Decimals(KnownType):
    """Called with the number's text."""

    names: ClassVar[tuple[str, ...]] = ("decimal.Decimal", "cdecimal.Decimal", "_pydecimal.Decimal", "_decimal.Decimal")

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = text(nodes, shape.args[0]) if len(shape.args) == 1 and shape.is_bare_call else None
        if value is None or not _DECIMAL.match(value):
            return None
        return Known("decimal.Decimal", shorten(value, limits.CELL_CHARS), PlainText(value))


class Fractions(KnownType):
    """Called with the fraction's text, or its two numbers since Python 3.12."""

    names: ClassVar[tuple[str, ...]] = ("fractions.Fraction",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self._text(nodes, shape) if shape.is_bare_call else None
        if value is None:
            return None
        return Known("fractions.Fraction", shorten(value, limits.CELL_CHARS), PlainText(value))

    def _text(self, nodes: PickleNodes, shape: Shape) -> str | None:
        if len(shape.args) == 1:
            value = text(nodes, shape.args[0])
            return value if value is not None and _FRACTION.match(value) else None
        numbers = integers(nodes, shape.args) if len(shape.args) == 2 else None
        if numbers is None or numbers[1] == 0:
            return None
        return f"{numbers[0]}/{numbers[1]}" if numbers[1] != 1 else str(numbers[0])


class Ranges(KnownType):
    """``range`` and Python 2's ``xrange``; Python 2 always writes three numbers."""

    names: ClassVar[tuple[str, ...]] = ("builtins.range", "__builtin__.xrange", "__builtin__.range")

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        numbers = integers(nodes, shape.args) if shape.is_bare_call and 1 <= len(shape.args) <= 3 else None
        if numbers is None:
            return None
        if len(numbers) == 3 and numbers[2] == 1:
            numbers.pop()
        name = type_name(shape.name)
        return Known(name, f"{name}({', '.join(map(str, numbers))})")


class Slices(KnownType):
    """Start, stop and step, each a scalar or None."""

    names: ClassVar[tuple[str, ...]] = ("builtins.slice", "__builtin__.slice")

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if not shape.is_bare_call or not 1 <= len(shape.args) <= 3:
            return None
        if any(nodes.kind(slot) not in SCALARS - {Kind.BYTEARRAY} for slot in shape.args):
            return None
        return Known("slice", f"slice({', '.join(preview(slot) for slot in shape.args)})")


TYPES: tuple[KnownType, ...] = (Decimals(), Fractions(), Ranges(), Slices())
