"""What the machine leaves behind: flat integer records over the bytes of one pickle."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.codecs.pickle.opcodes import ALIASES, memo_index


class Memo(Protocol):
    """What PUT and GET use: a list while the indexes are dense, else a dict with ``append``."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, slot: int, /) -> None: ...
    def __len__(self) -> int: ...
    def append(self, slot: int, /) -> None: ...


@dataclass(slots=True, init=False)
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
    ``is_cut`` is true when the bytes end before the pickle does.
    """

    data: bytes
    start: int
    memo: Memo
    records: dict[int, Sequence[int]]
    logs: dict[int, list[int]]
    marks: dict[int, int]
    aliases: dict[int, int]
    frames: list[tuple[int, int]]
    buffers: list[int]
    persids: list[int]
    insts: list[int]
    popped: list[int]
    pops: list[int]
    odd: list[int]
    left: list[int]
    pending: dict[int, list[int]]
    protocol: int
    is_python2: bool
    has_small_longs: bool
    has_text_ints: bool
    open_marks: int
    is_cut: bool
    root: int
    stop: int
    error: str
    error_at: int

    def __init__(self, data: bytes, start: int, memo: Memo) -> None:  # by hand: twice as fast, for many small values
        self.data = data
        self.start = start
        self.memo = memo
        self.records = {}
        self.logs = {}
        self.marks = {}
        self.aliases = {}
        self.frames = []
        self.buffers = []
        self.persids = []
        self.insts = []
        self.popped = []
        self.pops = []
        self.odd = []
        self.left = []
        self.pending = {}
        self.protocol = self.open_marks = 0
        self.is_python2 = self.has_small_longs = self.has_text_ints = self.is_cut = False
        self.root = self.stop = self.error_at = -1
        self.error = ""

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
