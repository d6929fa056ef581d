"""Large new btree files of Berkeley DB whose keys come once: where leaves begin, and whole leaves, by numpy.

References: dbinc/db_page.h (PAGE, BKEYDATA) of Berkeley DB 5.3.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.backends.berkeley.btree_groups import Groups
from app.backends.berkeley.pages import BTREE_LEAF, ITEM_DATA
from app.backends.berkeley.write import HEADER_BYTES, SLOT_BYTES, PageMaker
from app.backends.bulk_keys import Bytes, Numbers, by_size, bytes_at, put_at
from app.cancel import CancelToken

_HEAD: Final = 3
"""Bytes of an item before its content."""
_AT_ONCE: Final = 1 << 16
"""Entries of which the room is computed together."""
_BYTES_AT_ONCE: Final = 1 << 20
"""Bytes of leaves that are made together."""
_FEW: Final = 16
"""Items of one size from which on taking them together pays."""
_NOT_LOGGED: Final = 1


class LeafMaker:
    """The leaves of one new file."""

    def __init__(self, maker: PageMaker, groups: Groups, token: CancelToken) -> None:
        self._maker = maker
        self._token = token
        self._groups = groups
        self._overflow_item = maker.item_bytes(maker.largest_plain + 1)
        sizes = [(np.diff(np.frombuffer(chunk.ends, np.int64), prepend=0), chunk.sizes) for chunk in groups.chunks()]
        self._key_sizes = np.concatenate([keys.astype(np.uint32) for keys, _values in sizes])
        self._value_sizes = np.concatenate([np.frombuffer(values, np.int64).astype(np.uint32) for _, values in sizes])
        rows = groups.rows
        self._rows = None if isinstance(rows, range) else np.frombuffer(array("q", rows), np.int64)

    def _sizes(self, start: int, end: int) -> tuple[Numbers, Numbers]:
        """Return the sizes of keys and values at positions in the order of the file."""
        some = slice(start, end) if self._rows is None else self._rows[start:end]
        return self._key_sizes[some].astype(np.int64), self._value_sizes[some].astype(np.int64)

    def _room(self, sizes: Numbers) -> Numbers:
        return np.where(sizes <= self._maker.largest_plain, (sizes + _HEAD + 3) & ~3, self._overflow_item)

    def _chains(self, sizes: Numbers) -> Numbers:
        room = self._maker.room
        return np.where(sizes > self._maker.largest_plain, (sizes + room - 1) // room, 0)

    def has_repeated_keys(self) -> bool:
        """Tell whether a key comes more than once."""
        last, count = None, len(self._groups)
        for start in range(0, count, _AT_ONCE):
            self._token.check()
            keys = [last, *self._groups.keys(self._stretches(start, min(start + _AT_ONCE, count)))]
            if any(one == other for one, other in pairwise(keys)):
                return True
            last = keys[-1]
        return False

    def leaves(self) -> Iterator[tuple[int, int]]:
        """Yield where each leaf ends: the number of entries before, and that of pages with all that hangs on them."""
        count, room = len(self._groups), self._maker.room
        used = chains = leaves = 0
        for start in range(0, count, _AT_ONCE):
            self._token.check()
            sizes = self._sizes(start, min(start + _AT_ONCE, count))
            ends = np.cumsum(sum(map(self._room, sizes)) + 2 * SLOT_BYTES)
            hanging = np.concatenate(([0], np.cumsum(sum(map(self._chains, sizes)))))
            base = -used
            while (fits := int(np.searchsorted(ends, base + room, "right"))) < len(ends):
                leaves += 1
                yield start + fits, leaves + chains + int(hanging[fits])
                base = int(ends[fits - 1]) if fits else 0
            used = int(ends[-1]) - base
            chains += int(hanging[-1])
        yield count, leaves + 1 + chains

    def runs(self, firsts: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
        """Yield leaves, from one to another, that are made together, and whether nothing hangs on any of them."""
        step = max(_BYTES_AT_ONCE // self._maker.size, 1)
        for start in range(0, len(firsts) - 1, step):
            self._token.check()
            end = min(start + step, len(firsts) - 1)
            sizes = self._sizes(firsts[start], firsts[end])
            is_plain = all(int(some.max(initial=0)) <= self._maker.largest_plain for some in sizes)
            yield start, end, is_plain

    def _stretches(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the rows at some positions as stretches of successive ones."""
        if self._rows is None:
            return [(start, end)]
        rows = self._rows[start:end]
        cuts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        return [(int(rows[first]), int(rows[last - 1]) + 1) for first, last in pairwise(cuts)]

    def pages(self, firsts: Sequence[int], numbers: Sequence[int]) -> bytes:
        """Return successive leaves on which nothing hangs, joined.

        ``numbers`` are those of the page before the first one, of the pages, and of the page behind the last one.
        """
        bounds, size = np.asarray(firsts, np.int64), self._maker.size
        counts = np.diff(bounds)
        key_sizes, value_sizes = self._sizes(firsts[0], firsts[-1])
        leaf = np.repeat(np.arange(len(counts)), counts)
        key_rooms, value_rooms = self._room(key_sizes), self._room(value_sizes)
        ends = np.cumsum(key_rooms + value_rooms)
        last = bounds[1:] - firsts[0] - 1
        used = np.diff(ends[last], prepend=0)
        values_at = size - (ends - (ends[last] - used)[leaf])
        keys_at = values_at + value_rooms
        made = np.zeros((len(counts), size), np.uint8)
        self._put_headers(made, counts, size - used, numbers)
        numbers_on_leaf = np.arange(len(leaf)) - (bounds[:-1] - firsts[0])[leaf]
        places = leaf * size + HEADER_BYTES + 2 * SLOT_BYTES * numbers_on_leaf
        self._put_numbers(made, places, keys_at)
        self._put_numbers(made, places + SLOT_BYTES, values_at)
        stretches = self._stretches(firsts[0], firsts[-1])
        self._put_items(made, leaf * size + keys_at, key_sizes, self._groups.keys(stretches))
        self._put_items(made, leaf * size + values_at, value_sizes, self._groups.values(stretches))
        return made.tobytes()

    def _put_headers(self, made: Bytes, counts: Numbers, lowest: Numbers, numbers: Sequence[int]) -> None:
        mark = self._maker.mark
        fields = [("file", "u4"), ("offset", "u4"), ("number", "u4"), ("previous", "u4"), ("next", "u4")]
        fields += [("entries", "u2"), ("lowest", "u2"), ("level", "u1"), ("type", "u1")]
        kind = np.dtype([(name, mark + code) for name, code in fields])
        heads = np.zeros(len(counts), kind)
        values: dict[str, Any] = {
            "offset": _NOT_LOGGED, "number": numbers[1:-1], "previous": numbers[:-2], "next": numbers[2:],
            "entries": 2 * counts, "lowest": lowest & 0xFFFF, "level": 1, "type": BTREE_LEAF,
        }  # fmt: skip
        for name, value in values.items():
            heads[name] = value
        made[:, :HEADER_BYTES] = heads.view(np.uint8).reshape(-1, HEADER_BYTES)

    def _put_numbers(self, made: Bytes, places: Numbers, numbers: NDArray[Any]) -> None:
        kind = np.dtype(f"{self._maker.mark}u2")
        np.ndarray((made.size - 1,), kind, made, 0, (1,))[places] = numbers

    def _put_items(self, made: Bytes, places: Numbers, sizes: Numbers, contents: Iterable[bytes]) -> None:
        flat, joined = made.reshape(-1), b"".join(contents)
        self._put_numbers(made, places, sizes)
        flat[places + 2] = ITEM_DATA
        starts, groups = np.cumsum(sizes) - sizes, by_size(sizes)
        if groups is None or len(sizes) < _FEW * len(groups):
            flat[np.repeat(places + _HEAD - starts, sizes) + np.arange(len(joined))] = np.frombuffer(joined, np.uint8)
            return
        for size, rows in groups:
            put_at(flat, places[rows] + _HEAD, bytes_at(joined, size, starts[rows]))
