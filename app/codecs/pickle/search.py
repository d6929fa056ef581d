"""Looking for text in a pickle: one pass over its opcodes; only what matches is asked for its path."""

from collections.abc import Iterator, Sequence

from app.cancel import CancelToken
from app.codecs.findings import Hit
from app.codecs.known.base import Known, PlainArray, PlainPairs, PlainText
from app.codecs.known.registry import describe
from app.codecs.literals.decimals import decimal_text
from app.codecs.matching import Matcher
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.groups import groups_of
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.opcodes import ALIASES, BYTES, CODE, LONGS, MAKERS, STRINGS, TEXTS, codes
from app.codecs.pickle.walk import offsets_of
from app.codecs.trees.children import Group, Pairs
from app.errors import CodecError

_KEPT_SMALL = 4096
_LARGE = 1000
"""Children from which a container's are kept to the end: finding them again for each hit would be quadratic."""

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
        Cancelled: by ``token``.
    """
    yield from _Search(graph, roots, matcher).run(token)


class _Search:
    def __init__(self, graph: Graph, roots: Sequence[Root], matcher: Matcher) -> None:
        self._graph = graph
        self._roots = roots
        self._matcher = matcher
        self._small: dict[int, list[Group]] = {}
        self._large: dict[int, list[Group]] = {}
        self._locator = Locator(graph, self._groups)
        self._answers: dict[int, str] = {}

    def run(self, token: CancelToken) -> Iterator[Hit]:
        data, with_text = self._graph.stream.data, _WITH_TEXT
        for pos in offsets_of(self._graph.stream, token):
            if data[pos] in with_text:
                for hit in self._at(pos):
                    token.check()  # each path takes as long as it is deep
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
        try:
            return self._match(target)
        except CodecError:
            return ""  # it is damaged, or a number too large to be read

    def _match(self, target: int) -> str:
        graph, matcher = self._graph, self._matcher
        kind = graph.kind(target)
        if kind is Kind.OBJECT:
            return self._object(target)
        if kind is Kind.GLOBAL:
            hit = matcher.hits_text("", graph.global_name(target))
        elif kind in SCALARS:
            value = graph.scalar(target)
            if isinstance(value, bytes):
                hit = matcher.hits_bytes("", value)
            else:
                hit = matcher.hits_text("", value if isinstance(value, str) else _number_text(value))
        else:
            return ""
        return "" if hit is None else hit.text or "''"

    def _object(self, target: int) -> str:
        known = describe(self._graph, target)
        return "" if known is None else _match_known(known, self._matcher)

    # ---- paths

    def _groups(self, target: int) -> list[Group]:
        known = self._small.get(target) or self._large.get(target)
        if known is None:
            known = groups_of(self._graph, target)
            if sum(len(group.slots) for group in known) >= _LARGE:
                self._large[target] = known
            else:
                if len(self._small) >= _KEPT_SMALL:
                    self._small.clear()
                self._small[target] = known
        return known

    def _path(self, slot: int) -> tuple[str, bool] | None:
        """Return the path of a place, or of the innermost around it, and which it is; None where it is in no tree.

        None, too, for a part of an object that is a hit itself: a date is told of once.
        """
        for start, root in self._roots:
            way, is_place = self._locator.way_near(root, slot)
            if is_place and self._is_told_by_owner(root, way):
                return None
            if way or is_place or self._is_within(root, slot):
                return start + _path_of(way, self._graph), is_place
        return None

    def _is_within(self, root: int, slot: int) -> bool:
        """Tell whether a slot is one of the opcodes that make a root."""
        log = self._graph.stream.logs.get(root)
        return self._locator.start_of(root) <= slot <= (log[-1] if log else root)

    def _is_told_by_owner(self, root: int, way: Sequence[tuple[Group, int]]) -> bool:
        if not way:
            return False
        group, index = way[-2] if len(way) > 1 else (None, 0)
        owner = self._graph.target(group.slots[index] if group else root)
        return self._graph.kind(owner) is Kind.OBJECT and bool(self._matching(owner))


def _path_of(way: Sequence[tuple[Group, int]], graph: Graph) -> str:
    """Return the path that a way takes; a scalar key stands for its pair."""
    steps = [group.child_at(index).step for group, index in way]
    if way:
        group, index = way[-1]
        if isinstance(group, Pairs) and not index % 2 and index + 1 < len(group.slots):
            is_row = graph.kind(group.slots[index]) not in SCALARS
            steps[-1] = group.child_at(index).step if is_row else group.child_at(index + 1).step
    return "".join(steps)


def _number_text(value: object) -> str:
    return decimal_text(value) if type(value) is int else repr(value)


def _match_known(known: Known, matcher: Matcher) -> str:
    """Return what is shown of a known object that matches; of one that holds others, they are told of themselves."""
    if isinstance(known.plain, PlainArray | PlainPairs):
        return ""
    texts: list[str] = [known.text]
    if isinstance(known.plain, PlainText):
        texts.append(known.plain.text)
    hit = next(filter(None, (matcher.hits_text("", text) for text in texts)), None)
    return "" if hit is None else hit.text
