"""Elements of a GDBM file's buckets: found wherever they lie, as their hashes agree with the keys they name.

What a deleted element said stays where it was, all but its hash.

References: gdbmdelete.c of GDBM 1.23.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from app.backends.binary import MappedFile
from app.backends.gdbm.buckets import FEW_BYTES, Bucket, Fields, TableShape, elements_of
from app.backends.gdbm.layout import can_hash_to, key_hashes, mark_of
from app.cancel import CancelToken

_LONG_KEY: Final = 1024
"""Bytes of a key from which on it is looked at last: zeros and noise name long keys more often than entries do."""
_SHORT_ALLOWANCE: Final = 16
"""How many times the file's size the shorter keys that are looked at may have together."""
_LONG_ALLOWANCE: Final = 4
"""The same of long ones, which overlap each other only where they are false."""
_FREE_BYTES: Final = 1 << 23
"""Bytes of keys that may be looked at in however small a file."""
_LONG_ONES: Final = 1 << 18
"""Elements with long keys that are remembered."""
_WINDOW: Final = 1 << 20
"""Bytes that are searched between two looks at the token."""
_KEY_SIZE: Final = 3

Range = tuple[int, int]


class Trace(NamedTuple):
    """An entry that an element names. ``start`` is where its key lies, ``hash`` None where it was deleted."""

    key: bytes
    start: int
    value_size: int
    hash: int | None

    @property
    def end(self) -> int:
        return self.start + len(self.key) + self.value_size


class Traces:
    """A search of one file."""

    def __init__(self, file: MappedFile, token: CancelToken) -> None:
        self._file = file
        self._token = token
        self._short = self._long = 0
        self._allow()
        self.is_incomplete = False
        """Whether keys were passed over because those looked at had too many bytes together."""

    def _allow(self) -> None:
        """Give anew what keys may have together: one search must not use up what the next one needs."""
        self._short = _FREE_BYTES + _SHORT_ALLOWANCE * self._file.size
        self._long = _FREE_BYTES + _LONG_ALLOWANCE * self._file.size

    def elements(self, ranges: Iterable[Range], shape: TableShape) -> Iterator[tuple[int, Trace]]:
        """Yield the elements within ranges of the file, each with its place; those with long keys come last."""
        self._allow()
        long_ones: list[tuple[int, int, Fields]] = []
        places: set[int] = set()
        for place, fields in self._likely(ranges, shape):
            self._token.check()
            if fields[_KEY_SIZE] <= _LONG_KEY:
                trace = self._trace(*fields)
                if trace is not None:
                    places.add(place)
                    yield place, trace
            elif len(long_ones) < _LONG_ONES:
                long_ones.append((fields[_KEY_SIZE], place, fields))
            else:
                self.is_incomplete = True
        # The shorter keys first: one false long key must not use up what is left for many.
        width = shape.layout.element
        for _, place, fields in sorted(long_ones):
            self._token.check()
            if places.isdisjoint(range(place - width + 1, place + width)):
                trace = self._trace(*fields)
                if trace is not None:
                    yield place, trace

    def _likely(self, ranges: Iterable[Range], shape: TableShape) -> Iterator[tuple[int, Fields]]:
        """Yield the places whose fields can be those of an element."""
        mark, width, size = mark_of(shape.byte_order), shape.layout.element, self._file.size
        is_small = size <= FEW_BYTES
        for first, end in ranges:
            for window in range(first, end, _WINDOW):
                self._token.check()
                self._file.check_not_cut()
                stop = min(window + _WINDOW, end)
                if is_small:
                    for start in range(window, min(window + width, stop)):
                        yield from self._one_by_one(Struct(mark + shape.layout.element_format), start, stop)
                else:
                    from app.backends.gdbm.likely import likely  # noqa: PLC0415 - numpy: not for small files

                    yield from likely(self._file.buffer, size, window, stop, shape.layout, mark)

    def _one_by_one(self, element: Struct, start: int, end: int) -> Iterator[tuple[int, Fields]]:
        buffer, size = self._file.buffer, self._file.size
        count = (min(end + element.size - 1, size) - start) // element.size
        content = buffer[start : start + max(count, 0) * element.size]
        for place, fields in enumerate(element.iter_unpack(content)):
            if 0 < fields[2] < size and fields[0] >= 0 <= fields[_KEY_SIZE] and fields[4] >= 0:
                yield start + place * element.size, fields

    def _trace(self, hash_: int, key_start: bytes, data: int, key_size: int, value_size: int) -> Trace | None:
        """Return what an element names if the key there is its own; of one that was deleted as far as can be told."""
        if key_size < 0 or value_size < 0 or not 0 < data <= self._file.size - key_size - value_size:
            return None
        buffer = self._file.buffer
        if buffer[data : data + min(key_size, 4)] != key_start[:key_size] or not self._may_look_at(key_size):
            return None
        key = buffer[data : data + key_size]
        if hash_ < 0:
            return Trace(key, data, value_size, None)
        is_its_own = can_hash_to(key, hash_) and hash_ in key_hashes(key)
        return Trace(key, data, value_size, hash_) if is_its_own else None

    def _may_look_at(self, key_size: int) -> bool:
        """Take the bytes of a key from what is allowed, and tell whether they were left."""
        is_long = key_size > _LONG_KEY
        if key_size > (self._long if is_long else self._short):
            self.is_incomplete = True
            return False
        if is_long:
            self._long -= key_size
        else:
            self._short -= key_size
        return True

    def entries(self, bucket: Bucket, *, deleted: bool) -> Iterator[Trace]:
        """Yield what a bucket's elements name, or what those did that were deleted."""
        for fields in elements_of(self._file, bucket.address, bucket.shape):
            self._token.check()
            if (fields[0] == -1) != deleted:
                continue
            trace = self._trace(*fields)
            if trace is not None and any(map(bucket.takes, key_hashes(trace.key))):
                yield trace
