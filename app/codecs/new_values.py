"""New values as a person gives them, ready to be written: literals, JSON, and copies of other nodes."""

from app.cancel import CancelToken
from app.codecs.edits import Copied, New, Written
from app.codecs.literals.reading import parse_value
from app.codecs.literals.scalars import parse_literal
from app.codecs.literals.tokens import is_unicode_literal
from app.codecs.model import Atom, Style, Value
from app.codecs.nodes import SCALARS, Kind, Scalar
from app.codecs.plain.reading import json_value
from app.codecs.typed.reading import typed_value
from app.errors import EncodeError

_OCTETS = frozenset({Kind.BYTES, Kind.BYTEARRAY, Kind.STR2})


def new_value(new: New, style: Style, token: CancelToken, *, like: Kind | None = None) -> Value:
    """Return what ``new`` stands for, to be written in ``style``.

    ``like`` is the kind of the scalar whose place it takes; it must then be of that kind, and texts and numbers
    that could be of several kinds are of this one.

    Raises:
        EncodeError: the text is wrong, the node cannot be copied, or it is of another kind than ``like``.
        PathError: there is no such node.
        DecodeError: what is copied from cannot be read.
        Cancelled: by ``token``.
    """
    if isinstance(new, Written):
        if new.form == "python" and like in SCALARS:
            return _scalar(new, like, style)
        value = _written(new, style, token)
    elif isinstance(new, Copied):
        value = _copied(new, token)
    else:
        value = _octets(new.data, like, style)
    return value if like is None else _fitting(value, like)


def _copied(new: Copied, token: CancelToken) -> Value:
    from app.codecs.registry import decode  # noqa: PLC0415 - all codecs are known there, and they know this module

    return decode(new.data, token, new.codec)[0].model(new.path, token)


def _octets(data: bytes, like: Kind | None, style: Style) -> Atom:
    if like in _OCTETS:
        return Atom(like, data)
    return Atom(Kind.STR2 if style.is_python2 else Kind.BYTES, data)


def _written(new: Written, style: Style, token: CancelToken) -> Value:
    match new.form:
        case "json":
            return json_value(new.text, token)
        case "typed":
            return typed_value(new.text, style, token)
        case _:
            return parse_value(new.text, style, token)


def _scalar(new: Written, like: Kind, style: Style) -> Atom:
    """Return the scalar of a literal: in Python 2 a text may take the place of an 8-bit string by its prefix."""
    if style.is_python2 and like is Kind.STR2 and is_unicode_literal(new.text):
        like = Kind.STR
    return Atom(like, parse_literal(new.text, like, is_python2=style.is_python2))


def _fitting(value: Value, like: Kind) -> Value:
    """Return the value as one of kind ``like``, where it says the same in that kind."""
    if isinstance(value, Atom):
        if value.kind is like:
            return value
        if (like, type(value.value)) in _SAME:
            return Atom(like, _converted(value.value, like))
    raise EncodeError(f"A {like} stands here, and the new value is none; ask for another type if that is meant.")


def _converted(value: Scalar, like: Kind) -> Scalar:
    match value:
        case int() if like is Kind.FLOAT:
            return _float(value)
        case str():
            return value.encode("utf-8", "surrogatepass")
    return value


def _float(value: int) -> float:
    try:
        exact = float(value)
    except OverflowError as error:
        raise EncodeError("The number is too large for a float.") from error
    if int(exact) != value:
        raise EncodeError("No float has exactly that value; write it with a decimal point if the nearest one will do.")
    return exact


_SAME: frozenset[tuple[Kind, type]] = frozenset(
    {
        (Kind.INT, int),
        (Kind.LONG, int),
        (Kind.FLOAT, int),
        (Kind.STR2, str),
        (Kind.STR2, bytes),
        (Kind.BYTES, bytes),
        (Kind.BYTEARRAY, bytes),
    }
)
"""Kinds that a scalar of a type of Python can be taken for."""
