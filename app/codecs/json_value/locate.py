"""From paths to the nodes of a JSON text and back, and what its scalars are."""

import json
from collections.abc import Iterator

from app import limits
from app.cancel import CancelToken
from app.codecs.json_value.parse import JsonTree
from app.codecs.literals.decimals import decimal_value
from app.codecs.literals.scalars import parse_literal
from app.codecs.nodes import CONTAINERS, Kind, Scalar
from app.codecs.paths import Literal, Part, Position, Step, parse_path
from app.codecs.screen import quote_text
from app.errors import EncodeError, LimitExceeded, PathError

_LITERAL_CHARS = 1000
"""Characters of a name that is written as a literal in a path; longer ones go by position."""

_REPEATED = -1
_KEPT_TABLES = 256


def scalar_of(tree: JsonTree, node: int, *, capped: bool = True) -> Scalar:
    """Return what a scalar says.

    Raises:
        LimitExceeded: ``capped``, and it is an integer of more than `limits.INT_DIGITS` digits.
    """
    source = tree.source(node)
    match tree.kinds[node]:
        case Kind.STR:
            text: str = json.loads(source) if "\\" in source else source[1:-1]
            return text
        case Kind.INT:
            if capped and len(source) > limits.INT_DIGITS:
                raise LimitExceeded(f"A number of {len(source):,} digits is too long to be shown.")
            return decimal_value(source)
        case Kind.FLOAT:
            return float(source)
        case Kind.BOOL:
            return source == "true"
    return None


class Places:
    """Finds nodes by path. A place is a node with its parent and its position there."""

    def __init__(self, tree: JsonTree) -> None:
        self._tree = tree
        self._tables: dict[int, dict[str, int]] = {}

    def find(self, path: str) -> int:
        """Return the node at a path.

        Raises:
            PathError: it leads nowhere.
        """
        return self.trail(path)[-1][0]

    def trail(self, path: str) -> list[tuple[int, int]]:
        """Return node and position in its parent for all steps of a path, the root first."""
        trail, done = [(0, 0)], ""
        steps = parse_path(path)
        for number, step in enumerate(steps):
            try:
                trail.append(self._descend(trail, steps, number))
            except PathError as error:
                raise PathError(f"{error.message} It was looked for at {done or 'the root'}.") from error
            done += str(step)
        return trail

    def _descend(self, trail: list[tuple[int, int]], steps: list[Step], number: int) -> tuple[int, int]:
        step = steps[number]
        node, position = trail[-1]
        kind = self._tree.kinds[node]
        if step == Part("key") and len(trail) > 1 and self._tree.kinds[trail[-2][0]] is Kind.DICT:
            return self._tree.children(trail[-2][0])[2 * position], position
        match step:
            case Position(index) if kind is Kind.DICT:
                return self._child(node, index, step)
            case Literal(text) if kind is Kind.DICT:
                return self._child(node, self.position(node, self._name(text)), step)
            case Literal(text) if kind is Kind.LIST:
                return self._child(node, _index(text, self._tree.count(node), step), step)
        raise PathError(f"{step} leads nowhere: there is no such part in a value of type {kind}.")

    def _child(self, node: int, index: int, step: Step) -> tuple[int, int]:
        count = self._tree.count(node)
        if not 0 <= index < count:
            raise PathError(f"{step} leads nowhere: there are {count:,} here.")
        return self._tree.values(node)[index], index

    def _name(self, text: str) -> str:
        try:
            return str(parse_literal(text, Kind.STR))
        except EncodeError as error:
            raise PathError(f"[{text}] cannot be part of a path: the names in JSON are texts, as ['name'].") from error

    def position(self, node: int, name: str) -> int:
        """Return which member of a dict has a name.

        Raises:
            PathError: none, or several.
        """
        found = self._table(node).get(name)
        if found is None:
            raise PathError(f"There is no [{quote_text(name[:_LITERAL_CHARS])}].")
        if found == _REPEATED:
            raise PathError(
                f"[{quote_text(name[:_LITERAL_CHARS])}] comes several times; name one by position, as [#0]."
            )
        return found

    def _table(self, node: int) -> dict[str, int]:
        table = self._tables.get(node)
        if table is None:
            if len(self._tables) >= _KEPT_TABLES:
                self._tables.clear()
            table = self._tables[node] = {}
            for index, key in enumerate(self._tree.children(node)[::2]):
                name = str(scalar_of(self._tree, key))
                table[name] = _REPEATED if name in table else index
        return table

    def has(self, node: int, name: str) -> bool:
        return name in self._table(node)

    def step(self, node: int, index: int) -> str:
        """Return the step from a container to its child at a position."""
        if self._tree.kinds[node] is Kind.LIST:
            return f"[{index}]"
        name = str(scalar_of(self._tree, self._tree.children(node)[2 * index]))
        if len(name) > _LITERAL_CHARS or self._table(node)[name] == _REPEATED:
            return f"[#{index}]"
        return f"[{quote_text(name)}]"


def walk(tree: JsonTree, places: Places, token: CancelToken, start: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield every value from a node on, in the order of the text, with the steps that lead to it."""
    yield start, []
    steps: list[str] = []
    waiting = [(start, iter(enumerate(tree.values(start))))]
    while waiting:
        parent, children = waiting[-1]
        found = next(children, None)
        if found is None:
            waiting.pop()
            if steps:
                steps.pop()
            continue
        token.check()
        index, node = found
        steps.append(places.step(parent, index))
        yield node, steps
        if tree.kinds[node] in CONTAINERS:
            waiting.append((node, iter(enumerate(tree.values(node)))))
        else:
            steps.pop()


def _index(text: str, count: int, step: Step) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise PathError(f"{step} leads nowhere: a number is needed here.")
    return int(text) + count if text.startswith("-") else int(text)
