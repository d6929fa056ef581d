"""Whether edited bytes are what was intended: the old value with some parts put in the place of others."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.cancel import CancelToken
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.splice import events_of
from app.codecs.marshal.stream import FLAG_REF
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Value
from app.codecs.nodes import SCALARS, Kind

Part = int | Value
"""A slot of the old value, or a new one."""

_CHECKED = 4096


@dataclass(frozen=True, slots=True)
class Intended:
    """What an edit means. ``children`` are those of changed containers, ``objects`` what stands for old targets."""

    root: Part
    children: Mapping[int, Sequence[Part]] = field(default_factory=dict)
    objects: Mapping[int, Value] = field(default_factory=dict)


def is_as_intended(
    old: MarshalGraph, new: MarshalGraph, intended: Intended, token: CancelToken, *, counts_alike: bool = False
) -> bool:
    """Tell whether ``new`` is the value that was meant: equal scalars, order, sharing and recursion.

    ``counts_alike``: all references mean the same in both, so that equal bytes are equal values.
    """
    return not new.stream.error and _Comparison(old, new, intended, token, counts_alike=counts_alike).run()


def is_same_value(old: MarshalGraph, new: MarshalGraph, token: CancelToken, *, has_references: bool) -> bool:
    """Tell whether ``new`` is the same value in whatever version; without references nothing in it is shared."""
    comparison = _LooseComparison if has_references else _UnsharedComparison
    return not new.stream.error and comparison(old, new, Intended(old.root), token).run()


def is_new_value(
    nothing: MarshalGraph, new: MarshalGraph, value: Value, token: CancelToken, *, has_references: bool
) -> bool:
    """Tell whether ``new`` is a value that was written anew; ``nothing`` is what it stands in the place of."""
    comparison = _Comparison if has_references else _CopiedComparison
    return not new.stream.error and comparison(nothing, new, Intended(value), token).run()


class _Comparison:
    """One walk over both at once; what was met before must be met again together."""

    def __init__(
        self,
        old: MarshalGraph,
        new: MarshalGraph,
        intended: Intended,
        token: CancelToken,
        *,
        counts_alike: bool = False,
    ) -> None:
        self._old, self._new = old, new
        self._intended = intended
        self._token = token
        self._events = [] if counts_alike else events_of(old.stream)
        self._changed = sorted({*intended.children, *intended.objects})
        self._pairs: dict[int, int] = {}
        self._partners: dict[int, int] = {}
        self._waiting: list[Iterator[tuple[Part, int]]] = []

    def run(self) -> bool:
        self._waiting.append(iter([(self._intended.root, self._new.root)]))
        steps = furthest = 0
        while self._waiting:
            pair = next(self._waiting[-1], None)
            steps += 1
            if steps % _CHECKED == 0:
                furthest = max(furthest, pair[1] if pair else 0)
                self._token.advance(furthest, len(self._new.stream.data))
            if pair is None:
                self._waiting.pop()
            elif not self._agree(*pair):
                return False
        return True

    def _agree(self, part: Part, slot: int) -> bool:
        target = self._new.target(slot)
        if isinstance(part, int):
            if self._is_copied(part, slot):
                return True
            part = self._old.target(part)
            part = self._intended.objects.get(part, part)
        if self._new.kind(target) in SCALARS and not self._is_named(part):
            return self._has_scalar(part, target)
        key = part if isinstance(part, int) else -1 - id(part)
        if key in self._pairs or target in self._partners:
            return self._pairs.get(key) == target
        self._pairs[key] = target
        self._partners[target] = key
        if self._new.kind(target) in SCALARS:
            return self._has_scalar(part, target)
        return self._has_children(part, target)

    def _is_named(self, part: Part) -> bool:
        """Tell whether references could name an old object."""
        return isinstance(part, int) and bool(self._old.stream.data[part] & FLAG_REF) and bool(self._events)

    def _is_copied(self, old: int, new: int) -> bool:
        """Tell whether the same bytes stand at both places, with nothing in them that is changed or referenced."""
        stream = self._old.stream
        if old in stream.numbers:
            return stream.data[old : stream.scalar_end(old)] == self._new.stream.data[new : new + stream.numbers[old]]
        end = stream.end(old)
        if _has_any(self._events, old, end) or _has_any(self._changed, old, end):
            return False
        return stream.data[old:end] == self._new.stream.data[new : new + end - old]

    def _has_scalar(self, part: Part, slot: int) -> bool:
        new, old = self._new.stream, self._old.stream
        if isinstance(part, int):
            was = old.data[part : old.scalar_end(part)] if part not in old.records else b""
            now = new.data[slot : new.scalar_end(slot)]
            return bool(was) and was[0] & 0x7F == now[0] & 0x7F and was[1:] == now[1:]
        if not isinstance(part, Atom):
            return False
        kind = self._new.kind(slot)
        if _ALIKE.get(kind, kind) is not _ALIKE.get(part.kind, part.kind):
            return False
        value = self._new.integer(slot) if kind in (Kind.INT, Kind.LONG) else self._new.scalar(slot)
        return repr(value) == repr(part.value) if isinstance(value, float | complex) else value == part.value

    def _has_children(self, part: Part, target: int) -> bool:
        kind = self._new.kind(target)
        if isinstance(part, int):
            return self._has_old_children(part, target, kind)
        match part:
            case Items(wanted, items) if wanted is kind:
                return self._wait_for(items, target)
            case Pairs(pairs) if kind is Kind.DICT:
                return self._wait_for([item for pair in pairs for item in pair], target)
            case Built(args=Items(items=items)) if kind is Kind.OBJECT:
                return self._wait_for(items, target)
            case GlobalName(_, name):
                return self._new.global_name(target).endswith(f".{name}")
        return False

    def _has_old_children(self, part: int, target: int, kind: Kind) -> bool:
        old, new = self._old, self._new
        if kind is not old.kind(part):
            return False
        if kind is Kind.GLOBAL:
            return old.global_name(part) == new.global_name(target)
        if kind is Kind.CODE and _numbers(old, part) != _numbers(new, target):
            return False
        return self._wait_for(self._intended.children.get(part, old.elements(part)), target)

    def _wait_for(self, wanted: Sequence[Part], target: int) -> bool:
        found = self._new.elements(target)
        if len(wanted) != len(found):
            return False
        self._waiting.append(zip(wanted, found, strict=True))
        return True


_ALIKE = {Kind.STR2: Kind.BYTES, Kind.LONG: Kind.INT}
"""Kinds of Python 2 that are others of Python 3."""


class _LooseComparison(_Comparison):
    """Takes scalars that are written in another way for the same."""

    def _is_copied(self, old: int, new: int) -> bool:
        return old in self._old.stream.numbers and self._old.scalar(old) == self._new.scalar(new)

    def _has_scalar(self, part: Part, slot: int) -> bool:
        if not isinstance(part, int):
            return False
        kind, now = self._old.kind(part), self._new.kind(slot)
        if _ALIKE.get(kind, kind) is not _ALIKE.get(now, now):
            return False
        if now in (Kind.INT, Kind.LONG):
            return self._old.integer(part) == self._new.integer(slot)
        return repr(self._old.scalar(part)) == repr(self._new.scalar(slot))

    def _is_named(self, part: Part) -> bool:
        return False


class _CopiedComparison(_Comparison):
    """Takes copies of a shared part of a new value for the part itself."""

    def _agree(self, part: Part, slot: int) -> bool:
        self._pairs.clear()
        self._partners.clear()
        return super()._agree(part, slot)


class _UnsharedComparison(_LooseComparison):
    """Takes copies of a shared part for the part itself."""

    def _agree(self, part: Part, slot: int) -> bool:
        self._pairs.clear()
        self._partners.clear()
        return super()._agree(part, slot)


def _has_any(places: Sequence[int], start: int, end: int) -> bool:
    at = bisect_left(places, start)
    return at < len(places) and places[at] < end


def _numbers(graph: MarshalGraph, code: int) -> list[tuple[str, object]]:
    return [(name, graph.scalar(slot)) for name, slot in graph.fields(code) if slot in graph.stream.numbers]
