"""A value together with the values inside of it: in its bytes, within a compression, behind a header.

Many decoded values become one tree: rows lead on into what is inside, paths have the step ``<content>`` there, and
an edit within is written outwards through everything that is around it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Inside, NodeRow
from app.codecs.edits import ChangeProtocol, DeleteNodes, Edit, RenameGlobal
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.model import Value
from app.codecs.paths import step_texts
from app.compression.registry import begun
from app.errors import CodecError, EncodeError, LimitExceeded, PathError

T = TypeVar("T")

CONTENT = "<content>"
BEFORE = "<before>"
AFTER = "<after>"
_STEPS = frozenset({CONTENT, BEFORE, AFTER})

_PICKLE_START = re.compile(rb"\x80[\x02-\x05]|\([\x80-\xffIKMJSVXUTcidl(]|[\]})]q|c[\w.]+\n|\([dlt]p\d")
_JSON_START = re.compile(rb"\s*+(?:\{\s*+[\"}]|\[\s*+[\[\]{\"\d\-tfn])")
BASE64_START = re.compile(rb"gA[I-X][A-Za-z0-9+/_\-]{5}|H4sI|Qlpo|/Td6|eJ[w-z]|eN[o-r]|eA[EF]|KLUv")
"""Pickles that name their protocol and what is compressed, in base64."""

_LOW_BITS = 46
_HIGH = 1 << 62
_ROOM = 1 << (_LOW_BITS + 1)
"""Handles of nodes inside: the number of the room above this bit, below it whether the node is one of the high ones,
and its low bits. Codecs number nodes by offsets, and what has no offset of its own from `_HIGH` on."""

_MOST_ROOMS = 1 << 14
_KEPT_INSIDES = 4096


class Opener(Protocol):
    """What knows the codecs."""

    def holds(self, inside: Inside) -> bool:
        """Tell whether some bytes are surely a value; cheap."""
        ...

    def open(self, inside: Inside, token: CancelToken) -> DecodedValue:
        """Return the value, read by the best codec; raises as `Codec.decode`."""
        ...


@dataclass(frozen=True, slots=True)
class _Room:
    """One of the values. ``depth`` is 0 for the outermost."""

    value: DecodedValue
    depth: int = 0
    why_read_only: str = ""


class _Stop(NamedTuple):
    """Where a path goes through a room: the path there, and the step into the next one (empty in the last)."""

    room: int
    path: str
    step: str


class ContentValue(DecodedValue):
    """A value whose insides are opened when a row or a path goes into them."""

    codec = ""

    def __init__(self, value: DecodedValue, opener: Opener) -> None:
        super().__init__(value.data)
        self.problems = value.problems
        self.outer = value
        self.codec = value.codec
        self._opener = opener
        self._rooms = [_Room(value)]
        self._numbers: dict[tuple[int, int, str], int] = {}
        self._known: dict[tuple[int, int], Sequence[Inside]] = {}
        self._kept = 0

    @property
    def is_damaged(self) -> bool:
        return self._found("", whole=True)[0].is_damaged

    # ---- rooms

    def _insides(self, room: int, node: int) -> Sequence[Inside]:
        """Return what is surely inside a node."""
        known = self._known.get((room, node))
        if known is None:
            if len(self._known) >= _KEPT_INSIDES:
                self._known.clear()
            known = self._known[room, node] = self._sure_insides(self._rooms[room], node)
        return known

    def _sure_insides(self, room: _Room, node: int) -> Sequence[Inside]:
        insides = room.value.insides(node)
        if not insides or room.depth >= limits.CONTENT_DEPTH:
            return ()
        return tuple(inside for inside in insides if inside.is_certain or self._opener.holds(inside))

    def _open(self, room: int, node: int, inside: Inside, token: CancelToken) -> int:
        """Return the number of the room that an inside is, made when it is asked for first."""
        number = self._numbers.get((room, node, inside.step))
        if number is None:
            if self._kept + inside.size > limits.CONTENT_KEPT or len(self._rooms) >= _MOST_ROOMS:
                raise LimitExceeded(
                    "More values within this value would be held than there is room for; "
                    "look at another one and come back, or export it and open its parts."
                )
            value = self._opener.open(inside, token)
            self._kept += inside.size
            outer = self._rooms[room]
            self._rooms.append(_Room(value, outer.depth + 1, outer.why_read_only or inside.why_read_only))
            number = self._numbers[room, node, inside.step] = len(self._rooms) - 1
        return number

    def _walk(self, path: str, token: CancelToken | None = None) -> list[_Stop]:
        """Return the rooms that a path goes through."""
        stops: list[_Stop] = []
        room, passed = 0, ""
        for step in step_texts(path):
            if step not in _STEPS:
                passed += step
                continue
            stops.append(_Stop(room, passed, step))
            room = self._enter(stops, token or CancelToken())
            passed = ""
        return [*stops, _Stop(room, passed, "")]

    def _enter(self, stops: list[_Stop], token: CancelToken) -> int:
        room, path, step = stops[-1]
        node = self._within(stops, lambda value: value.find(path)).node
        for inside in self._insides(room, node):
            if inside.step == step:
                return self._open(room, node, inside, token)
        where = _prefix(stops)[: -len(step)] or "the root"
        raise PathError(f"There is no {step} at {where}: it holds no value that is recognised.")

    def _within(self, stops: list[_Stop], ask: Callable[[DecodedValue], T]) -> T:
        """Return what the last value on the way answers; where a path is wrong, say within what."""
        before = _prefix(stops[:-1])
        try:
            return ask(self._rooms[stops[-1].room].value)
        except PathError as error:
            if not before:
                raise
            raise PathError(f"{error.message.removesuffix('.')}, within {before}.") from error

    def _into_content(self, stops: list[_Stop], token: CancelToken, *, whole: bool = False) -> list[_Stop]:
        """Return the way to what a wrapper is nothing without, and that of all other values as it is.

        With ``whole`` it does not lead on from a wrapper that is damaged.
        """
        while not stops[-1].path and (value := self._rooms[stops[-1].room].value).is_wrapper:
            if whole and value.is_damaged:
                break
            last = _Stop(stops[-1].room, "", CONTENT)
            try:
                room = self._enter([*stops[:-1], last], token)
            except CodecError:
                break  # nothing can be made of it
            stops = [*stops[:-1], last, _Stop(room, "", "")]
        return stops

    def _found(self, path: str, token: CancelToken | None = None, *, whole: bool = False) -> tuple[DecodedValue, str]:
        """Return the value that a path ends in, not a wrapper, and the path there."""
        if not (path or self.outer.is_wrapper):
            return self.outer, ""
        stops = self._into_content(self._walk(path, token), token or CancelToken(), whole=whole)
        return self._rooms[stops[-1].room].value, stops[-1].path

    # ---- rows

    @property
    def root(self) -> NodeRow:
        return self._row(0, self.outer.root)

    def _row(self, room: int, row: NodeRow) -> NodeRow:
        insides = self._insides(room, row.node)
        read_only = self._rooms[room].why_read_only
        row = replace(row, node=_handle(room, row.node), count=row.count + len(insides))
        if read_only and row.editor:
            return replace(row, editor="", flags=(*row.flags, "read-only"), note=f"{row.note} {read_only}".strip())
        return row

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        room, own = _room_and_node(node)
        if not 0 <= room < len(self._rooms):
            raise PathError(f"There is no node {node:,} in this value.")
        value = self._rooms[room].value
        rows = [self._row(room, row) for row in value.rows(own, start, count)]
        insides = self._insides(room, own)
        if not insides or len(rows) >= count:
            return rows
        root = value.root
        first = max(start - (root.count if own == root.node else 0), 0)
        return rows + [self._inside_row(room, own, inside) for inside in insides[first : first + count - len(rows)]]

    def _inside_row(self, room: int, node: int, inside: Inside) -> NodeRow:
        try:
            number = self._open(room, node, inside, CancelToken())
        except CodecError as error:
            note = error.message
            return NodeRow(
                _handle(room, node),
                inside.step,
                inside.step,
                "bytes",
                f"<{inside.size:,} bytes>",
                0,
                ("truncated",),
                note,
            )
        row = self._row(number, self._rooms[number].value.root)
        return replace(row, step=inside.step, label=inside.step)

    def find(self, path: str) -> NodeRow:
        stops = self._walk(path)
        last = stops[-1]
        row = self._row(last.room, self._within(stops, lambda value: value.find(last.path)))
        if last.path or len(stops) == 1:
            return row
        return replace(row, step=stops[-2].step, label=stops[-2].step)

    # ---- edits

    def edit_text(self, path: str) -> str:
        value, within = self._found(path)
        return value.edit_text(within)

    def replace(self, path: str, literal: str) -> bytes:
        token = CancelToken()
        return self._edited(path, lambda value, within: value.replace(within, literal), token)

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        if isinstance(edit, RenameGlobal | ChangeProtocol):
            return self._edited("", lambda value, _within: value.edit(edit, token), token)
        if not isinstance(edit, DeleteNodes):
            return self._edited(edit.path, lambda value, within: value.edit(replace(edit, path=within), token), token)
        if not edit.paths:
            return self.data
        ways = [self._walk(path, token) for path in edit.paths]
        if len({_prefix(way[:-1]) for way in ways}) > 1:
            raise EncodeError("Only what has one parent can be deleted at once.")
        if any(len(way) > 1 and not way[-1].path for way in ways):
            raise EncodeError("What is inside of a value cannot be deleted; delete the value around it.")
        within = DeleteNodes(tuple(way[-1].path for way in ways))
        return self._edited(edit.paths[0], lambda value, _within: value.edit(within, token), token)

    def _edited(self, path: str, change: Callable[[DecodedValue, str], bytes], token: CancelToken) -> bytes:
        """Return the whole value's bytes with a change made to what a path ends in."""
        stops = self._into_content(self._walk(path, token), token)
        last = self._rooms[stops[-1].room]
        if last.why_read_only:
            raise EncodeError(last.why_read_only)
        data = self._within(stops, lambda value: change(value, stops[-1].path))
        if data == last.value.data:
            return self.data  # nothing to change
        for room, holder, step in reversed(stops[:-1]):
            data = self._rooms[room].value.with_inside(holder, step, data, token)
        return data

    def model(self, path: str, token: CancelToken) -> Value:
        value, within = self._found(path, token)
        return value.model(within, token)

    # ---- all of it

    def text(self, limit: int, path: str = "") -> str:
        value, within = self._found(path)
        return value.text(limit, within)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        stops = self._walk(path)
        last = stops[-1]
        tree = self._within(stops, lambda value: value.tree(limit, last.path))
        value = self._rooms[last.room].value
        if not last.path and value.is_wrapper:
            prefix = _prefix(stops)
            for inside in self._insides(last.room, value.root.node):
                tree[inside.step.strip("<>")] = self.tree(limit, prefix + inside.step)
        return tree

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        value, within = self._found(path, token, whole=True)
        yield from value.plain(token, within)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        value, within = self._found(path, token, whole=True)
        yield from value.typed(token, within)

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        stops = self._into_content(self._walk("", token), token)
        room = stops[-1].room
        rows = self._rooms[room].value.opcodes(start, count, token)
        prefix = _prefix(stops)
        return [
            replace(row, node=_handle(room, row.node), path=prefix + row.path) if row.node >= 0 else row for row in rows
        ]

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        for prefix, value in self._all(token):
            for hit in value.search(query, token):
                yield replace(hit, path=prefix + hit.path) if prefix else hit

    def audit(self, token: CancelToken) -> Audit:
        whole = Audit()
        for prefix, value in self._all(token):
            found = value.audit(token)
            whole = Audit(
                whole.globals + tuple(replace(named, path=prefix + named.path) for named in found.globals),
                whole.calls + tuple(replace(call, path=prefix + call.path) for call in found.calls),
                whole.more + found.more,
            )
        return whole

    def _all(self, token: CancelToken) -> Iterator[tuple[str, DecodedValue]]:
        """Yield the path and value of this value and everything inside, none of which is kept."""
        waiting = [iter([("", self.outer)])]
        looked_at = 0
        while waiting and looked_at <= limits.CONTENT_HOLDERS:
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
                continue
            yield found
            looked_at += 1
            if len(waiting) <= limits.CONTENT_DEPTH:
                waiting.append(self._all_inside(*found, token))

    def _all_inside(self, prefix: str, value: DecodedValue, token: CancelToken) -> Iterator[tuple[str, DecodedValue]]:
        for path in islice(value.holders(token), limits.CONTENT_HOLDERS):
            token.check()
            for inside in value.insides(value.find(path).node):
                inner = self._opened(inside, token)
                if inner is not None:
                    yield prefix + path + inside.step, inner

    def _opened(self, inside: Inside, token: CancelToken) -> DecodedValue | None:
        """Return the value that is inside, None when there is none or it is too large."""
        if not (inside.is_certain or self._opener.holds(inside)):
            return None
        try:
            return self._opener.open(inside, token)
        except CodecError:
            return None


def may_hold(prefix: bytes, *, is_text: bool = False) -> bool:
    """Tell whether bytes that begin so may be a value of their own; cheap, and often wrong."""
    if _JSON_START.match(prefix) or BASE64_START.match(prefix):
        return True
    return not is_text and (_PICKLE_START.match(prefix) is not None or begun(prefix) is not None)


def _handle(room: int, node: int) -> int:
    if not room:
        return node
    return room * _ROOM | (node >= _HIGH) << _LOW_BITS | node & ((1 << _LOW_BITS) - 1)


def _room_and_node(handle: int) -> tuple[int, int]:
    if handle < _ROOM or handle >= _HIGH:
        return 0, handle
    low = handle & ((1 << _LOW_BITS) - 1)
    return handle // _ROOM, low | (_HIGH if handle >> _LOW_BITS & 1 else 0)


def _prefix(stops: Sequence[_Stop]) -> str:
    return "".join(stop.path + stop.step for stop in stops)
