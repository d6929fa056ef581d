"""Looking for text in a pickle: one pass over its opcodes; only what matches is asked for its path."""

from collections.abc import Iterator, Sequence

from app.cancel import CancelToken
from app.codecs.findings import Hit
from app.codecs.matching import Matcher
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.groups import KeptGroups
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.opcodes import ALIASES, BYTES, CODE, LONGS, MAKERS, STRINGS, TEXTS, codes
from app.codecs.pickle.walk import offsets_of
from app.codecs.pickle.ways import Ways
from app.codecs.trees.children import Pairs
from app.codecs.trees.matches import shown_match
from app.codecs.trees.path_budget import PathBudget

_KEPT_ANSWERS = 100_000

_INST, _PERSID = CODE["INST"], CODE["PERSID"]
_WITH_TEXT = (
    codes("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT", "BYTEARRAY8")
    | codes("GLOBAL", "STACK_GLOBAL")
    | LONGS
    | TEXTS
    | STRINGS
    | BYTES
    | MAKERS
    | ALIASES
    | {_PERSID}
)
"""Opcodes whose objects a person reads as a text of their own, or that push such an object again."""

Root = tuple[str, int]
"""Where the paths of a tree begin, and the slot of its root."""


def hits(graph: Graph, roots: Sequence[Root], matcher: Matcher, token: CancelToken) -> Iterator[Hit]:
    """Yield the places in the trees of one pickle that match, in the order of its opcodes.

    A key counts as the place of its value, a class as that of its object.

    Raises:
        LimitExceeded: the paths are too long together.
        Cancelled: by ``token``.
    """
    yield from _Search(graph, roots, matcher).run(token)


class _Search:
    def __init__(self, graph: Graph, roots: Sequence[Root], matcher: Matcher) -> None:
        self._graph = graph
        self._roots = roots
        self._matcher = matcher
        self._locator = Locator(graph, KeptGroups(graph))
        self._ways = [(root, Ways(graph, self._locator, root, start)) for start, root in roots]
        self._told_by: tuple[int, bool] = -1, False
        self._budget = PathBudget()
        self._answers: dict[int, str] = {}

    def run(self, token: CancelToken) -> Iterator[Hit]:
        data, with_text = self._graph.stream.data, _WITH_TEXT
        for pos in offsets_of(self._graph.stream, token):
            if data[pos] in with_text:
                for hit in self._at(pos):
                    token.check()  # each path takes as long as it is deep
                    self._budget.take(hit.path)
                    yield hit

    def _at(self, pos: int) -> Iterator[Hit]:
        """Yield what matches of the opcode at ``pos``."""
        op = self._graph.stream.data[pos]
        if op in (_INST, _PERSID):
            yield from self._named(pos + 1, pos if op == _INST else pos + 1)
        if op != _PERSID and (shown := self._shown(pos)):
            yield from self._named_or_placed(pos, shown)

    def _named(self, name_slot: int, place: int) -> Iterator[Hit]:
        """Yield a name that is part of an opcode."""
        if shown := self._shown(name_slot):
            found = self._path(place)
            if found is not None:
                yield Hit(found[0], shown)

    def _named_or_placed(self, slot: int, shown: str) -> Iterator[Hit]:
        found = self._path(slot)
        if found is None:
            return
        path, is_place = found
        if is_place or self._graph.kind(slot) is Kind.GLOBAL:  # classes have no place of their own: that of the object
            yield Hit(path, shown)

    def _shown(self, slot: int) -> str:
        """Return what a hit at ``slot`` shows, empty where nothing matches; remembered for what is shared."""
        target = self._graph.target(slot)
        if target == slot:
            return self._matching(slot)
        if target not in self._answers:
            if len(self._answers) >= _KEPT_ANSWERS:
                self._answers.clear()
            kind = self._graph.kind(target)
            is_told_again = kind in SCALARS or kind is Kind.GLOBAL
            self._answers[target] = self._matching(target) if is_told_again else ""
        return self._answers[target]

    def _matching(self, target: int) -> str:
        return shown_match(self._graph, target, self._matcher)

    # ---- paths

    def _path(self, slot: int) -> tuple[str, bool] | None:
        """Return the path of a place, or of the innermost around it, and which it is; None where it is in no tree.

        None, too, for a part of an object that is a hit itself: a date is told of once.
        """
        for root, way in self._ways:
            is_place = way.lead_to(slot)
            if is_place and self._is_told_by_owner(way):
                return None
            if way.steps or is_place or self._is_within(root, slot):
                return _path_of(way, self._graph), is_place
        return None

    def _is_within(self, root: int, slot: int) -> bool:
        """Tell whether a slot is one of the opcodes that make a root."""
        return self._locator.start_of(root) <= slot <= self._locator.end_of(root)

    def _is_told_by_owner(self, way: Ways) -> bool:
        if not way.steps:
            return False
        owner = self._graph.target(way.owner)
        if self._told_by[0] != owner:
            is_told = self._graph.kind(owner) is Kind.OBJECT and bool(self._matching(owner))
            self._told_by = owner, is_told
        return self._told_by[1]


def _path_of(way: Ways, graph: Graph) -> str:
    """Return the path that a way takes; a scalar key stands for its pair."""
    if not way.steps:
        return way.start
    group, index = way.steps[-1]
    is_key = isinstance(group, Pairs) and not index % 2 and index + 1 < len(group.slots)
    if is_key and graph.kind(group.slots[index]) in SCALARS:
        return way.path(group.child_at(index + 1).step)
    return way.path()
