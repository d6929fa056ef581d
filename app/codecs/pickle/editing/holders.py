"""What a path names as the holder of items, pairs or arguments, and the part of an object where they are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.codecs.known.shape import is_slots_state, shape_of
from app.codecs.nodes import Kind
from app.codecs.paths import Part as PartStep
from app.codecs.paths import Step
from app.codecs.pickle.collection_paths import content_of
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.fixed import check_takes_more_or_fewer
from app.codecs.pickle.editing.intent import Part
from app.codecs.pickle.editing.runs import Run
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.opcodes import CODE, TUPLES
from app.codecs.trees.children import Child, Role
from app.errors import EncodeError

_OF_OBJECTS = frozenset({"args", "kwargs", "state", "listitems", "dictitems"})


@dataclass(frozen=True, slots=True)
class Holder:
    """``run`` is where the children are, but for its first ``offset`` units, which are no children.

    ``slot`` is the place of the node itself, ``trail`` the nodes from the root to it. ``is_hashed``: its children
    are elements of a set. ``is_state``: its keys are names of attributes. ``in_lists``: each child is a list of a key
    and a value. ``run`` is None where nothing is written yet.
    """

    slot: int
    trail: Sequence[Child]
    run: Run | None
    offset: int = 0
    is_hashed: bool = False
    is_state: bool = False
    in_lists: bool = False


class Holders:
    """Finds holders in one pickle."""

    def __init__(self, draft: Draft, locator: Locator) -> None:
        self._draft = draft
        self._graph = draft.graph
        self._locator = locator

    def at(self, root: Child, steps: Sequence[Step], *, pairs: bool) -> Holder:
        """Return the holder that ``steps`` name; of an object's children ``pairs`` tells which are meant.

        Raises:
            EncodeError: it holds nothing of that sort.
            PathError: no such place.
        """
        last = steps[-1] if steps else None
        if isinstance(last, PartStep) and last.name in _OF_OBJECTS:
            trail = self._locator.trail(root, steps[:-1])
            is_state = last.name == "state" and not pairs
            if self._graph.kind(trail[-1].slot) is Kind.OBJECT and not is_state:
                return self._part(trail, last)
        trail = self._locator.trail(root, steps)
        if trail[-1].role is Role.STATE and is_slots_state(self._graph, trail[-1].slot):
            raise EncodeError("The state of this object is two dicts of attributes, so it keeps its length and order.")
        content = content_of(self._graph, trail[-1].slot)
        if content is None:
            return self._node(trail, pairs=pairs)
        if content.has_keys is not pairs:
            raise EncodeError(f"This collection has {'no keys' if pairs else 'keys, not positions'}.")
        if not content.steps:
            raise EncodeError("This collection is empty, so nothing can be added to it; replace it as a whole.")
        holder = self.at(root, [*steps, *content.steps], pairs=pairs and not content.in_lists)
        return replace(holder, in_lists=content.in_lists)

    def _node(self, trail: Sequence[Child], *, pairs: bool) -> Holder:
        graph = self._graph
        slot = trail[-1].slot
        target = graph.target(slot)
        match graph.kind(slot):
            case Kind.LIST:
                part = Part.ITEMS
            case Kind.TUPLE:
                part = Part.OWN
            case Kind.DICT:
                part = Part.PAIRS
            case Kind.SET | Kind.FROZENSET:
                return self._set(trail, graph.source(target))
            case Kind.OBJECT:
                return self._object(trail, pairs=pairs)
            case kind:
                raise EncodeError(f"A {kind} holds nothing that could be added to or put in order.")
        if pairs is not (part is Part.PAIRS):
            raise EncodeError(f"A {graph.kind(slot)} has {'no keys' if pairs else 'keys, not positions'}.")
        return Holder(slot, trail, Run(self._draft, target, part))

    def _set(self, trail: Sequence[Child], source: int) -> Holder:
        slot = trail[-1].slot
        if source < 0:
            return Holder(slot, trail, None, is_hashed=True)
        op = self._draft.stream.data[source]
        part = Part.OWN if op in TUPLES or op == CODE["FROZENSET"] else Part.ITEMS
        return Holder(slot, trail, Run(self._draft, source, part), is_hashed=True)

    def _object(self, trail: Sequence[Child], *, pairs: bool) -> Holder:
        """Return the items of an object, or its pairs: those of a dict where it is one, else its attributes."""
        slot = trail[-1].slot
        target = self._graph.target(slot)
        if not pairs:
            return Holder(slot, trail, Run(self._draft, target, Part.ITEMS))
        if self._graph.parts(slot).dictitems:
            return Holder(slot, trail, Run(self._draft, target, Part.PAIRS))
        return self._state(trail, 1)

    def _part(self, trail: Sequence[Child], step: PartStep) -> Holder:
        slot = trail[-1].slot
        target = self._graph.target(slot)
        match step.name:
            case "listitems":
                return Holder(slot, trail, Run(self._draft, target, Part.ITEMS))
            case "dictitems":
                return Holder(slot, trail, Run(self._draft, target, Part.PAIRS))
            case "kwargs":
                return self._keywords(trail)
            case "args":
                return self._arguments(trail)
        return self._state(trail, max(step.number, 1))

    def _keywords(self, trail: Sequence[Child]) -> Holder:
        slot = trail[-1].slot
        named = self._graph.made(self._graph.target(slot)).kwargs_slot
        if named < 0:
            found = shape_of(self._graph, slot).kwargs
            if not found:
                raise EncodeError("This object is made without keyword arguments, and none can be added.")
            target, part, _ = self._draft.container_of(found[0][0])
            return Holder(slot, trail, Run(self._draft, target, part), is_state=True)
        return Holder(slot, trail, Run(self._draft, self._graph.target(named), Part.PAIRS), is_state=True)

    def _arguments(self, trail: Sequence[Child]) -> Holder:
        slot = trail[-1].slot
        graph = self._graph
        check_takes_more_or_fewer(graph, slot)
        target = graph.target(slot)
        args = shape_of(graph, slot).args
        if args:
            owner, part, index = self._draft.container_of(args[0])
            return Holder(slot, trail, Run(self._draft, owner, part), index)
        op = self._draft.stream.data[target]
        if op in (CODE["INST"], CODE["OBJ"]):
            return Holder(slot, trail, Run(self._draft, target, Part.OWN), int(op == CODE["OBJ"]))
        made = graph.made(target)
        kids = self._draft.stream.records.get(target, ())
        tuple_slot = made.args_slot if made.args_slot >= 0 or len(kids) < 2 else kids[1]
        holder = graph.target(tuple_slot) if tuple_slot >= 0 else target
        if self._draft.stream.data[holder] not in TUPLES:
            raise EncodeError("The arguments of this object are no tuple, so none can be added.")
        run = Run(self._draft, holder, Part.OWN)
        return Holder(slot, trail, run, len(run) - len(made.args))

    def _state(self, trail: Sequence[Child], number: int) -> Holder:
        slot = trail[-1].slot
        graph = self._graph
        states = graph.parts(slot).states
        if not states and number == 1:
            return Holder(slot, trail, None, is_state=True)
        if number > len(states):
            raise EncodeError(f"This object has no state number {number}.")
        state = states[number - 1]
        if is_slots_state(graph, state):
            state = graph.items(state)[1]
        if graph.kind(state) is not Kind.DICT:
            raise EncodeError("The state of this object is its class's own, so no attribute can be added to it.")
        return Holder(slot, trail, Run(self._draft, graph.target(state), Part.PAIRS), is_state=True)
