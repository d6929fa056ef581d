"""Objects of known types from the text that a person edits: whole new objects, with what the text leaves kept."""

from app.cancel import CancelToken
from app.codecs.edits import Written
from app.codecs.known.editing import is_call, patches
from app.codecs.known.registry import object_type
from app.codecs.model import Style, Value
from app.codecs.new_values import new_value
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import NEVER, Graph, parse
from app.codecs.pickle.model_of import model_of
from app.errors import EncodeError


def from_text(graph: Graph, slot: int, text: str, style: Style, token: CancelToken = NEVER) -> Value:
    """Return the object at ``slot`` as it is when ``text`` is put in for its own; a call such as ``Decimal('1')`` too.

    To change the object itself and keep its opcodes, put what `patches` returns in at its slots.

    Raises:
        EncodeError: the text is wrong, of another type, or the object has no place for what it says; says why.
        Cancelled: by ``token``.
    """
    if is_call(graph, slot, text):
        return _called(text, object_type(graph, slot), style, token)
    return model_of(graph, slot, token, patches(graph, slot, text, style))


def _called(text: str, expected: str, style: Style, token: CancelToken) -> Value:
    """Return what a call in a literal makes, when it is of the type that stands there."""
    value = new_value(Written(text), style, token)
    made = parse(emit_pickle(value, style), 0, token)
    found = object_type(made, made.root) if made.kind(made.root) is Kind.OBJECT else str(made.kind(made.root))
    if found != expected:
        raise EncodeError(f"A {expected} stands here, and a {found} is written; ask for another type if that is meant.")
    return value
