"""Integers of any length in decimal: Python refuses above 4,300 digits, and its own way takes quadratic time."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

_PIECE_BITS = 4096
_PIECE_DIGITS = 600
_ALWAYS_TAKEN_BITS = 2000
"""Python can be told to refuse more than 640 digits, but no fewer."""

_CONTEXT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def decimal_text(value: int) -> str:
    """Return ``value`` in decimal; a million digits take a fraction of a second."""
    if value.bit_length() <= _ALWAYS_TAKEN_BITS:
        return int.__repr__(value)
    pieces = [
        Decimal(abs(value) >> shift & ((1 << _PIECE_BITS) - 1))
        for shift in range(0, max(value.bit_length(), 1), _PIECE_BITS)
    ]
    power = _CONTEXT.power(2, _PIECE_BITS)
    while len(pieces) > 1:  # neighbours are joined, so the numbers grow as slowly as they can
        if len(pieces) % 2:
            pieces.append(Decimal(0))
        pieces = [_CONTEXT.fma(high, power, low) for low, high in zip(pieces[::2], pieces[1::2], strict=True)]
        power = _CONTEXT.multiply(power, power)
    return f"{'-' if value < 0 else ''}{pieces[0]:f}"


def decimal_value(text: str) -> int:
    """Return the integer of any length that ``text`` writes: digits in ASCII, perhaps behind a minus."""
    if len(text) <= _PIECE_DIGITS:
        return int(text)
    digits = text.removeprefix("-")
    parts = [int(digits[max(end - _PIECE_DIGITS, 0) : end]) for end in range(len(digits), 0, -_PIECE_DIGITS)]
    base: int = 10**_PIECE_DIGITS
    while len(parts) > 1:
        parts = [low + base * high for low, high in zip(parts[::2], [*parts[1::2], 0], strict=False)]
        base *= base
    return -parts[0] if text[:1] == "-" else parts[0]
