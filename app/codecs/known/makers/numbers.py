"""Models of Decimal, Fraction, complex, range and slice."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from app.codecs.known.makers.call import (
    Call,
    Maker,
    call_of,
    int_atom,
    integer,
    native_text,
    none_atom,
    number,
    text,
)
from app.codecs.literals.decimals import decimal_text
from app.codecs.model import Atom, Style, Value
from app.codecs.nodes import Kind

_LONG = range(-(1 << 63), 1 << 63)
_MAX_FRACTION_CHARS = 4000


def make_decimal(call: Call) -> Value:
    """Return ``Decimal(value)`` of a text, an int or a float."""
    value = call.bound("value").get("value", Atom(Kind.INT, 0))
    if isinstance(value, Atom) and value.kind in (Kind.INT, Kind.LONG, Kind.FLOAT):
        found = number(call, value, "the value")
        digits = decimal_text(found) if isinstance(found, int) else str(Decimal(found))
    else:
        digits = decimal_digits(call, text(call, value, "the value"))
    return decimal_model(digits, call.style)


def decimal_digits(call: Call, given: str) -> str:
    """Return the text that ``str`` gives of ``Decimal(given)``."""
    try:
        return str(Decimal(given))
    except InvalidOperation as error:
        raise call.wrong("write a number, as 1.50, NaN or -Infinity") from error


def decimal_model(digits: str, style: Style) -> Value:
    return call_of("decimal", "Decimal", native_text(digits, style))


def make_fraction(call: Call) -> Value:
    """Return ``Fraction(numerator, denominator)`` of two ints, or of one text."""
    given = call.bound("numerator", "denominator")
    first = given.get("numerator", Atom(Kind.INT, 0))
    if isinstance(first, Atom) and first.kind in (Kind.INT, Kind.LONG):
        below = integer(call, given["denominator"], "denominator") if "denominator" in given else 1
        if below == 0:
            raise call.wrong("the denominator must not be 0")
        return fraction_model(Fraction(integer(call, first, "numerator"), below), call.style)
    if "denominator" in given:
        raise call.wrong("write two whole numbers, or one text, as Fraction('1/3')")
    return fraction_model(fraction_of(call, text(call, first, "the value")), call.style)


def fraction_of(call: Call, given: str) -> Fraction:
    """Return the fraction of a text such as ``1/3`` or ``0.25``, of which no power of ten is worked out."""
    if len(given) > _MAX_FRACTION_CHARS or "e" in given.lower():
        raise call.wrong("write it as two whole numbers, as 1/3")
    try:
        return Fraction(given)
    except (ValueError, ZeroDivisionError) as error:
        raise call.wrong("write it as two whole numbers, as 1/3") from error


def fraction_model(value: Fraction, style: Style) -> Value:
    """Return the text that Python 2 calls the class with, or the two numbers of Python 3, which all Pythons take."""
    if style.is_python2:
        below = "" if value.denominator == 1 else f"/{decimal_text(value.denominator)}"
        return call_of("fractions", "Fraction", native_text(decimal_text(value.numerator) + below, style))
    return call_of("fractions", "Fraction", int_atom(value.numerator, style), int_atom(value.denominator, style))


def make_complex(call: Call) -> Value:
    """Return ``complex(real, imag)``."""
    given = call.bound("real", "imag")
    try:
        real, imaginary = (
            float(number(call, given[name], name)) if name in given else 0.0 for name in ("real", "imag")
        )
    except OverflowError as error:
        raise call.wrong("the number is too large for a float") from error
    return Atom(Kind.COMPLEX, complex(real, imaginary))


def make_range(call: Call) -> Value:
    """Return ``range(start, stop, step)``, ``xrange`` in Python 2."""
    if call.kwargs or not 1 <= len(call.args) <= 3:
        raise call.wrong("it takes one to three whole numbers")
    numbers = [integer(call, value, name) for value, name in zip(call.args, _range_names(call), strict=True)]
    return range_model(call, numbers)


def range_model(call: Call, numbers: list[int]) -> Value:
    """Return the range of one to three numbers as its class writes it: always three of them."""
    start, stop, step = (0, *numbers, 1)[:3] if len(numbers) == 1 else (*numbers, 1)[:3]
    if step == 0:
        raise call.wrong("the step must not be 0")
    if call.style.is_python2:
        if any(value not in _LONG for value in (start, stop, step)):
            raise call.wrong("Python 2 takes no numbers of more than 64 bits here")
        stop = start + _steps(start, stop, step) * step
    return call_of("builtins", "range", *(int_atom(value, call.style) for value in (start, stop, step)))


def _steps(start: int, stop: int, step: int) -> int:
    """Return how many numbers a range has."""
    return max((stop - start + step - (1 if step > 0 else -1)) // step, 0)


def _range_names(call: Call) -> tuple[str, ...]:
    return ("stop",) if len(call.args) == 1 else ("start", "stop", "step")[: len(call.args)]


def make_slice(call: Call) -> Value:
    """Return ``slice(start, stop, step)``."""
    if call.kwargs or not 1 <= len(call.args) <= 3:
        raise call.wrong("it takes one to three values")
    args = [none_atom(), *call.args] if len(call.args) == 1 else list(call.args)
    return call_of("builtins", "slice", *args, *(none_atom() for _ in range(3 - len(args))))


MAKERS: dict[str, Maker] = {
    "decimal.Decimal": make_decimal,
    "fractions.Fraction": make_fraction,
    "builtins.complex": make_complex,
    "builtins.range": make_range,
    "builtins.xrange": make_range,
    "builtins.slice": make_slice,
}
