"""A msgpack value as flat records over its bytes: a slot is the offset of a value's first byte.

References:
    github.com/msgpack/msgpack/blob/master/spec.md (formats, extension types, the timestamp of type -1).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from app import limits
from app.cancel import CancelToken
from app.codecs.nodes import Kind, ObjectParts, PickleNodes, Scalar
from app.errors import DecodeError, LimitExceeded

_CHECKED = 4096
_NUMBERS = {
    0xCA: (Kind.FLOAT, ">f"), 0xCB: (Kind.FLOAT, ">d"),
    0xCC: (Kind.INT, ">B"), 0xCD: (Kind.INT, ">H"), 0xCE: (Kind.INT, ">I"), 0xCF: (Kind.INT, ">Q"),
    0xD0: (Kind.INT, ">b"), 0xD1: (Kind.INT, ">h"), 0xD2: (Kind.INT, ">i"), 0xD3: (Kind.INT, ">q"),
}  # fmt: skip
_SINGLES = {0xC0: None, 0xC2: False, 0xC3: True}
_LENGTHS = {
    0xC4: (Kind.BYTES, 1), 0xC5: (Kind.BYTES, 2), 0xC6: (Kind.BYTES, 4),
    0xC7: (Kind.OBJECT, 1), 0xC8: (Kind.OBJECT, 2), 0xC9: (Kind.OBJECT, 4),
    0xD9: (Kind.STR, 1), 0xDA: (Kind.STR, 2), 0xDB: (Kind.STR, 4),
    0xDC: (Kind.LIST, 2), 0xDD: (Kind.LIST, 4), 0xDE: (Kind.DICT, 2), 0xDF: (Kind.DICT, 4),
}  # fmt: skip
_FIXED_EXTENSIONS = range(0xD4, 0xD9)


@dataclass(frozen=True, slots=True)
class Record:
    """One value: ``start`` and ``size`` are those of its bytes behind the head; of a container ``size`` counts items.

    ``type`` is that of an extension.
    """

    kind: Kind
    start: int
    size: int
    type: int = 0


def record_at(data: bytes, slot: int) -> Record:
    """Return what begins at ``slot``; raises DecodeError where nothing does, or its head is cut."""
    code = data[slot] if slot < len(data) else 0xC1
    if code < 0x80 or code >= 0xE0:
        return Record(Kind.INT, slot, 1)
    if code < 0xC0:
        kind, mask = (Kind.STR, 0x1F) if code >= 0xA0 else (Kind.LIST if code >= 0x90 else Kind.DICT, 0x0F)
        return Record(kind, slot + 1, code & mask)
    return _headed(data, slot, code)


def _headed(data: bytes, slot: int, code: int) -> Record:
    """Return what begins with a byte of its own for its type."""
    if code in _SINGLES:
        return Record(Kind.NONE if code == 0xC0 else Kind.BOOL, slot + 1, 0)
    if code in _NUMBERS:
        kind, form = _NUMBERS[code]
        return Record(kind, slot + 1, struct.calcsize(form))
    if code in _FIXED_EXTENSIONS and slot + 1 < len(data):
        return Record(Kind.OBJECT, slot + 2, 1 << (code - 0xD4), _signed(data[slot + 1]))
    if code in _LENGTHS:
        kind, width = _LENGTHS[code]
        start = slot + 1 + width
        if start + (kind is Kind.OBJECT) <= len(data):
            size = int.from_bytes(data[slot + 1 : start], "big")
            return (
                Record(kind, start + 1, size, _signed(data[start]))
                if kind is Kind.OBJECT
                else Record(kind, start, size)
            )
    raise DecodeError(f"Nothing that msgpack knows begins at offset {slot:,}.", offset=slot)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


class MsgpackGraph(PickleNodes):
    """One parsed value. ``kids`` are the slots that a container holds, ``ends`` where each container ends."""

    def __init__(self, data: bytes, token: CancelToken) -> None:
        """Parse the value at the start of ``data``.

        Raises:
            DecodeError: it is damaged or cut.
            LimitExceeded: it has more than `limits.JSON_NODES` values.
        """
        self.data = data
        self.kids: dict[int, list[int]] = {}
        self.ends: dict[int, int] = {}
        self.end = self._parse(token)

    def _parse(self, token: CancelToken) -> int:
        waiting: list[tuple[int, int, list[int]]] = []
        place = nodes = 0
        while True:
            nodes += 1
            if not nodes % _CHECKED:
                token.advance(place, len(self.data))
            if nodes > limits.JSON_NODES:
                raise LimitExceeded(f"This msgpack value has more than {limits.JSON_NODES:,} values within.")
            if waiting:
                waiting[-1][2].append(place)
            record = record_at(self.data, place)
            slot, place = place, record.start
            if record.kind in (Kind.LIST, Kind.DICT):
                self.kids[slot] = []
                waiting.append((slot, record.size * (1 + (record.kind is Kind.DICT)), self.kids[slot]))
            else:
                place += record.size
            if place > len(self.data):
                raise DecodeError(f"The value at offset {slot:,} is cut.", offset=slot)
            while waiting and len(waiting[-1][2]) == waiting[-1][1]:
                self.ends[waiting.pop()[0]] = place
            if not waiting:
                return place

    def end_of(self, slot: int) -> int:
        """Return where the value at ``slot`` ends."""
        if slot in self.ends:
            return self.ends[slot]
        record = record_at(self.data, slot)
        return record.start + record.size

    @property
    def root(self) -> int:
        return 0

    @property
    def is_python2(self) -> bool:
        return False

    def target(self, slot: int) -> int:
        return slot

    def kind(self, slot: int) -> Kind:
        record = record_at(self.data, slot)
        if record.kind is Kind.OBJECT:
            return Kind.EXT
        if record.kind is Kind.STR and not self._is_text(record):
            return Kind.STR2
        return record.kind

    def _is_text(self, record: Record) -> bool:
        try:
            self.data[record.start : record.start + record.size].decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    def scalar(self, slot: int) -> Scalar:
        code = self.data[slot]
        if code in _SINGLES:
            return _SINGLES[code]
        if code in _NUMBERS:
            value: Scalar = struct.unpack_from(_NUMBERS[code][1], self.data, slot + 1)[0]
            return value
        if code < 0x80 or code >= 0xE0:
            return _signed(code) if code >= 0xE0 else code
        return self.prefix(slot, limits.CONTENT_BYTES)

    def integer(self, slot: int) -> int:
        value = self.scalar(slot)
        return value if isinstance(value, int) else 0

    def length(self, slot: int) -> int:
        record = record_at(self.data, slot)
        return 0 if record.kind in (Kind.INT, Kind.FLOAT) else record.size

    def prefix(self, slot: int, limit: int) -> str | bytes:
        record = record_at(self.data, slot)
        octets = self.data[record.start : record.start + min(record.size, 4 * limit)]
        if record.kind is not Kind.STR or not self._is_text(record):
            return octets[:limit]
        return octets.decode("utf-8", "ignore")[:limit]

    def items(self, slot: int, start: int = 0, count: int | None = None) -> list[int]:
        return self.elements(slot)[start : None if count is None else start + count]

    def pairs(self, slot: int, start: int = 0, count: int | None = None) -> list[tuple[int, int]]:
        flat = self.elements(slot)[2 * start : None if count is None else 2 * (start + count)]
        return list(zip(flat[::2], flat[1::2], strict=True))

    def elements(self, slot: int) -> list[int]:
        return self.kids.get(slot, [])

    def global_name(self, slot: int) -> str:
        return ""

    def parts(self, slot: int) -> ObjectParts:
        return ObjectParts(slot, ())

    def inner(self, slot: int) -> int:
        return record_at(self.data, slot).type

    def fields(self, slot: int) -> Sequence[tuple[str, int]]:
        return ()

    def damage(self, slot: int) -> str:
        return ""
