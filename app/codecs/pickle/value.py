"""A pickle as a tree that is looked at by pages and edited in place."""

from collections.abc import Iterator
from typing import Any, ClassVar

from app.cancel import CancelToken
from app.codecs.base import DecodedValue, NodeRow
from app.codecs.json_scalars import damaged_json
from app.codecs.known.registry import describe
from app.codecs.literal import format_literal
from app.codecs.nodes import SCALARS, Kind, Scalar
from app.codecs.pickle.children import HASHED_ROLES, Child, Role
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.paths import Part, Step, parse_path
from app.codecs.pickle.pretty import pretty
from app.codecs.pickle.problems import lost_values, problems_of
from app.codecs.pickle.rows import RowMaker, refusal
from app.codecs.pickle.splice import replace_scalar
from app.codecs.pickle.tree import node_json
from app.codecs.plain_json import plain_pieces
from app.errors import EncodeError, LimitExceeded, PathError

_MOST_PICKLES = 1000
"""Pickles in a row that are decoded in one value."""


_MOST_LEFT = 20
"""Values that end in nothing which are shown."""


class PickleValue(DecodedValue):
    """One value: usually one pickle, sometimes several in a row or a damaged one."""

    codec: ClassVar[str] = "pickle"

    def __init__(self, data: bytes, token: CancelToken, first: Graph | None = None) -> None:
        """``first`` is the first pickle of the value where it was parsed already."""
        super().__init__(data)
        self._makers = [RowMaker(graph) for graph in _parse_all(data, token, first)]
        graph = self._makers[0].graph
        self._extras = self._make_extras(graph)
        self.problems = tuple(self._problems(graph))

    def _make_extras(self, graph: Graph) -> list[Child]:
        """Return what stands beside the root: further pickles, values thrown away, values left on the stack."""
        extras = [
            Child(maker.graph.root, f"<pickle {number}>", f"<pickle {number}>", Role.ROOT)
            for number, maker in enumerate(self._makers[1:], 2)
        ]
        lost = [("popped", slot) for slot in lost_values(graph)]
        left = [("left", slot) for slot in graph.stream.left[:_MOST_LEFT]]
        for group in (lost, left):
            for number, (name, slot) in enumerate(group, 1):
                extras.append(Child(slot, f"<{name} {number}>", f"<{name} {number}>", Role.OTHER))
        return extras

    def _problems(self, graph: Graph) -> Iterator[str]:
        yield from problems_of(graph)
        for extra in self._extras:
            if extra.role is Role.OTHER:
                what = "a call whose result is" if self.graph.kind(extra.slot) is Kind.OBJECT else "a value that is"
                yield f"{extra.step} is {what} made by the pickle and thrown away."
        if len(self._makers) > 1:
            yield f"There are {len(self._makers):,} pickles in a row; {self._extras[0].step} is the second."
        end = self._makers[-1].graph.stream.stop
        if 0 <= end < len(self.data):
            yield f"{len(self.data) - end:,} bytes follow the STOP at offset {end - 1:,}; they are no pickle."

    @property
    def is_damaged(self) -> bool:
        return bool(self._makers[0].graph.stream.error)

    @property
    def graph(self) -> Graph:
        """The first pickle."""
        return self._makers[0].graph

    @property
    def root(self) -> NodeRow:
        return self._makers[0].row(Child(self.graph.root, "", "", Role.ROOT), len(self._extras))

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        maker = self._maker_at(node)
        try:
            rows = maker.page(node, start, count)
            if node != self.graph.root:
                return rows
            first = max(start - maker.count(node), 0)
        except (IndexError, KeyError, ValueError) as error:
            raise PathError(f"There is no node {node:,} in this value.") from error
        return rows + [self._extra_row(extra) for extra in self._extras[first : first + count - len(rows)]]

    def _maker_at(self, node: int) -> RowMaker:
        """Return the pickle whose bytes hold a node."""
        for maker in self._makers[1:]:
            if maker.graph.stream.start <= node < maker.graph.stream.stop:
                return maker
        return self._makers[0]

    def _extra_row(self, extra: Child) -> NodeRow:
        return self._maker_at(extra.slot).row(extra)

    def find(self, path: str) -> NodeRow:
        maker, child = self._find(path)
        is_root = not path
        return maker.row(child, len(self._extras) if is_root else 0)

    def _find(self, path: str) -> tuple[RowMaker, Child]:
        if not path:
            return self._makers[0], Child(self.graph.root, "", "", Role.ROOT)
        maker, root, steps = self._start(path)
        return maker, maker.locator.find(root, steps)

    def _start(self, path: str) -> tuple[RowMaker, Child, list[Step]]:
        """Return where a path begins and its steps from there."""
        steps = parse_path(path)
        first = steps[0] if steps else None
        root = Child(self.graph.root, "", "", Role.ROOT)
        if isinstance(first, Part) and first.number and first.name in ("pickle", "popped", "left"):
            root = self._named_extra(first)
            steps = steps[1:]
        return self._maker_at(root.slot), root, steps

    def _named_extra(self, part: Part) -> Child:
        if part == Part("pickle", 1):
            return Child(self.graph.root, "", "", Role.ROOT)
        for extra in self._extras:
            if extra.step == str(part):
                return extra
        raise PathError(f"There is no {part} in this value.")

    def edit_text(self, path: str) -> str:
        maker, child = self._find(path)
        graph = maker.graph
        kind = graph.kind(child.slot)
        if kind not in SCALARS:
            raise PathError(f"What stands at {path or 'the root'} is no single value that can be written as text.")
        return format_literal(_whole(graph, child.slot), kind, is_python2=graph.is_python2)

    def replace(self, path: str, literal: str) -> bytes:
        maker, root, steps = self._start(path)
        before = maker.locator.trail(root, steps)
        reason = refusal(maker.graph, before[-1])
        if reason:
            raise EncodeError(f"{path or 'The root'} cannot be edited. {reason}")
        graph = replace_scalar(maker.graph, before[-1].slot, literal)
        if graph is maker.graph:
            return self.data  # nothing to change
        if any(child.role in HASHED_ROLES for child in before):
            raise EncodeError(
                f"{path} cannot be edited. What a key or an element of a set is made of cannot change yet."
            )
        new_root = Child(graph.root, "", "", Role.ROOT) if root.role is Role.ROOT else root
        _check_known_types(maker.graph, before, graph, Locator(graph).trail(new_root, steps))
        return graph.stream.data

    def text(self, limit: int, path: str = "") -> str:
        maker, child = self._find(path)
        return pretty(maker.graph, child.slot, limit, maker.path_of)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        maker, child = self._find(path)
        return node_json(maker.graph, child.slot, limit)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        if self.is_damaged:
            yield damaged_json(self.graph.stream.error, self.data)
            return
        maker, child = self._find(path)
        yield from plain_pieces(maker.graph, child.slot, maker.path_of, token)


def _check_known_types(before: Graph, old: list[Child], after: Graph, new: list[Child]) -> None:
    """Refuse an edit after which an object around it is no longer what it was: a date of month 13, a cut array."""
    for was, now in zip(old, new, strict=True):
        known = describe(before, was.slot) if before.kind(was.slot) is Kind.OBJECT else None
        if known is not None:
            found = describe(after, now.slot)
            if found is None or found.type != known.type:
                raise EncodeError(f"With that value the {known.type} around it could not be read any more.")


def _whole(graph: Graph, slot: int) -> Scalar:
    try:
        return graph.scalar(slot)
    except LimitExceeded:
        return graph.integer(slot)


def _parse_all(data: bytes, token: CancelToken, first: Graph | None) -> list[Graph]:
    """Return the pickles in a row, at least one; what follows the last whole one is left out."""
    graphs = [first or parse(data, 0, token)]
    while 0 <= graphs[-1].stream.stop < len(data) and len(graphs) < _MOST_PICKLES:
        following = parse(data, graphs[-1].stream.stop, token)
        if following.stream.error:
            break
        graphs.append(following)
    return graphs
