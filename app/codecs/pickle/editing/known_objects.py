"""Objects of known types and elements of arrays replaced by their text: only what they are made of changes."""

from app.codecs.edits import ReplaceNode, Written
from app.codecs.known.base import Patches
from app.codecs.known.editing import is_call, known_editor, patches
from app.codecs.known.elements import elements_of
from app.codecs.nodes import Kind
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.scalars import parts_of_call, scalar_code
from app.codecs.pickle.known_values import from_text
from app.codecs.trees.children import Child, Role
from app.errors import EncodeError


def replace_known(draft: Draft, child: Child, edit: ReplaceNode) -> bool:
    """Work out what another text makes of a known object or an element; tell whether there is one at ``child``.

    An object in several places is replaced by a new one in this place, and changed itself when it is to be everywhere.

    Raises:
        EncodeError: the text is wrong, or the object has no place for what it says; says why.
    """
    if child.role is Role.ELEMENT:
        _replace_element(draft, child, edit)
        return True
    graph, slot = draft.graph, child.slot
    text = edit.new.text if isinstance(edit.new, Written) and edit.new.form == "python" else None
    if text is None or edit.any_type or graph.kind(slot) is not Kind.OBJECT or not known_editor(graph, slot):
        return False
    if is_call(graph, slot, text):
        value = from_text(graph, slot, text, draft.style, draft.token)
        draft.put_place(slot, value)
        return True
    changes = patches(graph, slot, text, draft.style)
    if changes and not edit.everywhere and _is_shared(draft, slot):
        draft.put_place(slot, from_text(graph, slot, text, draft.style, draft.token))
    else:
        _put_all(draft, changes)
    return True


def _replace_element(draft: Draft, child: Child, edit: ReplaceNode) -> None:
    elements = elements_of(draft.graph, child.slot)
    if elements is None or not isinstance(edit.new, Written) or edit.new.form == "typed" or edit.any_type:
        raise EncodeError("An element of an array can only become another of its type, written as text.")
    _put_all(draft, elements.replaced(child.number, edit.new.text))


def _put_all(draft: Draft, changes: Patches) -> None:
    for slot, value in changes.items():
        parts = parts_of_call(draft, slot, value)
        for part, content in parts:
            draft.put_place(part, content, scalar_code(draft, part, content))
        if not parts:
            draft.put_place(slot, value, scalar_code(draft, slot, value))


def _is_shared(draft: Draft, slot: int) -> bool:
    """Tell whether the object at a slot stands in other places too."""
    target = draft.graph.target(slot)
    return slot != target or any(index in draft.links.fetched for index in draft.links.indexes(target))
