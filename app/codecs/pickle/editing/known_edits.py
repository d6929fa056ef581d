"""Objects of known types and elements of arrays, edited by the text that a person reads."""

from app.codecs.edits import New, Written
from app.codecs.known.editing import is_call, known_editor, patches
from app.codecs.known.elements import elements_of
from app.codecs.model import Value
from app.codecs.pickle.editing.draft import Draft
from app.codecs.trees.children import Child, Role
from app.errors import EncodeError


def known_patches(draft: Draft, child: Child, new: New) -> dict[int, Value] | None:
    """Return what is to be put at which slots so that a child becomes ``new``; None where it has no text of its own.

    Raises:
        EncodeError: the text is wrong; says what to write.
    """
    graph = draft.graph
    if child.role is Role.ELEMENT:
        if not isinstance(new, Written):
            raise EncodeError("An element of an array is edited as text.")
        elements = elements_of(graph, child.slot)
        return dict(elements.replaced(child.number, new.text)) if elements is not None else None
    if not isinstance(new, Written) or new.form != "python" or not known_editor(graph, child.slot):
        return None
    if is_call(graph, child.slot, new.text):
        return None
    return dict(patches(graph, child.slot, new.text, draft.style))
