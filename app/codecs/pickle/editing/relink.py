"""Keeping the memo right: a GET whose PUT was cut out, or comes later now, gets the object's own opcodes instead.

All numbers stay, so no other opcode changes: a PUT that was cut out is made up for where a later MEMOIZE counts it,
and a MEMOIZE that is carried to another place becomes a PUT of its number.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import IntEnum

from app.cancel import CancelToken
from app.codecs.pickle.editing.cuts import Cuts
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.geometry import Region
from app.codecs.pickle.editing.pads import memo_code, padded
from app.codecs.pickle.editing.program import Code, Gap, Kept, Pads, Piece, Splice
from app.codecs.pickle.opcodes import CODE, end_of
from app.errors import EncodeError

_CHUNK = 4096
_MEMOIZE = CODE["MEMOIZE"]
_POP = b"0"


class _Event(IntEnum):
    """What stands at an old offset where the pieces must be looked at."""

    REGION = 0
    GET = 1


class _Stretch:
    """Old opcodes to be written next, from ``start`` to ``end``; ``event`` is the number of the next event."""

    __slots__ = ("end", "event", "is_hoisted", "start")

    def __init__(self, start: int, end: int, event: int, *, is_hoisted: bool) -> None:
        self.start = start
        self.end = end
        self.event = event
        self.is_hoisted = is_hoisted


class Relinker:
    """Turns the splices of one edit into pieces, in their new order, that fetch from the memo what they did before."""

    def __init__(self, draft: Draft, splices: Sequence[Splice]) -> None:
        """``splices`` ascend and do not overlap; what they move is cut out by them."""
        self._links = draft.links
        self._stream = draft.stream
        self._geometry = draft.geometry
        self._splices = splices
        self._is_text = draft.is_text
        self._numbered_from = draft.numbered_from
        self._cuts = Cuts(draft.stream, draft.links, splices)
        self._maximal: dict[int, Region] = {}
        self._owners: dict[Region, int] = {}
        self._live: set[int] = set()
        self._made: set[Region] = set()
        self._events: list[tuple[int, _Event]] = []
        self._starting: dict[int, Region] = {}
        self._numbers_by_hand = False

    def pieces(self, token: CancelToken) -> list[Piece]:
        """Return the whole pickle in its new order."""
        if any(self._links.has_puts(cut.start, cut.end) for cut in self._cuts.all):
            self._find_live(token)
        found: list[Piece] = []
        pos = self._stream.start
        for number, splice in enumerate(self._splices):
            if number % _CHUNK == 0:
                token.check()
            found += self._written(pos, splice.start)
            found += self._spliced(splice)
            pos = splice.end
        found += self._written(pos, self._stream.stop)
        return list(padded(found, self._stream.data))

    def _find_live(self, token: CancelToken) -> None:
        """Find the objects that kept GETs read although what made them was cut out, or comes later now."""
        target_of = self._stream.target
        gets, gone = self._cuts.gets_and_gone()
        self._numbers_by_hand = bool(self._cuts.moved) and (bool(gone) or self._cuts.has_mixed_puts())
        early = self._cuts.early_gets(gets)
        self._live.update(self._links.fetched if self._cuts.moved else map(self._links.index_of, early))
        regions: dict[int, Region] = {}
        waiting = sorted({target_of(get) for get in early})
        while waiting:
            token.check()
            target = waiting.pop()
            if target in regions:
                continue
            region = regions[target] = self._geometry.region(target)
            for get in self._links.gets_between(region.start, region.end):
                self._live.add(self._links.index_of(get))
                inner = target_of(get)
                if inner in gone and inner not in region:
                    waiting.append(inner)
        self._nest(regions, gets)

    def _nest(self, regions: dict[int, Region], gets: Sequence[int]) -> None:
        """Note for each live object the largest live one around it, and where the pieces must be looked at."""
        outer = Region(-1, -1)
        for target, region in sorted(regions.items(), key=lambda item: (item[1].start, -item[1].end)):
            if region.end > outer.end:
                outer = region
                self._owners[outer] = target
            self._maximal[target] = outer
        events = [(get, _Event.GET) for get in self._making_gets(gets)]
        events += [
            (region.start, _Event.REGION) for region in self._owners if self._cuts.place(region.start) is not None
        ]
        self._starting = {region.start: region for region in self._owners}
        self._events = sorted(events)

    def _making_gets(self, gets: Sequence[int]) -> Iterator[int]:
        """Yield the GETs at which a live object may have to be made: behind the last cut that is the first of each."""
        last = self._cuts.all[-1].end
        behind: set[int] = set()
        for get in gets:
            target = self._stream.target(get)
            if target not in self._maximal or target in behind:
                continue
            if get >= last:
                behind.add(target)
                if len(behind) == len(self._maximal):
                    yield get
                    return
            yield get

    def _spliced(self, splice: Splice) -> Iterator[Piece]:
        has_value = False
        for part in splice.parts:
            if isinstance(part, Region):
                yield from self._written(part.start, part.end, is_moved=True)
            else:
                yield part
                has_value |= part.is_value
        if splice.end > splice.start:
            if not self._cuts.moved:
                yield from self._made_up(splice, has_value=has_value)
            yield Gap(splice.start, splice.end)

    def _made_up(self, splice: Splice, *, has_value: bool) -> Iterator[Code | Pads]:
        """Yield what gives the memo numbers of a cut that are needed, or that cost nothing to keep."""
        links, data = self._links, self._stream.data
        if not links.has_puts(splice.start, splice.end):
            return
        puts = links.puts_between(splice.start, splice.end)
        if splice.end > self._numbered_from:
            numbers = links.indexes(splice.replaces) if splice.replaces >= 0 else []
            yield from (Code(memo_code(index, is_text=self._is_text, is_get=False)) for index in numbers)
            return
        own = self._own_puts(splice, puts) if has_value else []
        is_same = len(own) == len(puts) == 1  # which the new value takes, whatever counts
        if not is_same and self._is_made_up_for(splice, puts):
            code = b"".join(data[pos : end_of(data, pos)] for pos, _ in puts)
            yield Code(code) if has_value or splice.has_top else Pads(code)
        elif splice.replaces >= 0:
            yield from (Code(data[pos : end_of(data, pos)]) for pos, index in puts if self._is_put(index, splice))
        elif own and (own[-1][1] not in self._live or self._is_made_up_for(splice, puts)):
            pos = own[-1][0]
            yield Code(data[pos : end_of(data, pos)])

    def _is_made_up_for(self, splice: Splice, puts: Sequence[tuple[int, int]]) -> bool:
        """Tell whether all PUTs of a cut are needed: MEMOIZE counts each number that was given before it."""
        if splice.replaces >= 0 and any(self._stream.data[pos] == _MEMOIZE for pos, _ in puts):
            return True
        return self._is_counted_on(splice.end)

    def _is_put(self, index: int, splice: Splice) -> bool:
        """Tell whether a memo number is one of the object that is replaced everywhere."""
        return index in self._links.indexes(splice.replaces)

    def _is_counted_on(self, offset: int) -> bool:
        """Tell whether a MEMOIZE behind ``offset`` must give the number that it gave."""
        return self._links.fetches_behind(offset) or (bool(self._owners) and self._stream.protocol >= 4)

    def _own_puts(self, splice: Splice, puts: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the PUTs that end a cut: those of the value itself that stood there."""
        data = self._stream.data
        frames = {pos for pos, _ in self._stream.frames}
        own: list[tuple[int, int]] = []
        end = splice.end
        for pos, index in reversed(puts):
            behind = end_of(data, pos)
            while behind in frames:
                behind = end_of(data, behind)
            if behind != end:
                break
            own.insert(0, (pos, index))
            end = pos
            while end - 9 in frames:
                end -= 9
        return own

    def _written(self, start: int, end: int, *, is_moved: bool = False) -> Iterator[Piece]:
        """Yield old opcodes, with objects made where they are first needed now."""
        waiting: list[_Stretch | bytes] = [self._stretch(start, end)]
        while waiting:
            top = waiting.pop()
            if isinstance(top, bytes):
                yield Code(top)
                continue
            if top.event >= len(self._events) or self._events[top.event][0] >= top.end:
                yield from self._copied(top.start, top.end, is_moved=is_moved, is_hoisted=top.is_hoisted)
                continue
            offset, event = self._events[top.event]
            if event is _Event.GET and self._maximal[self._stream.target(offset)] in self._made:
                top.event += 1
                waiting.append(top)
                continue
            yield from self._copied(top.start, offset, is_moved=is_moved, is_hoisted=top.is_hoisted)
            top.start = offset
            top.event += 1
            waiting.append(top)
            if event is _Event.REGION:
                self._pass_region(self._starting[offset], top, waiting)
            else:
                self._make_at(offset, top, waiting)

    def _stretch(self, start: int, end: int, *, is_hoisted: bool = False) -> _Stretch:
        first = (start, _Event.GET if is_hoisted else _Event.REGION)
        return _Stretch(start, end, bisect_left(self._events, first), is_hoisted=is_hoisted)

    def _pass_region(self, region: Region, stretch: _Stretch, waiting: list[_Stretch | bytes]) -> None:
        """Put a GET where an object stood that was made before by now."""
        if region not in self._made:
            self._made.add(region)
            return
        indexes = self._links.indexes(self._owners[region])
        index = next((index for index in indexes if index in self._live), -1)
        if index < 0:
            raise EncodeError("This pickle gives memo numbers more than once, so its parts cannot change their order.")
        stretch.start = region.end
        stretch.event = bisect_left(self._events, (region.end, _Event.REGION))
        waiting.append(memo_code(index, is_text=self._is_text, is_get=True))

    def _make_at(self, get: int, stretch: _Stretch, waiting: list[_Stretch | bytes]) -> None:
        """Make an object where a GET would find none; one that is made within a larger one is fetched afterwards."""
        target = self._stream.target(get)
        region = self._maximal[target]
        if region in self._made:
            return
        self._made.add(region)
        if self._owners[region] == target:
            stretch.start = end_of(self._stream.data, get)
        else:
            waiting.append(_POP)
        waiting.append(self._stretch(region.start, region.end, is_hoisted=True))

    def _copied(self, start: int, end: int, *, is_moved: bool, is_hoisted: bool) -> Iterator[Piece]:
        """Yield old opcodes as they are; the numbers of carried ones are written out."""
        if start >= end:
            return
        is_numbered = is_hoisted or (is_moved and self._numbers_by_hand) or end > self._numbered_from
        if not is_numbered:
            yield Kept(start, end, is_bare=is_moved)
            return
        data = self._stream.data
        is_bare = is_hoisted or is_moved
        for pos, index in self._links.puts_between(start, end):
            is_given = not is_hoisted or index in self._live or bool(self._cuts.moved)  # which are counted
            if is_given and (data[pos] != _MEMOIZE or not (is_bare or pos >= self._numbered_from)):
                continue
            if start < pos:
                yield Kept(start, pos, is_bare=is_bare)
            if is_given:
                yield Code(memo_code(index, is_text=self._is_text, is_get=False))
            start = end_of(data, pos)
        if start < end:
            yield Kept(start, end, is_bare=is_bare)
