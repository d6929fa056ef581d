"""Many short stretches of a buffer at once, by numpy: those of one length are taken together."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from mmap import mmap
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Hashes = NDArray[np.uint32]
Rows = Numbers | slice
"""Which things are meant; the slice for all of them."""

_MASK: Final = np.uint32(0x7FFFFFFF)
_MOST: Final = 512
"""Different lengths from which on taking them apart costs more than going through all things singly."""
_LONGEST: Final = 65_535
_WEIGHTS: Final = np.left_shift(np.uint32(1), np.arange(24, dtype=np.uint32) * np.uint32(5) % np.uint32(24))


def by_size(sizes: Numbers) -> list[tuple[int, Rows]] | None:
    """Return each size and the rows that have it, or None where the sizes are too many or too large for that."""
    if not len(sizes):
        return []
    first = int(sizes[0])
    if bool((sizes == first).all()):
        return [(first, slice(None))] if first <= _LONGEST else None
    if int(sizes.max()) > _LONGEST:
        return None
    order = np.argsort(sizes.astype(np.uint16), kind="stable")  # numbers of 16 bits are sorted by their digits
    ordered = sizes[order]
    cuts = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(order)]
    if len(cuts) > _MOST:
        return None
    return [(int(ordered[start]), order[start:end]) for start, end in pairwise(cuts)]


def items_at(buffer: mmap | bytes | Bytes, size: int, places: Numbers) -> NDArray[np.void]:
    """Return ``size`` bytes from each place of a buffer, which is known to have them; it does not stay exported."""
    return np.ndarray((len(buffer) - size + 1,), f"V{size}", buffer, 0, (1,))[places]


def bytes_at(buffer: mmap | bytes | Bytes, size: int, places: Numbers) -> Bytes:
    """Return ``size`` bytes from each place as a row of a matrix."""
    if not size:
        return np.zeros((len(places), 0), np.uint8)
    return items_at(buffer, size, places).view(np.uint8).reshape(-1, size)


def put_at(buffer: Bytes, places: Numbers, matrix: Bytes) -> None:
    """Write each row of a matrix to its place in a buffer."""
    size = matrix.shape[1]
    if size:
        kind = np.dtype(f"V{size}")
        np.ndarray((len(buffer) - size + 1,), kind, buffer, 0, (1,))[places] = matrix.view(kind)[:, 0]


def hashes_of(keys: Bytes, *, signed: bool) -> Hashes:
    """Return the hash of GDBM for each row, as `gdbm.layout.key_hashes` does; 32 bits hold all that counts."""
    size = keys.shape[1]
    numbers = keys.view(np.int8).astype(np.int32).view(np.uint32) if signed else keys.astype(np.uint32)
    total = numbers @ _weights(size) + np.uint32(0x238F13AF * size & 0xFFFFFFFF)
    hashes: Hashes = np.uint32(1103515243) * (total & _MASK) + np.uint32(12345)
    return hashes & _MASK


@lru_cache
def _weights(size: int) -> Hashes:
    return np.resize(_WEIGHTS, size)


def within(sizes: Numbers, starts: Numbers, total: int) -> Numbers:
    """Return for each of ``total`` parts of things that lie behind each other its place in its own thing."""
    return np.arange(total) - np.repeat(starts, sizes)


def values_at(buffer: mmap | bytes | Bytes, starts: Numbers, sizes: Numbers) -> Iterator[bytes]:
    """Return what lies at places that are known to be inside, in their order; now, or when it is asked for."""
    values = _by_sizes(buffer, starts, sizes)
    return _slices(buffer, starts, sizes) if values is None else iter(values)


def copies_at(buffer: mmap | bytes, starts: Numbers, sizes: Numbers) -> Iterator[bytes]:
    """Return what lies now at places that are known to be inside, in their order."""
    values = _by_sizes(buffer, starts, sizes)
    return iter(list(_slices(buffer, starts, sizes)) if values is None else values)


def joined_at(buffer: mmap | bytes | Bytes, places: Numbers, sizes: Numbers) -> bytes:
    """Return what lies at places that are known to be inside, joined."""
    groups = by_size(sizes)
    if groups is None:
        return b"".join(values_at(buffer, places, sizes))
    if len(groups) == 1:
        return bytes_at(buffer, groups[0][0], places).tobytes()
    flat, ends = np.empty(int(sizes.sum()), np.uint8), np.cumsum(sizes)
    for size, rows in groups:
        put_at(flat, ends[rows] - size, bytes_at(buffer, size, places[rows]))
    return flat.tobytes()


def _slices(buffer: mmap | bytes | Bytes, starts: Numbers, sizes: Numbers) -> Iterator[bytes]:
    content = buffer.tobytes() if isinstance(buffer, np.ndarray) else buffer
    return map(content.__getitem__, map(slice, starts.tolist(), (starts + sizes).tolist()))


def _by_sizes(buffer: mmap | bytes | Bytes, starts: Numbers, sizes: Numbers) -> list[bytes] | None:
    """Return what lies at places, or None where too few things have the same size."""
    groups = by_size(sizes)
    if groups is None or len(sizes) < _FEW * len(groups):
        return None
    found = np.empty(len(sizes), object)
    for size, rows in groups:
        found[rows] = items_at(buffer, size, starts[rows]).astype(object) if size else b""
    values: list[bytes] = found.tolist()
    return values


_FEW: Final = 16
"""Things of one length from which on taking them together pays."""
