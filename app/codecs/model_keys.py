"""What tells keys of dicts and elements of sets apart in values that are to be written."""

from collections.abc import Hashable

from app.codecs.model import Atom, Extension, GlobalName, Items, Pairs, Value
from app.codecs.model_walk import children
from app.codecs.nodes import Kind
from app.errors import EncodeError

_UNHASHABLE = frozenset({Kind.LIST, Kind.SET, Kind.DICT, Kind.BYTEARRAY})


def identity(key: Value) -> Hashable:
    """Return something that is equal for keys that Python holds for equal; it is flat, so hashing never recurses.

    Raises:
        EncodeError: a list, dict, set or bytearray can be no key.
    """
    if isinstance(key, Atom) and key.kind is not Kind.BYTEARRAY:
        return _scalar(key)
    found: list[Hashable] = []
    met: dict[int, int] = {}
    waiting = [(key, False)]
    while waiting:
        part, is_argument = waiting.pop()
        if id(part) in met:
            found.append(("again", met[id(part)]))
            continue
        if not isinstance(part, Atom):
            met[id(part)] = len(met)
        kind = _kind(part)
        if kind in _UNHASHABLE and not is_argument:
            raise EncodeError(f"A {kind} can be neither a key nor an element of a set; write a tuple or frozenset.")
        found.append(_tag(part, kind))
        # what an object is made of may be anything; only its class knows whether it can be hashed
        inside = is_argument or not isinstance(part, Items)
        waiting += reversed([(child, inside) for child in children(part)])
    return tuple(found)


def _kind(part: Value) -> Kind | None:
    match part:
        case Atom() | Items():
            return part.kind
        case Pairs():
            return Kind.DICT
    return None


def _tag(part: Value, kind: Kind | None) -> Hashable:
    match part:
        case Atom():
            return _scalar(part)
        case Items():
            return kind, len(part.items)
        case GlobalName():
            return "global", part.module, part.name
        case Extension():
            return "ext", part.code
    return type(part).__name__, sum(1 for _ in children(part))


def _scalar(part: Atom) -> Hashable:
    """Return a tag and the content; Python 2's ASCII strings equal its texts, and numbers each other."""
    match part.value:
        case str() as text:
            return "text", text
        case bytes() as octets if part.kind is Kind.STR2 and octets.isascii():
            return "text", octets.decode("ascii")
        case bytes() as octets:
            return "bytes", octets
        case value:
            return "number", value
