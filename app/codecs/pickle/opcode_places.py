"""Where the opcodes of a pickle are, by number: walked over once, as far as they are asked for, and hardly kept."""

from typing import NamedTuple

from app.cancel import CancelToken
from app.codecs.pickle.opcodes import BY_CODE, CODE, PUTS, Layout, codes, end_of, memo_index
from app.codecs.pickle.stream import Stream

STEP = 4096
"""Opcodes from one that is kept to the next; as many are walked over to come to one between."""

_MOST_IRREGULAR = 100_000
"""Memo slots filled out of order that are kept; what MEMOIZE numbers is not known where there are more."""

UNKNOWN = -1

_PROTO, _STOP, _MARK, _MEMOIZE = CODE["PROTO"], CODE["STOP"], CODE["MARK"], CODE["MEMOIZE"]
_POP = CODE["POP"]

_EFFECTS = {
    **dict.fromkeys(codes("PROTO", "FRAME", "TUPLE1", "BINPERSID", "READONLY_BUFFER"), 0),
    **dict.fromkeys(codes("TUPLE2", "APPEND", "REDUCE", "BUILD", "NEWOBJ", "STACK_GLOBAL"), -1),
    **dict.fromkeys(codes("TUPLE3", "SETITEM", "NEWOBJ_EX"), -2),
}
"""By how many objects the stack grows; by one where it is not said."""

_TO_MARK = {
    **dict.fromkeys(codes("POP_MARK", "APPENDS", "SETITEMS", "ADDITEMS"), 0),
    **dict.fromkeys(codes("TUPLE", "LIST", "DICT", "FROZENSET", "OBJ", "INST"), 1),
}
"""Opcodes that take all down to the mark, and how many objects they push then."""

_CLOSER = 100
"""Stands for the effect of an opcode that needs a closer look."""

_CLOSER_LOOKED_AT = frozenset(_TO_MARK) | PUTS | {_POP, _STOP, _MARK}
_GROWTHS = [_CLOSER if code in _CLOSER_LOOKED_AT else _EFFECTS.get(code, 1) for code in range(256)]


def _width(code: int) -> int:
    opcode = BY_CODE[code]
    if opcode is None:
        return 0
    return opcode.width if opcode.layout is Layout.FIXED else -(opcode.layout is Layout.COUNT1)


_WIDTHS = [_width(code) for code in range(256)]
"""Bytes of an opcode by its code; -1 where the next byte counts what follows, 0 where they are looked for."""


class _Marks(NamedTuple):
    """The depth at which a mark stands, and the marks below it, which are shared by all that is kept."""

    depth: int
    below: "_Marks | None"


class _State(NamedTuple):
    """What there is before an opcode: its offset, objects and marks on the stack, slots of the memo that are filled."""

    pos: int
    depth: int = 0
    marks: _Marks | None = None
    memoized: int = 0


class Place(NamedTuple):
    """An opcode: its offset, the number of objects and marks on the stack before it, and that of filled memo slots.

    The last is `UNKNOWN` where too many were filled out of order.
    """

    pos: int
    depth: int
    memoized: int


class OpcodePlaces:
    """The opcodes of one pickle by number.

    Where there was no room for all of its records they go on behind those, to the end of the bytes: over STOP where
    another pickle follows that names its protocol.
    """

    def __init__(self, stream: Stream) -> None:
        self._data = stream.data
        self._goes_on = stream.is_full
        if stream.is_full:
            self._end = len(stream.data)
        else:
            self._end = stream.stop if stream.stop >= 0 else min(stream.error_at + 1, len(stream.data))
        self._kept: list[_State] = []
        self._next = _State(stream.start)
        self._first_put: dict[int, int] = {}
        """Offsets of the PUTs that were the first to fill a slot, by its index, where it was not the next one."""
        self._passed: dict[int, int] = {}
        """Offsets of the same by the index that was the next one."""
        self.count = 0
        """Opcodes found so far."""

    @property
    def is_complete(self) -> bool:
        """Whether all opcodes are found."""
        return not 0 <= self._next.pos < self._end

    def reach(self, count: int, token: CancelToken) -> None:
        """Find ``count`` opcodes, if there are as many.

        Raises:
            Cancelled: by ``token``.
        """
        while self.count < count and not self.is_complete:
            token.advance(self._next.pos, self._end)
            self._kept.append(self._next)
            walked, self._next = self._walk(self._next, None)
            self.count += walked

    def between(self, start: int, count: int) -> list[Place]:
        """Return at most ``count`` opcodes from number ``start`` on, of those that were found."""
        first = start // STEP
        found: list[Place] = []
        for state in self._kept[first : (start + count - 1) // STEP + 1]:
            self._walk(state, found)
        return found[start - first * STEP :][:count]

    # A hot loop: an opcode takes a tenth of a microsecond, and there can be a hundred million.
    def _walk(self, state: _State, met: list[Place] | None) -> tuple[int, _State]:  # noqa: PLR0912 - see above
        """Return how many opcodes were walked over from ``state`` on, `STEP` at most, and what is behind them.

        They are added to ``met``.
        """
        data, end, widths, growths = self._data, self._end, _WIDTHS, _GROWTHS
        pos, depth, marks, memoized = state
        for walked in range(STEP):
            if not 0 <= pos < end:
                return walked, _State(pos, depth, marks, memoized)
            if met is not None:
                met.append(Place(pos, depth, memoized))
            op = data[pos]
            growth = growths[op]
            if growth < _CLOSER:
                depth = depth + growth if growth >= 0 else max(depth + growth, 0)
            elif op == _MEMOIZE:
                if not self._first_put or self._first_put.get(memoized, pos) >= pos:
                    memoized += memoized >= 0
            elif op == _MARK:
                marks = _Marks(depth, marks)
                depth += 1
            elif op in _TO_MARK:
                depth = (marks.depth if marks else 0) + _TO_MARK[op]
                marks = marks.below if marks else None
            elif op in PUTS:
                memoized = self._put(pos, memoized)
            else:  # POP, STOP
                depth = max(depth - 1, 0)
                if marks and depth <= marks.depth:  # a POP takes the mark itself
                    marks = marks.below
                if op == _STOP and self._goes_on:
                    if pos + 1 >= end or data[pos + 1] != _PROTO:
                        return walked + 1, _State(UNKNOWN)
                    depth, marks, memoized = 0, None, UNKNOWN if self._first_put else 0
            width = widths[op]
            if width > 0:
                pos += width
            elif width and pos + 1 < end:
                pos += 2 + data[pos + 1]
            else:
                pos = end_of(data, pos)
        return STEP, _State(pos, depth, marks, memoized)

    def _put(self, pos: int, memoized: int) -> int:
        """Return how many slots are filled behind the PUT at ``pos``, and note it where it does not fill the next."""
        index = memo_index(self._data, pos) if end_of(self._data, pos) >= 0 else -1  # a cut one puts nothing
        if index < 0 or memoized < 0 or self._first_put.get(index, pos) < pos:
            return memoized
        if index < memoized and self._passed.get(index, pos) >= pos:
            return memoized
        if index != memoized:
            if len(self._first_put) >= _MOST_IRREGULAR and index not in self._first_put:
                return UNKNOWN
            self._first_put.setdefault(index, pos)
            self._passed.setdefault(memoized, pos)
        return memoized + 1
