"""What the machine leaves behind: flat integer records over the bytes of one pickle."""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.codecs.pickle.opcodes import ALIASES, memo_index


class Memo(Protocol):
    """What PUT and GET use: a list while the indexes are dense, else a dict with ``append``."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, slot: int, /) -> None: ...
    def __len__(self) -> int: ...
    def append(self, slot: int, /) -> None: ...


@dataclass(init=False)
class Stream:
    """One pickle as slots and records. A slot is the offset of the opcode that pushed a value.

    Scalars have no record; they are read from ``data`` on demand.
    ``records``: kids (slots) by the offset of the opcode that took them from the stack.
    ``logs``: offsets of the opcodes that changed an object later (APPEND, SETITEMS, BUILD…) by its slot.
    ``marks``: the offset of the MARK by that of the opcode that closed it.
    ``aliases``: targets of the slots that DUP and READONLY_BUFFER pushed, and of all GETs when the
    memo is overwritten; otherwise a GET's target is read from ``memo``.
    ``odd``: offsets of opcodes that CPython may refuse, to be judged later.
    ``popped`` and ``left``: slots that POP threw away and that still stood on the stack at STOP.
    ``pops``: the offset of the POP or POP_MARK for each of ``popped``.
    ``pending``: kids by the slot of the unfinished container that they were meant for, when the pickle is damaged.
    ``root`` is a slot, ``stop`` the offset behind STOP or -1, ``error_at`` the offset of the damage or -1.
    ``is_cut`` is true when the bytes end before the pickle does, ``is_full`` when it goes on from ``error_at`` and
    there was room for no more records.
    """

    data: bytes
    start: int
    memo: Memo
    records: MutableMapping[int, Sequence[int]]
    logs: MutableMapping[int, list[int]]
    marks: dict[int, int]
    aliases: dict[int, int]
    frames: list[tuple[int, int]]
    odd: list[int]
    pending: dict[int, list[int]]
    buffers: Sequence[int] = ()
    persids: Sequence[int] = ()
    insts: Sequence[int] = ()
    popped: Sequence[int] = ()
    pops: Sequence[int] = ()
    left: Sequence[int] = ()
    protocol: int = 0
    is_python2: bool = False
    has_small_longs: bool = False
    has_text_ints: bool = False
    open_marks: int = 0
    is_cut: bool = False
    is_full: bool = False
    root: int = -1
    stop: int = -1
    error: str = ""
    error_at: int = -1

    def __init__(self, data: bytes, start: int, memo: Memo) -> None:  # by hand: twice as fast, for many small values
        self.data = data
        self.start = start
        self.memo = memo
        self.records = {}
        self.logs = {}
        self.marks = {}
        self.aliases = {}
        self.frames = []
        self.odd = []
        self.pending = {}

    @property
    def is_usual(self) -> bool:
        """Whether the pickle is whole and nothing is lost, left over, handed over beside it or named by an opcode."""
        unusual = self.buffers or self.persids or self.insts or self.popped or self.left or self.open_marks
        return self.stop >= 0 and not unusual

    def with_contents(self, data: bytes) -> "Stream":
        """Return the records of another usual pickle of the same layout, which are shared: nothing changes them."""
        other = Stream.__new__(Stream)  # and each attribute by itself: half the time of a copy
        other.data, other.start, other.memo, other.frames = data, self.start, self.memo, self.frames
        other.records, other.logs, other.marks, other.aliases = self.records, self.logs, self.marks, self.aliases
        other.odd, other.pending, other.protocol = self.odd, self.pending, self.protocol
        other.root, other.stop, other.is_python2 = self.root, self.stop, self.is_python2
        other.has_small_longs, other.has_text_ints = self.has_small_longs, self.has_text_ints
        return other

    @property
    def weight(self) -> int:
        """How many opcodes the records take as much memory as, what was pushed not counted: some 40 bytes each."""
        held = 3 * len(self.records) + 2 * len(self.marks) + 3 * len(self.logs) + 2 * len(self.aliases)
        return held if isinstance(self.memo, list) else held + 2 * len(self.memo)

    def target(self, slot: int) -> int:
        """Return the slot of the opcode that made the object at ``slot``; remembers long chains of aliases."""
        data = self.data
        if slot >= len(data) or data[slot] not in ALIASES:
            return slot
        chain = []
        while data[slot] in ALIASES:
            chain.append(slot)
            before = self.aliases.get(slot, -1)
            slot = before if before >= 0 else self.memo[memo_index(data, slot)]
        if len(chain) > 1:
            self.aliases.update(dict.fromkeys(chain, slot))
        return slot


BehindBuild = Callable[["Stream", int, int], int]
"""What is asked behind each BUILD, by the slot that it changed and the offset behind it, where the pickle goes on."""


class Settler(Protocol):
    """Takes away what a machine leaves, while it runs, of what is known already."""

    def begin(self) -> None:
        """Take no notice of what a run before left."""

    def settle(self, stream: Stream, pos: int, /) -> None:
        """Take away what the opcodes before the offset ``pos`` left since the last time."""

    def finish(self, stream: Stream, /) -> None:
        """Take away the rest, and let the stream look up what it had."""
