"""Memo numbers that come out of order, so that most pickles which have some keep their memo in a list."""

from itertools import chain, repeat

from app.codecs.pickle.opcodes import ALIASES, GETS, memo_index
from app.codecs.pickle.stream import Stream

_HOLE = -1
_ROOM = 4096
"""Memo numbers that a pickle may leave out at its start, as one does whose first parts were cut out."""


class IrregularMemo(Exception):
    """The memo cannot be told from its end: GETs must be resolved as they come."""


class Gaps:
    """What a memo list takes out of order: numbers left out, as cPickle leaves out 0, and numbers given again.

    The number of a GET stands for one object as long as none was read before it was given again. What is given again
    is never something fetched: whether that was fetched by this very number only following it would tell, and numbers
    that lead to each other would be followed for ever. So each leads to an older slot, or to one that fetches nothing.
    """

    def __init__(self, data: bytes, memo: list[int]) -> None:
        self._data = data
        self._memo = memo
        self.holes = 0
        """Numbers left out so far; MEMOIZE, which counts, would not number by the length of the list."""
        self.again: dict[int, int] = {}
        """The offset of the last PUT by memo index, where it was not the first."""

    def put(self, index: int, slot: int, pos: int) -> None:
        """Carry out the PUT at ``pos`` of an index that is not the next one.

        Raises:
            IrregularMemo: GETs must be resolved as they come from here on.
        """
        memo = self._memo
        if index > pos + _ROOM:  # hardly more room than there are bytes before it
            raise IrregularMemo
        if index >= len(memo):
            self.holes += index - len(memo)
            memo += repeat(_HOLE, index - len(memo))
            memo.append(slot)
            return
        if memo[index] == _HOLE:
            self.holes -= 1
        elif self._data[slot] in ALIASES:
            raise IrregularMemo
        else:
            self.again[index] = pos
        memo[index] = slot

    def are_read_early(self, stream: Stream) -> bool:
        """Tell whether a GET reads an index before it is given again."""
        if not self.again:
            return False
        data, again = stream.data, self.again
        if stream.error:
            return True
        last = max(again.values())
        begun = (kids for kids in stream.records.values() if kids and kids[0] < last)  # slots ascend, as on the stack
        taken = chain([stream.root], stream.left, stream.popped, chain.from_iterable(begun))
        early = [slot for slot in taken if slot < last and data[slot] in GETS]
        return any(slot < again.get(memo_index(data, slot), 0) for slot in early)
