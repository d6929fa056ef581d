"""What a step of a path names among the children of a node, in whatever format."""

from app.codecs.nodes import PickleNodes
from app.codecs.paths import Element, Literal, Member, Position, Step
from app.codecs.trees.children import Group, Items, Pairs, Role
from app.codecs.trees.keys import identities_named, key_identity
from app.errors import PathError

_MOST_DIGITS = 18


def picked(nodes: PickleNodes, group: Group, step: Step) -> int:
    """Return the position in the slots of a group of what a step names: of a pair that of its value.

    Raises:
        PathError: it names nothing there.
    """
    match step, group:
        case Position(index), Pairs():
            return 2 * _checked(index, len(group.keys), step) + 1
        case Literal(text), Pairs():
            return 2 * group.keys.place(text) + 1
        case Literal(text), Items() if not is_set(group):
            return _index(text, len(group.slots), step)
        case Member(index), Items() if is_set(group):
            return _checked(index, len(group.slots), step)
        case Element(text), Items() if is_set(group):
            return _element(nodes, group, text)
    raise PathError(f"{step} leads nowhere here.")


def is_set(group: Group) -> bool:
    """Tell whether a group holds the elements of a set."""
    return bool(group.slots) and group.child_at(0).role is Role.MEMBER


def _element(nodes: PickleNodes, group: Group, text: str) -> int:
    wanted = identities_named(text, is_python2=nodes.is_python2)
    for index, slot in enumerate(group.slots):
        if key_identity(nodes, slot) in wanted:
            return index
    raise PathError(f"There is no element {text}.")


def _checked(index: int, count: int, step: Step) -> int:
    if not 0 <= index < count:
        raise PathError(f"{step} leads nowhere: there are {count:,} here.")
    return index


def _index(text: str, count: int, step: Step) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise PathError(f"{step} leads nowhere: a number is needed here.")
    index = int(text)
    return _checked(index + count if index < 0 else index, count, step)
