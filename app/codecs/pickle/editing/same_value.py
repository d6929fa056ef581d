"""Whether two values to be written are one in kinds, scalars, order, sharing and recursion, as a protocol has it."""

import struct
from collections.abc import Iterable

from app.cancel import CancelToken
from app.codecs.global_names import names_for
from app.codecs.model import Atom, Built, Extension, GlobalName, Items, OutOfBand, Pairs, PersistentId, Style, Value
from app.codecs.nodes import Kind, Scalar
from app.codecs.pickle.lower import lowered

_CHUNK = 4096
_INTS = (Kind.INT, Kind.LONG)

Pair = tuple[Value, Value]


def is_same_value(first: Value, second: Value, style: Style, token: CancelToken) -> bool:
    """Tell whether both are written alike in ``style``, with equal parts shared alike."""
    return _Comparison(style).compare(first, second, token)


class _Comparison:
    """One walk over both values at once; an object of one side stands for one object of the other."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._partners: dict[int, Value] = {}
        self._taken: dict[int, Value] = {}

    def compare(self, first: Value, second: Value, token: CancelToken) -> bool:
        waiting: list[Pair] = [(first, second)]
        steps = 0
        while waiting:
            steps += 1
            if steps % _CHUNK == 0:
                token.check()
            one, other = waiting.pop()
            if isinstance(one, Atom) and isinstance(other, Atom):
                if not self._is_same_atom(one, other):
                    return False
                continue
            if id(one) in self._partners or id(other) in self._taken:
                if self._partners.get(id(one)) is not other or self._taken.get(id(other)) is not one:
                    return False
                continue
            if not _is_constant(one):
                self._partners[id(one)], self._taken[id(other)] = other, one
            parts = self._parts(one, other)
            if parts is None:
                return False
            waiting += parts
        return True

    def _is_same_atom(self, one: Atom, other: Atom) -> bool:
        kind, value = self._written(one)
        other_kind, other_value = self._written(other)
        if kind is not other_kind and not (kind in _INTS and other_kind in _INTS):
            return False
        return _is_same_scalar(value, other_value)

    def _written(self, atom: Atom) -> tuple[Kind, Scalar]:
        """Return kind and value as the style writes them: it may know only one of Python 2's two kinds of text."""
        kind, value = atom.kind, atom.value
        if isinstance(value, bytes) and kind is Kind.STR2 and not self._style.is_python2:
            return (Kind.STR, value.decode("ascii")) if value.isascii() else (Kind.BYTES, value)
        if kind is Kind.BYTES and self._style.is_python2 and self._style.protocol < 3:
            return Kind.STR2, value
        return kind, value

    def _parts(self, one: Value, other: Value) -> list[Pair] | None:  # noqa: PLR0911 - a table of types
        """Return the parts of both, to be compared, None when they differ already."""
        match one, other:
            case Items(), Items():
                return _zipped(one.items, other.items) if one.kind is other.kind else None
            case Pairs(), Pairs():
                return _zipped(_flat(one.pairs), _flat(other.pairs))
            case ((GlobalName() | Built()), (GlobalName() | Built())):
                return self._calls(one, other)
            case PersistentId(), PersistentId():
                return [(one.id, other.id)] if one.is_text == other.is_text else None
            case Extension(), Extension():
                return [] if one.code == other.code else None
            case OutOfBand(), OutOfBand():
                return [] if one.is_read_only == other.is_read_only else None
        return None

    def _calls(self, one: GlobalName | Built, other: GlobalName | Built) -> list[Pair] | None:
        first, second = self._lowered(one), self._lowered(other)
        if isinstance(first, GlobalName) or isinstance(second, GlobalName):
            if not (isinstance(first, GlobalName) and isinstance(second, GlobalName)):
                return None
            protocol = self._style.protocol
            return [] if names_for(first, protocol) == names_for(second, protocol) else None
        if (first.is_call, first.is_old_style) != (second.is_call, second.is_old_style):
            return None
        pairs = [(first.cls, second.cls), (first.args, second.args)]
        if first.kwargs is not None and second.kwargs is not None:
            pairs.append((first.kwargs, second.kwargs))
        elif first.kwargs is not second.kwargs:
            return None
        contents = _zipped(_contents(one), _contents(other))
        if contents is None or _counts(one) != _counts(other):
            return None
        return pairs + contents

    def _lowered(self, value: GlobalName | Built) -> GlobalName | Built:
        return lowered(value, self._style) or value


def _is_constant(value: Value) -> bool:
    """Tell whether a value is one object in all places whatever a pickle does, or shared without being noticed."""
    return isinstance(value, (Atom, GlobalName, Extension)) or (
        isinstance(value, Items) and value.kind is Kind.TUPLE and not value.items
    )


def _is_same_scalar(one: Scalar, other: Scalar) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other) or (one != one and other != other)  # noqa: PLR0124 - nan
    if isinstance(one, complex) and isinstance(other, complex):
        return _is_same_scalar(one.real, other.real) and _is_same_scalar(one.imag, other.imag)
    return type(one) is type(other) and one == other


def _zipped(one: Iterable[Value], other: Iterable[Value]) -> list[Pair] | None:
    first, second = list(one), list(other)
    return list(zip(first, second, strict=True)) if len(first) == len(second) else None


def _flat(pairs: Iterable[tuple[Value, Value]]) -> list[Value]:
    return [part for pair in pairs for part in pair]


def _contents(value: GlobalName | Built) -> list[Value]:
    """Return what is put into an object after it was made."""
    if isinstance(value, GlobalName):
        return []
    return [*value.states, *value.listitems, *_flat(value.dictitems), *_flat(value.setters)]


def _counts(value: GlobalName | Built) -> tuple[int, ...]:
    if isinstance(value, GlobalName):
        return (0, 0, 0, 0)
    return len(value.states), len(value.listitems), len(value.dictitems), len(value.setters)
