"""New values as opcodes of any protocol, as CPython's pickler writes them, without recursion.

References:
    CPython's Lib/pickle.py, ``_Pickler``; Python 2's Lib/pickle.py, ``Pickler.save_inst``.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import chain, count

from app.codecs.collector import CollectorPaused
from app.codecs.global_names import global_line
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, PersistentId, Style, Value
from app.codecs.model_walk import Met, walk
from app.codecs.nodes import Kind
from app.codecs.pickle.framing import framed
from app.codecs.pickle.leaves import leaf_code
from app.codecs.pickle.lower import lowered
from app.codecs.pickle.same_keys import check_families
from app.errors import EncodeError

_BATCH = 1000
"""Items behind one MARK, as CPython has it."""

_STEPS_PER_PART = 100
_FREE_STEPS = 1_000_000
"""A tuple in itself is written again by each list in it that it stands in: that may take so many steps in all."""

_REMEMBERED = frozenset({Kind.STR, Kind.STR2, Kind.BYTES, Kind.BYTEARRAY, Kind.COMPLEX})
"""Scalars that are one object in all the places that share them."""

_DIRECT = frozenset({Kind.NONE, Kind.BOOL, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.STR, Kind.STR2})
"""Scalars that every protocol has an opcode for."""

Frame = Iterator[Value]
"""An open container: yields the parts to be written next, and writes its own opcodes in between."""


def emit(value: Value, style: Style, memo: Iterator[int] | None = None) -> bytes:
    """Return the opcodes that push ``value``, without PROTO, FRAME and STOP.

    The memo indexes of ``memo`` (by default from 0 on) are used only where an object is shared or recursive inside
    of the value.

    Raises:
        EncodeError: the protocol cannot hold it; says why.
    """
    with CollectorPaused():
        return b"".join(_Writer(value, style, count() if memo is None else memo).write(value))


def emit_pickle(value: Value, style: Style) -> bytes:
    """Return a whole pickle of ``value``.

    Raises: as `emit`.
    """
    with CollectorPaused():
        pieces = chain(_Writer(value, style, None).write(value), (b".",))
    head = b"\x80%c" % style.protocol if style.protocol >= 2 else b""
    return b"".join((head, *(framed(pieces) if style.protocol >= 4 else pieces)))


class _Writer:
    """One value on its way to bytes. The open containers are a list, so nesting costs no recursion."""

    def __init__(self, value: Value, style: Style, memo: Iterator[int] | None) -> None:
        """``memo`` is None where the memo is the writer's own, so that MEMOIZE can be used."""
        if not 0 <= style.protocol <= 5:
            raise EncodeError(f"There is no protocol {style.protocol} of pickle; there are 0 to 5.")
        self._style = style
        self._protocol = style.protocol
        self._own_memo = memo is None and style.protocol >= 4
        self._free = count() if memo is None else memo
        self._memo: dict[int, int] = {}
        self._entered: dict[int, int] = {}
        self._pieces: list[bytes] = []
        self._shared: set[int] = set()
        self._steps = _FREE_STEPS
        self._find_shared(value)

    def _find_shared(self, value: Value) -> None:
        """Note what must be in the memo: what is met again, and all where something is made while its parts are."""
        is_repeated = False
        for part, met in walk(value):
            self._steps += _STEPS_PER_PART
            if met is Met.FIRST:
                if type(part) is Built and part.setters:
                    self._shared.add(id(part))
            elif _is_remembered(part):
                self._shared.add(id(part))
                is_repeated |= met is Met.WITHIN and self._is_made_of_parts(part)
        if is_repeated:
            self._shared = {id(part) for part, _ in walk(value) if _is_remembered(part)}

    def _is_made_of_parts(self, part: Value) -> bool:
        """Tell whether a container is made after its parts."""
        match part:
            case Items(kind=Kind.TUPLE | Kind.FROZENSET):
                return True
            case Items(kind=Kind.SET):
                return self._protocol < 4
        return False

    def write(self, value: Value) -> list[bytes]:
        """Return the opcodes, each piece a whole number of them."""
        waiting: list[Frame] = [iter((value,))]
        while waiting:
            part = next(waiting[-1], None)
            if part is None:
                waiting.pop()
                continue
            self._steps -= 1
            if self._steps < 0:
                raise EncodeError("Its tuples hold each other in too many ways to be written.")
            if (frame := self._start(part)) is not None:
                waiting.append(frame)
        return self._pieces

    def _start(self, part: Value) -> Frame | None:
        """Write what has no parts or is known already, and return what writes the rest."""
        index = self._memo.get(id(part))
        if index is not None:
            self._pieces.append(self._get(index))
            return None
        if type(part) is not Atom or part.kind not in _DIRECT:
            call = lowered(part, self._style)
            if call is not None:
                self._enter(part, is_repeatable=not isinstance(part, Built))
                return self._made(part, call)
        code = leaf_code(part, self._style)
        if code is None:
            return self._container(part)
        self._pieces.append(code)
        self._remember(part)
        return None

    def _container(self, part: Value) -> Frame:
        """Return what writes the parts of a container, and the opcodes around them."""
        match part:
            case Pairs():
                return self._pairs(part)
            case Items(kind=Kind.LIST):
                return self._list(part)
            case Items(kind=Kind.SET):
                return self._set(part)
        self._enter(part, is_repeatable=isinstance(part, Items))
        match part:
            case Items(kind=Kind.TUPLE) if 0 < len(part.items) <= 3 and self._protocol >= 2:
                frame = self._tuple(part)
            case Items():
                frame = self._closed(part, b"t" if part.kind is Kind.TUPLE else b"\x91")
            case PersistentId():
                frame = self._persistent_id(part)
            case Built(is_old_style=True):
                frame = self._old_style(part)
            case Built():
                frame = self._made(part, part)
            case _:
                raise TypeError(part)
        return frame

    def _enter(self, part: Value, *, is_repeatable: bool) -> None:
        """Note that something is written whose parts come before it; they may hold it only by way of the memo."""
        if id(part) not in self._shared:
            return
        size = len(self._memo)
        was_entered = self._entered.get(id(part))
        if was_entered is not None and (not is_repeatable or was_entered == size):
            raise EncodeError("An object is among the arguments that make it, which no pickle could write.")
        self._entered[id(part)] = size

    def _remember(self, part: Value) -> None:
        """Give what was written last a place in the memo where something shares it."""
        if id(part) not in self._shared:
            return
        index = next(self._free, -1)
        if index < 0:
            raise EncodeError("There is no place left in the memo of this pickle for what is shared in the new value.")
        self._memo[id(part)] = index
        self._pieces.append(b"\x94" if self._own_memo else self._memo_code(index, b"p", b"q", b"r"))

    def _get(self, index: int) -> bytes:
        return self._memo_code(index, b"g", b"h", b"j")

    def _memo_code(self, index: int, line: bytes, short: bytes, long: bytes) -> bytes:
        if self._protocol == 0:
            return b"%b%d\n" % (line, index)
        return short + bytes((index,)) if index < 256 else long + struct.pack("<I", index)

    def _list(self, part: Items) -> Frame:
        self._pieces.append(b"]" if self._protocol else b"(l")
        self._remember(part)
        yield from self._batches(part.items, b"a", b"e")

    def _set(self, part: Items) -> Frame:
        self._pieces.append(b"\x8f")
        self._remember(part)
        for start in range(0, len(part.items), _BATCH):
            self._pieces.append(b"(")
            yield from part.items[start : start + _BATCH]
            self._pieces.append(b"\x90")

    def _closed(self, part: Items, opcode: bytes) -> Frame:
        """Write a tuple or frozenset behind a MARK; where its own parts made it already, that one is taken."""
        self._pieces.append(b"(")
        yield from part.items
        if id(part) in self._memo:
            pops = b"1" if self._protocol else b"0" * (len(part.items) + 1)
            self._pieces += pops, self._get(self._memo[id(part)])
            return
        self._pieces.append(opcode)
        self._remember(part)

    def _tuple(self, part: Items) -> Frame:
        yield from part.items
        size = len(part.items)
        if id(part) in self._memo:
            self._pieces += b"0" * size, self._get(self._memo[id(part)])
            return
        self._pieces.append((b"\x85", b"\x86", b"\x87")[size - 1])
        self._remember(part)

    def _pairs(self, part: Pairs) -> Frame:
        check_families(part, self._style)
        self._pieces.append(b"}" if self._protocol else b"(d")
        self._remember(part)
        yield from self._pair_batches(part.pairs)

    def _batches(self, parts: Sequence[Value], one: bytes, many: bytes, width: int = 1) -> Frame:
        """Write what is put into a container behind it; an opcode takes ``width`` parts, or a batch behind a MARK."""
        step = width * (_BATCH if self._protocol else 1)
        for start in range(0, len(parts), step):
            batch = parts[start : start + step]
            is_alone = len(batch) == width
            self._pieces += () if is_alone else (b"(",)
            yield from batch
            self._pieces.append(one if is_alone else many)

    def _pair_batches(self, pairs: Sequence[tuple[Value, Value]]) -> Frame:
        yield from self._batches([part for pair in pairs for part in pair], b"s", b"u", 2)

    def _made(self, part: Value, call: Built) -> Frame:
        """Write the call that makes a value, then what is put into it."""
        yield call.cls
        yield call.args
        if call.kwargs is not None:
            yield call.kwargs
        self._pieces.append(b"R" if call.is_call else b"\x81" if call.kwargs is None else b"\x92")
        if id(part) in self._memo:
            self._pieces += b"0", self._get(self._memo[id(part)])
            return
        self._remember(part)
        if isinstance(part, Built):
            yield from self._contents(part)

    def _old_style(self, part: Built) -> Frame:
        args = part.args.items if isinstance(part.args, Items) else ()
        is_line = self._protocol == 0 and isinstance(part.cls, GlobalName)
        self._pieces.append(b"(")
        if not is_line:
            yield part.cls
        yield from args
        if is_line and isinstance(part.cls, GlobalName):
            self._pieces.append(b"i" + global_line(part.cls, self._protocol))
        else:
            self._pieces.append(b"o")
        self._remember(part)
        yield from self._contents(part)

    def _contents(self, part: Built) -> Frame:
        yield from self._batches(part.listitems, b"a", b"e")
        yield from self._pair_batches(part.dictitems)
        for state in part.states:
            yield state
            self._pieces.append(b"b")
        for function, state in part.setters:
            yield function
            yield from self._arguments_of_setter(part, state)
            self._pieces.append(b"R0")

    def _arguments_of_setter(self, part: Built, state: Value) -> Frame:
        self._pieces += [] if self._protocol >= 2 else [b"("]
        self._pieces.append(self._get(self._memo[id(part)]))
        yield state
        self._pieces.append(b"\x86" if self._protocol >= 2 else b"t")

    def _persistent_id(self, part: PersistentId) -> Frame:
        yield part.id
        self._pieces.append(b"Q")
        self._remember(part)


def _is_remembered(part: Value) -> bool:
    if isinstance(part, Atom):
        return part.kind in _REMEMBERED
    return not isinstance(part, Items) or part.kind is not Kind.TUPLE or bool(part.items)
