"""Known types edited as the text that a person reads: what kind it is, where it starts, what a new one changes."""

import re

from app.codecs.known.base import KnownType, Patches
from app.codecs.known.registry import describe_shape, known_type
from app.codecs.known.scalar_calls import SCALAR_CALLS
from app.codecs.known.shape import Shape, shape_of
from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.model import Atom, Style
from app.codecs.nodes import Kind, PickleNodes
from app.errors import CodecError, EncodeError

_CALL = re.compile(r"\s*[^\W\d][\w.]*\s*\(")
_WRITTEN_AS_CALLS = ("enum", "range", "slice")
"""Editors whose own text looks like a call."""


def known_editor(nodes: PickleNodes, slot: int) -> str:
    """Return what the text of the object at a slot is edited as (``datetime``, ``uuid``…); empty when it has none.

    ``enum`` is any call with one scalar, as that of an Enum's member.
    """
    known, _, text = _editable(nodes, slot)
    return known.editor if known is not None and text is not None else ""


def edit_text(nodes: PickleNodes, slot: int) -> str | None:
    """Return the whole text of the object at a slot as a row shows it, to be edited; None when it has none."""
    if nodes.kind(slot) is Kind.COMPLEX:
        return format_literal(nodes.scalar(slot), Kind.COMPLEX)
    return _editable(nodes, slot)[2]


def patches(nodes: PickleNodes, slot: int, text: str, style: Style) -> Patches:
    """Return what is to be put at which slots inside the object, so that it is what ``text`` says; nothing if it is.

    Slots are those of its arguments, state or memory (or of the tuple of its arguments, where their number changes):
    class references and all other parts keep their opcodes.

    Raises:
        EncodeError: the text is wrong, or the object has no place for what it says; the message says why.
    """
    if nodes.kind(slot) is Kind.COMPLEX:
        number = parse_literal(text, Kind.COMPLEX)
        return {} if repr(number) == repr(nodes.scalar(slot)) else {slot: Atom(Kind.COMPLEX, number)}
    known, shape, old = _editable(nodes, slot)
    if known is None or shape is None or old is None:
        raise EncodeError("This object has no text that could be edited.")
    if text == old:
        return {}
    return known.replaced(nodes, shape, text, style)


def is_call(nodes: PickleNodes, slot: int, text: str) -> bool:
    """Tell whether a text for the object at a slot is a call such as ``Decimal('1.5')``, to be read as a literal."""
    return _CALL.match(text) is not None and known_editor(nodes, slot) not in _WRITTEN_AS_CALLS


def _editable(nodes: PickleNodes, slot: int) -> tuple[KnownType | None, Shape | None, str | None]:
    """Return the known type of an object, its shape and its text to be edited."""
    if nodes.kind(slot) is not Kind.OBJECT:
        return None, None, None
    shape = shape_of(nodes, slot)
    try:
        known = known_type(shape.name)
        if known is None:
            is_called = bool(shape.name) and nodes.parts(slot).is_call
            return SCALAR_CALLS, shape, SCALAR_CALLS.literal(nodes, shape) if is_called else None
        return known, shape, known.literal(nodes, shape) if describe_shape(nodes, shape) else None
    except CodecError:
        return None, None, None  # a part of it is damaged or too large
