"""A pickle as a tree that is looked at by pages and edited in place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Holder, Inside, NodeRow
from app.codecs.edits import ChangeProtocol, DeleteNodes, Edit, RenameGlobal, ReplaceNode, Written
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.holding import AFTER
from app.codecs.known.editing import edit_text as known_text
from app.codecs.known.elements import Elements, elements_of
from app.codecs.literals.scalars import format_literal
from app.codecs.matching import Matcher
from app.codecs.model import Value
from app.codecs.nodes import SCALARS, Kind, Scalar
from app.codecs.paths import Part, Step, parse_path
from app.codecs.pickle.audit import audit_of
from app.codecs.pickle.editing.engine import edited
from app.codecs.pickle.editing.renames import names_global
from app.codecs.pickle.graph import NEVER, Graph
from app.codecs.pickle.groups import KeptGroups
from app.codecs.pickle.in_a_row import continued, goes_on, parse_in_a_row, record_class
from app.codecs.pickle.inside import holding_slots, insides_of
from app.codecs.pickle.joblib_loose import with_wrappers_told
from app.codecs.pickle.listing import Listing
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.problems import lost_values, problems_of
from app.codecs.pickle.rows import ELEMENT_NODES, RowMaker
from app.codecs.pickle.search import hits
from app.codecs.pickle.unfollowed import gaps_of
from app.codecs.pickle.ways import Ways
from app.codecs.plain.scalars import damaged_json
from app.codecs.plain.writing import plain_pieces
from app.codecs.screen import escape_text, shorten
from app.codecs.trees.children import Child, Role
from app.codecs.trees.new_content import new_content
from app.codecs.trees.node_json import node_json
from app.codecs.trees.pretty import pretty
from app.codecs.typed.writing import raw_json
from app.errors import EncodeError, LimitExceeded, PathError

_MOST_LEFT = 20
"""Values that end in nothing which are shown."""

_MANY_RECORDS = 100_000
"""Records from which on it takes long to look at all."""


class PickleValue(DecodedValue):
    """One value: usually one pickle, sometimes several in a row or a damaged one."""

    codec: ClassVar[str] = "pickle"

    def __init__(self, data: bytes, token: CancelToken, first: Graph | None = None, *, room: int | None = None) -> None:
        """``first`` is the first pickle of the value where it was parsed already, ``room`` as for `machine.run`."""
        super().__init__(data)
        self._makers = [RowMaker(graph) for graph in parse_in_a_row(data, token, first, room)]
        graph = self._makers[0].graph
        last = self._makers[-1].graph.stream
        self.why_cut = last.error if last.is_full else ""
        if len(graph.stream.records) > _MANY_RECORDS:
            self._makers[0].find_shared(token)  # now, while it can be cancelled
        self._record_class = record_class([maker.graph for maker in self._makers])
        self._extras = self._make_extras(graph)
        self._listings: list[Listing] | None = None
        self._problems: tuple[str, ...] | None = None
        if len(data) >= limits.LARGE_VALUE:
            self._problems = tuple(self._sentences(token))  # now, while it can be cancelled

    def _make_extras(self, graph: Graph) -> list[Child]:
        """Return what stands beside the root: further pickles, values thrown away, values left on the stack."""
        label = f"state of {self._record_class}" if self._record_class else ""
        extras = [
            Child(maker.graph.root, f"<pickle {number}>", label or f"<pickle {number}>", Role.ROOT)
            for number, maker in enumerate(self._makers[1:], 2)
        ]
        lost = [("popped", slot) for slot in lost_values(graph)]
        left = [("left", slot) for slot in graph.stream.left[:_MOST_LEFT]]
        for group in (lost, left):
            for number, (name, slot) in enumerate(group, 1):
                extras.append(Child(slot, f"<{name} {number}>", f"<{name} {number}>", Role.OTHER))
        return extras

    @property
    def problems(self) -> tuple[str, ...]:
        if self._problems is None:
            self._problems = tuple(self._sentences(NEVER))
        return self._problems

    def _sentences(self, token: CancelToken) -> Iterator[str]:
        """Yield the problems.

        Raises:
            Cancelled: by ``token``.
        """
        graph = self.graph
        if self.why_cut and self.why_cut != graph.stream.error:
            yield self.why_cut
        yield from problems_of(graph, token)
        for extra in self._extras:
            if extra.role is Role.OTHER and not (graph.stream.is_full and extra.slot in graph.stream.left):
                what = "a call whose result is" if graph.kind(extra.slot) is Kind.OBJECT else "a value that is"
                yield f"{extra.step} is {what} made by the pickle and thrown away."
        if len(self._makers) > 1 and not self._record_class:
            yield f"There are {len(self._makers):,} pickles in a row; {self._extras[0].step} is the second."
        end = self.end
        if 0 <= end < len(self.data):
            yield f"{len(self.data) - end:,} bytes follow the STOP at offset {end - 1:,}; they are no pickle."

    @property
    def is_damaged(self) -> bool:
        return bool(self._makers[-1].graph.stream.error)

    @property
    def damage_met(self) -> str:
        return next(filter(None, (maker.graph.damage_met for maker in self._makers)), "")

    @property
    def graph(self) -> Graph:
        """The first pickle."""
        return self._makers[0].graph

    @property
    def root(self) -> NodeRow:
        row = self._makers[0].row(Child(self.graph.root, "", "", Role.ROOT), len(self._extras))
        if not self._record_class:
            return row
        note = f"A record as ZODB writes it: the class, and in <pickle 2> the state of the {self._record_class}."
        return replace(row, note=f"{note} {row.note}".strip())

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        if node >= ELEMENT_NODES:
            return []
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

    def _find_node(self, path: str) -> tuple[RowMaker, Child]:
        """Return a place that is a node of its pickle."""
        maker, child = self._find(path)
        if child.role is Role.ELEMENT:
            raise PathError(f"{path} is an element in the memory of an array; only the array can be taken as a whole.")
        return maker, child

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
        if child.role is Role.ELEMENT:
            return _elements(graph, child).text(child.number)
        if (known := known_text(graph, child.slot)) is not None:
            return known
        kind = graph.kind(child.slot)
        if kind not in SCALARS:
            raise PathError(f"What stands at {path or 'the root'} is no single value that can be written as text.")
        return format_literal(_whole(graph, child.slot), kind, is_python2=graph.is_python2)

    def model(self, path: str, token: CancelToken) -> Value:
        maker, child = self._find_node(path)
        return model_of(maker.graph, child.slot, token)

    def replace(self, path: str, literal: str) -> bytes:
        self._find(path)  # this adds nothing new
        return self.edit(ReplaceNode(path, Written(literal)), NEVER)

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        if self.why_cut:
            raise EncodeError(f"A value that is not shown whole is read-only. {self.why_cut}")
        if any(goes_on(maker.graph) for maker in self._makers[1:]):
            raise EncodeError("A pickle of this value reads objects of the one before it, so neither can be changed.")
        if isinstance(edit, (RenameGlobal, ChangeProtocol)):
            return self._edited_all(edit, token)
        paths = edit.paths if isinstance(edit, DeleteNodes) else (edit.path,)
        starts = [self._start(path) for path in paths]
        makers = {id(maker): maker for maker, _, _ in starts}
        if len(makers) != 1:
            raise EncodeError("Only nodes of one parent can be deleted at once.")
        (maker,) = makers.values()
        changed = edited(maker.graph, maker.locator, [(root, steps) for _, root, steps in starts], edit, token)
        return self._with_pickles({maker.graph.stream.start: changed})

    def _edited_all(self, edit: RenameGlobal | ChangeProtocol, token: CancelToken) -> bytes:
        """Return the value's bytes with an edit made in each pickle that it concerns."""
        changed: dict[int, bytes] = {}
        for maker in self._makers:
            if isinstance(edit, ChangeProtocol) or names_global(maker.graph, edit.old):
                changed[maker.graph.stream.start] = edited(maker.graph, maker.locator, [], edit, token)
        if not changed and isinstance(edit, RenameGlobal):
            raise EncodeError(f"No class or function is named {escape_text(edit.old)} in this value.")
        return self._with_pickles(changed)

    def _with_pickles(self, changed: dict[int, bytes]) -> bytes:
        """Return the value's bytes with some of its pickles replaced, given by where they start."""
        parts = [self.data[: self.graph.stream.start]]
        for maker in self._makers:
            start, stop = maker.graph.stream.start, maker.graph.stream.stop
            parts.append(changed.get(start, self.data[start:stop]))
        return b"".join((*parts, self.data[self.end :]))

    def insides(self, node: int) -> Sequence[Inside]:
        found = insides_of(self._maker_at(node).graph, node)
        end = self.end
        if node == self.graph.root and 0 <= end < len(self.data):
            rest = self.data[end:]
            return [*found, Inside(AFTER, len(rest), lambda count: rest[:count], is_certain=True)]
        return found

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        has_rest = 0 <= self.end < len(self.data)
        if has_rest:
            yield self.graph.root, str
        for number, maker in enumerate(self._makers, 1):
            graph = maker.graph
            start = f"<pickle {number}>" if number > 1 else ""
            ways = Ways(graph, Locator(graph, KeptGroups(graph)), graph.root, start)
            for slot in holding_slots(graph, token):
                if ways.lead_to(slot) and not (has_rest and number == 1 and not ways.steps):
                    yield slot, ways.path

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        if step == AFTER:
            return self.data[: self.end] + data
        maker, child = self._find(path)
        is_text = maker.graph.kind(child.slot) is Kind.STR
        return self.edit(ReplaceNode(path, new_content(data, is_text=is_text)), token)

    @property
    def end(self) -> int:
        """The offset behind the last STOP, -1 where there is none."""
        return self._makers[-1].graph.stream.stop

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        matcher = Matcher(query)
        for number, maker in enumerate(self._makers, 1):
            roots = [(f"<pickle {number}>" if number > 1 else "", maker.graph.root)]
            if number == 1:
                roots += [(extra.step, extra.slot) for extra in self._extras if extra.role is Role.OTHER]
            yield from hits(maker.graph, roots, matcher, token)

    def audit(self, token: CancelToken) -> Audit:
        graphs = [maker.graph for maker in self._makers]
        found = Audit.joined(audit_of(maker.graph, self._path_of_in(maker), token) for maker in self._makers)
        by_one = self._read_by_one_unpickler(found, token)
        gaps = gaps_of(graphs, (*found.globals, *by_one.globals), token)
        return self._told_of_joblib(Audit.joined((found, by_one, gaps)), graphs, token)

    def _read_by_one_unpickler(self, known: Audit, token: CancelToken) -> Audit:
        """Return what the state of a ZODB record names and calls beside what is known, where the memo is kept."""
        graph = continued(self.graph, token) if self._record_class else None
        if graph is None:
            return Audit()
        found = audit_of(graph, lambda _slot: "<pickle 2>", token)
        named = {(each.name, each.offset) for each in known.globals}
        called = {(call.callable, call.offset) for call in known.calls}
        return Audit(
            tuple(each for each in found.globals if (each.name, each.offset) not in named),
            tuple(call for call in found.calls if (call.callable, call.offset) not in called),
            found.more,
        )

    def _told_of_joblib(self, found: Audit, graphs: Sequence[Graph], token: CancelToken) -> Audit:
        """Return an audit that tells as well what is not known of what joblib would do with the pickles."""
        return with_wrappers_told(found, graphs, token)

    def _path_of_in(self, maker: RowMaker) -> Callable[[int], str]:
        return lambda slot: self._path_near(maker, slot, limits.NEAR_STEPS)[0]

    def path_around(self, slot: int) -> str:
        """Return the path of a slot of the first pickle, or of the innermost place around it."""
        return self._path_near(self._makers[0], slot)[0]

    def _path_near(self, maker: RowMaker, slot: int, deepest: int | None = None) -> tuple[str, bool]:
        """Return the path of a slot's place in the value, or of the innermost one around it, and which it is."""
        path, is_place = maker.locator.path_near(maker.graph.root, slot, deepest)
        number = self._makers.index(maker) + 1
        return (f"<pickle {number}>{path}" if number > 1 else path), is_place

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        if self._listings is None:
            self._listings = [
                Listing(maker.graph, partial(self._path_near, maker, deepest=limits.NEAR_STEPS))
                for maker in self._makers
            ]
        rows: list[OpcodeRow] = []
        for listing in self._listings:
            rows += listing.rows(start, count - len(rows), token)
            if len(rows) >= count:
                break
            start = max(start - len(listing), 0)
        return rows

    def text(self, limit: int, path: str = "") -> str:
        maker, child = self._find(path)
        if child.role is Role.ELEMENT:
            return shorten(_elements(maker.graph, child).text(child.number), limit)
        return pretty(maker.graph, child.slot, limit, maker.path_of)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        maker, child = self._find_node(path)
        return node_json(maker.graph, child.slot, limit)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        why = "" if path else self._why_bytes
        if why:
            yield raw_json(self.data, why)
        else:
            yield from super().typed(token, path)

    @property
    def _why_bytes(self) -> str:
        """One sentence when a document of the first pickle would leave something out, else empty."""
        if self.is_damaged:
            return self._makers[-1].graph.stream.error
        if len(self._makers) > 1:
            return f"There are {len(self._makers):,} pickles in a row."
        return f"{len(self.data) - self.end:,} bytes follow the STOP." if self.end < len(self.data) else ""

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        if self.is_damaged:
            yield damaged_json(self._makers[-1].graph.stream.error, self.data)
            return
        maker, child = self._find(path)
        if child.role is Role.ELEMENT:
            yield _elements(maker.graph, child).json(child.number)
            return
        yield from plain_pieces(maker.graph, child.slot, maker.path_of, token)


def _elements(graph: Graph, child: Child) -> Elements:
    """Return the elements of which a child is one."""
    found = elements_of(graph, child.slot)
    if found is None:
        raise PathError(f"There is no element {child.label} here.")
    return found


def _whole(graph: Graph, slot: int) -> Scalar:
    try:
        return graph.scalar(slot)
    except LimitExceeded:
        return graph.integer(slot)
