"""What the parser leaves behind: flat integer records over the bytes of one marshal value, and its type codes."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.codecs.marshal.layouts import Layout

FLAG_REF = 0x80
"""Set in the type code of an object that references count."""

_INT4 = struct.Struct("<i").unpack_from


def int4(data: bytes, at: int) -> int:
    """Return the signed integer of four bytes at an offset."""
    number: int = _INT4(data, at)[0]
    return number


REF, STRING_REF = ord("r"), ord("R")
_REFERENCES = (REF, STRING_REF)
ALIASES = frozenset({REF, STRING_REF, REF | FLAG_REF, STRING_REF | FLAG_REF})
SHORT_SIZED = frozenset(b"zZ")
LONG_SIZED = frozenset(b"stuaA")
SINGLETONS = frozenset(b"NFTS.")
CONTAINERS = frozenset(b"()[<>{:c")
FIXED_SIZES = {"N": 1, "F": 1, "T": 1, "S": 1, ".": 1, "i": 5, "I": 9, "g": 9, "y": 17, "r": 5, "R": 5}
"""Bytes of what has always as many, the type code included."""


@dataclass(slots=True)
class Stream:
    """One marshal value. A slot is the offset of the type code of the object that stands at one place.

    Scalars have no record; they are read from ``data`` on demand.
    ``records``: slots of the children by the slot of their container; of a dict keys and values in turn.
    ``refs``: slots by the number that `TYPE_REF` has for them, ``interned`` by that of `TYPE_STRINGREF`.
    ``uses``: slots of the references themselves.
    ``numbers``: slots of the bare integers in code objects, which have no type code, and their bytes.
    ``stop`` is the offset behind the value or -1, ``error_at`` that of the damage or -1.
    ``is_cut`` is true when the bytes end before the value does, ``is_full`` when it goes on from ``error_at`` and there
    was room for no more nodes.
    """

    data: bytes
    start: int
    layout: Layout
    records: dict[int, Sequence[int]] = field(default_factory=dict)
    refs: list[int] = field(default_factory=list)
    interned: list[int] = field(default_factory=list)
    uses: list[int] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    is_cut: bool = False
    is_full: bool = False
    stop: int = -1
    error: str = ""
    error_at: int = -1

    def type_code(self, slot: int) -> int:
        """Return the type code at a slot without its flag; 0 for the integers that have none."""
        return 0 if slot in self.numbers or slot >= len(self.data) else self.data[slot] & 0x7F

    def target(self, slot: int) -> int:
        """Return the slot where the object at ``slot`` stands itself."""
        code = self.type_code(slot)
        if code not in _REFERENCES or slot == self.error_at:
            return slot
        return (self.refs if code == REF else self.interned)[int4(self.data, slot + 1)]

    def header_size(self, slot: int) -> int:
        """Return the bytes of a container before its first child."""
        code = chr(self.type_code(slot))
        if code in ":{":
            return 1
        if code == "c":
            return 1 + self.layout.header_size
        return 2 if code == ")" else 5

    def end(self, slot: int) -> int:
        """Return the offset behind the object that is written at a slot of a value that is whole."""
        after = 0
        while slot in self.records:
            kids = self.records[slot]
            after += self.data[slot] & 0x7F == ord("{")
            if not kids:
                return slot + self.header_size(slot) + after
            slot = kids[-1]
        return self.scalar_end(slot) + after

    def end_or_stop(self, slot: int) -> int:
        """Return the offset behind an object, the end of all bytes where the value is damaged."""
        return len(self.data) if self.error else self.end(slot)

    def scalar_end(self, slot: int) -> int:
        """Return the offset behind a scalar, a reference or a bare integer."""
        data = self.data
        if slot in self.numbers:
            return slot + self.numbers[slot]
        code = chr(data[slot] & 0x7F)
        if code in FIXED_SIZES:
            return slot + FIXED_SIZES[code]
        if code in "zZf":
            return slot + 2 + data[slot + 1]
        if code == "l":
            return slot + 5 + 2 * abs(int4(data, slot + 1))
        if code == "x":
            middle = slot + 2 + data[slot + 1]
            return middle + 1 + data[middle]
        return slot + 5 + int4(data, slot + 1)
