"""Which GETs read which memo numbers, and which numbers the PUTs of a part of a pickle give."""

import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import chain, compress, count, islice

from app.cancel import CancelToken
from app.codecs.pickle.opcodes import ALIASES, BY_CODE, CODE, GETS, PUTS, Layout, end_of, memo_index
from app.codecs.pickle.stream import Stream

_BINGET = CODE["BINGET"]
_LONG_BINGET = CODE["LONG_BINGET"]
_MEMOIZE = CODE["MEMOIZE"]
_CHUNK = 4096
_FEW = 8
"""Memo numbers that are looked for in the bytes before all GETs are gathered."""

_IS_GET = bytes(code in GETS for code in range(256))
_IS_ALIAS = bytes(code in ALIASES for code in range(256))
_TEXT_GET = re.compile(rb"g\s*[0-9]+\s*\n")
_FIXED = tuple(
    opcode.width if opcode is not None and opcode.layout is Layout.FIXED else 0
    for opcode in (BY_CODE[code] for code in range(256))
)


class Links:
    """The memo of one whole pickle. What takes a pass over the value is done when it is first asked for."""

    def __init__(self, stream: Stream, token: CancelToken) -> None:
        """``token`` is told of the bytes that were gone over."""
        self.stream = stream
        self._token = token
        self.memo = stream.memo
        self._gets: list[int] | None = None
        self._fetched: set[int] | None = None
        self._indexes: dict[int, list[int]] | None = None
        self._all_puts: list[tuple[int, int]] | None = None
        self._is_ascending: bool | None = None

    @property
    def gets(self) -> list[int]:
        """The slots that GETs pushed, ascending."""
        if self._gets is None:
            self._gets = sorted(self._all_gets())
        return self._gets

    def _all_gets(self) -> Iterator[int]:
        stream = self.stream
        is_get = stream.data.translate(_IS_GET)
        ends = [stream.root, *stream.left, *stream.popped]
        yield from compress(ends, map(is_get.__getitem__, ends))
        records = iter(stream.records.items())
        while some := list(islice(records, _CHUNK)):
            taken = list(chain.from_iterable(kids for _, kids in some))
            yield from compress(taken, map(is_get.__getitem__, taken))
            self._token.advance(some[-1][0], len(stream.data))

    @property
    def fetched(self) -> set[int]:
        """The memo numbers that GETs read."""
        if self._fetched is None:
            data = self.stream.data
            short = {data[slot + 1] for slot in self.gets if data[slot] == _BINGET}
            self._fetched = short.union(memo_index(data, slot) for slot in self.gets if data[slot] != _BINGET)
        return self._fetched

    def gets_of(self, indexes: set[int]) -> list[int]:
        """Return the GETs that read some memo numbers."""
        if not indexes:
            return []
        data = self.stream.data
        short = frozenset(index for index in indexes if index < 1 << 8)
        return [
            get
            for get in self.gets
            if (data[get + 1] in short if data[get] == _BINGET else memo_index(data, get) in indexes)
        ]

    def among_fetched(self, indexes: AbstractSet[int]) -> set[int]:
        """Return which of some memo numbers GETs read; of a few numbers the bytes alone mostly tell that none is."""
        if len(indexes) <= _FEW and self._fetched is None and not any(map(self._may_be_fetched, indexes)):
            return set()
        return self.fetched & indexes

    def _may_be_fetched(self, index: int) -> bool:
        """Tell whether the bytes of a GET of that number are anywhere in the pickle, as a GET or within anything."""
        data = self.stream.data
        if index < 1 << 8 and bytes((_BINGET, index)) in data:
            return True
        return struct.pack("<BI", _LONG_BINGET, index) in data or self._has_text_gets

    @cached_property
    def _has_text_gets(self) -> bool:
        """Whether there may be GETs with a number in text, which can be written in many ways."""
        return _TEXT_GET.search(self.stream.data) is not None

    def first_of_each(self, gets: Iterable[int], indexes: AbstractSet[int], wanted: Callable[[int], bool]) -> list[int]:
        """Return for each of some memo numbers the first of ``gets`` that reads it and is wanted."""
        data = self.stream.data
        missing = set(indexes)
        found = []
        for get in gets:
            index = data[get + 1] if data[get] == _BINGET else memo_index(data, get)
            if index in missing and wanted(get):
                found.append(get)
                missing.discard(index)
                if not missing:
                    break
        return found

    def gets_between(self, start: int, end: int) -> list[int]:
        """Return the GETs with offsets from ``start`` to ``end``."""
        return self.gets[bisect_left(self.gets, start) : bisect_left(self.gets, end)]

    def index_of(self, get: int) -> int:
        """Return the memo number that the GET at ``get`` reads."""
        return memo_index(self.stream.data, get)

    @property
    def is_ascending(self) -> bool:
        """Whether memo numbers were given in order, each once: then the memo itself tells what was given where."""
        if self._is_ascending is None:
            memo = self.memo
            self._is_ascending = isinstance(memo, list) and memo == sorted(memo)
        return self._is_ascending

    def puts_between(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return offset and number of the PUTs and MEMOIZEs from ``start`` to ``end``."""
        if self.is_ascending and isinstance(self.memo, list):
            return _puts(self.stream.data, start, end, bisect_left(self.memo, start))
        if self._all_puts is None:
            self._all_puts = _puts(self.stream.data, self.stream.start, self.stream.stop, 0)
        puts = self._all_puts
        return puts[bisect_left(puts, (start, -1)) : bisect_left(puts, (end, -1))]

    def has_puts(self, start: int, end: int) -> bool:
        """Tell whether the memo holds something that was made from ``start`` to ``end``."""
        if self.is_ascending and isinstance(self.memo, list):
            return bisect_left(self.memo, start) < bisect_left(self.memo, end)
        return bool(self.puts_between(start, end))

    def fetches_behind(self, offset: int) -> bool:
        """Tell whether a GET reads a number that MEMOIZE gave behind ``offset``."""
        if self.stream.protocol < 4:
            return False
        if self.is_ascending and isinstance(self.memo, list):
            first = bisect_left(self.memo, offset)
            return any(index >= first for index in self.fetched)
        data = self.stream.data
        given = {index for pos, index in self.puts_between(offset, self.stream.stop) if data[pos] == _MEMOIZE}
        return not given.isdisjoint(self.fetched)

    @cached_property
    def aliased(self) -> set[int]:
        """The memo numbers that were given to what a GET or DUP pushed."""
        if self.is_ascending and isinstance(self.memo, list) and self.memo and self.memo[0] >= 0:
            is_alias = self.stream.data.translate(_IS_ALIAS)
            return set(compress(count(), map(is_alias.__getitem__, self.memo)))
        data = self.stream.data
        return {index for index, slot in _pairs(self.memo) if data[slot] in ALIASES}

    def indexes(self, target: int) -> list[int]:
        """Return the memo numbers of the object at ``target``."""
        if self.is_ascending and isinstance(self.memo, list) and not self.aliased:
            at = bisect_left(self.memo, target)
            return list(range(at, bisect_right(self.memo, target)))
        if self._indexes is None:
            self._indexes = {}
            for index, slot in _pairs(self.memo):
                self._indexes.setdefault(self.stream.target(slot), []).append(index)
        return self._indexes.get(target, [])


def _pairs(memo: object) -> Iterable[tuple[int, int]]:
    pairs = memo.items() if isinstance(memo, dict) else enumerate(memo) if isinstance(memo, list) else ()
    return [(index, slot) for index, slot in pairs if slot >= 0]


def _puts(data: bytes, start: int, end: int, before: int) -> list[tuple[int, int]]:
    """Return offset and number of PUTs; ``before`` is how many numbers, from 0 on, were given before."""
    filled: set[int] = set()
    found = []
    pos = start
    while pos < end:
        op = data[pos]
        if op in PUTS:
            index = before + len(filled) if op == _MEMOIZE else memo_index(data, pos)
            if index >= before:
                filled.add(index)
            found.append((pos, index))
        pos = pos + _FIXED[op] if _FIXED[op] else end_of(data, pos)
    return found
