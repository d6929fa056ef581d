"""The symbolic machine: opcodes become flat records; nothing is built, hashed, called or recursed into."""

from collections.abc import Sequence

from app.cancel import CancelToken
from app.codecs.collector import CollectorPaused
from app.codecs.pickle.gaps import Gaps, IrregularMemo
from app.codecs.pickle.loop import carry_out
from app.codecs.pickle.stream import Stream

_SMALL = 4096
"""Bytes of a pickle during which no collection is worth being put off."""


class SparseMemo(dict[int, int]):
    """A memo with holes; MEMOIZE numbers by the count of filled slots, as CPython does."""

    def append(self, slot: int) -> None:
        self[len(self)] = slot


def run(data: bytes, start: int, token: CancelToken, *, is_prefix: bool = False, memo: Sequence[int] = ()) -> Stream:
    """Return the records of the pickle at ``start``; damage is noted in them, never raised.

    With ``is_prefix`` the bytes are known to go on, and a text that is cut is kept as far as it goes. ``memo`` has the
    slots that a pickle before it in the same bytes left.

    Raises:
        LimitExceeded: more than `limits.PICKLE_NODES` opcodes.
        Cancelled: by ``token``.
    """
    if len(data) - start <= _SMALL:
        return _run_twice(data, start, token, memo, is_prefix=is_prefix)
    with CollectorPaused():
        return _run_twice(data, start, token, memo, is_prefix=is_prefix)


def _run_twice(data: bytes, start: int, token: CancelToken, memo: Sequence[int], *, is_prefix: bool) -> Stream:
    """Run with a memo that is read at the end, and once more where that cannot be."""
    try:
        filled = list(memo)
        gaps = Gaps(filled)
        stream = carry_out(data, start, token, filled, gaps, is_prefix=is_prefix)
        if not gaps.again or not gaps.are_read_early(stream):
            return stream
    except IrregularMemo:
        pass
    sparse = SparseMemo((index, slot) for index, slot in enumerate(memo) if slot >= 0)
    return carry_out(data, start, token, sparse, None, is_prefix=is_prefix)
