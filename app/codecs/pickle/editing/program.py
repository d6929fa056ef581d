"""An edit as what happens to the opcodes: which are kept, in which order, and what new ones stand between them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from app.codecs.pickle.editing.geometry import Region


@dataclass(frozen=True, slots=True)
class Code:
    """New opcodes. ``stands_for`` is the old slot whose object they make anew, or -1.

    ``at`` is where in ``code`` the opcode stands that makes it. ``is_value``: they leave one value on the stack.
    """

    code: bytes
    stands_for: int = -1
    at: int = 0
    is_value: bool = False


Part = Code | Region


@dataclass(frozen=True, slots=True)
class Splice:
    """The opcodes from ``start`` to ``end`` become ``parts``: new code, and regions moved here from other splices.

    ``has_top``: at ``start`` the topmost thing on the stack is a value, not a MARK.
    ``replaces`` is the target whose memo numbers the new value takes, so that all its places get it, or -1.
    """

    start: int
    end: int
    parts: tuple[Part, ...] = ()
    has_top: bool = False
    replaces: int = -1


@dataclass(frozen=True, slots=True)
class Kept:
    """Old opcodes copied. ``is_bare`` leaves out their FRAMEs, which stay where they were."""

    start: int
    end: int
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Where old opcodes were cut out: only the FRAMEs among them stay."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pads:
    """PUTs and MEMOIZEs, to come wherever next a value is on top of the stack."""

    code: bytes


Piece = Kept | Gap | Code | Pads

_TOGETHER = 4096
"""Offsets that are looked up at once."""


@dataclass(slots=True)
class Moves:
    """Where the old opcodes are now: segments ``(start, end, new start)``, ascending by ``start``."""

    segments: list[tuple[int, int, int]]
    made: dict[int, int] = field(default_factory=dict)
    """New offsets of objects whose opcode was written anew, by their old slots."""
    codes: list[tuple[int, int]] = field(default_factory=list)
    """New offsets, start and end, of all new code, ascending."""
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [start for start, _, _ in self.segments]

    def __call__(self, offset: int) -> int:
        """Return the new offset of an old opcode, -1 when it is gone."""
        if offset in self.made:
            return self.made[offset]
        start, end, now = self.segment(offset)
        return offset - start + now if start <= offset < end else -1

    def is_new(self, offset: int) -> bool:
        """Tell whether a new offset lies in new code."""
        at = bisect_right(self.codes, (offset, inf)) - 1
        return at >= 0 and offset < self.codes[at][1]

    def segment(self, offset: int) -> tuple[int, int, int]:
        """Return the segment that ``offset`` lies in or behind."""
        at = bisect_right(self._starts, offset) - 1
        return self.segments[at] if at >= 0 else (0, 0, 0)

    def all(self, offsets: Sequence[int]) -> list[int]:
        """Return the new offsets of many old ones, fast where neighbours moved together."""
        found: list[int] = []
        for at in range(0, len(offsets), _TOGETHER):
            part = offsets[at : at + _TOGETHER]
            start, end, now = self.segment(min(part))
            if start <= min(part) and max(part) < end and self.made.keys().isdisjoint(part):
                shift = now - start
                found += [offset + shift for offset in part]
            else:
                found += self._each(part)
        return found

    def _each(self, offsets: Sequence[int]) -> list[int]:
        found: list[int] = []
        start, end, shift = 0, 0, 0
        made = self.made
        for offset in offsets:
            if not start <= offset < end or (made and offset in made):
                if offset in made:
                    found.append(made[offset])
                    continue
                start, end, now = self.segment(offset)
                shift = now - start
                if not start <= offset < end:
                    found.append(-1)
                    continue
            found.append(offset + shift)
        return found
