"""Edits of JSON text: what is not named keeps every character."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.cancel import CancelToken
from app.codecs.edits import AddPair, DeleteNodes, Edit, InsertItem, New, RenameKey, Reorder, ReplaceNode, Written
from app.codecs.json_value.locate import Places, scalar_of
from app.codecs.json_value.parse import JsonTree, parse_json
from app.codecs.json_value.write import NO_CONSTANTS, Manner, json_of
from app.codecs.literals.scalars import parse_literal
from app.codecs.model import Atom, Style
from app.codecs.nodes import CONTAINERS, Kind
from app.codecs.paths import Literal, parse_path
from app.codecs.plain.text import KEPT_CONSTANTS, minified
from app.codecs.screen import quote_text
from app.errors import EncodeError, PathError

_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})


class JsonEditor:
    """Makes one edit of a text."""

    def __init__(self, tree: JsonTree, places: Places, token: CancelToken) -> None:
        self._tree = tree
        self._places = places
        self._token = token
        self._manner = Manner(tree)

    def edited(self, edit: Edit) -> str:
        """Return the new text.

        Raises:
            EncodeError: the edit cannot be made; says why.
            PathError: a path leads nowhere.
        """
        match edit:
            case ReplaceNode():
                return self._replace(edit)
            case InsertItem(path, index, new):
                return self._insert(self._container(path, Kind.LIST), index, self._written(new))
            case AddPair(path, key, new):
                return self._add_pair(self._container(path, Kind.DICT), self._key(key), self._written(new))
            case DeleteNodes(paths):
                return self._delete(paths)
            case Reorder(path, order):
                return self._reorder(path, order)
            case RenameKey(path, key):
                return self._rename(path, self._key(key))
        raise EncodeError("JSON text has neither classes nor protocols that could be changed.")

    # ---- single nodes

    def _replace(self, edit: ReplaceNode) -> str:
        try:
            node = self._places.find(edit.path)
        except PathError:
            return self._add_at(edit)
        if edit.path.endswith("<key>"):
            return self._rename(edit.path.removesuffix("<key>"), self._key(edit.new))
        return self._replaced(node, edit.new, any_type=edit.any_type)

    def _replaced(self, node: int, new: New, *, any_type: bool) -> str:
        tree = self._tree
        old = tree.source(node)
        text = self._written(new, None if any_type else tree.kinds[node])
        parsed = self._parsed(text)
        if not any_type and tree.kinds[node] not in CONTAINERS and parsed.kinds[0] not in CONTAINERS:
            _check_kind(tree.kinds[node], parsed.kinds[0])
        is_exact = isinstance(new, Written) and new.form == "json"
        if not is_exact and _same(tree, node, parsed):
            return tree.text
        return self._spliced(tree.starts[node], tree.ends[node], text) if text != old else tree.text

    def _add_at(self, edit: ReplaceNode) -> str:
        """Add what a path names that leads one step beyond what is there; raises PathError for all others."""
        steps = parse_path(edit.path)
        parent = self._places.find("".join(map(str, steps[:-1]))) if steps else 0
        last = steps[-1] if steps else None
        if isinstance(last, Literal) and self._tree.kinds[parent] is Kind.DICT:
            name = parse_literal(last.text, Kind.STR)
            if not self._places.has(parent, str(name)):
                return self._add_pair(parent, str(name), self._written(edit.new))
        if last == Literal(str(self._tree.count(parent))) and self._tree.kinds[parent] is Kind.LIST:
            return self._insert(parent, self._tree.count(parent), self._written(edit.new))
        self._places.find(edit.path)
        raise PathError(f"There is nothing at {edit.path}.")

    def _rename(self, path: str, name: str) -> str:
        trail = self._places.trail(path)
        if len(trail) < 2 or self._tree.kinds[trail[-2][0]] is not Kind.DICT:
            raise EncodeError(f"{path or 'The root'} has no name that could be changed.")
        parent, position = trail[-2][0], trail[-1][1]
        key = self._tree.children(parent)[2 * position]
        if scalar_of(self._tree, key) == name:
            return self._tree.text
        self._check_new(parent, name)
        return self._spliced(self._tree.starts[key], self._tree.ends[key], self._manner.string(name))

    # ---- members of containers

    def _insert(self, node: int, index: int, text: str) -> str:
        parts = _Parts.of(self._tree, node)
        if not 0 <= index <= len(parts.items):
            raise EncodeError(f"There is no place {index:,} among {len(parts.items):,} items.")
        parts.insert(index, text, self._manner.space)
        return self._rebuilt(node, parts)

    def _add_pair(self, node: int, name: str, text: str) -> str:
        self._check_new(node, name)
        parts = _Parts.of(self._tree, node)
        kids = self._tree.children(node)
        colon = self._tree.text[self._tree.ends[kids[0]] : self._tree.starts[kids[1]]] if kids else ""
        member = f"{self._manner.string(name)}{colon or ':' + self._manner.space}{text}"
        parts.insert(len(parts.items), member, self._manner.space)
        return self._rebuilt(node, parts)

    def _check_new(self, node: int, name: str) -> None:
        if self._places.has(node, name):
            raise EncodeError(f"There is a member named {quote_text(name)} already.")

    def _delete(self, paths: Sequence[str]) -> str:
        if not paths:
            return self._tree.text
        trails = [self._places.trail(path) for path in paths]
        if any(len(trail) < 2 for trail in trails):
            raise EncodeError("The whole value cannot be deleted from itself; delete the entry.")
        if len({trail[-2][0] for trail in trails}) > 1:
            raise EncodeError("Only what has one parent can be deleted at once.")
        parent = trails[0][-2][0]
        parts = _Parts.of(self._tree, parent)
        for index in sorted({trail[-1][1] for trail in trails}, reverse=True):
            parts.delete(index)
        return self._rebuilt(parent, parts)

    def _reorder(self, path: str, order: tuple[int, ...]) -> str:
        node = self._container(path)
        parts = _Parts.of(self._tree, node)
        if sorted(order) != list(range(len(parts.items))):
            raise EncodeError(f"The new order must have each of {len(parts.items):,} positions once.")
        parts.items = [parts.items[index] for index in order]
        return self._rebuilt(node, parts)

    def _container(self, path: str, kind: Kind | None = None) -> int:
        node = self._places.find(path)
        found = self._tree.kinds[node]
        if found not in CONTAINERS or kind not in (None, found):
            wanted = {Kind.LIST: "an array", Kind.DICT: "an object"}.get(kind or found, "an array or object")
            raise EncodeError(f"{path or 'The root'} is a {found}; only {wanted} can be changed so.")
        return node

    # ---- new text

    def _written(self, new: New, like: Kind | None = None) -> str:
        """Return a new value as JSON text; where a scalar of a kind stood, a literal is read as one of that kind."""
        if isinstance(new, Written) and new.form == "json":
            return new.text.strip(" \t\r\n")
        if isinstance(new, Written) and new.form == "python" and like not in (None, *CONTAINERS):
            return self._scalar(new.text, like or Kind.NONE)
        from app.codecs.new_values import new_value  # noqa: PLC0415  # it asks the registry, which knows this codec

        return json_of(new_value(new, Style(), self._token), self._manner, self._token)

    def _scalar(self, literal: str, like: Kind) -> str:
        parsed = self._tree_of(literal.strip())
        if parsed is not None and parsed.kinds[0] is like and like in _NUMBERS:
            return literal.strip()  # a number as its writer wants it
        return json_of(Atom(like, parse_literal(literal, like)), self._manner, self._token)

    def _key(self, new: New) -> str:
        parsed = self._parsed(self._written(new))
        if parsed.kinds[0] is not Kind.STR:
            raise EncodeError("The names in JSON are texts; write one in quotes.")
        return str(scalar_of(parsed, 0))

    def _parsed(self, text: str) -> JsonTree:
        parsed = self._tree_of(text)
        if parsed is None:
            raise EncodeError("The new value is no JSON; check its quotes, brackets and commas.")
        return parsed

    def _tree_of(self, text: str) -> JsonTree | None:
        tree = parse_json(text, self._token)
        if tree is not None and self._tree.is_strict and not tree.is_strict:
            raise EncodeError(NO_CONSTANTS)
        return tree

    def _rebuilt(self, node: int, parts: "_Parts") -> str:
        return self._spliced(self._tree.starts[node] + 1, self._tree.ends[node] - 1, parts.text())

    def _spliced(self, start: int, end: int, text: str) -> str:
        """Return the text with a part replaced, after it was parsed again."""
        whole = self._tree.text
        new = whole[:start] + text + whole[end:]
        if self._tree_of(new) is None:
            raise EncodeError("With that value the text would be no JSON any more.")
        return new


@dataclass(slots=True)
class _Parts:
    """The inside of a container: its items or members, what stands before each, and what stands behind the last."""

    items: list[str]
    gaps: list[str]
    end: str

    @classmethod
    def of(cls, tree: JsonTree, node: int) -> "_Parts":
        kids = tree.children(node)
        step = 2 if tree.kinds[node] is Kind.DICT else 1
        spans = [(tree.starts[kids[at]], tree.ends[kids[at + step - 1]]) for at in range(0, len(kids), step)]
        places = [tree.starts[node] + 1, *(end for _, end in spans)]
        gaps = [tree.text[place:start] for place, (start, _) in zip(places, spans, strict=False)]
        items = [tree.text[start:end] for start, end in spans]
        return cls(items, gaps, tree.text[places[-1] : tree.ends[node] - 1])

    def insert(self, index: int, text: str, space: str) -> None:
        """Put an item in, with the white space that the others have before them."""
        if not self.items:
            self.items, self.gaps, self.end = [text], [""], ""
            return
        first = self.gaps[0]
        between = self.gaps[max(index - 1, 1)] if len(self.gaps) > 1 else "," + (first if "\n" in first else space)
        self.items.insert(index, text)
        self.gaps.insert(max(index, 1), between)

    def delete(self, index: int) -> None:
        del self.items[index]
        if not self.items:
            self.gaps, self.end = [], ""
        else:
            del self.gaps[index or 1]

    def text(self) -> str:
        return "".join(gap + item for gap, item in zip(self.gaps, self.items, strict=True)) + self.end


def _check_kind(old: Kind, new: Kind) -> None:
    if old is not new:
        raise EncodeError(
            f"{_NAMES[old]} stands here, and the new value is none; ask for another type if that is meant."
        )


_NAMES = {
    Kind.STR: "A text",
    Kind.INT: "A whole number",
    Kind.FLOAT: "A number with a fraction or exponent",
    Kind.BOOL: "true or false",
    Kind.NONE: "null",
}


def _same(tree: JsonTree, node: int, new: JsonTree) -> bool:
    """Tell whether a node says what a new value says."""
    kind = tree.kinds[node]
    if kind is not new.kinds[0]:
        return False
    if kind in CONTAINERS:
        token = CancelToken()
        return minified(tree.source(node), token, KEPT_CONSTANTS) == minified(new.text, token, KEPT_CONSTANTS)
    return _identity(tree, node) == _identity(new, 0)


def _identity(tree: JsonTree, node: int) -> object:
    """Return what a scalar is compared by: zeros of different signs differ."""
    value = scalar_of(tree, node, capped=False)
    return repr(value) if isinstance(value, float) else value
