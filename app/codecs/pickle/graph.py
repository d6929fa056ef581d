"""The parsed pickle as the rest of the program reads it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.cancel import CancelToken
from app.codecs.extension_codes import extension_name
from app.codecs.nodes import SCALARS, Kind, ObjectParts, PickleNodes, Scalar
from app.codecs.pickle.longs import has_python2_longs, python3_int_opcode
from app.codecs.pickle.machine import run
from app.codecs.pickle.opcode_kinds import KIND_OF_OPCODE
from app.codecs.pickle.opcodes import ALIASES, BY_CODE, CODE, LONGS, MAKERS, TEXTS, codes
from app.codecs.pickle.reductions import Reduction, global_lines, reduction, stacked_name
from app.codecs.pickle.scalars import payload, read_bytes, read_int, read_scalar, read_text
from app.codecs.pickle.stream import Settler, Stream
from app.errors import DecodeError

_APPENDS = codes("APPEND", "APPENDS", "ADDITEMS")
_SETITEMS = codes("SETITEM", "SETITEMS")
_JOINED_MAX = 32
"""Containers of many batches whose joined children are kept."""

_CACHED_REDUCTIONS = 100_000

NEVER = CancelToken()
"""For work that is bounded by its caller's prefix, and that nobody cancels."""

CUT_MARK = "\ue000"
"""What stands for the damage where only the end of a prefix is reached."""


_NEAR_SCALARS = frozenset(code for code in range(256) if KIND_OF_OPCODE[code] in SCALARS)
"""Opcodes that hold the scalar they push."""

_COUNTED = codes("SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8")
"""Opcodes that hold the bytes they push, as they are."""

_NO_PARTS = -1, ObjectParts(-1, ())
_GLOBALS = codes("GLOBAL", "STACK_GLOBAL")
_EXTENSIONS = codes("EXT1", "EXT2", "EXT4")


class Graph(PickleNodes):
    """One parsed pickle. Everything is read from the flat records of its `Stream` on demand."""

    def __init__(self, stream: Stream, *, is_prefix: bool = False) -> None:
        self.stream = stream
        self._data = stream.data
        self._special: dict[int, Kind] = {}
        self._names: dict[int, str] = {}
        self._damage: dict[int, str] = {}
        self._joined: dict[tuple[int, bool], list[int]] = {}
        self._reductions: dict[int, Reduction] = {}
        self._long_kind: Kind | None = None
        self._last_decoded: tuple[int, str | bytes] = -1, b""
        self._last_parts = _NO_PARTS  # whoever asks for parts asks several times
        if stream.odd or stream.error or stream.persids or stream.insts:
            self._note_specials(is_prefix=is_prefix)

    def _note_specials(self, *, is_prefix: bool) -> None:
        """Give names inside arguments (INST, PERSID, a changed GLOBAL) slots of their own, behind the opcode."""
        stream = self.stream
        if stream.error:
            self._special[stream.error_at] = Kind.DAMAGED
            self._damage[stream.error_at] = CUT_MARK if is_prefix and stream.is_cut else stream.error
        for pos in stream.persids:
            self._special[pos + 1] = Kind.STR2 if stream.is_python2 else Kind.STR
        for pos in stream.insts:
            self._special[pos + 1] = Kind.GLOBAL
        for pos in stream.odd:
            if self._data[pos] == CODE["STACK_GLOBAL"] and not self._names_texts(pos):
                self._special[pos] = Kind.DAMAGED
                self._damage[pos] = f"STACK_GLOBAL at offset {pos:,} is given something else than two texts."
        if stream.odd:
            for target in filter(self._is_global, stream.logs):
                self._special[target] = Kind.OBJECT
                self._special[target + 1] = Kind.GLOBAL

    def _is_global(self, target: int) -> bool:
        return self._data[target] in _GLOBALS and target not in self._special

    def _names_texts(self, pos: int) -> bool:
        stream = self.stream
        return all(self._data[stream.target(slot)] in TEXTS for slot in stream.records[pos])

    @property
    def root(self) -> int:
        return self.stream.root

    @property
    def is_python2(self) -> bool:
        return self.stream.is_python2

    def target(self, slot: int) -> int:
        if slot in self._special or self._data[slot] not in ALIASES:
            return slot
        return self.stream.target(slot)

    def kind(self, slot: int) -> Kind:
        if not self._special and (plain := KIND_OF_OPCODE[self._data[slot]]) is not None:
            return plain
        target = self.target(slot)
        if target in self._special:
            return self._special[target]
        kind = KIND_OF_OPCODE[self._data[target]]
        return kind if kind is not None else self._subtle_kind(target)

    def _subtle_kind(self, target: int) -> Kind:
        op = self._data[target]
        if op == CODE["REDUCE"]:
            return self.reduction(target).kind
        if op in LONGS:
            return self._kind_of_longs()
        if op == CODE["INT"]:
            line = self._data[target + 1 : target + 4]
            return Kind.BOOL if line in (b"00\n", b"01\n") else Kind.INT
        if op == CODE["STACK_GLOBAL"]:
            return Kind.GLOBAL
        return Kind.DAMAGED

    def _kind_of_longs(self) -> Kind:
        if self._long_kind is None:
            self._long_kind = Kind.LONG if has_python2_longs(self.stream) else Kind.INT
        return self._long_kind

    def int_like(self, op: int) -> int:
        """Return the opcode whose family an int is written in where ``op`` stood."""
        return op if self._kind_of_longs() is Kind.LONG else python3_int_opcode(self.stream, op)

    def plain_kind(self, slot: int) -> Kind | None:
        """Return the kind as far as the opcode alone tells it: never looks into a REDUCE, so it cannot recurse."""
        return KIND_OF_OPCODE[self._data[self.target(slot)]]

    def reduction(self, target: int) -> Reduction:
        """Return what the REDUCE at ``target`` makes."""
        known = self._reductions.get(target)
        if known is None:
            if len(self._reductions) >= _CACHED_REDUCTIONS:
                self._reductions.clear()
            known = self._reductions[target] = reduction(self, self.stream, target)
        return known

    def source(self, target: int) -> int:
        """Return the slot whose opcode holds the content: the target itself unless it is seen through; -1 if empty."""
        while target >= 0 and self._data[target] == CODE["REDUCE"] and target not in self._special:
            source = self.reduction(target).source
            target = self.target(source) if source >= 0 else -1
        return target

    def argument_of(self, target: int) -> int:
        """Return the slot of the text or bytes inside a call that is seen through, -1 when there is none."""
        kids = self.stream.records.get(self.target(self.stream.records[target][1]), ())
        return kids[0] if kids else -1

    def scalar(self, slot: int) -> Scalar:
        if not self._special and self._data[slot] in _NEAR_SCALARS:
            return read_scalar(self._data, slot)
        target = self.target(slot)
        special = self._special.get(target)
        if special is None and self._data[target] == CODE["REDUCE"]:
            return self._seen_through(target)
        if special is Kind.STR2:  # the id of a PERSID
            return read_bytes(self._data, target - 1)
        return read_scalar(self._data, target - (special is not None))

    def _seen_through(self, target: int) -> Scalar:
        found = self.reduction(target)
        if found.kind is Kind.COMPLEX:
            real, imaginary = (self.scalar(arg) for arg in found.args)
            return complex(_float(real), _float(imaginary))
        return self._bytes(target)

    def _bytes(self, target: int, limit: int = -1) -> bytes:
        source = self.source(target)
        if source < 0:
            return b""
        if self._data[source] not in TEXTS:
            return read_bytes(self._data, source, limit)
        return _latin1(read_text(self._data, source, limit), source)

    def integer(self, slot: int) -> int:
        return read_int(self._data, self.target(slot))

    def length(self, slot: int) -> int:
        target = self.target(slot)
        match self.kind(target):
            case Kind.STR | Kind.STR2 | Kind.BYTES | Kind.BYTEARRAY:
                return self._byte_length(target)
            case Kind.DICT:
                return len(self.elements(target)) // 2
            case Kind.LIST | Kind.TUPLE | Kind.SET | Kind.FROZENSET:
                return len(self.elements(target))
            case Kind.INT | Kind.LONG:
                return payload(self._data, target)[1]
        return 0

    def _byte_length(self, target: int) -> int:
        if self._data[target] == CODE["REDUCE"] and target not in self._special:
            source = self.source(target)
            if source >= 0 and self._data[source] in TEXTS:
                return len(self._decoded(source))
            target = source
        if target < 0:
            return 0
        pos = target - (target in self._special)
        opcode = BY_CODE[self._data[pos]]
        if opcode is not None and opcode.name == "STRING":
            return len(self._decoded(pos))
        return payload(self._data, pos)[1]

    def _decoded(self, pos: int) -> str | bytes:
        """Return what an opcode holds in an encoding; that of the last one is kept, as arrays are read in parts."""
        if self._last_decoded[0] != pos:
            read = read_text if self._data[pos] in TEXTS else read_bytes
            self._last_decoded = pos, read(self._data, pos)
        return self._last_decoded[1]

    def prefix(self, slot: int, limit: int) -> str | bytes:
        if not self._special and self._data[slot] in TEXTS:
            return read_text(self._data, slot, limit)
        target = self.target(slot)
        pos = target - (target in self._special)
        if self._data[pos] in TEXTS or self._data[pos] == CODE["PERSID"]:
            return read_text(self._data, pos, limit)
        return self._bytes(target, limit)

    def view(self, slot: int) -> memoryview:
        source = self.source(self.target(slot))
        if source in self._special or source < 0:
            return super().view(slot)
        if self._data[source] not in _COUNTED:
            content = self._decoded(source)
            return memoryview(_latin1(content, source) if isinstance(content, str) else content)
        begin, length = payload(self._data, source)
        return memoryview(self._data)[begin : begin + length]

    def written(self, slot: int) -> bytes | None:
        source = self.source(self.target(slot))
        if source < 0 or self.kind(slot) not in SCALARS:
            return None
        begin, length = payload(self._data, source - (source in self._special))
        return self._data[begin : begin + length]

    def items(self, slot: int, start: int = 0, count: int | None = None) -> list[int]:
        return list(self.elements(self.target(slot))[start : None if count is None else start + count])

    def pairs(self, slot: int, start: int = 0, count: int | None = None) -> list[tuple[int, int]]:
        flat = self.elements(self.target(slot))
        part = flat[2 * start : None if count is None else 2 * (start + count)]
        return list(zip(part[::2], part[1::2], strict=False))

    def elements(self, target: int) -> Sequence[int]:
        """Return item slots of a container, keys and values in turn for a dict; do not change the sequence."""
        source = self.source(target)
        if source < 0:
            return ()
        accepted = _SETITEMS if KIND_OF_OPCODE[self._data[source]] is Kind.DICT else _APPENDS
        return self._join(source, accepted)

    def _join(self, target: int, accepted: frozenset[int]) -> Sequence[int]:
        stream = self.stream
        first = stream.records.get(target) if self._data[target] not in MAKERS else None
        log = stream.logs.get(target)
        if log is None and target not in stream.pending:
            return first or ()
        if log is not None and len(log) == 1 and not first and target not in stream.pending:
            return stream.records[log[0]] if self._data[log[0]] in accepted else ()
        wants_pairs = accepted is _SETITEMS
        if (known := self._joined.get((target, wants_pairs))) is None:
            known = list(first or ())
            for pos in log or ():
                if self._data[pos] in accepted:
                    known += stream.records[pos]
            if not (wants_pairs and self._data[target] in MAKERS):
                known += stream.pending.get(target, ())
            if len(self._joined) >= _JOINED_MAX:
                self._joined.clear()
            self._joined[target, wants_pairs] = known
        return known

    def global_name(self, slot: int) -> str:
        target = self.target(slot)
        if target not in self._names:
            name = self._read_name(target)
            if not name:
                return ""
            self._names[target] = name
        return self._names[target]

    def _read_name(self, target: int) -> str:
        special = self._special.get(target)
        pos = target - (special is Kind.GLOBAL)
        if special is Kind.DAMAGED or not 0 <= pos < len(self._data):
            return ""
        op = self._data[pos]
        if op == CODE["GLOBAL"] or (op == CODE["INST"] and special is Kind.GLOBAL):
            return global_lines(self._data, pos)
        if op in _EXTENSIONS:
            return extension_name(self.inner(pos))
        return stacked_name(self.stream, pos) if op == CODE["STACK_GLOBAL"] else ""

    def parts(self, slot: int) -> ObjectParts:
        target = self.target(slot)
        if self._last_parts[0] != target:
            self._last_parts = target, self._make_parts(target)
        return self._last_parts[1]

    def _make_parts(self, target: int) -> ObjectParts:
        made = self.made(target)
        kwargs = tuple(self.pairs(made.kwargs_slot)) if made.kwargs_slot >= 0 else ()
        parts = ObjectParts(made.cls, made.args, kwargs, args_slot=made.args_slot, is_call=made.is_call)
        if target not in self.stream.logs and target not in self.stream.pending:
            return parts
        pairs = self._join(target, _SETITEMS)
        unset = self._unset_state(target)
        return replace(
            parts,
            states=(*self._states(target), *unset),
            listitems=() if unset else tuple(self._join(target, _APPENDS)),
            dictitems=tuple(zip(pairs[::2], pairs[1::2], strict=False)),
        )

    def _states(self, target: int) -> Iterator[int]:
        stream = self.stream
        return (stream.records[pos][0] for pos in stream.logs.get(target, ()) if self._data[pos] == CODE["BUILD"])

    def _unset_state(self, target: int) -> Sequence[int]:
        """Return the dict that a damaged pickle leaves above an object, which BUILD would have made its state."""
        waiting = self.stream.pending.get(target, ())
        return waiting if len(waiting) == 1 and self.kind(waiting[0]) is Kind.DICT else ()

    def made(self, target: int) -> Reduction:
        """Return class and arguments of the OBJECT at ``target``."""
        op = self._data[target]
        if op == CODE["REDUCE"]:
            return self.reduction(target)
        if op not in MAKERS:  # a GLOBAL that the pickle changes
            return Reduction(Kind.OBJECT, cls=target + 1, is_call=False)
        kids = tuple(self.stream.records[target])
        if op == CODE["INST"]:
            return Reduction(Kind.OBJECT, cls=target + 1, args=kids, is_call=False)
        if op == CODE["OBJ"]:
            return Reduction(Kind.OBJECT, cls=kids[0] if kids else target, args=kids[1:], is_call=False)
        args = tuple(self.items(kids[1])) if self.kind(kids[1]) is Kind.TUPLE else ()
        named = kids[2] if len(kids) > 2 and self.kind(kids[2]) is Kind.DICT else -1
        return Reduction(Kind.OBJECT, cls=kids[0], args=args, args_slot=kids[1], kwargs_slot=named, is_call=False)

    def inner(self, slot: int) -> int:
        target = self.target(slot)
        op = self._data[target]
        if op == CODE["PERSID"]:
            return target + 1
        if op == CODE["BINPERSID"]:
            return self.stream.records[target][0]
        if op == CODE["NEXT_BUFFER"]:
            return self.stream.buffers.index(target)
        start, size = payload(self._data, target)
        return int.from_bytes(self._data[start : start + size], "little", signed=size == 4)

    def damage(self, slot: int) -> str:
        return self._damage.get(self.target(slot), "It cannot be read.")


def _latin1(text: str, pos: int) -> bytes:
    """Return the bytes that a text at ``pos`` stands for."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise DecodeError(f"The bytes at offset {pos:,} are not Latin-1.", offset=pos) from error


def _float(value: Scalar) -> float:
    return value if isinstance(value, float) else 0.0


def parse(
    data: bytes,
    start: int,
    token: CancelToken,
    *,
    is_prefix: bool = False,
    room: int | None = None,
    settler: Settler | None = None,
) -> Graph:
    """Return the pickle that begins at ``start``; damage is part of it, and a limit that is met.

    ``is_prefix`` says that ``data`` is only the beginning of the value; ``room`` and ``settler`` are as for
    `machine.run`.

    Raises:
        Cancelled: by ``token``.
    """
    return Graph(run(data, start, token, is_prefix=is_prefix, room=room, settler=settler), is_prefix=is_prefix)
