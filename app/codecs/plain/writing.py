"""Plain JSON of a pickle (DESIGN section 6): strict RFC 8259, for reading; streamed, without recursion."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app import limits
from app.cancel import CancelToken
from app.codecs.known.base import PlainArray, PlainPairs, PlainParts, PlainText
from app.codecs.known.registry import describe_shape
from app.codecs.known.shape import Shape, is_slots_state, shape_of
from app.codecs.nodes import CONTAINERS, SCALARS, Kind, PickleNodes
from app.codecs.plain.parts import Pairs, Part, array, members, pair_array
from app.codecs.plain.scalars import damaged_json, scalar_json, string_json
from app.errors import CodecError, LimitExceeded

_PIECES_JOINED = 512
_CHARS_OF_ONE_PIECE = 32
"""Characters that count as one piece, so that repeating a long shared text is bounded too."""

_KEPT_NAMES = 10_000
"""Keys whose names are remembered: records share theirs."""

_LONG_TEXT = 1_000
"""Bytes from which a shared text is worth a reference."""

_TOO_LARGE = "The JSON of the whole value would be too large."
_OWN_NAMES = frozenset(
    map(string_json, ("__class__", "__args__", "__kwargs__", "__items__", "__dictitems__", "__state__"))
)


def plain_pieces(nodes: PickleNodes, slot: int, path_of: Callable[[int], str], token: CancelToken) -> Iterator[str]:
    """Yield the plain JSON of a node in pieces; joined they are one JSON value without a line break.

    ``path_of`` is called only for what is written as ``{"__ref__": path}``: cycles, what is shared once
    `limits.PLAIN_NODES` pieces repeat something, and what is nested deeper than `limits.PLAIN_DEPTH`.
    """
    yield from _Writer(nodes, path_of, token).write(slot)


@dataclass(slots=True)
class _Frame:
    """A node with others in it, as far as it is written; ``is_repeat`` when it was written before."""

    parts: Iterator[Part]
    target: int
    is_repeat: bool


class _Writer:
    """One walk over a value. Frames stand on a list instead of Python's stack."""

    def __init__(self, nodes: PickleNodes, path_of: Callable[[int], str], token: CancelToken) -> None:
        self._nodes = nodes
        self._path_of = path_of
        self._token = token
        self._frames: list[_Frame] = []
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._waiting: list[str] = []
        self._pieces = 0
        self._chars = 0
        self._open_repeats = 0
        self._repeat_start = 0
        self._repeated = 0
        self._references: dict[int, str] = {}
        self._names_by_key: dict[int, str] = {}

    def write(self, slot: int) -> Iterator[str]:
        node, waiting = self._node, self._waiting
        self._enter(iter((slot,)), -1)
        while self._frames:
            frame = self._frames[-1]
            for part in frame.parts:
                piece = part if isinstance(part, str) else node(part)
                if piece is None:
                    break  # a frame was opened: its parts come first
                waiting.append(piece)
                if len(waiting) >= _PIECES_JOINED or len(piece) >= _LONG_TEXT:
                    yield self._joined()
            else:
                self._leave(frame)
        yield self._joined()

    def _joined(self) -> str:
        """Return the pieces that wait as one."""
        self._token.check()
        joined = "".join(self._waiting)
        self._pieces += len(self._waiting)
        self._chars += len(joined)
        self._waiting.clear()
        return joined

    def _enter(self, parts: Iterator[Part], target: int) -> None:
        is_repeat = target in self._seen
        if is_repeat and not self._open_repeats:
            self._repeat_start = self._written
        self._open_repeats += is_repeat
        self._frames.append(_Frame(parts, target, is_repeat))
        self._seen.add(target)
        self._open.add(target)

    def _leave(self, frame: _Frame) -> None:
        self._frames.pop()
        self._open.discard(frame.target)
        self._open_repeats -= frame.is_repeat
        if frame.is_repeat and not self._open_repeats:
            self._repeated += self._written - self._repeat_start

    @property
    def _written(self) -> int:
        return self._pieces + len(self._waiting)

    def _is_repeated_too_often(self, target: int) -> bool:
        if target not in self._seen:
            return False
        open_pieces = self._written - self._repeat_start if self._open_repeats else 0
        return self._repeated + open_pieces > limits.PLAIN_NODES

    def _node(self, slot: int) -> str | None:
        """Return the JSON of a node without structure; open a frame and return None for any other."""
        kind = self._nodes.kind(slot)
        if kind in _NUMBERS:
            return self._number(slot)
        target = self._nodes.target(slot)
        if kind in SCALARS:
            return self._text(target, is_alias=slot != target)
        if self._chars > limits.PLAIN_CHARS:
            return self._damaged(_TOO_LARGE)
        if target in self._open or len(self._frames) > limits.PLAIN_DEPTH or self._is_repeated_too_often(target):
            return self._reference(target)
        parts = self._parts(target, kind)
        if isinstance(parts, str):
            return parts
        self._enter(parts, target)
        return None

    def _reference(self, target: int) -> str:
        if target not in self._references:
            self._references[target] = f'{{"__ref__":{string_json(self._path_of(target))}}}'
        return self._references[target]

    def _damaged(self, why: str) -> str:
        return damaged_json(self._nodes.written_as_damaged(why))

    def _unread(self, slot: int, error: CodecError) -> str:
        """Return what stands for a scalar that cannot be read: why, and its bytes where they are known."""
        return damaged_json(self._nodes.written_as_damaged(error.message), self._nodes.written(slot))

    def _number(self, slot: int) -> str:
        try:
            return scalar_json(self._nodes.scalar(slot))
        except LimitExceeded:
            return self._large_integer(slot)
        except CodecError as error:
            return self._unread(slot, error)

    def _large_integer(self, slot: int) -> str:
        try:
            return scalar_json(self._nodes.integer(slot))
        except CodecError as error:
            return self._unread(slot, error)

    def _text(self, target: int, *, is_alias: bool) -> str:
        try:
            if is_alias or self._chars > limits.PLAIN_CHARS:
                size = self._nodes.length(target)
                if size >= _LONG_TEXT:
                    return self._long_text(target, size)
            return scalar_json(self._nodes.scalar(target))
        except CodecError as error:
            return self._unread(target, error)

    def _long_text(self, target: int, size: int) -> str:
        """Return a text that may be repeated, and is worth a reference when it is repeated too often."""
        if self._chars > limits.PLAIN_CHARS:
            return self._damaged(_TOO_LARGE)
        if self._is_repeated_too_often(target):
            return self._reference(target)
        self._seen.add(target)
        self._repeated += size // _CHARS_OF_ONE_PIECE
        return scalar_json(self._nodes.scalar(target))

    def _parts(self, slot: int, kind: Kind) -> str | Iterator[Part]:
        """Return the JSON of a node, or the parts of one that holds others."""
        if kind is Kind.DICT:
            return self._dict(self._nodes.pairs(slot))
        if kind in CONTAINERS:
            return array(self._nodes.items(slot))
        if kind is Kind.OBJECT:
            return self._object(slot)
        if kind is Kind.GLOBAL:
            return string_json(self._nodes.global_name(slot))
        if kind is Kind.CODE:
            return self._code(slot)
        return self._outside(slot, kind)

    def _outside(self, slot: int, kind: Kind) -> str | Iterator[Part]:
        """Return what stands for something that is not in the pickle, or cannot be read."""
        match kind:
            case Kind.PERSID:
                return iter(('{"__persid__":', self._nodes.inner(slot), "}"))
            case Kind.EXT:
                return f'{{"__ext__":{self._nodes.inner(slot)}}}'
            case Kind.BUFFER:
                return f'{{"__buffer__":{self._nodes.inner(slot)}}}'
            case _:
                return self._damaged(self._nodes.damage(slot))

    def _object(self, slot: int) -> str | Iterator[Part]:
        shape = shape_of(self._nodes, slot)
        known = describe_shape(self._nodes, shape)
        match known.plain if known else None:
            case PlainText(text):
                return string_json(text)
            case PlainArray(slots):
                return array(slots)
            case PlainPairs(pairs):
                return self._dict(pairs)
            case PlainParts(parts):
                return parts()
            case _:
                return self._attributes(shape)

    def _code(self, slot: int) -> Iterator[Part]:
        yield '{"__class__":"types.CodeType"'
        for name, part in self._nodes.fields(slot):
            yield f",{string_json(name)}:"
            yield part
        yield "}"

    def _dict(self, pairs: Pairs) -> Iterator[Part]:
        """Return an object when all keys are different texts, else an array of pairs."""
        names = self._names(pairs)
        return pair_array(pairs) if names is None else members(names, pairs, "{", "}")

    def _names(self, pairs: Pairs) -> list[str] | None:
        """Return the JSON strings of keys that are all texts and all different, else None."""
        names = []
        for key, _ in pairs:
            target = self._nodes.target(key)
            name = self._names_by_key.get(target) or self._name(target)
            if name is None:
                return None
            names.append(name)
        return names if len(set(names)) == len(names) else None

    def _name(self, key: int) -> str | None:
        if self._nodes.kind(key) not in (Kind.STR, Kind.STR2):
            return None
        try:
            text = self._nodes.scalar(key)
            name = string_json(text.decode("utf-8") if isinstance(text, bytes) else str(text))
        except (CodecError, UnicodeDecodeError):
            return None
        if len(name) < _LONG_TEXT and len(self._names_by_key) < _KEPT_NAMES:
            self._names_by_key[key] = name
        return name

    def _attributes(self, shape: Shape) -> Iterator[Part]:
        """Yield an object of an unknown class: its class, what it is called with, attributes and items."""
        yield '{"__class__":'
        yield string_json(shape.name) if shape.name else shape.cls
        if shape.args:
            yield ',"__args__":'
            yield from array(shape.args)
        if shape.kwargs:
            yield ',"__kwargs__":'
            yield from self._dict(shape.kwargs)
        yield from self._state(shape.states)
        if shape.listitems:
            yield ',"__items__":'
            yield from array(shape.listitems)
        if shape.dictitems:
            yield ',"__dictitems__":' if shape.listitems else ',"__items__":'
            yield from self._dict(shape.dictitems)
        yield "}"

    def _state(self, states: tuple[int, ...]) -> Iterator[Part]:
        pairs = self._state_pairs(states)
        names = None if pairs is None else self._names(pairs)
        if pairs and names is not None and _OWN_NAMES.isdisjoint(names):
            yield from members(names, pairs, ",", "")
        elif states and pairs != []:
            yield ',"__state__":'
            yield from [states[0]] if len(states) == 1 else array(states)

    def _state_pairs(self, states: Iterable[int]) -> list[tuple[int, int]] | None:
        """Return the attributes that states set, those in ``__slots__`` too; None when one is no dict."""
        pairs: list[tuple[int, int]] = []
        for state in states:
            dicts = self._nodes.items(state) if is_slots_state(self._nodes, state) else [state]
            for part in dicts:
                if self._nodes.kind(part) is Kind.DICT:
                    pairs += self._nodes.pairs(part)
                elif len(dicts) == 1:
                    return None
        return pairs


_NUMBERS = frozenset({Kind.NONE, Kind.BOOL, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.COMPLEX})
