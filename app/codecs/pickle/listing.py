"""The opcodes of a pickle in order, each with what it builds and where that goes."""

from collections.abc import Callable

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.codecs.known.registry import preview
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcode_places import OpcodePlaces, Place
from app.codecs.pickle.opcodes import ALIASES, BY_CODE, CODE, GETS, PUTS, codes, end_of, memo_index, name_of
from app.codecs.pickle.owners import owners_of
from app.codecs.pickle.reductions import global_lines
from app.codecs.pickle.stream import Stream
from app.codecs.screen import escape_text, quote_bytes, shorten

PathNear = Callable[[int], tuple[str, bool]]
"""Return the path of the place where a slot stands, or of the innermost one around it, and whether it is the place."""

_SHOWN_CHARS = 60
_SHOWN_BYTES = 40
_MEMOIZE = CODE["MEMOIZE"]
_NAMED = codes("GLOBAL", "INST")
_NOTHING = codes("PROTO", "FRAME", "MARK", "POP", "POP_MARK", "STOP") | PUTS
"""Opcodes that neither push a value nor change one."""


class Listing:
    """The opcodes of one pickle, those behind the records too where there was no room for more."""

    def __init__(self, graph: Graph, path_near: PathNear) -> None:
        self._graph = graph
        self._path_near = path_near
        self._behind = _without_records(graph.stream) if graph.stream.is_full else graph
        """What reads the arguments of opcodes of which there are no records."""
        self._places = OpcodePlaces(graph.stream)
        self._owners = owners_of(graph.stream)

    def __len__(self) -> int:
        """The number of opcodes that were walked over; of all of them once `rows` returned fewer than it was asked."""
        return self._places.count

    def rows(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        """Return at most ``count`` opcodes from opcode number ``start`` on.

        Raises:
            Cancelled: by ``token``.
        """
        self._places.reach(start + count, token)
        return [self._row(place) for place in self._places.between(start, count)]

    def _row(self, place: Place) -> OpcodeRow:
        pos, stream = place.pos, self._graph.stream
        end = end_of(stream.data, pos)
        size = (end if end >= 0 else len(stream.data)) - pos
        op = stream.data[pos]
        argument = str(place.memoized) if op == _MEMOIZE and place.memoized >= 0 else self._argument(pos, pos + size)
        if stream.is_full and pos >= stream.error_at:
            return OpcodeRow(pos, size, name_of(op), argument, place.depth, _PLAIN.get(op, _BEHIND))
        is_bad = pos == stream.error_at
        builds = escape_text(stream.error) if is_bad else self._builds(pos)
        node = -1 if is_bad or op in _NOTHING else self._owners.get(pos, pos)
        path = self._path_near(node)[0] if node >= 0 else ""
        return OpcodeRow(pos, size, name_of(op), argument, place.depth, builds, node, path)

    def _argument(self, pos: int, end: int) -> str:
        """Return an opcode's argument as a person reads it: a scalar as Python writes it, all else as its bytes."""
        data = self._graph.stream.data
        op = data[pos]
        if BY_CODE[op] is None or end - pos == 1:
            return ""
        if end_of(data, pos) < 0:  # the end of the bytes cuts it
            return _quoted(data, pos, end)
        if op in PUTS | GETS:
            return str(memo_index(data, pos))
        return self._other_argument(pos, end)

    def _other_argument(self, pos: int, end: int) -> str:
        """Return the argument of an opcode that is whole and does not name a memo slot."""
        data = self._graph.stream.data
        op = data[pos]
        if op == CODE["FRAME"]:
            return f"{int.from_bytes(data[pos + 1 : pos + 9], 'little'):,} bytes"
        if op in _NAMED:
            return escape_text(shorten(global_lines(data, pos), _SHOWN_CHARS))
        if op == CODE["PROTO"]:
            return str(data[pos + 1])
        graph = self._behind if pos >= self._graph.stream.error_at else self._graph
        is_scalar = op not in ALIASES and graph.kind(pos) in SCALARS
        return preview(graph, pos, _SHOWN_CHARS) if is_scalar else _quoted(data, pos, end)

    def _builds(self, pos: int) -> str:
        """Return what an opcode makes and where that goes."""
        graph = self._graph
        op = graph.stream.data[pos]
        if op in _NOTHING:
            return _PLAIN.get(op, "")
        if (owner := self._owners.get(pos, -1)) >= 0:
            return self._change(pos, owner)
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


def _without_records(stream: Stream) -> Graph:
    """Return the same bytes as if nothing had been followed."""
    bare = Stream(stream.data, stream.start, [])
    bare.is_python2, bare.has_small_longs, bare.has_text_ints = (
        stream.is_python2,
        stream.has_small_longs,
        stream.has_text_ints,
    )
    return Graph(bare)


def _quoted(data: bytes, pos: int, end: int) -> str:
    return quote_bytes(data[pos + 1 : min(end, pos + 1 + _SHOWN_BYTES)])


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_BEHIND = "behind what is shown of the value"

_PLAIN = {
    CODE["PROTO"]: "the protocol",
    CODE["FRAME"]: "a frame begins",
    CODE["MARK"]: "a mark",
    CODE["POP"]: "throws the top of the stack away",
    CODE["POP_MARK"]: "throws all down to the mark away",
    CODE["STOP"]: "the root is the value",
    **dict.fromkeys(PUTS, "keeps the top of the stack in the memo"),
}
