"""Edits of marshal values: each is cuts into the old bytes and what it means, and is believed only when that is met."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from app.cancel import CancelToken, Pass
from app.codecs import new_values
from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    DeleteNodes,
    Edit,
    InsertItem,
    New,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.codecs.marshal.changes import Change, Reshaped, cut_of
from app.codecs.marshal.children import Children
from app.codecs.marshal.compare import is_as_intended, is_same_value
from app.codecs.marshal.encode import Form
from app.codecs.marshal.graph import MarshalGraph, graph_of
from app.codecs.marshal.models import whole_scalar
from app.codecs.marshal.replacing import replaced
from app.codecs.marshal.rewrite import rewritten
from app.codecs.marshal.splice import counts_alike, spliced
from app.codecs.marshal.unique import count_repeated
from app.codecs.model import Atom, Style, Value
from app.codecs.nodes import SCALARS, Kind
from app.codecs.paths import Literal, Part, parse_path
from app.codecs.trees.children import HASHED_ROLES, Child, Role
from app.errors import EncodeError, PathError

_SEQUENCES = frozenset({Kind.LIST, Kind.TUPLE})
_SETS = frozenset({Kind.SET, Kind.FROZENSET})
_OF_CODE = "The interpreter runs by this part of the code object, and could crash with another."


class Editor:
    """Makes the edits of one value."""

    def __init__(self, children: Children, token: CancelToken) -> None:
        self._children = children
        self._graph = children.graph
        self._token = token
        self._form = Form(self._graph.version, self._graph.is_python2)

    def edit(self, edit: Edit) -> bytes:
        """Return the bytes of the value with an edit made.

        Raises: as `DecodedValue.edit`.
        """
        if self._graph.stream.is_full:
            raise EncodeError(f"A value that is not shown whole is read-only. {self._graph.stream.error}")
        if self._graph.stream.error:
            raise EncodeError("The value is damaged, so it is read-only.")
        match edit:
            case ReplaceNode():
                made = self._replace(edit)
            case InsertItem(path, index, new):
                made = self._insert(path, index, self._new(new))
            case AddPair(path, key, new):
                made = self._add_pair(path, self._new(key), self._new(new))
            case DeleteNodes(paths):
                made = self._delete(paths)
            case Reorder(path, order):
                made = self._reorder(path, order)
            case RenameKey(path, key):
                made = self._rename(path, key)
            case ChangeProtocol(version):
                made = self._change_version(version)
            case _:
                raise EncodeError("Marshal values name no classes or functions that could be renamed.")
        return made

    # ---- places and new values

    def _trail(self, path: str) -> list[Child]:
        return self._children.trail(parse_path(path))

    def _new(self, new: New, like: Kind | None = None) -> Value:
        style = Style(2, is_python2=True) if self._form.is_python2 else Style()
        return new_values.new_value(new, style, self._token, like=like)

    def _container(self, path: str, kinds: frozenset[Kind], what: str) -> list[Child]:
        """Return the way to a container that may get more or fewer parts."""
        trail = self._trail(path)
        kind = self._graph.kind(trail[-1].slot)
        if kind not in kinds:
            raise EncodeError(f"{path or 'The root'} is of type {kind}; only {what} can be changed so.")
        if self._graph.target(trail[-1].slot) in self._parts_of_code:
            raise EncodeError(_OF_CODE)
        return trail

    # ---- replacing

    def _replace(self, edit: ReplaceNode) -> bytes:
        try:
            trail = self._trail(edit.path)
        except PathError:
            return self._add_at(edit)
        child = trail[-1]
        kind = self._graph.kind(child.slot)
        is_part = kind not in SCALARS and self._graph.target(child.slot) in self._parts_of_code
        if child.role is Role.OTHER or (is_part and edit.everywhere):
            raise EncodeError(_OF_CODE)
        is_name = self._is_name_of_code(trail, everywhere=edit.everywhere)
        is_fixed = kind in SCALARS and (not edit.any_type or is_name)
        value = self._new(edit.new, kind if is_fixed else None)
        if self._is_equal(child.slot, value):
            return self._graph.stream.data
        change = replaced(self._graph, trail, value, self._form, self._token, everywhere=edit.everywhere)
        return self._made(change, trail)

    def _is_name_of_code(self, trail: Sequence[Child], *, everywhere: bool) -> bool:
        """Tell whether a scalar may be a name by which a code object works: it can be of no other type then."""
        parts = self._parts_of_code
        targets = [self._graph.target(child.slot) for child in trail[-2:]]
        return (everywhere and bool(parts)) or any(parts.get(target, True) is False for target in targets)

    @cached_property
    def _parts_of_code(self) -> dict[int, bool]:
        """The parts of code objects, and whether each holds constants only; other places can share them."""
        graph = self._graph
        found: dict[int, bool] = {}
        for code in graph.stream.codes:
            for name, slot in graph.fields(code):
                if slot not in graph.stream.numbers:
                    target = graph.target(slot)
                    found[target] = found.get(target, True) and name == "co_consts"
        return found

    def _is_equal(self, slot: int, value: Value) -> bool:
        graph = self._graph
        kind = graph.kind(slot)
        if not isinstance(value, Atom) or kind is not value.kind:
            return False
        was = whole_scalar(graph, slot)
        return repr(was) == repr(value.value) if isinstance(was, float | complex) else was == value.value

    def _add_at(self, edit: ReplaceNode) -> bytes:
        """Add what a path names that leads to no place yet: a new key, or the index behind the last."""
        steps = parse_path(edit.path)
        last, parent = (steps[-1], "".join(map(str, steps[:-1]))) if steps else (None, "")
        trail = self._trail(parent)
        slot = trail[-1].slot
        kind = self._graph.kind(slot)
        if isinstance(last, Literal) and kind is Kind.DICT:
            return self._add_pair(parent, self._new(Written(last.text)), self._new(edit.new))
        if isinstance(last, Literal) and kind in _SEQUENCES and last.text == str(self._graph.length(slot)):
            return self._insert(parent, self._graph.length(slot), self._new(edit.new))
        raise PathError(f"There is nothing at {edit.path}.")

    # ---- items and pairs

    def _insert(self, path: str, index: int, value: Value) -> bytes:
        trail = self._container(path, _SEQUENCES | _SETS, "lists, tuples, sets and frozensets")
        shape = Reshaped(self._graph, trail[-1].slot)
        if not 0 <= index <= len(shape.parts):
            raise EncodeError(f"There are {len(shape.parts):,} items here, so none can come before number {index:,}.")
        change = shape.inserted(index, [value], self._form, self._token)
        return self._made(change, trail, changes_keys=self._graph.kind(trail[-1].slot) in _SETS)

    def _add_pair(self, path: str, key: Value, value: Value) -> bytes:
        trail = self._container(path, frozenset({Kind.DICT}), "dicts")
        shape = Reshaped(self._graph, trail[-1].slot)
        change = shape.inserted(len(shape.parts), [key, value], self._form, self._token)
        return self._made(change, trail, changes_keys=True)

    def _delete(self, paths: Sequence[str]) -> bytes:
        trails = [self._trail(path) for path in paths]
        if not trails:
            return self._graph.stream.data
        parents = {trail[-2].slot for trail in trails if len(trail) > 1}
        if len(parents) != 1 or any(len(trail) < 2 for trail in trails):
            raise EncodeError("Only parts of one list, tuple, dict or set can be deleted together, and not the root.")
        if any(trail[-1].role is Role.KEY for trail in trails):
            raise EncodeError("A key goes together with its value: delete that.")
        parent = trails[0][-2].slot
        if self._graph.kind(parent) is Kind.OBJECT:
            raise EncodeError("A slice has always three parts.")
        if self._graph.kind(parent) is Kind.CODE or self._graph.target(parent) in self._parts_of_code:
            raise EncodeError(_OF_CODE)
        shape = Reshaped(self._graph, parent)
        return self._made(shape.without([trail[-1].slot for trail in trails], self._form), trails[0][:-1])

    def _reorder(self, path: str, order: Sequence[int]) -> bytes:
        trail = self._container(path, _SEQUENCES | _SETS | {Kind.DICT}, "lists, tuples, dicts and sets")
        return self._made(Reshaped(self._graph, trail[-1].slot).reordered(order), trail)

    def _rename(self, path: str, key: New) -> bytes:
        trail = self._children.trail([*parse_path(path), Part("key")])
        if trail[-1].role is not Role.KEY:
            raise PathError(f"{path} is no value of a dict, so it has no key.")
        value = self._new(key)
        if self._is_equal(trail[-1].slot, value):
            return self._graph.stream.data
        return self._made(replaced(self._graph, trail, value, self._form, self._token), trail)

    # ---- making and proving

    def _made(self, change: Change, trail: Sequence[Child], *, changes_keys: bool = False) -> bytes:
        """Return the bytes of a change that is proved; ``trail`` leads to what changes."""
        data = spliced(self._graph.stream, change.cuts, self._token)
        graph = self._parsed(data)
        alike = counts_alike(self._graph.stream, graph.stream, change.cuts)
        if not is_as_intended(self._graph, graph, change.intended, self._stage(1), counts_alike=alike):
            raise EncodeError("This cannot be changed without changing something else too; nothing was done.")
        self._check_keys(graph, trail, changes_keys=changes_keys)
        return data

    def _parsed(self, data: bytes) -> MarshalGraph:
        stream = self._graph.stream
        return graph_of(data, stream.start, self._stage(0), stream.layout)

    def _stage(self, number: int) -> CancelToken:
        """Return a token for one of two stages, reading the result and comparing it, to count the bytes done."""
        size = len(self._graph.stream.data)
        return Pass(self._token, before=number * size, counted=0, after=(1 - number) * size)

    def _check_keys(self, graph: MarshalGraph, trail: Sequence[Child], *, changes_keys: bool) -> None:
        """Refuse a change after which two keys of a dict, or elements of a set, around it would be one."""
        places = [parent for parent, child in pairwise(trail) if child.role in HASHED_ROLES]
        if changes_keys:
            places.append(trail[-1])
        for child in places:
            before = self._graph.target(child.slot)
            now = self._now(graph, trail[: list(trail).index(child) + 1])
            if count_repeated(graph, now, self._token) > count_repeated(self._graph, before, self._token):
                raise EncodeError("There is such a key or element already; two of them would become one.")

    def _now(self, graph: MarshalGraph, trail: Sequence[Child]) -> int:
        """Return where the container that a trail leads to stands now: its place among its siblings is the same."""
        at = graph.target(graph.root)
        for parent, child in pairwise(trail):
            place = self._graph.elements(self._graph.target(parent.slot)).index(child.slot)
            kids = graph.elements(at)
            if place >= len(kids):
                raise EncodeError("The path leads through what it changes; name the place by its shortest path.")
            at = graph.target(kids[place])
        return at

    def _change_version(self, version: int) -> bytes:
        graph = self._graph
        pieces = rewritten(graph, version, self._token)
        data = spliced(graph.stream, [cut_of(graph, graph.root, pieces)], self._token)
        found = self._parsed(data)
        if not is_same_value(graph, found, self._stage(1), has_references=version >= 3):
            raise EncodeError(f"The value cannot be written in version {version} without a change.")
        return data
