"""What the machine leaves behind: flat integer records over the bytes of one pickle."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.codecs.pickle.opcodes import ALIASES, memo_index


class Memo(Protocol):
    """What PUT and GET use: a list while the indexes are dense, else a dict with ``append``."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, slot: int, /) -> None: ...
    def __len__(self) -> int: ...
    def append(self, slot: int, /) -> None: ...


@dataclass(slots=True)
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
    records: dict[int, Sequence[int]] = field(default_factory=dict)
    logs: dict[int, list[int]] = field(default_factory=dict)
    marks: dict[int, int] = field(default_factory=dict)
    aliases: dict[int, int] = field(default_factory=dict)
    frames: list[tuple[int, int]] = field(default_factory=list)
    buffers: list[int] = field(default_factory=list)
    persids: list[int] = field(default_factory=list)
    insts: list[int] = field(default_factory=list)
    popped: list[int] = field(default_factory=list)
    pops: list[int] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    pending: dict[int, list[int]] = field(default_factory=dict)
    protocol: int = 0
    is_python2: bool = False
    has_small_longs: bool = False
    has_text_ints: bool = False
    open_marks: int = 0
    is_cut: bool = False
    root: int = -1
    stop: int = -1
    error: str = ""
    error_at: int = -1

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
