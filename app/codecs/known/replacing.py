"""New scalars for places in known types: of the kind that stands there, and nothing where nothing changes."""

from collections.abc import Sequence

from app.codecs.known.base import Patches, type_name
from app.codecs.known.makers.call import int_atom
from app.codecs.known.shape import Shape, integer
from app.codecs.model import Atom, Items, Style, Value
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text, shorten
from app.errors import EncodeError

_SHOWN_CHARS = 60


def not_a(what: str, text: str, example: str) -> EncodeError:
    """Return the error for a text that is no ``what``."""
    return EncodeError(f"{escape_text(shorten(text, _SHOWN_CHARS)) or 'Nothing'} is not {what}; write it as {example}.")


def int_patch(nodes: PickleNodes, slot: int, value: int, style: Style) -> Patches:
    """Return what makes the int at a slot another; an int of Python 2 becomes a long where it has to."""
    if integer(nodes, slot) == value:
        return {}
    return {slot: Atom(Kind.LONG, value) if nodes.kind(slot) is Kind.LONG else int_atom(value, style)}


def int_patches(nodes: PickleNodes, slots: Sequence[int], values: Sequence[int], style: Style) -> Patches:
    """Return what makes some ints others."""
    patches: dict[int, Value] = {}
    for slot, value in zip(slots, values, strict=True):
        patches.update(int_patch(nodes, slot, value, style))
    return patches


def text_patch(nodes: PickleNodes, slot: int, value: str) -> Patches:
    """Return what makes the text or ASCII 8-bit string at a slot another."""
    kind = nodes.kind(slot)
    content = _encoded(value) if kind is Kind.STR2 else value
    return {} if nodes.scalar(slot) == content else {slot: Atom(kind, content)}


def octets_patch(nodes: PickleNodes, slot: int, value: bytes) -> Patches:
    """Return what makes the bytes at a slot others; a text stands for its Latin-1 bytes."""
    kind = nodes.kind(slot)
    content = value.decode("latin-1") if kind is Kind.STR else value
    return {} if nodes.scalar(slot) == content else {slot: Atom(kind, content)}


def arguments_patch(shape: Shape, args: Sequence[Value]) -> Patches:
    """Return what gives the class other arguments, as many as there are.

    Raises:
        EncodeError: the pickle does not hold them as one tuple.
    """
    if shape.args_slot < 0:
        raise EncodeError(f"This {type_name(shape.name)} has a fixed number of arguments, and another is needed.")
    return {shape.args_slot: Items(Kind.TUPLE, list(args))}


def _encoded(value: str) -> bytes:
    try:
        return value.encode("ascii")
    except UnicodeEncodeError as error:
        raise EncodeError("The 8-bit string that stands here can only become another text of ASCII.") from error
