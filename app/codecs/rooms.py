"""The values within one value: opened when a path or a row goes into them, each numbered as a room of the whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Inside
from app.codecs.holding import CONTENT, STEPS_INSIDE
from app.codecs.paths import step_texts
from app.errors import CodecError, LimitExceeded, PathError

T = TypeVar("T")

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
class Room:
    """One of the values. ``depth`` is 0 for the outermost."""

    value: DecodedValue
    depth: int = 0
    why_read_only: str = ""


class Stop(NamedTuple):
    """Where a path goes through a room: the path there, and the step into the next one (empty in the last)."""

    room: int
    path: str
    step: str


class Rooms:
    """The values that were opened; the first is the outermost, and no other is kept for longer than there is room."""

    def __init__(self, value: DecodedValue, opener: Opener) -> None:
        self.opener = opener
        self._rooms = [Room(value)]
        self._numbers: dict[tuple[int, int, str], int] = {}
        self._known: dict[tuple[int, int], Sequence[Inside]] = {}
        self._kept = 0

    def __len__(self) -> int:
        return len(self._rooms)

    def __getitem__(self, number: int) -> Room:
        return self._rooms[number]

    @property
    def damage_met(self) -> str:
        """What `DecodedValue.damage_met` says of the first value in which a part could not be written."""
        return next(filter(None, (room.value.damage_met for room in self._rooms)), "")

    def insides(self, room: int, node: int) -> Sequence[Inside]:
        """Return what is surely inside a node."""
        known = self._known.get((room, node))
        if known is None:
            if len(self._known) >= _KEPT_INSIDES:
                self._known.clear()
            known = self._known[room, node] = self._sure_insides(self._rooms[room], node)
        return known

    def _sure_insides(self, room: Room, node: int) -> Sequence[Inside]:
        insides = room.value.insides(node)
        if not insides or room.depth >= limits.CONTENT_DEPTH:
            return ()
        return tuple(inside for inside in insides if inside.is_certain or self.opener.holds(inside))

    def open(self, room: int, node: int, inside: Inside, token: CancelToken) -> int:
        """Return the number of the room that an inside is, made when it is asked for first."""
        number = self._numbers.get((room, node, inside.step))
        if number is None:
            if self._kept + inside.size > limits.CONTENT_KEPT or len(self._rooms) >= _MOST_ROOMS:
                raise LimitExceeded(
                    "More values within this value would be held than there is room for; "
                    "look at another one and come back, or export it and open its parts."
                )
            value = self.opener.open(inside, token)
            self._kept += inside.size
            outer = self._rooms[room]
            self._rooms.append(Room(value, outer.depth + 1, outer.why_read_only or inside.why_read_only))
            number = self._numbers[room, node, inside.step] = len(self._rooms) - 1
        return number

    def walk(self, path: str, token: CancelToken | None = None) -> list[Stop]:
        """Return the rooms that a path goes through."""
        stops: list[Stop] = []
        room, passed = 0, ""
        for step in step_texts(path):
            if step not in STEPS_INSIDE:
                passed += step
                continue
            stops.append(Stop(room, passed, step))
            room = self._enter(stops, token or CancelToken())
            passed = ""
        return [*stops, Stop(room, passed, "")]

    def _enter(self, stops: list[Stop], token: CancelToken) -> int:
        room, path, step = stops[-1]
        node = self.within(stops, lambda value: value.find(path)).node
        for inside in self.insides(room, node):
            if inside.step == step:
                return self.open(room, node, inside, token)
        where = prefix_of(stops)[: -len(step)] or "the root"
        raise PathError(f"There is no {step} at {where}: it holds no value that is recognised.")

    def within(self, stops: list[Stop], ask: Callable[[DecodedValue], T]) -> T:
        """Return what the last value on the way answers; where a path is wrong, say within what."""
        before = prefix_of(stops[:-1])
        try:
            return ask(self._rooms[stops[-1].room].value)
        except PathError as error:
            if not before:
                raise
            raise PathError(f"{error.message.removesuffix('.')}, within {before}.") from error

    def into_content(self, stops: list[Stop], token: CancelToken, *, whole: bool = False) -> list[Stop]:
        """Return the way to what a wrapper is nothing without, and that of all other values as it is.

        With ``whole`` it does not lead on from a wrapper that is damaged.
        """
        while not stops[-1].path and (value := self._rooms[stops[-1].room].value).is_wrapper:
            if whole and value.is_damaged:
                break
            last = Stop(stops[-1].room, "", CONTENT)
            try:
                room = self._enter([*stops[:-1], last], token)
            except CodecError:
                break  # nothing can be made of it
            stops = [*stops[:-1], last, Stop(room, "", "")]
        return stops

    def found(self, path: str, token: CancelToken | None = None, *, whole: bool = False) -> tuple[DecodedValue, str]:
        """Return the value that a path ends in, not a wrapper, and the path there."""
        if not (path or self._rooms[0].value.is_wrapper):
            return self._rooms[0].value, ""
        stops = self.into_content(self.walk(path, token), token or CancelToken(), whole=whole)
        return self._rooms[stops[-1].room].value, stops[-1].path


def handle_of(room: int, node: int) -> int:
    """Return the number by which rows name a node of a room."""
    if not room:
        return node
    return room * _ROOM | (node >= _HIGH) << _LOW_BITS | node & ((1 << _LOW_BITS) - 1)


def room_and_node(handle: int) -> tuple[int, int]:
    """Return the room and the node in it that a handle names."""
    if handle < _ROOM or handle >= _HIGH:
        return 0, handle
    low = handle & ((1 << _LOW_BITS) - 1)
    return handle // _ROOM, low | (_HIGH if handle >> _LOW_BITS & 1 else 0)


def prefix_of(stops: Sequence[Stop]) -> str:
    """Return the path through some rooms."""
    return "".join(stop.path + stop.step for stop in stops)
