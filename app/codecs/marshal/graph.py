"""One parsed marshal value as the rest of the program reads values: kinds, scalars, items of slots."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from app.cancel import CancelToken
from app.codecs.marshal.layouts import Layout
from app.codecs.marshal.parse import parse
from app.codecs.marshal.scalars import digits_size, payload, read_long, read_prefix, read_scalar
from app.codecs.marshal.stream import ALIASES, Stream
from app.codecs.nodes import Kind, ObjectParts, PickleNodes, Scalar
from app.errors import DecodeError

_KINDS = {
    "N": Kind.NONE,
    "T": Kind.BOOL,
    "F": Kind.BOOL,
    ".": Kind.GLOBAL,
    "S": Kind.GLOBAL,
    "i": Kind.INT,
    "I": Kind.INT,
    "l": Kind.INT,
    "f": Kind.FLOAT,
    "g": Kind.FLOAT,
    "x": Kind.COMPLEX,
    "y": Kind.COMPLEX,
    "s": Kind.BYTES,
    "t": Kind.STR,
    "u": Kind.STR,
    **dict.fromkeys("aAzZ", Kind.STR),
    "(": Kind.TUPLE,
    ")": Kind.TUPLE,
    "[": Kind.LIST,
    "{": Kind.DICT,
    "<": Kind.SET,
    ">": Kind.FROZENSET,
    ":": Kind.OBJECT,
    "c": Kind.CODE,
}
_PYTHON2_KINDS = _KINDS | {"s": Kind.STR2, "t": Kind.STR2, "l": Kind.LONG}
_GLOBALS = {".": "builtins.Ellipsis", "S": "builtins.StopIteration"}
_SLICE = "builtins.slice"
_SAMPLE = 2_000
"""Nodes that are looked at to tell the version and the Python."""

CUT_MARK = "\ue000"
"""What stands for the rest of a value of which only the beginning was read."""

_LETTERS_OF = ((5, ":"), (4, "aAzZ)"), (2, "gy"), (0, "fx"))
FLAGGED, PLAIN = 3, 2


class MarshalGraph(PickleNodes):
    """Everything is read from the flat records of the `Stream` on demand.

    Beyond the bytes there are slots that stand for the class of a slice: ``len(data) + slot + 1``.
    """

    def __init__(self, stream: Stream, *, is_prefix: bool = False) -> None:
        self.stream = stream
        self._data = stream.data
        self._cut_mark = CUT_MARK if is_prefix and stream.is_cut else ""
        letters = self._letters()
        self.is_surely_python2 = self._is_written_by_python2(letters)
        self._is_python2 = self.is_surely_python2 or self._looks_like_python2(letters)
        self._kinds = {ord(letter): kind for letter, kind in (_PYTHON2_KINDS if self._is_python2 else _KINDS).items()}
        self.version = self._version_of(letters)
        """The lowest version of marshal that has all that is in the value, 2 where nothing tells."""

    def _letters(self) -> set[str]:
        """Return the type codes of the first nodes."""
        return {chr(self.stream.type_code(slot)) for slot in islice(self.slots(), _SAMPLE)}

    def slots(self) -> Iterator[int]:
        """Yield the slots of the value; those of one container together."""
        yield self.stream.start
        for kids in self.stream.records.values():
            yield from kids

    def _version_of(self, letters: set[str]) -> int:
        stream = self.stream
        found = next((version for version, some in _LETTERS_OF if letters.intersection(some)), PLAIN)
        if found < FLAGGED and stream.refs:
            return FLAGGED
        return max(found, 1) if found < PLAIN and self._is_python2 and "t" in letters else found

    def _is_written_by_python2(self, letters: set[str]) -> bool:
        """Tell Python 2 by what only it writes."""
        stream = self.stream
        if stream.codes:
            return stream.layout.is_python2
        return not (stream.refs or letters.intersection(":aAzZ)")) and bool(letters.intersection("tRI"))

    def _looks_like_python2(self, letters: set[str]) -> bool:
        """Tell, where nothing else does, whether there are 8-bit strings that are all readable, or keys.

        Python 3 writes a version without references only when it is asked to, and its keys are no bytes then.
        """
        stream = self.stream
        if stream.codes or stream.refs or letters.intersection(":aAzZ)"):
            return False
        strings = [slot for slot in islice(self.slots(), _SAMPLE) if stream.type_code(slot) == ord("s")]
        if not strings or not all(map(self._is_readable, strings)):
            return False
        kinds = {stream.type_code(slot) for slot in islice(self._keys(), _SAMPLE)}
        return ord("s") in kinds or ord("u") not in kinds

    def _keys(self) -> Iterator[int]:
        for target, kids in self.stream.records.items():
            if self.stream.type_code(target) == ord("{"):
                yield from kids[::2]

    def _is_readable(self, slot: int) -> bool:
        if slot == self.stream.error_at:
            return True
        start, size = payload(self._data, slot)
        part = self._data[start : start + min(size, 64)]
        return part.isascii() and part.decode("ascii").isprintable()

    @property
    def root(self) -> int:
        return self.stream.start

    @property
    def is_python2(self) -> bool:
        return self._is_python2

    def target(self, slot: int) -> int:
        if slot >= len(self._data) or self._data[slot] not in ALIASES:
            return slot
        return self.stream.target(slot)

    def kind(self, slot: int) -> Kind:
        stream = self.stream
        if slot == stream.error_at:
            return Kind.DAMAGED
        if slot in stream.numbers:
            return Kind.INT
        if slot >= len(self._data):
            return Kind.GLOBAL
        return self._kinds.get(self._data[self.target(slot)] & 0x7F, Kind.DAMAGED)

    def scalar(self, slot: int) -> Scalar:
        if slot in self.stream.numbers:
            return self._number(slot)
        target = self.target(slot)
        if target == self.stream.error_at:
            raise DecodeError(self.damage(slot), offset=target)
        return self._octets(target) if self.kind(target) is Kind.STR2 else read_scalar(self._data, target)

    def _number(self, slot: int) -> int:
        return int.from_bytes(self._data[slot : slot + self.stream.numbers[slot]], "little", signed=True)

    def _octets(self, target: int) -> bytes:
        start, size = payload(self._data, target)
        return self._data[start : start + size]

    def written(self, slot: int) -> bytes | None:
        target = self.target(slot)
        return self._octets(target) if self.kind(target) is Kind.STR and target != self.stream.error_at else None

    def integer(self, slot: int) -> int:
        target = self.target(slot)
        if self.stream.type_code(target) == ord("l"):
            return read_long(self._data, target)
        value = self.scalar(slot)
        if not isinstance(value, int):
            raise DecodeError(f"There is no integer at offset {target:,}.", offset=target)
        return value

    def length(self, slot: int) -> int:
        target = self.target(slot)
        if target in self.stream.records:
            kids = self.stream.records[target]
            return len(kids) // 2 if self._data[target] & 0x7F == ord("{") else len(kids)
        match self.kind(target):
            case Kind.BYTES | Kind.STR2 | Kind.STR:
                return payload(self._data, target)[1]
            case Kind.INT | Kind.LONG if self.stream.type_code(target) == ord("l"):
                return digits_size(self._data, target)
        return 0

    def prefix(self, slot: int, limit: int) -> str | bytes:
        target = self.target(slot)
        if self.kind(target) is Kind.STR2:
            start, size = payload(self._data, target)
            return self._data[start : start + min(size, limit)]
        return read_prefix(self._data, target, limit)

    def elements(self, target: int) -> Sequence[int]:
        """Return the slots of all children of a target, of a dict keys and values in turn."""
        return self.stream.records.get(target, ())

    def items(self, slot: int, start: int = 0, count: int | None = None) -> list[int]:
        kids = self.elements(self.target(slot))
        return list(kids[start : None if count is None else start + count])

    def pairs(self, slot: int, start: int = 0, count: int | None = None) -> list[tuple[int, int]]:
        kids = self.elements(self.target(slot))
        part = kids[2 * start : None if count is None else 2 * (start + count)]
        return list(zip(part[::2], part[1::2], strict=False))

    def global_name(self, slot: int) -> str:
        if slot > len(self._data):
            return _SLICE
        return _GLOBALS.get(chr(self.stream.type_code(self.target(slot))), "")

    def parts(self, slot: int) -> ObjectParts:
        target = self.target(slot)
        return ObjectParts(len(self._data) + target + 1, tuple(self.elements(target)), is_call=True)

    def inner(self, slot: int) -> int:
        raise DecodeError("There are no persistent ids, extension codes or buffers in marshal values.", offset=slot)

    def fields(self, slot: int) -> list[tuple[str, int]]:
        target = self.target(slot)
        layout = self.stream.layout
        numbers = [target + 1 + layout.width * place for place in range(len(layout.numbers))]
        kids = list(self.elements(target))
        count = len(layout.objects)
        found = [*zip(layout.numbers, numbers, strict=True), *zip(layout.objects, kids, strict=False)]
        if len(kids) > count:
            line = kids[count] - layout.width  # the first line number stands right before what follows it
            found += [("co_firstlineno", line)] if line in self.stream.numbers else []
            found += zip(layout.tail, kids[count:], strict=False)
        return found

    def damage(self, slot: int) -> str:
        return self._cut_mark or self.stream.error or "This cannot be read."

    def trail(self, slot: int) -> list[int]:
        """Return the slots from the root down to the one that is written at ``slot``, found by their offsets."""
        found = [self.root]
        while found[-1] != slot and found[-1] in self.stream.records:
            kids = self.stream.records[found[-1]]
            place = bisect_right(kids, slot) - 1
            if place < 0:
                break
            found.append(kids[place])
        return found


def graph_of(
    data: bytes, start: int, token: CancelToken, layout: Layout | None = None, *, room: int | None = None
) -> MarshalGraph:
    """Return the marshal value at ``start``, as far as there is ``room``, as `parse` has it.

    Raises: as `parse`.
    """
    return MarshalGraph(parse(data, start, token, layout, room=room))
