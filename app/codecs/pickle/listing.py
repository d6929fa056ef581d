"""The opcodes of a pickle in order, each with what it builds and where that goes."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.codecs.known.registry import preview
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import ALIASES, BY_CODE, CODE, GETS, PUTS, codes, end_of, memo_index, name_of
from app.codecs.pickle.stream import Stream
from app.codecs.pickle.walk import offsets_of
from app.codecs.screen import escape_text, quote_bytes, shorten

PathNear = Callable[[int], tuple[str, bool]]
"""Return the path of the place where a slot stands, or of the innermost one around it, and whether it is the place."""

_SHOWN_CHARS = 60
_SHOWN_BYTES = 40
_MARK = CODE["MARK"]
_MEMOIZE = CODE["MEMOIZE"]
_NAMED = codes("GLOBAL", "INST")
_NOTHING = codes("PROTO", "FRAME", "MARK", "POP", "POP_MARK", "STOP") | PUTS
"""Opcodes that neither push a value nor change one."""

_EFFECTS = {
    **dict.fromkeys(codes("PROTO", "FRAME", "TUPLE1", "BINPERSID", "READONLY_BUFFER") | PUTS, 0),
    **dict.fromkeys(codes("STOP", "POP", "TUPLE2", "APPEND", "REDUCE", "BUILD", "NEWOBJ", "STACK_GLOBAL"), -1),
    **dict.fromkeys(codes("TUPLE3", "SETITEM", "NEWOBJ_EX"), -2),
}
"""By how many objects the stack grows; by one where it is not said."""

_TO_MARK = {
    **dict.fromkeys(codes("POP_MARK", "APPENDS", "SETITEMS", "ADDITEMS"), 0),
    **dict.fromkeys(codes("TUPLE", "LIST", "DICT", "FROZENSET", "OBJ", "INST"), 1),
}
"""Opcodes that take all down to the mark, and how many objects they push then."""


class Listing:
    """The opcodes of one pickle. Offsets and depths are kept in 12 bytes an opcode, more where a MEMOIZE is."""

    def __init__(self, graph: Graph, path_near: PathNear, token: CancelToken) -> None:
        self._graph = graph
        self._path_near = path_near
        self._offsets = array("q", offsets_of(graph.stream, token, with_failing=True))
        self._depths = array("i", _depths(graph.stream, self._offsets))
        self._numbers = dict(_memoized(graph.stream, self._offsets))
        self._owners = {pos: target for target, log in graph.stream.logs.items() for pos in log}

    def __len__(self) -> int:
        return len(self._offsets)

    def rows(self, start: int, count: int) -> list[OpcodeRow]:
        """Return at most ``count`` opcodes from opcode number ``start`` on."""
        return [self._row(number) for number in range(start, min(start + count, len(self)))]

    def number_at(self, offset: int) -> int:
        """Return the number of the opcode at an offset, or of the first one behind it."""
        return bisect_left(self._offsets, offset)

    def _row(self, number: int) -> OpcodeRow:
        pos, data = self._offsets[number], self._graph.stream.data
        end = end_of(data, pos)
        size = (end if end >= 0 else len(data)) - pos
        is_bad = pos == self._graph.stream.error_at
        builds = escape_text(self._graph.stream.error) if is_bad else self._builds(pos)
        node = -1 if is_bad or data[pos] in _NOTHING else self._owners.get(pos, pos)
        argument = self._argument(pos, pos + size)
        path = self._path_near(node)[0] if node >= 0 else ""
        return OpcodeRow(pos, size, name_of(data[pos]), argument, self._depths[number], builds, node, path)

    def _argument(self, pos: int, end: int) -> str:
        """Return an opcode's argument as a person reads it: a scalar as Python writes it, all else as its bytes."""
        data = self._graph.stream.data
        op = data[pos]
        if BY_CODE[op] is None or (end - pos == 1 and op != _MEMOIZE):
            return ""
        if end_of(data, pos) < 0:  # the end of the bytes cuts it
            return _quoted(data, pos, end)
        if op in PUTS | GETS:
            return str(self._numbers[pos] if op == _MEMOIZE else memo_index(data, pos))
        return self._other_argument(pos, end)

    def _other_argument(self, pos: int, end: int) -> str:
        """Return the argument of an opcode that is whole and does not name a memo slot."""
        data = self._graph.stream.data
        op = data[pos]
        if op == CODE["FRAME"]:
            return f"{int.from_bytes(data[pos + 1 : pos + 9], 'little'):,} bytes"
        if op in _NAMED:
            return escape_text(shorten(self._graph.global_name(pos + (op == CODE["INST"])), _SHOWN_CHARS))
        if op == CODE["PROTO"]:
            return str(data[pos + 1])
        is_scalar = op not in ALIASES and self._graph.kind(pos) in SCALARS
        return preview(self._graph, pos, _SHOWN_CHARS) if is_scalar else _quoted(data, pos, end)

    def _builds(self, pos: int) -> str:
        """Return what an opcode makes and where that goes."""
        graph = self._graph
        op = graph.stream.data[pos]
        if op in _NOTHING:
            return _PLAIN.get(op, "")
        if pos in self._owners:
            return self._change(pos, self._owners[pos])
        if op in ALIASES:
            return f"{self._place(pos)}: the same object as {self._place(graph.target(pos))}"
        what = (
            str(graph.kind(pos))
            if graph.kind(pos) not in (Kind.OBJECT, Kind.GLOBAL)
            else preview(graph, pos, _SHOWN_CHARS)
        )
        return f"{self._place(pos)}: {what}"

    def _change(self, pos: int, owner: int) -> str:
        stream = self._graph.stream
        kids = len(stream.records.get(pos, ()))
        match name_of(stream.data[pos]):
            case "BUILD":
                what = "sets the state of"
            case "SETITEM" | "SETITEMS":
                what = f"{_counted(kids // 2, 'pair')} into"
            case _:
                what = f"{_counted(kids, 'item')} into"
        return f"{what} {self._place(owner)}"

    def _place(self, slot: int) -> str:
        path, is_place = self._path_near(slot)
        return (path or "the root") if is_place else f"part of {path or 'the root'}"


def _quoted(data: bytes, pos: int, end: int) -> str:
    return quote_bytes(data[pos + 1 : min(end, pos + 1 + _SHOWN_BYTES)])


def _depths(stream: Stream, offsets: "array[int]") -> Iterator[int]:
    """Yield the number of objects and marks on the stack before each opcode."""
    depth = 0
    marks: list[int] = []
    for pos in offsets:
        yield depth
        op = stream.data[pos]
        if op == _MARK:
            marks.append(depth)
        if op in _TO_MARK:
            depth = (marks.pop() if marks else 0) + _TO_MARK[op]
        else:
            depth = max(depth + _EFFECTS.get(op, 1), 0)
            if marks and depth <= marks[-1]:  # a POP takes the mark itself
                marks.pop()


def _memoized(stream: Stream, offsets: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield the offset of each MEMOIZE and the memo index that it fills: as many as are filled already."""
    filled: set[int] = set()
    count = 0
    for pos in offsets:
        op = stream.data[pos]
        if op == _MEMOIZE:
            yield pos, count
            filled.add(count)
            count += 1
        elif op in PUTS and pos != stream.error_at and (index := memo_index(stream.data, pos)) not in filled:
            filled.add(index)
            count += 1


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_PLAIN = {
    CODE["PROTO"]: "the protocol",
    CODE["FRAME"]: "a frame begins",
    CODE["MARK"]: "a mark",
    CODE["POP"]: "throws the top of the stack away",
    CODE["POP_MARK"]: "throws all down to the mark away",
    CODE["STOP"]: "the root is the value",
    **dict.fromkeys(PUTS, "keeps the top of the stack in the memo"),
}
