"""JSON text as a flat tree: for every value where it stands in the text, and what it holds. Nothing is built of it.

References:
    RFC 8259. Names may repeat, and NaN, Infinity and -Infinity are numbers, as Python's json module writes them;
    nothing else that the RFC does not allow is taken.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from app import limits
from app.cancel import CancelToken
from app.codecs.nodes import Kind
from app.errors import LimitExceeded

_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
    ("(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")
    |(-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?|true|false|null|NaN|-?Infinity)
    |([\[\]{},:])
    )""",
    re.VERBOSE | re.ASCII,
)
_SPACE = re.compile(r"[ \t\n\r]*\Z")
_FLOAT = re.compile(r"[.eENI]")
_WORDS = {"t": Kind.BOOL, "f": Kind.BOOL, "n": Kind.NONE}
_STRING, _MARK = 1, 3
_CHECKED = 8192


# What may come next. A value: anything but names; an end where a container may be empty.
_VALUE, _VALUE_OR_END, _NAME, _NAME_OR_END, _COLON, _MORE, _NOTHING = range(7)


@dataclass(slots=True)
class JsonTree:
    """Nodes are numbers in the order of the text, names of members among them; 0 is the root.

    ``starts`` and ``ends`` are places in the text; ``kids`` are a list's items, or names and values in turn.
    ``is_strict`` is false where there are numbers that only Python's JSON has.
    """

    text: str
    kinds: list[Kind] = field(default_factory=list)
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    kids: dict[int, "array[int]"] = field(default_factory=dict)
    is_strict: bool = True

    def source(self, node: int) -> str:
        """Return the text of a node as it stands there."""
        return self.text[self.starts[node] : self.ends[node]]

    def children(self, node: int) -> Sequence[int]:
        return self.kids.get(node, ())

    def values(self, node: int) -> Sequence[int]:
        """Return the items of a list or the values of a dict."""
        kids = self.children(node)
        return kids[1::2] if self.kinds[node] is Kind.DICT else kids

    def count(self, node: int) -> int:
        kids = len(self.children(node))
        return kids // 2 if self.kinds[node] is Kind.DICT else kids


def parse_json(text: str, token: CancelToken) -> JsonTree | None:
    """Return the tree of a JSON text, None when it is no JSON.

    Raises:
        LimitExceeded: it has more than `limits.JSON_NODES` values.
    """
    tree = JsonTree(text)
    if not _fill(tree, token):
        return None
    tree.is_strict = not _has_constants(tree)
    return tree


def _has_constants(tree: JsonTree) -> bool:
    """Tell whether one of the floats is no number of JSON; without a word like those anywhere none is looked at."""
    text = tree.text
    if "NaN" not in text and "Infinity" not in text:
        return False
    floats = (place for kind, place in zip(tree.kinds, tree.starts, strict=True) if kind is Kind.FLOAT)
    return any(text[place] in "NI" or text[place + 1] == "I" for place in floats)


# One function in spite of its length: a call per word would double the time. The containers that are open are a
# list, so that nesting costs no recursion.
def _fill(tree: JsonTree, token: CancelToken) -> bool:  # noqa: PLR0912 - see above
    """Read the whole text; false when it is no JSON."""
    text, kinds, starts, ends, kids = tree.text, tree.kinds, tree.starts, tree.ends, tree.kids
    match_word = _TOKEN.match
    outer: list[int] = []
    siblings: array[int] | list[int] = []
    in_dict = False
    expected, place, words = _VALUE, 0, 0
    while match := match_word(text, place):
        place = match.end()
        words += 1
        if not words % _CHECKED:
            token.advance(place, len(text))
            _check_size(tree)
        group = match.lastindex or 0
        if group != _MARK:
            if expected <= _VALUE_OR_END:
                expected = _MORE if outer else _NOTHING
            elif expected <= _NAME_OR_END and group == _STRING:
                expected = _COLON
            else:
                return False
            start = match.start(group)
            siblings.append(len(kinds))
            kinds.append(Kind.STR if group == _STRING else _scalar_kind(text, start, place))
            starts.append(start)
            ends.append(place)
            continue
        mark = text[place - 1]
        if mark == ",":
            if expected != _MORE:
                return False
            expected = _NAME if in_dict else _VALUE
        elif mark == ":":
            if expected != _COLON:
                return False
            expected = _VALUE
        elif mark in "[{":
            if expected > _VALUE_OR_END:
                return False
            in_dict = mark == "{"
            node = len(kinds)
            siblings.append(node)
            kinds.append(Kind.DICT if in_dict else Kind.LIST)
            starts.append(place - 1)
            ends.append(place)
            siblings = kids[node] = array("q")
            outer.append(node)
            expected = _NAME_OR_END if in_dict else _VALUE_OR_END
        else:
            if (
                not outer
                or in_dict != (mark == "}")
                or expected not in (_MORE, _NAME_OR_END if in_dict else _VALUE_OR_END)
            ):
                return False
            ends[outer.pop()] = place
            in_dict = bool(outer) and kinds[outer[-1]] is Kind.DICT
            siblings = kids[outer[-1]] if outer else []
            expected = _MORE if outer else _NOTHING
    return expected == _NOTHING and _SPACE.match(text, place) is not None


def _check_size(tree: JsonTree) -> None:
    if len(tree.kinds) > limits.JSON_NODES:
        raise LimitExceeded(f"This JSON has more than {limits.JSON_NODES:,} values; show it as text.")


def _scalar_kind(text: str, start: int, end: int) -> Kind:
    word = _WORDS.get(text[start])
    if word is not None:
        return word
    return Kind.FLOAT if _FLOAT.search(text, start, end) else Kind.INT
