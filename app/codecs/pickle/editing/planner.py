"""What each edit does to a pickle: found by its path, worked out as a draft, refused where it cannot be."""

from collections.abc import Sequence

from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    DeleteNodes,
    Edit,
    InsertItem,
    New,
    RenameGlobal,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.codecs.known.shape import is_slots_state
from app.codecs.model import Atom, Items, Pairs, PersistentId, Value
from app.codecs.model_keys import identity
from app.codecs.new_values import new_value
from app.codecs.nodes import SCALARS, Kind
from app.codecs.paths import Attribute, Element, Literal, Step, parse_path
from app.codecs.paths import Part as PartStep
from app.codecs.pickle.collection_paths import content_of
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.fixed import check_has_no_places, check_is_no_size, check_takes_more_or_fewer
from app.codecs.pickle.editing.holders import Holder, Holders
from app.codecs.pickle.editing.intent import Part
from app.codecs.pickle.editing.known_edits import known_patches
from app.codecs.pickle.editing.known_objects import replace_known
from app.codecs.pickle.editing.program import Code, Splice
from app.codecs.pickle.editing.renames import rename_global
from app.codecs.pickle.editing.runs import Run
from app.codecs.pickle.editing.scalars import (
    check_is_text,
    is_unchanged,
    parts_of_call,
    persistent_place,
    scalar_code,
)
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.opcodes import CODE, TUPLES, codes, end_of
from app.codecs.trees.children import HASHED_ROLES, Child, Role
from app.codecs.trees.keys import identity_of, key_identity
from app.errors import EncodeError, PathError

_WITH_ELEMENTS = TUPLES | codes("FROZENSET", "INST", "OBJ")


class Planner:
    """Works out the edits of one pickle. ``root`` is where paths begin."""

    def __init__(self, draft: Draft, locator: Locator, root: Child) -> None:
        self._draft = draft
        self._graph = draft.graph
        self._locator = locator
        self._root = root
        self._holders = Holders(draft, locator)
        self.around: Sequence[Child] = ()
        """The nodes around what is edited, which must stay what they are."""

    def plan(self, edit: Edit, steps: Sequence[Step]) -> None:
        """Work the edit out; ``steps`` are those of its path behind ``root``.

        Raises:
            EncodeError: the new value is wrong, or the place cannot be edited; says why.
            PathError: no such place.
        """
        match edit:
            case ReplaceNode():
                self._replace(edit, steps)
            case InsertItem():
                self._insert(self._holder(steps, pairs=False), edit.index, edit.new)
            case AddPair():
                self._add_pair(self._holder(steps, pairs=True), self._value(edit.key), edit.new)
            case Reorder():
                self._reorder(edit, steps)
            case RenameKey():
                self._rename_key(edit, steps)
            case RenameGlobal():
                rename_global(self._draft, edit.old, edit.new)
            case DeleteNodes() | ChangeProtocol():
                raise TypeError(edit)

    def _value(self, new: New, like: Kind | None = None) -> Value:
        return new_value(new, self._draft.style, self._draft.token, like=like)

    def _holder(self, steps: Sequence[Step], *, pairs: bool) -> Holder:
        holder = self._holders.at(self._root, steps, pairs=pairs)
        check_has_no_places(self._graph, holder.trail)
        self._note_trail(holder.trail)
        return holder

    def _note_trail(self, trail: Sequence[Child]) -> None:
        """Remember the nodes around an edit, and the keys and elements among them, which must stay different."""
        self.around = trail
        for child in trail:
            if child.role in HASHED_ROLES:
                self._draft.hashed.append(self._draft.container_of(child.slot))

    def _replace(self, edit: ReplaceNode, steps: Sequence[Step]) -> None:
        try:
            trail = self._locator.trail(self._root, steps)
        except PathError as error:
            self._add(edit, steps, error)
            return
        self._note_trail(trail)
        self.around = trail[:-1]
        if replace_known(self._draft, trail[-1], edit):
            return
        slot = trail[-1].slot
        kind = self._graph.kind(slot)
        if kind is Kind.DAMAGED:
            raise EncodeError("This part is damaged, so it cannot be edited.")
        if not edit.any_type and (found := known_patches(self._draft, trail[-1], edit.new)) is not None:
            self._patch(trail, found, everywhere=edit.everywhere)
            return
        is_typed = kind in SCALARS and kind is not Kind.NONE and not edit.any_type
        value = self._value(edit.new, kind if is_typed else None)
        if is_unchanged(self._graph, slot, value):
            return
        check_is_no_size(self._graph, trail)
        if edit.everywhere:
            self._put_everywhere(slot, value)
        else:
            self._put(slot, value)

    def _patch(self, trail: Sequence[Child], found: dict[int, Value], *, everywhere: bool) -> None:
        """Change parts of an object of a known type, or of a copy of it where it stands in other places too."""
        self.around = trail
        for slot, value in found.items():
            self._put(slot, value)
        if found and not everywhere and self._is_shared(trail[-1].slot):
            self._draft.copies = trail[-1].slot

    def _is_shared(self, slot: int) -> bool:
        target = self._graph.target(slot)
        links = self._draft.links
        return slot != target or any(index in links.fetched for index in links.indexes(target))

    def _put(self, slot: int, value: Value) -> None:
        """Put a value in one place, in the way in which the old one was written if it was of its kind."""
        draft = self._draft
        holder = persistent_place(self._graph, slot)
        if holder >= 0:
            draft.put_place(holder, PersistentId(value, is_text=True))
            return
        self._check_place(slot)
        parts = parts_of_call(draft, slot, value)
        for part, content in parts:
            draft.put_place(part, content, scalar_code(draft, part, content))
        if not parts:
            draft.put_place(slot, value, scalar_code(draft, slot, value))

    def _check_place(self, slot: int) -> None:
        if slot - 1 in self._graph.stream.insts:
            raise EncodeError("The class of this object is part of its opcode; rename the class instead.")

    def _put_everywhere(self, slot: int, value: Value) -> None:
        """Put a value in the place of an object wherever it stands."""
        draft = self._draft
        target = self._graph.target(slot)
        code = scalar_code(draft, slot, value)
        region = draft.geometry.region(target)
        code = code or draft.code(value, region.start)
        draft.splices.append(Splice(region.start, region.end, (Code(code, is_value=True),), replaces=target))
        draft.intent.places[target] = draft.intent.objects[target] = value

    def _add(self, edit: ReplaceNode, steps: Sequence[Step], error: PathError) -> None:
        """Add what a path names that leads to something new."""
        last = steps[-1] if steps else None
        match last:
            case Attribute(name):
                holder = self._holder([*steps[:-1], PartStep("state")], pairs=True)
                self._add_pair(holder, self._draft.text_key(name), edit.new)
            case Literal(text):
                self._add_literal(edit, steps[:-1], text, error)
            case Element(text):
                self._insert(self._holder(steps[:-1], pairs=False), 0, Written(text))
            case _:
                raise error

    def _add_literal(self, edit: ReplaceNode, steps: Sequence[Step], text: str, error: PathError) -> None:
        try:
            holder = self._holder(steps, pairs=self._names_pairs(steps))
        except (EncodeError, PathError):
            raise error from None
        if holder.is_state and not (steps and isinstance(steps[-1], PartStep)):
            raise error  # a key is no attribute
        if holder.is_state or holder.in_lists or (holder.run is not None and holder.run.part is Part.PAIRS):
            self._add_pair(holder, self._value(Written(text)), edit.new)
            return
        if holder.run is None or holder.is_hashed or text != str(len(holder.run) - holder.offset):
            raise error
        self._insert(holder, int(text), edit.new)

    def _names_pairs(self, steps: Sequence[Step]) -> bool:
        last = steps[-1] if steps else None
        if isinstance(last, PartStep) and not self._is_run_as_state(last, steps):
            return last.name in ("dictitems", "kwargs", "state")
        slot = self._locator.trail(self._root, steps)[-1].slot
        content = content_of(self._graph, slot)
        return self._graph.kind(slot) in (Kind.DICT, Kind.OBJECT) if content is None else content.has_keys

    def _is_run_as_state(self, last: PartStep, steps: Sequence[Step]) -> bool:
        """Tell whether a path names a state that is no attributes but a list or tuple."""
        if last.name != "state":
            return False
        try:
            slot = self._locator.trail(self._root, steps)[-1].slot
        except PathError:
            return False  # no state yet
        return self._graph.kind(slot) in (Kind.LIST, Kind.TUPLE) and not is_slots_state(self._graph, slot)

    def _insert(self, holder: Holder, index: int, new: New) -> None:
        value = self._value(new)
        if holder.run is None:
            identity(value)  # refuses what has no hash
            self._put(holder.slot, Items(self._graph.kind(holder.slot), [value]))
            return
        if holder.run.part is Part.PAIRS or holder.in_lists:
            raise EncodeError("What is added here needs a key.")
        count = len(holder.run) - holder.offset
        if not 0 <= index <= count:
            raise EncodeError(f"There is no position {index:,} to insert at; there are {count:,} items.")
        at = index + holder.offset if not holder.is_hashed else count
        holder.run.insert(at, value)
        if holder.is_hashed:
            self._draft.hashed.append((holder.run.target, holder.run.part, at))

    def _add_pair(self, holder: Holder, key: Value, new: New) -> None:
        value = self._value(new)
        if holder.is_state:
            check_is_text(key)
        if holder.run is None:
            self._add_state(holder.slot, key, value)
            return
        if holder.in_lists:
            self._add_list(holder.run, key, value)
            return
        if holder.run.part is not Part.PAIRS:
            raise EncodeError("What is added here has no key.")
        index = len(holder.run)
        holder.run.insert(index, key, value)
        self._draft.hashed.append((holder.run.target, Part.PAIRS, 2 * index))

    def _add_list(self, run: Run, key: Value, value: Value) -> None:
        """Add a pair as a list of its own."""
        identity(key)  # refuses what has no hash
        keys = (key_identity(self._graph, self._graph.items(pair)[0]) for pair in run.slots)
        if isinstance(key, Atom) and identity_of(key.value, key.kind) in keys:
            raise EncodeError("There is such a key already; Python would keep one.")
        run.insert(len(run), Items(Kind.LIST, [key, value]))

    def _add_state(self, slot: int, key: Value, value: Value) -> None:
        """Give an object without any state one with a single attribute."""
        draft = self._draft
        target = self._graph.target(slot)
        log = draft.stream.logs.get(target)
        offset = end_of(draft.stream.data, log[-1]) if log else draft.behind(target)
        state = Pairs([(key, value)])
        draft.splices.append(Splice(offset, offset, (Code(draft.code(state, offset) + b"b"),)))
        draft.intent.contents[target, Part.STATES] = [state]

    def delete(self, places: Sequence[tuple[Child, Sequence[Step]]]) -> None:
        """Work out what takes the nodes at the ends of some paths out; all have one parent."""
        trails = [self._without_half(self._locator.trail(root, steps)) for root, steps in places]
        check_has_no_places(self._graph, trails[0][:-1])
        self._note_trail(trails[0][:-1])
        slots = [trail[-1].slot for trail in trails]
        if trails[0][-1].role in (Role.ARGUMENT, Role.CALL_ARGUMENT):
            check_takes_more_or_fewer(self._graph, trails[0][-2].slot)
        if any(trail[-1].role is Role.ROOT for trail in trails):
            raise EncodeError("The whole value cannot be taken out of itself; delete the entry instead.")
        owner, part, index = self._draft.container_of(slots[0])
        if part is Part.STATES:
            self._delete_state(owner, slots, index)
            return
        run = Run(self._draft, owner, part)
        positions = {slot: at // run.width for at, slot in enumerate(run.slots)}
        units = [positions.get(slot, -1) for slot in slots]
        if min(units) < 0:
            raise EncodeError("Only nodes of one parent can be deleted at once.")
        first = 1 if self._graph.stream.data[owner] == CODE["OBJ"] else 0
        if part is Part.OWN and (self._graph.stream.data[owner] not in _WITH_ELEMENTS or min(units) < first):
            raise EncodeError("An object cannot be made without this part.")
        run.delete(units)

    def _without_half(self, trail: list[Child]) -> list[Child]:
        """Return the way to a pair that is a list, among others of a collection, where it leads to half of one."""
        if len(trail) < 4 or trail[-3].role not in (Role.ARGUMENT, Role.CALL_ARGUMENT):
            return trail
        contents = [content_of(self._graph, child.slot) for child in trail[-5:-3]]
        return trail[:-1] if any(content is not None and content.in_lists for content in contents) else trail

    def _delete_state(self, owner: int, slots: Sequence[int], index: int) -> None:
        if len(slots) > 1:
            raise EncodeError("Only nodes of one parent can be deleted at once.")
        draft = self._draft
        consumer = draft.geometry.consumer(slots[0])
        region = draft.geometry.region_in(slots[0], consumer)
        draft.splices.append(Splice(region.start, end_of(draft.stream.data, consumer), has_top=True))
        states = self._graph.parts(owner).states
        draft.intent.contents[owner, Part.STATES] = [*states[:index], *states[index + 1 :]]

    def _reorder(self, edit: Reorder, steps: Sequence[Step]) -> None:
        pairs = self._names_pairs(steps) and not self._has_only_items(steps)
        holder = self._holder(steps, pairs=pairs)
        count = len(holder.run) - holder.offset if holder.run is not None else 0
        if sorted(edit.order) != list(range(count)):
            raise EncodeError(f"The new order must name each of the {count:,} positions once.")
        if holder.run is not None:
            fixed = range(holder.offset)
            holder.run.reorder([*fixed, *(index + holder.offset for index in edit.order)])

    def _has_only_items(self, steps: Sequence[Step]) -> bool:
        """Tell whether a path names an object with items and no pairs."""
        if steps and isinstance(steps[-1], PartStep):
            return False
        slot = self._locator.trail(self._root, steps)[-1].slot
        if self._graph.kind(slot) is not Kind.OBJECT:
            return False
        parts = self._graph.parts(slot)
        return bool(parts.listitems) and not parts.dictitems

    def _rename_key(self, edit: RenameKey, steps: Sequence[Step]) -> None:
        trail = self._locator.trail(self._root, steps)
        check_has_no_places(self._graph, trail[:-1])
        self._note_trail(trail[:-1])
        owner, part, index = self._draft.container_of(trail[-1].slot)
        if part is not Part.PAIRS:
            raise EncodeError("Nothing with a key stands there.")
        run = Run(self._draft, owner, part)
        slot = run.slots[index - index % 2]
        kind = self._graph.kind(slot)
        value = self._value(edit.key)
        if trail[-1].role is Role.ATTRIBUTE:
            check_is_text(value)
        if isinstance(value, Atom) and value.kind is kind and is_unchanged(self._graph, slot, value):
            return
        self._put(slot, value)
        self._draft.hashed.append((owner, part, index - index % 2))


def steps_of(edit: Edit) -> list[Step]:
    """Return the steps of the path of an edit that has one."""
    return parse_path(edit.path) if isinstance(edit, (ReplaceNode, InsertItem, AddPair, Reorder, RenameKey)) else []


def may_change_types(edit: Edit) -> bool:
    """Tell whether an edit may make something else of the known types around it: if that was asked for."""
    return isinstance(edit, ReplaceNode) and edit.any_type
