"""Hashes of very many keys, a byte of all of them at a time; by numpy, imported only where there are many entries."""

from collections.abc import Callable
from mmap import mmap
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.backends.bulk_keys import items_at
from app.backends.key_index import IndexChunk

Step = Callable[[NDArray[np.uint32], NDArray[np.uint8]], NDArray[np.uint32]]
"""What the next byte of each key makes of the hashes so far."""

_SHORT: Final = 64
"""Bytes of an average key up to which keys are put together a byte at a time."""
_COLUMNS: Final = 128
"""Bytes of a key that are hashed together with other keys'; the few longer keys are hashed one by one."""


def hashes_of(chunk: IndexChunk, start: int, step: Step, one: Callable[[bytes], int]) -> NDArray[np.uint32]:
    """Return the hashes (uint32) of all keys of a chunk; ``start`` is the hash of no bytes, ``one`` hashes a key."""
    ends = np.frombuffer(chunk.ends, np.int64)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    return hashes_at(np.frombuffer(chunk.keys, np.uint8), starts, ends - starts, start, step, one)


def hashes_at(
    content: NDArray[np.uint8],
    places: NDArray[np.int64],
    lengths: NDArray[np.int64],
    start: int,
    step: Step,
    one: Callable[[bytes], int],
) -> NDArray[np.uint32]:
    """Return the hashes (uint32) of keys of ``lengths`` that lie at ``places`` (both int64, bytes) of ``content``."""
    order = np.argsort(-lengths, kind="stable")
    falling, firsts = lengths[order], places[order]
    values = np.full(len(order), start, np.uint32)
    longest = min(int(falling[0]), _COLUMNS) if len(order) else 0
    # How many keys have a byte in each column.
    reaching = np.searchsorted(-falling, -np.arange(longest))
    for column, count in enumerate(reaching.tolist()):
        values[:count] = step(values[:count], content[firsts[:count] + column])
    for row in range(int(np.searchsorted(-falling, -_COLUMNS))):
        values[row] = one(content[firsts[row] : firsts[row] + falling[row]].tobytes())
    made = np.empty_like(values)
    made[order] = values
    return made


def joined(buffer: mmap | bytes, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> bytes:
    """Return the keys of ``lengths`` that lie at ``places`` (bytes) of a buffer, one behind the other."""
    if len(lengths) and 0 < lengths[0] <= _SHORT and (lengths == lengths[0]).all():
        same: bytes = items_at(buffer, int(lengths[0]), places).tobytes()
        return same
    total = int(lengths.sum())
    if total > _SHORT * len(places):
        return b"".join([buffer[place : place + size] for place, size in zip(places, lengths, strict=True)])
    starts = np.cumsum(lengths) - lengths
    content = np.frombuffer(buffer, np.uint8)
    keys: bytes = content[np.arange(total) + np.repeat(places - starts, lengths)].tobytes()
    return keys
