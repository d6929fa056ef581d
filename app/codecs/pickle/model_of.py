"""A node of a parsed pickle as a value to be written elsewhere, with its sharing and recursion."""

from collections.abc import Iterable, Mapping
from itertools import chain

from app import limits
from app.cancel import CancelToken
from app.codecs.collector import CollectorPaused
from app.codecs.model import Atom, Built, Extension, GlobalName, Items, OutOfBand, Pairs, PersistentId, Value
from app.codecs.model_walk import Met, walk
from app.codecs.nodes import SCALARS, Kind, Scalar
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import CODE, codes
from app.codecs.pickle.problems import lost_values
from app.codecs.pickle.scalars import read_text
from app.codecs.screen import escape_text
from app.errors import DecodeError, EncodeError, LimitExceeded

_CHUNK = 4096
"""Nodes between two looks at the token."""

_OLD_STYLE = codes("INST", "OBJ")
_NEW = codes("NEWOBJ", "NEWOBJ_EX")
_COPYREG_NEW = ("copyreg.__newobj__", "copy_reg.__newobj__")
_COPYREG_NEW_EX = ("copyreg.__newobj_ex__", "copy_reg.__newobj_ex__")


def model_of(graph: Graph, slot: int, token: CancelToken, instead: Mapping[int, Value] | None = None) -> Value:
    """Return what stands at ``slot``; places that hold the same object hold the same part of the model.

    ``instead`` has other values for slots in it.

    Raises:
        EncodeError: something in it is damaged, or nothing else could hold it; says what.
        Cancelled: by ``token``.
    """
    try:
        with CollectorPaused():
            return _Copier(graph, token, instead or {}).copy(slot)
    except DecodeError as error:
        why = graph.written_as_damaged(error.message)
        raise EncodeError(f"It cannot be copied, as it is damaged. {why}") from error


class _Copier:
    """One copy: each object becomes an empty part at once, and is filled later, so that nothing recurses."""

    def __init__(self, graph: Graph, token: CancelToken, instead: Mapping[int, Value]) -> None:
        self._graph = graph
        self._data = graph.stream.data
        self._token = token
        self._instead = instead
        self._made: dict[int, Value] = {}
        self._waiting: list[tuple[int, Value, int]] = []
        self._depth = 0
        self._setters = _setters_of(graph)
        self._unfinished = _unfinished(graph)

    def copy(self, slot: int) -> Value:
        root = self._value(slot)
        steps = 0
        while self._waiting:
            steps += 1
            if steps % _CHUNK == 0:
                self._token.check()
            target, part, self._depth = self._waiting.pop()
            if self._depth > limits.WRITTEN_DEPTH:
                raise EncodeError(
                    f"It is nested more than {limits.WRITTEN_DEPTH:,} levels deep, so it cannot be copied."
                )
            self._fill(target, part)
        if self._graph.stream.buffers:
            self._check_buffers(slot, root)
        return root

    def _value(self, slot: int) -> Value:
        if slot in self._instead:
            return self._instead[slot]
        target = self._graph.target(slot)
        known = self._made.get(target)
        if known is None:
            known = self._made[target] = self._new(slot, target)
        return known

    def _values(self, slots: Iterable[int]) -> list[Value]:
        return [self._value(slot) for slot in slots]

    def _pairs(self, pairs: Iterable[tuple[int, int]]) -> list[tuple[Value, Value]]:
        return [(self._value(key), self._value(value)) for key, value in pairs]

    def _new(self, slot: int, target: int) -> Value:
        """Return the part for an object, to be filled later where it has parts of its own."""
        graph = self._graph
        kind = graph.kind(target)
        if kind in SCALARS:
            return Atom(kind, self._scalar(target, kind))
        made: Value
        match kind:
            case Kind.DICT:
                made = Pairs()
            case Kind.LIST | Kind.TUPLE | Kind.SET | Kind.FROZENSET:
                made = Items(kind)
            case Kind.OBJECT:
                made = Built(_NOTHING, _NOTHING)
            case Kind.PERSID:
                made = PersistentId(_NOTHING, is_text=self._data[target] == CODE["PERSID"])
            case Kind.GLOBAL:
                return self._global(target)
            case Kind.EXT:
                return Extension(graph.inner(target))
            case Kind.BUFFER:
                return OutOfBand(is_read_only=self._data[slot] == CODE["READONLY_BUFFER"])
            case _:
                why = graph.written_as_damaged(graph.damage(target))
                raise EncodeError(f"It cannot be copied, as it is damaged. {why}")
        self._waiting.append((target, made, self._depth + 1))
        return made

    def _scalar(self, target: int, kind: Kind) -> Scalar:
        try:
            return self._graph.scalar(target)
        except LimitExceeded:
            return self._graph.integer(target)

    def _fill(self, target: int, part: Value) -> None:
        graph = self._graph
        if target in graph.stream.pending or self._data[target] == CODE["MARK"]:
            raise EncodeError("It cannot be copied, as the pickle breaks off inside of it.")
        if target in self._unfinished:
            raise EncodeError("It cannot be copied, as more of it may come behind the part of the value that is shown.")
        match part:
            case Pairs():
                part.pairs = self._pairs(graph.pairs(target))
            case Items():
                part.items = self._values(graph.items(target))
            case PersistentId():
                part.id = self._value(graph.inner(target))
            case Built():
                self._fill_object(target, part)

    def _fill_object(self, target: int, part: Built) -> None:
        op = self._data[target]
        if op == CODE["REDUCE"]:
            self._fill_call(target, part)
        elif op in _OLD_STYLE:
            self._fill_old_style(target, part)
        elif op in _NEW:
            kids = self._graph.stream.records[target]
            self._fill_new(part, *kids)
        else:
            name = escape_text(self._graph.global_name(target + 1))
            raise EncodeError(f"It cannot be copied, as the pickle changes {name} itself.")
        parts = self._graph.parts(target)
        part.states = self._values(parts.states)
        part.listitems = self._values(parts.listitems)
        part.dictitems = self._pairs(parts.dictitems)
        part.setters = self._pairs(self._setters.get(target, ()))

    def _fill_call(self, target: int, part: Built) -> None:
        """Copy a REDUCE; copyreg's functions that do what NEWOBJ and NEWOBJ_EX do become those."""
        callee, args_slot = self._graph.stream.records[target]
        name = self._graph.global_name(callee)
        made = self._graph.made(target)
        if not made.is_call and name in _COPYREG_NEW:
            part.cls = self._value(made.cls)
            part.args = Items(Kind.TUPLE, self._values(made.args))
        elif not made.is_call and name in _COPYREG_NEW_EX:
            self._fill_new(part, made.cls, made.args_slot, made.kwargs_slot)
        else:
            part.cls, part.args, part.is_call = self._value(callee), self._value(args_slot), True

    def _fill_new(self, part: Built, cls: int, args_slot: int, kwargs_slot: int = -1) -> None:
        part.cls, part.args = self._value(cls), self._value(args_slot)
        if kwargs_slot < 0:
            return
        named = self._value(kwargs_slot)
        if not isinstance(named, Pairs):
            raise EncodeError("It cannot be copied, as an object's keyword arguments are no dict.")
        part.kwargs = named

    def _fill_old_style(self, target: int, part: Built) -> None:
        made = self._graph.made(target)
        is_line = self._data[target] == CODE["INST"]
        part.cls = self._two_lines(target) if is_line else self._value(made.cls)
        part.args = Items(Kind.TUPLE, self._values(made.args))
        part.is_old_style = True

    def _global(self, target: int) -> GlobalName:
        if self._data[target] == CODE["GLOBAL"]:
            return self._two_lines(target)
        stream = self._graph.stream
        module, name = (read_text(self._data, stream.target(slot)) for slot in stream.records[target])
        return GlobalName(module, name, stream.protocol)

    def _two_lines(self, pos: int) -> GlobalName:
        """Return the names behind a GLOBAL or INST."""
        first = self._data.index(b"\n", pos)
        second = self._data.index(b"\n", first + 1)
        try:
            module, name = (line.decode("utf-8") for line in self._data[pos + 1 : second].split(b"\n"))
        except UnicodeDecodeError as error:
            raise EncodeError("It cannot be copied, as it names a class in an unknown encoding.") from error
        return GlobalName(module, name, self._graph.stream.protocol)

    def _check_buffers(self, slot: int, root: Value) -> None:
        """Refuse a copy whose buffers would not come in the order in which they are handed over."""
        graph = self._graph
        met = [part for part, how in walk(root) if isinstance(part, OutOfBand) and how is Met.FIRST]
        expected = [self._made.get(buffer) for buffer in graph.stream.buffers]
        if met and (
            len(met) != len(expected) or any(one is not other for one, other in zip(met, expected, strict=True))
        ):
            raise EncodeError("It cannot be copied alone, as it holds buffers that are handed over beside the pickle.")


_NOTHING = Atom(Kind.NONE, None)


def _unfinished(graph: Graph) -> set[int]:
    """Return the objects that nothing had joined to others yet where there was no room for more records."""
    stream = graph.stream
    if not stream.is_full:
        return set()
    return set(map(graph.target, chain([stream.root], stream.left, *stream.pending.values())))


def _setters_of(graph: Graph) -> dict[int, list[tuple[int, int]]]:
    """Return function and state of the calls ``function(object, state)`` that are thrown away, by the object.

    References:
        CPython's Lib/pickle.py, ``save_reduce``, ``state_setter``.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    stream = graph.stream
    for slot in lost_values(graph):
        target = graph.target(slot)
        if slot != target or stream.data[target] != CODE["REDUCE"]:
            continue
        callee, args_slot = stream.records[target]
        args = graph.items(args_slot) if graph.kind(args_slot) is Kind.TUPLE else []
        if len(args) == 2 and graph.kind(args[0]) is Kind.OBJECT and args[0] != graph.target(args[0]):
            found.setdefault(graph.target(args[0]), []).append((callee, args[1]))
    return found
