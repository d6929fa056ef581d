"""Where a row stands among the rows around it: what can be done there, and by which paths."""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

from app.codecs.base import NodeRow
from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.nodes import Kind
from app.codecs.paths import is_plain_name
from app.errors import CodecError


class Standing(Enum):
    """What a row is to its parent."""

    ROOT = auto()
    ITEM = auto()
    ELEMENT = auto()
    PAIR = auto()
    ATTRIBUTE = auto()
    KEY = auto()
    OTHER = auto()


_STEP = re.compile(
    r"(?P<prefix>(?:<[^<>]*>(?:\[\d+\](?=\[))?)*)"
    r"(?:\.(?P<name>.+)|\{#(?P<element>\d+)\}|\[#(?P<nth>\d+)\](?P<key><key>)?|\[(?P<literal>.*)\])",
    re.DOTALL,
)
_LISTS = frozenset({"list", "tuple"})
_JSON = "json"
"""The type of the root of JSON, whatever that is."""
_OBJECT_PARTS = (
    ("<listitems>", Standing.ITEM),
    ("<dictitems>", Standing.PAIR),
    (".", Standing.ATTRIBUTE),
    ("<state", Standing.ATTRIBUTE),
)
"""What the steps of an object's rows begin with, and what can be added then."""
_KEY_KINDS = (Kind.STR, Kind.INT, Kind.BYTES, Kind.BOOL, Kind.NONE, Kind.FLOAT)
"""Kinds of keys whose literal can be only one of them."""
_SETS = frozenset({"set", "frozenset"})
_ITEM_PREFIXES = ("<listitems>", "<args>")
_LISTS_OF_ITEMS = frozenset({"collections.deque"})
_MAPPINGS = frozenset({"dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter"})


ORDERED = frozenset({Standing.ITEM, Standing.PAIR, Standing.ATTRIBUTE})
"""What has a place in an order that can be changed."""
KEYED = frozenset({Standing.PAIR, Standing.ATTRIBUTE})
MOVABLE = ORDERED | {Standing.ELEMENT}
"""What can be taken out, and copied beside itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands.

    ``container`` is the path that edits of its order name. ``index`` is that of an item, else -1.
    ``key`` is the literal of its key, empty where it has none.
    """

    standing: Standing
    container: str = ""
    index: int = -1
    key: str = ""


def place_of(row: NodeRow, parent: NodeRow, parent_path: str) -> Place:
    """Return where a row below another one stands."""
    found = _STEP.fullmatch(row.step)
    if found is None or row.editor == "element":
        return Place(Standing.OTHER, parent_path)
    container = parent_path + found["prefix"]
    if found["name"]:
        return Place(Standing.ATTRIBUTE, f"{parent_path}<state>", key=repr(found["name"]))
    if found["key"] or found["element"]:
        return Place(Standing.KEY if found["key"] else Standing.ELEMENT, container)
    return _in_brackets(found["literal"] or "", found["prefix"], parent, Place(Standing.PAIR, container))


def _in_brackets(literal: str, prefix: str, parent: NodeRow, place: Place) -> Place:
    """Return where a row stands whose step is in brackets: an index, or the literal of a key, if it has one."""
    if literal.isdecimal() and _holds_items(parent, prefix):
        return Place(Standing.ITEM, place.container, int(literal))
    standing = Standing.ATTRIBUTE if prefix.startswith("<state") else Standing.PAIR
    return replace(place, standing=standing, key=literal)


def path_of_new(container: str, standing: Standing, key: str) -> str | None:
    """Return the path that a pair or attribute under the literal of a new key has; None where that is no scalar."""
    for kind in _KEY_KINDS:
        try:
            value = parse_literal(key.strip(), kind)
        except CodecError:
            continue
        if isinstance(value, float) and value - value != 0:
            return None  # nan and the infinities are named by position
        if standing is Standing.ATTRIBUTE and isinstance(value, str) and is_plain_name(value):
            return f"{container.removesuffix('<state>')}.{value}"
        return f"{container}[{format_literal(value, kind)}]"
    return None


def key_literal(standing: Standing, typed: str) -> str:
    """Return the literal of a key that was typed: an attribute's name may come without quotes."""
    is_name = standing is Standing.ATTRIBUTE and is_plain_name(typed.strip())
    return repr(typed.strip()) if is_name else typed


def prefix_of(row: NodeRow) -> str:
    """Return what the steps of all rows of one kind beside each other begin with."""
    found = _STEP.fullmatch(row.step)
    if found is None:
        return row.step
    return "<state>" if found["name"] else found["prefix"] + ("<key>" if found["key"] else "")


def holds(row: NodeRow, first_child: NodeRow | None) -> Standing | None:
    """Return what a node can be given more of; None where it is no container."""
    if _is_list(row) or row.type in _LISTS_OF_ITEMS:
        return Standing.ITEM
    if row.type in _SETS:
        return Standing.ELEMENT
    if row.type in _MAPPINGS or (row.type == _JSON and row.text.startswith("{")):
        return Standing.PAIR
    step = first_child.step if first_child is not None and not row.editor else ""
    return next((standing for start, standing in _OBJECT_PARTS if step.startswith(start)), None)


def _holds_items(parent: NodeRow, prefix: str) -> bool:
    return prefix.endswith(_ITEM_PREFIXES) or (not prefix and _is_list(parent))


def _is_list(row: NodeRow) -> bool:
    return row.type in _LISTS or (row.type == _JSON and row.text.startswith("["))
