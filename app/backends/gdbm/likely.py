"""Where elements and buckets may lie in a large GDBM file: very many places at once, with numpy."""

from collections.abc import Iterable
from mmap import mmap
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.backends.base import Buffer
from app.backends.bulk_keys import Numbers, bytes_at
from app.backends.gdbm.buckets import Fields, Home, TableShape
from app.backends.gdbm.bulk import element_type
from app.backends.gdbm.layout import BUCKET_FREE, HASH_BITS, Layout, mark_of

_KEY_START_AT: Final = 4
_KEY_START_BYTES: Final = 4
_SLOTS: Final = 1 << 20
"""Slots of buckets that are looked at together."""
_FEW_SLOTS: Final = 64
"""Slots of each bucket that are looked at before those that hold too much already are left out."""
_FREE: Final = -1
"""The hash of an element that is not in use."""


def likely(buffer: Buffer, size: int, start: int, end: int, layout: Layout, mark: str) -> list[tuple[int, Fields]]:
    """Return the places from ``start`` to ``end`` (bytes) whose fields can be an element's, and those fields.

    ``size`` is that of the whole file. The key's first bytes are where the element says; its hash is not compared.
    """
    kind = element_type(layout, mark)
    window = bytes(buffer[start : min(end + kind.itemsize - 1, size)])
    count = len(window) - kind.itemsize + 1
    if count <= 0:
        return []
    elements = np.ndarray(count, kind, window, strides=(1,))
    data, key_size, value_size = (elements[name].astype(np.int64) for name in ("data", "key_size", "value_size"))
    can_be = (data > 0) & (data < size) & (elements["hash"] >= 0) & (key_size >= 0) & (value_size >= 0)
    places = np.flatnonzero(can_be & (data <= size - key_size - value_size))
    data, key_size = data[places], key_size[places]
    is_same = np.ones(len(places), bool)
    content, around = np.frombuffer(buffer, np.uint8, size), np.frombuffer(window, np.uint8)
    for number in range(_KEY_START_BYTES):
        there = content[np.minimum(data + number, size - 1)]
        is_same &= (there == around[places + _KEY_START_AT + number]) | (key_size <= number)
    element = Struct(mark + layout.element_format)
    return [(start + place, element.unpack_from(window, place)) for place in places[is_same].tolist()]


class Elements:
    """Elements that were found, and the buckets that they may lie in."""

    def __init__(self, hits: Iterable[tuple[int, int]]) -> None:
        both: Numbers = np.fromiter(hits, np.dtype((np.int64, 2)))
        self._places, self._hashes = both[:, 0], both[:, 1]

    def homes(self, buffer: mmap | bytes, size: int, shape: TableShape) -> list[Home]:
        """Return what may be buckets of a shape, those with most elements first; none whose counts cannot be right."""
        slots = self._hashes % shape.capacity * shape.layout.element
        homes = np.unique(self._places - shape.layout.table_at - slots, return_index=True, return_counts=True)
        addresses, firsts, counts = homes
        order = np.lexsort((firsts, -counts))
        order = order[_can_be_buckets(buffer, size, addresses[order], shape)]
        hashes = self._hashes[firsts[order]]
        return list(map(Home, addresses[order].tolist(), counts[order].tolist(), hashes.tolist()))


def _can_be_buckets(buffer: mmap | bytes, size: int, addresses: Numbers, shape: TableShape) -> NDArray[np.bool_]:
    """Tell of each address whether a bucket there would say how much it holds, and not hold more."""
    layout, mark = shape.layout, mark_of(shape.byte_order)
    can_be = (addresses > 0) & (addresses + layout.bits_at + 8 <= size)
    rows = np.flatnonzero(can_be)
    there = addresses[rows]
    free = bytes_at(buffer, 4, there).view(f"{mark}u4")[:, 0]
    bits, counts = bytes_at(buffer, 8, there + layout.bits_at).view(f"{mark}i4").T
    is_head = (bits >= 0) & (bits <= HASH_BITS) & (counts > 0) & (counts <= shape.capacity) & (free <= BUCKET_FREE)
    can_be[rows[~is_head]] = False
    rows, there, counts = rows[is_head], there[is_head], counts[is_head].astype(np.int64)
    first = 0
    while len(rows) and first < shape.capacity:
        following = min(first + max(min(_FEW_SLOTS, _SLOTS // len(rows)), 1), shape.capacity)
        numbers = np.arange(first, following, dtype=np.int64)
        counts = counts - _used(buffer, size, there, numbers, shape)
        can_be[rows[counts < 0]] = False
        rows, there, counts = rows[counts >= 0], there[counts >= 0], counts[counts >= 0]
        first = following
    can_be[rows[(counts > 0) & (there + shape.bucket_size <= size)]] = False
    return can_be


def _used(buffer: mmap | bytes, size: int, addresses: Numbers, slots: Numbers, shape: TableShape) -> Numbers:
    """Return how many of some slots are in use in each bucket; those behind the end of the file are not."""
    layout = shape.layout
    places = (addresses[:, None] + layout.table_at + slots * layout.element).ravel()
    is_used = places + layout.element <= size
    hashes = bytes_at(buffer, 4, places[is_used]).view(f"{mark_of(shape.byte_order)}i4")[:, 0]
    is_used[is_used] = hashes != _FREE
    used: Numbers = is_used.reshape(-1, len(slots)).sum(axis=1)
    return used
