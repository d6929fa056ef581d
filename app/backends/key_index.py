"""The keys of a database and where their values lie, in chunks of raw arrays."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIRST_CHUNK = 256
"""Entries of the first chunk: enough for a window, read within milliseconds."""
CHUNK = 16_384
"""Entries of each further chunk."""
_MISSES = 64
"""Other keys of a chunk that may have the bytes of a key that is sought, before it is sought in another way."""
_FIRST_BYTES = 16
_WORD = 8
"""Bytes of a key at either end that tell it from others."""
_MIX = 0x9E3779B97F4A7C15
_FEW = 32
"""Keys that are sought one after the other: seeking one in the joined keys is quick, taking them apart is not."""


@dataclass(frozen=True, slots=True)
class IndexChunk:
    """Successive entries of a database.

    ``keys`` are all keys joined; ``ends[i]`` is where key i ends in it (bytes, int64).
    ``locators`` (int64) say where the values lie, in a code of the backend's own;
    ``sizes`` (int64) are the lengths of the values in bytes. 24 bytes an entry beyond the keys.
    """

    keys: bytes
    ends: "array[int]"
    locators: "array[int]"
    sizes: "array[int]"

    def __len__(self) -> int:
        return len(self.ends)

    def key(self, row: int) -> bytes:
        return self.keys[self.ends[row - 1] if row else 0 : self.ends[row]]

    def slice(self, start: int, end: int) -> "IndexChunk":
        """Return the entries from one row to another, of which there is at least one."""
        if not start and end == len(self):
            return self
        first = self.ends[start - 1] if start else 0
        ends = array("q", [place - first for place in self.ends[start:end]])
        return IndexChunk(self.keys[first : self.ends[end - 1]], ends, self.locators[start:end], self.sizes[start:end])


class ChunkBuilder:
    """Collects entries and hands them on in chunks: a small first one, then large ones."""

    def __init__(self) -> None:
        self._room = FIRST_CHUNK
        self._reset()

    def _reset(self) -> None:
        self._keys = bytearray()
        self._ends = array("q")
        self._locators = array("q")
        self._sizes = array("q")

    def add(self, key: bytes, locator: int, size: int) -> bool:
        """Take one entry; tell whether the chunk is full and should be taken."""
        self._keys += key
        self._ends.append(len(self._keys))
        self._locators.append(locator)
        self._sizes.append(size)
        return len(self._ends) >= self._room

    def __len__(self) -> int:
        return len(self._ends)

    def take(self) -> IndexChunk:
        """Return what was collected and start the next chunk."""
        chunk = IndexChunk(bytes(self._keys), self._ends, self._locators, self._sizes)
        self._room = CHUNK
        self._reset()
        return chunk


class KeyIndex:
    """All entries in index order; an entry id is the position in it and valid for this index alone."""

    def __init__(self) -> None:
        self.chunks: list[IndexChunk] = []
        self._firsts: list[int] = []
        self._count = 0

    def append(self, chunk: IndexChunk) -> None:
        self.chunks.append(chunk)
        self._firsts.append(self._count)
        self._count += len(chunk)

    def __len__(self) -> int:
        return self._count

    def looks_like(self, other: "KeyIndex") -> bool:
        """Tell whether another index lists the same keys in the same order, with values of the same lengths."""
        return len(self) == len(other) and _joined(self.chunks) == _joined(other.chunks)

    def _place(self, entry_id: int) -> tuple[IndexChunk, int]:
        if not 0 <= entry_id < self._count:
            raise IndexError(entry_id)
        position = bisect_right(self._firsts, entry_id) - 1
        return self.chunks[position], entry_id - self._firsts[position]

    def key(self, entry_id: int) -> bytes:
        chunk, row = self._place(entry_id)
        return chunk.key(row)

    def size(self, entry_id: int) -> int:
        """Return the length of the value in bytes."""
        chunk, row = self._place(entry_id)
        return chunk.sizes[row]

    def locator(self, entry_id: int) -> int:
        chunk, row = self._place(entry_id)
        return chunk.locators[row]

    def entry(self, entry_id: int) -> tuple[bytes, int, int]:
        """Return key, locator and size of the value: what `Backend.read` is asked with."""
        chunk, row = self._place(entry_id)
        return chunk.key(row), chunk.locators[row], chunk.sizes[row]

    def slices(self, start: int, end: int) -> Iterator[IndexChunk]:
        """Yield successive entries, from one id to another, in chunks."""
        while start < end:
            chunk, row = self._place(start)
            part = chunk.slice(row, min(len(chunk), row + end - start))
            yield part
            start += len(part)

    def first_of(self, chunk_number: int) -> int:
        """Return the entry id of a chunk's first entry."""
        return self._firsts[chunk_number]

    def find(self, key: bytes) -> Iterator[int]:
        """Yield the ids of all entries with exactly this key, in index order."""
        for first, chunk in zip(self._firsts, self.chunks, strict=True):
            yield from (first + row for row in _rows_with(chunk, key))

    def find_all(self, keys: Collection[bytes]) -> dict[bytes, list[int]]:
        """Return the ids of all entries that have one of these keys, in index order; for many keys in one pass."""
        if len(keys) <= _FEW:
            return {key: list(self.find(key)) for key in keys}
        found: dict[bytes, list[int]] = {key: [] for key in keys}
        signs = _signs_of(found) if len(self) > FIRST_CHUNK else None
        for first, chunk in zip(self._firsts, self.chunks, strict=True):
            for row in range(len(chunk)) if signs is None else _rows_with_signs(chunk, signs):
                key = chunk.key(row)
                if key in found:
                    found[key].append(first + row)
        return found

    def nth(self, entry_id: int) -> int:
        """Return how many entries of equal key come before this one."""
        return sum(1 for other in self.find(self.key(entry_id)) if other < entry_id)


def _signs_of(keys: Collection[bytes]) -> "NDArray[np.uint64]":
    """Return what tells most other keys from these at once: their lengths and ends; rising."""
    import numpy as np  # noqa: PLC0415 - a command on a small file never needs it

    lengths = [len(key) for key in keys]
    return np.unique(_signs(b"".join(keys), np.cumsum(lengths), np.array(lengths)))


def _rows_with_signs(chunk: IndexChunk, signs: "NDArray[np.uint64]") -> list[int]:
    """Return the rows whose keys have one of some signs."""
    import numpy as np  # noqa: PLC0415 - as above

    ends = np.frombuffer(chunk.ends, dtype=np.int64)
    own = _signs(chunk.keys, ends, np.diff(ends, prepend=0))
    places = np.minimum(np.searchsorted(signs, own), len(signs) - 1)
    rows: list[int] = np.flatnonzero(signs[places] == own).tolist()
    return rows


def _signs(keys: bytes, ends: "NDArray[np.int64]", lengths: "NDArray[np.int64]") -> "NDArray[np.uint64]":
    """Return a number for each of the joined keys, made of its length, its first and its last bytes."""
    import numpy as np  # noqa: PLC0415 - as above

    words = np.ndarray(len(keys) + 1 + _WORD, np.dtype("<u8"), bytes(_WORD) + keys + bytes(_WORD), strides=(1,))
    last, first = words[ends], words[ends - lengths + _WORD]
    shorter = np.flatnonzero(lengths < _WORD)
    first[shorter] = 0
    last[shorter] >>= (8 * (_WORD - np.maximum(lengths[shorter], 1))).astype(np.uint64)
    last[lengths == 0] = 0
    signs: NDArray[np.uint64] = last ^ first * np.uint64(_MIX) ^ lengths.astype(np.uint64)
    return signs


def _rows_with(chunk: IndexChunk, key: bytes) -> Iterator[int]:
    """Return the rows that have a key: its bytes are sought in all keys, unless they turn out to be in most of them."""
    found = _sought(chunk, key) if key else None
    return iter(_rows_like(chunk, key) if found is None else found)


def _sought(chunk: IndexChunk, key: bytes) -> list[int] | None:
    """Return the rows that have a key; None where the bytes of it are in too many others."""
    found, misses = [], 0
    position = chunk.keys.find(key)
    while position >= 0:
        row = bisect_left(chunk.ends, position + 1)
        if chunk.key(row) == key and (chunk.ends[row - 1] if row else 0) == position:
            found.append(row)
        else:
            misses += 1
        if misses > _MISSES:
            return None
        position = chunk.keys.find(key, position + 1)
    return found


def _rows_like(chunk: IndexChunk, key: bytes) -> list[int]:
    """Return the rows that have a key, by its length and its first bytes."""
    if len(chunk) <= FIRST_CHUNK:
        return [row for row in range(len(chunk)) if chunk.key(row) == key]
    import numpy as np  # noqa: PLC0415 - a command on a small file never needs it

    ends, data = np.frombuffer(chunk.ends, dtype=np.int64), np.frombuffer(chunk.keys, dtype=np.uint8)
    rows = np.flatnonzero(np.diff(ends, prepend=0) == len(key))
    for place, byte in enumerate(key[:_FIRST_BYTES]):
        rows = rows[data[ends[rows] - len(key) + place] == byte]
    return [row for row in rows.tolist() if chunk.key(row) == key]


def _joined(chunks: Sequence[IndexChunk]) -> tuple[bytes, bytes]:
    """Return all keys and all lengths of values, wherever a chunk ends."""
    return b"".join(chunk.keys for chunk in chunks), b"".join(chunk.sizes.tobytes() for chunk in chunks)
