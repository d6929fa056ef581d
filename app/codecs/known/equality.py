"""What Python compares known objects by, as keys of dicts: ``Decimal('2.0')`` is 2, and one moment has many zones."""

from collections.abc import Callable, Hashable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from app.codecs.known.editing import edit_text, known_editor
from app.codecs.known.moment_texts import datetime_of, duration_of, offset_of, time_of
from app.codecs.known.registry import object_type
from app.codecs.nodes import PickleNodes
from app.errors import CodecError

_MOST_DIGITS = 5_000
"""Digits of a number that is worked out; longer ones are compared as they are written."""


def compared_as(nodes: PickleNodes, slot: int) -> Hashable | None:
    """Return what equal known objects have in common; None for what is none, or not comparable by its text.

    Numbers are ``("number", hexadecimal digits)``, or ``("number", repr of a float, -1)`` where they are no whole ones.
    """
    editor = known_editor(nodes, slot)
    text = edit_text(nodes, slot) if editor else None
    compare = _COMPARISONS.get(editor)
    if text is None or compare is None:
        return None
    try:
        return compare(text, object_type(nodes, slot))
    except (CodecError, ValueError, OverflowError, ArithmeticError):
        return editor, text


def number_identity(value: Fraction) -> Hashable:
    """Return what equal numbers of all types have in common."""
    if value.denominator == 1:
        return "number", f"{value.numerator:x}"
    near = float(value)
    return ("number", repr(near), -1) if Fraction(near) == value else ("number", str(value))


def _decimal(text: str, _type: str) -> Hashable:
    value = Decimal(text)
    if not value.is_finite():
        return ("number", repr(float(value)), -1) if value.is_infinite() else ("decimal", text)
    if abs(value.adjusted()) > _MOST_DIGITS or len(value.as_tuple().digits) > _MOST_DIGITS:
        return "decimal", value.normalize()
    return number_identity(Fraction(value))


def _fraction(text: str, _type: str) -> Hashable:
    return number_identity(Fraction(text)) if len(text) <= _MOST_DIGITS else ("fraction", text)


def _datetime(text: str, _type: str) -> Hashable:
    written = datetime_of(text)
    value = written.value.replace(fold=0)
    offset = _offset(written.suffix)
    return ("datetime", value, written.suffix) if offset is None else ("moment", value - offset)


def _time(text: str, _type: str) -> Hashable:
    written = time_of(text)
    value = written.value.replace(fold=0)
    offset = _offset(written.suffix)
    if offset is None:
        return "time", value, written.suffix
    return (
        "moment of a day",
        timedelta(0, value.hour * 3600 + value.minute * 60 + value.second) - offset,
        value.microsecond,
    )


def _offset(suffix: str) -> timedelta | None:
    """Return the offset at the start of what follows a time, None where there is none."""
    return offset_of(suffix.partition("[")[0])


def _timedelta(text: str, _type: str) -> Hashable:
    return "timedelta", duration_of(text)


def _path(text: str, type_: str) -> Hashable:
    return "path", type_, text.lower() if "Windows" in type_ else text


def _element(text: str, type_: str) -> Hashable:
    """Return a number of numpy as a number, anything else as it is written."""
    if type_.startswith(("numpy.int", "numpy.uint")):
        return number_identity(Fraction(int(text)))
    if type_.startswith("numpy.float") and not text.startswith("b"):
        value = float(text)
        return number_identity(Fraction(value)) if value - value == 0 else ("number", repr(value), -1)
    if type_ == "numpy.bool":
        return number_identity(Fraction(int(text == "True")))
    return type_, text


def _range(text: str, _type: str) -> Hashable:
    """Return the numbers that a range has, by their count, first and step."""
    numbers = range(*(int(part) for part in text.partition("(")[2].rstrip(")").split(",")))
    count = max((numbers.stop - numbers.start + numbers.step - (1 if numbers.step > 0 else -1)) // numbers.step, 0)
    return "range", count, numbers.start if count else None, numbers.step if count > 1 else None


def _as_written(text: str, type_: str) -> Hashable:
    return type_, text


_COMPARISONS: dict[str, Callable[[str, str], Hashable]] = {
    "decimal": _decimal,
    "fraction": _fraction,
    "datetime": _datetime,
    "date": _as_written,
    "time": _time,
    "timedelta": _timedelta,
    "timezone": _as_written,
    "uuid": _as_written,
    "path": _path,
    "address": _as_written,
    "element": _element,
    "range": _range,
    "enum": _as_written,
}
