"""What one edit cuts out or moves, and the GETs that miss it where it stood."""

from bisect import bisect_left
from collections.abc import Sequence

from app.codecs.pickle.editing.geometry import Region
from app.codecs.pickle.editing.links import Links
from app.codecs.pickle.editing.program import Code, Splice
from app.codecs.pickle.opcodes import CODE
from app.codecs.pickle.stream import Stream

_MEMOIZE = CODE["MEMOIZE"]

Place = tuple[int, int, int]
"""What orders the old opcodes that are left among each other."""


class Cuts:
    """The splices of one edit that cut something out."""

    def __init__(self, stream: Stream, links: Links, splices: Sequence[Splice]) -> None:
        """``splices`` ascend and do not overlap; what they move is cut out by them."""
        self._stream = stream
        self._links = links
        self.all = [splice for splice in splices if splice.end > splice.start]
        self._cut_starts = [cut.start for cut in self.all]
        moves = [(part, splice.start) for splice in splices for part in splice.parts if isinstance(part, Region)]
        self.moved = sorted((part.start, part.end, at, order) for order, (part, at) in enumerate(moves))
        """What is moved: start, end, the offset it goes to, and its number among all that is moved."""
        self._gone_indexes: set[int] = set()
        self._made_anew = {part.stands_for for splice in splices for part in splice.parts if isinstance(part, Code)}
        self._made_anew.update(splice.replaces for splice in splices)

    def has_mixed_puts(self) -> bool:
        """Tell whether what is moved has both MEMOIZEs and PUTs, so that the numbers depend on their order."""
        puts = [pos for cut in self.all for pos, _ in self._links.puts_between(cut.start, cut.end)]
        memoized = sum(self._stream.data[pos] == _MEMOIZE for pos in puts)
        return 0 < memoized < len(puts)

    def gets_and_gone(self) -> tuple[list[int], set[int]]:
        """Return the objects whose opcodes are cut out or moved, and the GETs of those."""
        links, stream = self._links, self._stream
        if isinstance(stream.memo, list):
            cut = links.among_fetched(self._cut_indexes(stream.memo))
            indexes = {index for index in cut if self._is_gone(stream.target(stream.memo[index]))}
            self._gone_indexes = indexes
            return links.gets_of(indexes), {stream.target(stream.memo[index]) for index in indexes}
        gets = [get for get in links.gets if self._is_gone(stream.target(get))]
        return gets, set(map(stream.target, gets))

    def _cut_indexes(self, memo: list[int]) -> set[int]:
        """Return the memo numbers that may stand for something that is cut out or moved: aliases may, wherever."""
        if not self._links.is_ascending:
            return set(range(len(memo)))
        ranges = ((bisect_left(memo, cut.start), bisect_left(memo, cut.end)) for cut in self.all)
        return {index for first, last in ranges for index in range(first, last)} | self._links.aliased

    def early_gets(self, gets: Sequence[int]) -> list[int]:
        """Return, of each memo number that is read before or without what gives it, one GET that does."""
        if not self.moved and isinstance(self._stream.memo, list):
            return self._kept_gets(gets)
        return [get for get in gets if self._is_early(get, self._stream.target(get))]

    def _kept_gets(self, gets: Sequence[int]) -> list[int]:
        """Return the last GET of each memo number, if it is kept: few numbers may be read very often."""
        first, last = self.all[0].start, self.all[-1].end
        return self._links.first_of_each(
            reversed(gets), self._gone_indexes, lambda get: get < first or get >= last or not self._is_cut(get)
        )

    def _is_early(self, get: int, target: int) -> bool:
        """Tell whether a GET is still there, and not behind what makes its object any more."""
        place, made = self.place(get), self.place(target)
        return place is not None and (made is None or place < made)

    def _is_gone(self, target: int) -> bool:
        """Tell whether the opcode that made an object is cut out or moved, and no other makes it now."""
        return target not in self._made_anew and self._is_cut(target)

    def _is_cut(self, offset: int) -> bool:
        at = bisect_left(self._cut_starts, offset + 1) - 1
        return at >= 0 and offset < self.all[at].end

    def place(self, offset: int) -> Place | None:
        """Return where an old opcode stands now among the others, None when it is cut out."""
        if not self._is_cut(offset):
            return offset, 0, offset
        at = bisect_left(self.moved, (offset + 1,)) - 1
        if at < 0:
            return None
        start, end, anchor, order = self.moved[at]
        return (anchor, order + 1, offset) if start <= offset < end else None
