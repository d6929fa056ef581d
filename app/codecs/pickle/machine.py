"""The symbolic machine: opcodes become flat records; nothing is built, hashed, called or recursed into."""

from collections.abc import Sequence

from app import limits
from app.cancel import CancelToken
from app.codecs.collector import CollectorPaused
from app.codecs.pickle.gaps import IrregularMemo
from app.codecs.pickle.layouts import MOST_BYTES, Layouts
from app.codecs.pickle.loop import carry_out
from app.codecs.pickle.stream import BehindBuild, Settler, Stream

_SMALL = 4096
"""Bytes of a pickle during which no collection is worth being put off."""

_NODE = 40
"""Bytes of memory that a node takes, about."""

_COPIES = 3
"""How often the bytes of a value are held while it is read, decoded and looked at."""

_BESIDES = 600 << 20
"""Bytes of memory that must be left for all that is done with the records."""

_LEAST_NODES = 1_000_000
"""Nodes that are followed whatever little room there is."""


class SparseMemo(dict[int, int]):
    """A memo with holes; MEMOIZE numbers by the count of filled slots, as CPython does."""

    def append(self, slot: int) -> None:
        self[len(self)] = slot


def run(
    data: bytes,
    start: int,
    token: CancelToken,
    *,
    is_prefix: bool = False,
    memo: Sequence[int] = (),
    room: int | None = None,
    settler: Settler | None = None,
) -> Stream:
    """Return the records of the pickle at ``start``; damage is noted in them, never raised.

    With ``is_prefix`` the bytes are known to go on, and a text that is cut is kept as far as it goes. ``memo`` has the
    objects that a pickle before it in the same bytes left, no GETs of it: numbers that they name are given again here.
    It is followed as far as there is ``room``, counted as `limits.PICKLE_NODES` are, which is how much there is when
    nothing is said. ``settler`` is as for `carry_out`.

    Raises:
        Cancelled: by ``token``.
        MemoryError: there is not even room for a part, or for what a ``settler`` leaves of all.
    """
    token.check()
    size = len(data)
    if settler is not None:
        with CollectorPaused():
            return _run_twice(data, start, token, memo, is_prefix, most_nodes(size), settler)
    has_room = room is None or room >= _LEAST_NODES
    if size <= MOST_BYTES and has_room and not start and not is_prefix and not memo:
        return _run_small(data, token)
    if size - start <= _SMALL:
        return _run_twice(data, start, token, memo, is_prefix, _LEAST_NODES if room is None else room)
    if room is None:
        room = most_nodes(size)
    with CollectorPaused():
        while True:
            try:
                return _run_twice(data, start, token, memo, is_prefix, room)
            except MemoryError:  # less was left than was counted on
                room //= 2
                if room < _LEAST_NODES:
                    raise


def run_past(data: bytes, token: CancelToken, behind_build: BehindBuild) -> Stream:
    """Return the records of a pickle that has other bytes behind some BUILDs, past which ``behind_build`` leads.

    It can look at all that the opcodes before made: the memo is read as it is then.

    Raises:
        Cancelled: by ``token``.
    """
    with CollectorPaused():
        return carry_out(data, 0, token, SparseMemo(), False, most_nodes(len(data)), behind_build=behind_build)


def most_nodes(size: int) -> int:
    """Return how many nodes of a value of ``size`` bytes can be held: the bytes themselves take room, too."""
    left = limits.ENGINE_MEMORY - _BESIDES - _COPIES * size
    return min(limits.PICKLE_NODES, max(left // _NODE, _LEAST_NODES))


def _run_small(data: bytes, token: CancelToken) -> Stream:
    """Run a small value, unless all is known by its layout."""
    known = _LAYOUTS.find(data)
    if known is not None:
        return known.with_contents(data)
    stream = _run_twice(data, 0, token, (), False, _LEAST_NODES)
    if stream.stop == len(data) and stream.is_usual and _LAYOUTS.is_due(data):
        _LAYOUTS.learn(data, (), stream)
    return stream


def _run_twice(  # positional, as each name takes its time in small values
    data: bytes,
    start: int,
    token: CancelToken,
    memo: Sequence[int],
    is_prefix: bool,
    room: int,
    settler: Settler | None = None,
) -> Stream:
    """Run with a memo that is read at the end, and once more where that cannot be."""
    try:
        return carry_out(data, start, token, list(memo), is_prefix, room, settler)
    except IrregularMemo:
        sparse = SparseMemo((index, slot) for index, slot in enumerate(memo) if slot >= 0)
        return carry_out(data, start, token, sparse, is_prefix, room, settler)


_LAYOUTS: Layouts[Stream] = Layouts()
"""What the machine leaves of small pickles, but for their bytes, by their layout."""
