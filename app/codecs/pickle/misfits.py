"""Values that Python refuses where they stand: keys and elements without a hash, and what cannot be called."""

from collections.abc import Iterator, Sequence
from itertools import chain

from app.cancel import CancelToken
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import ALIASES, CODE, MAKERS, TUPLES, codes, name_of

_BETWEEN_CHECKS = 1024
_BINGET_NUMBERS = 256
_TAKES_KEYS = codes("SETITEM", "SETITEMS", "DICT")
_PAIRS = codes("SETITEM", "SETITEMS"), 2
_TAKERS = {CODE["EMPTY_DICT"]: _PAIRS, CODE["DICT"]: _PAIRS, CODE["EMPTY_SET"]: (codes("ADDITEMS"), 1)}
"""Opcodes that put keys and elements into what an opcode made, and how far apart these stand."""

_DICT, _REDUCE, _BINGET = CODE["DICT"], CODE["REDUCE"], CODE["BINGET"]
_CALLS = MAKERS - codes("INST")
_CLOSED = codes("DICT", "FROZENSET") | _CALLS
_NAMES = codes("GLOBAL", "STACK_GLOBAL")
_UNHASHABLE = frozenset({Kind.LIST, Kind.DICT, Kind.SET, Kind.BYTEARRAY})
_SETS = (Kind.SET, Kind.FROZENSET)
_NEVER_CALLED = SCALARS | _UNHASHABLE | {Kind.TUPLE, Kind.FROZENSET}
_DOUBTFUL = (
    codes("EMPTY_LIST", "LIST", "EMPTY_DICT", "DICT", "EMPTY_SET", "BYTEARRAY8", "REDUCE")
    | (TUPLES - codes("EMPTY_TUPLE"))
    | ALIASES
)
"""Opcodes of what has no hash, may have none, or was made elsewhere."""

Taken = tuple[int, Sequence[int]]
"""The offset of an opcode and slots that it takes."""


def misfits(graph: Graph, token: CancelToken) -> Iterator[str]:
    """Yield a sentence for each opcode that is given a key or an element without a hash, or calls what cannot be.

    Raises:
        Cancelled: by ``token``.
    """
    data = graph.stream.data
    closed = [pos for pos in graph.stream.records if data[pos] in _CLOSED]
    hashes = _Hashes(graph)
    token.check()
    for pos, slots in chain(_put_in(graph, hashes, token), _made_of(graph, hashes, closed, token)):
        if kind := hashes.missing(slots):
            what = "a key" if data[pos] in _TAKES_KEYS else "an element"
            yield f"{name_of(data[pos])} at offset {pos:,} is given {kind} as {what}: Python refuses the pickle."
    for pos, kind in _called(graph, closed, token):
        if kind in _NEVER_CALLED:
            yield f"{name_of(data[pos])} at offset {pos:,} calls {_named(kind)}: Python refuses the pickle."


def _put_in(graph: Graph, hashes: "_Hashes", token: CancelToken) -> Iterator[Taken]:
    """Yield the doubtful keys and elements that are put into dicts and sets."""
    data, records, doubtful = graph.stream.data, graph.stream.records, hashes.doubtful
    for number, (target, log) in enumerate(graph.stream.logs.items()):
        if not number % _BETWEEN_CHECKS:
            token.check()
        if (known := _TAKERS.get(data[target])) is not None:
            takers, step = known
            for pos in log:
                if data[pos] in takers and (found := doubtful(records[pos][::step])):
                    yield pos, found


def _made_of(graph: Graph, hashes: "_Hashes", closed: Sequence[int], token: CancelToken) -> Iterator[Taken]:
    """Yield the doubtful keys and elements of which dicts and sets are made."""
    data, records = graph.stream.data, graph.stream.records
    makes_set: dict[int, bool] = {}
    for number, pos in enumerate(closed):
        if not number % _BETWEEN_CHECKS:
            token.check()
        slots: Sequence[int] = ()
        if data[pos] == _REDUCE:
            callee = graph.target(records[pos][0])
            if callee not in makes_set:
                makes_set[callee] = graph.global_name(callee).endswith("set")
            if makes_set[callee] and graph.kind(pos) in _SETS:
                slots = graph.elements(pos)
        elif data[pos] not in _CALLS:
            slots = records[pos][:: 2 if data[pos] == _DICT else 1]
        if slots and (found := hashes.doubtful(slots)):
            yield pos, found


def _called(graph: Graph, closed: Sequence[int], token: CancelToken) -> Iterator[tuple[int, Kind]]:
    """Yield the kinds of what is called, but for names."""
    data, records = graph.stream.data, graph.stream.records
    for number, pos in enumerate(closed):
        if not number % _BETWEEN_CHECKS:
            token.check()
        if data[pos] in _CALLS and records[pos] and data[records[pos][0]] not in _NAMES:
            yield pos, graph.kind(records[pos][0])


class _Hashes:
    """Tells what has no hash, first by opcodes: all of a value is gone through, mostly in vain."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._data = data = graph.stream.data
        memo = graph.stream.memo
        numbered = memo[:_BINGET_NUMBERS] if isinstance(memo, list) else []
        self._sure_numbers = {index for index, slot in enumerate(numbered) if data[slot] not in _DOUBTFUL}
        self._hashable: set[int] = set()
        """Tuples that were found to have a hash."""

    def doubtful(self, slots: Sequence[int]) -> list[int]:
        """Return those slots whose opcodes leave it open whether they have a hash."""
        data, sure = self._data, self._sure_numbers
        return [
            slot for slot in slots if (op := data[slot]) in _DOUBTFUL and not (op == _BINGET and data[slot + 1] in sure)
        ]

    def missing(self, slots: Sequence[int]) -> str:
        """Return what the first of some slots is that has no hash, an empty text when all have one."""
        return next(filter(None, map(self._missing, slots)), "")

    def _missing(self, slot: int) -> str:
        graph, data = self._graph, self._data
        if data[slot] in TUPLES and not self.doubtful(graph.stream.records[slot]):
            return ""
        waiting, tuples = [slot], set[int]()
        while waiting:
            target = graph.target(waiting.pop())
            if target in self._hashable or target in tuples:
                continue
            if data[target] in TUPLES:
                tuples.add(target)
                waiting += self.doubtful(graph.elements(target))
            elif data[target] in _DOUBTFUL and (kind := graph.kind(target)) in _UNHASHABLE:
                return f"a tuple around {_named(kind)}" if tuples else _named(kind)
        self._hashable |= tuples
        return ""


def _named(kind: Kind) -> str:
    match kind:
        case Kind.NONE:
            return "None"
        case Kind.INT:
            return "an int"
        case Kind.STR2:
            return "a str"
    return f"a {kind}"
