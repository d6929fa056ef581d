"""New values as JSON text."""

import json
import math
from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.json_value.parse import JsonTree
from app.codecs.literals.decimals import decimal_text
from app.codecs.model import Atom, Items, Pairs, Value
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import string_json
from app.errors import EncodeError

_MOST_PIECES = 10_000_000
"""Pieces of one new value; shared ones count as often as they come."""

_CHECKED = 4096
NO_CONSTANTS = "JSON has no number for nan and the infinities."
_REFUSALS = {
    Kind.BYTES: "bytes",
    Kind.BYTEARRAY: "bytearrays",
    Kind.STR2: "8-bit strings",
    Kind.COMPLEX: "complex numbers",
    Kind.TUPLE: "tuples; write a list",
    Kind.SET: "sets; write a list",
    Kind.FROZENSET: "sets; write a list",
}


class Manner:
    """How a JSON text is written: what stands behind commas and colons, whether all is ASCII, whether it is strict."""

    def __init__(self, tree: JsonTree) -> None:
        text = tree.text
        self.is_ascii = text.isascii()
        self.is_strict = tree.is_strict
        self.space = "" if len(tree.kinds) > 1 and not _has_space(tree) else " "

    def string(self, text: str) -> str:
        return json.dumps(text) if self.is_ascii else string_json(text)


def _has_space(tree: JsonTree) -> bool:
    """Tell whether white space stands behind the first colon or comma."""
    for node, kids in tree.kids.items():
        if len(kids) > 1:
            between = tree.text[tree.ends[kids[0]] : tree.starts[kids[1]]]
            return between != (":" if tree.kinds[node] is Kind.DICT else ",")
    return True


def json_of(value: Value, manner: Manner, token: CancelToken) -> str:
    """Return a value as JSON text.

    Raises:
        EncodeError: JSON has nothing for a part of it, or it holds itself.
    """
    written: list[str] = []
    waiting: list[tuple[int, Iterator[str | Value]]] = [(0, iter((value,)))]
    open_ids: set[int] = set()
    while waiting:
        owner, parts = waiting[-1]
        part = next(parts, None)
        if part is None:
            waiting.pop()
            open_ids.discard(owner)
        elif isinstance(part, str):
            written.append(part)
        elif isinstance(part, Atom):
            written.append(_atom(part, manner))
        elif id(part) in open_ids:
            raise EncodeError("The new value holds itself, which JSON cannot say.")
        else:
            waiting.append((id(part), _parts(part, manner)))
            open_ids.add(id(part))
        if not len(written) % _CHECKED:
            token.check()
            if len(written) > _MOST_PIECES:
                raise EncodeError("The new value would be too large as JSON: what is shared in it has to be repeated.")
    return "".join(written)


def _parts(value: Value, manner: Manner) -> Iterator[str | Value]:
    match value:
        case Items(kind=Kind.LIST, items=items):
            yield from _joined("[", [(item,) for item in items], "]", manner)
        case Pairs(pairs=pairs):
            names = [_name(key, manner) for key, _ in pairs]
            if len(set(names)) < len(names):
                raise EncodeError("A key comes twice in the new value, which JSON does not allow.")
            members: list[tuple[str | Value, ...]] = [
                (f"{name}:{manner.space}", item) for name, (_, item) in zip(names, pairs, strict=True)
            ]
            yield from _joined("{", members, "}", manner)
        case Items(kind=kind):
            raise EncodeError(f"JSON has no {_REFUSALS[kind]}.")
        case _:
            raise EncodeError("JSON has no objects of classes; write a dict, a list, a text or a number.")


def _joined(start: str, groups: list[tuple[str | Value, ...]], end: str, manner: Manner) -> Iterator[str | Value]:
    yield start
    for number, group in enumerate(groups):
        if number:
            yield f",{manner.space}"
        yield from group
    yield end


def _name(key: Value, manner: Manner) -> str:
    if isinstance(key, Atom) and isinstance(key.value, str):
        return manner.string(key.value)
    raise EncodeError("The keys of JSON are texts; write them in quotes.")


def _atom(atom: Atom, manner: Manner) -> str:
    match atom.value:
        case str() as text:
            return manner.string(text)
        case None:
            return "null"
        case bool() as value:
            return "true" if value else "false"
        case int() as value:
            return decimal_text(value)
        case float() as value if math.isfinite(value):
            return float.__repr__(value)
        case float() as value if not manner.is_strict:
            return json.dumps(value)
        case float():
            raise EncodeError(NO_CONSTANTS)
    raise EncodeError(f"JSON has no {_REFUSALS.get(atom.kind, str(atom.kind))}; a text can stand here instead.")
