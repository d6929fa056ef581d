"""Writing SDBM databases anew: pages as they come out when every page that is too full was split.

The entries are brought into the order of their hashes, read from the lowest bit on; in it those of a page, and
of all pages that were split off it, lie side by side.
"""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, groupby, islice, pairwise
from pathlib import Path
from typing import ClassVar, Final

from app.backends import families
from app.backends.base import Backend, Match
from app.backends.changes import key_text
from app.backends.key_index import IndexChunk
from app.backends.records import Records, batches
from app.backends.replacing import Hole, Piece
from app.backends.sdbm.layout import NEW, Convention, Geometry, reversed_bits
from app.backends.writer import CreateOptions, ImageWriter, refuse_unknown
from app.cancel import CancelToken
from app.errors import KeyRejected

_MANY: Final = 1 << 16
"""Entries from which on numpy is worth its import."""
_DEEPEST: Final = 31
"""Splits on the way to a page, at most: bits of a hash."""
_DIR_BLOCK: Final = 4096
"""Bytes: the size of .dir is a multiple of it."""
_PAGES_BYTES: Final = 1 << 20
"""Bytes of the pages whose entries are asked for together."""
_ZEROS: Final = bytes(1 << 16)
_JOINED: Final = 256
"""Pages and gaps that are handed on together."""


def new_convention(options: CreateOptions) -> Convention:
    """Return the layout of a new database: that of perl, on pages of the size and byte order that were chosen.

    Raises:
        OptionRejected: SDBM has no such option.
    """
    refuse_unknown(options, "sdbm")
    geometry = Geometry(options.page_size or NEW.page_size, options.byte_order or NEW.byte_order)
    return Convention(geometry, signed=geometry.byte_order == "little")


class SdbmWriter(ImageWriter):
    """Writes a pair of .dir and .pag; both are sparse."""

    format_id: ClassVar[str] = "sdbm"
    suffixes: ClassVar[tuple[str, ...]] = (".dir", ".pag")
    is_sparse: ClassVar[bool] = True

    def __init__(self, opener: Callable[[Match], Backend], convention: Convention) -> None:
        self._opener = opener
        self._convention = convention

    def in_the_way(self, base: Path) -> tuple[Path, ...]:
        return families.values_of_dumb(base)

    def why_refused(self, key: bytes, value_size: int) -> str:
        longest = self._convention.longest_pair
        if len(key) + value_size > longest:
            return f"key and value may have {longest:,} bytes together, and it has {len(key) + value_size:,}"
        return ""

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[Piece], ...]:
        layout = _Layout(records, self._convention, token)
        return layout.directory(token), _joined(layout.pages(records, token))

    def open(self, base: Path) -> Backend:
        paths = self.paths(base)
        geometry = self._convention.geometry
        reason = "It was written as one."
        return self._opener(Match("sdbm", str(geometry), reason, paths[1], base, paths, geometry.byte_order))


class _Layout:
    """Which entries each page holds: 24 bytes an entry, 16 a page."""

    def __init__(self, records: Records, convention: Convention, token: CancelToken) -> None:
        self._convention = convention
        self._page_size = convention.geometry.page_size
        self._is_large = len(records) >= _MANY
        sizes = array("I")
        hashes = array("I")
        for chunk in records.chunks():
            token.check()
            hashes.extend(self._hashes_of(chunk))
            starts = (0, *chunk.ends)
            sizes.extend(
                end - start + size + 4 for (start, end), size in zip(pairwise(starts), chunk.sizes, strict=True)
            )
        self._order, self._reversed = self._by_reversed_bits(hashes)
        self._ends = array("q", accumulate((sizes[row] for row in self._order), initial=0))
        self._numbers = array("Q")
        self._firsts = array("I")
        self._splits = array("Q")
        self._split(records)
        self._firsts.append(len(records))

    def _hashes_of(self, chunk: IndexChunk) -> "array[int]":
        if not self._is_large:
            return array("I", (self._convention.key_hash(chunk.key(row)) for row in range(len(chunk))))
        from app.backends.sdbm import bulk  # noqa: PLC0415 - numpy takes longer to load than a small database to write

        return array("I", bulk.hashes_of(chunk, self._convention).tobytes())

    def _by_reversed_bits(self, hashes: "array[int]") -> tuple["array[int]", "array[int]"]:
        """Return the rows in the order of their hashes' reversed bits, and these."""
        if not self._is_large:
            values = array("I", map(reversed_bits, hashes))
            order = array("I", sorted(range(len(values)), key=values.__getitem__))
            return order, array("I", (values[row] for row in order))
        from app.backends.sdbm import bulk  # noqa: PLC0415 - as above

        return bulk.by_reversed_bits(hashes)

    def _rising(self, numbers: "array[int]") -> Sequence[int]:
        """Return where the numbers lie, rising."""
        if not self._is_large:
            return sorted(range(len(numbers)), key=numbers.__getitem__)
        from app.backends.sdbm import bulk  # noqa: PLC0415 - as above

        return bulk.rising(numbers)

    def _split(self, records: Records) -> None:
        """Find the pages, in the order of the entries, and the places of .dir that say what was split."""
        # Node and depth in the trie, page number, and the entries there: the first, and the one behind the last.
        waiting = [(0, 0, 0, 0, len(self._order))]
        while waiting:
            node, depth, number, first, end = waiting.pop()
            if self._ends[end] - self._ends[first] <= self._page_size - 2:
                self._numbers.append(number)
                self._firsts.append(first)
                continue
            if depth == _DEEPEST:
                raise _too_many(records.key(self._order[first]))
            self._splits.append(number + (1 << depth) - 1 if self._convention.by_level else node)
            other = number | 1 << depth
            middle = bisect_left(self._reversed, reversed_bits(other), first, end)
            waiting.append((2 * node + 2, depth + 1, other, middle, end))
            waiting.append((2 * node + 1, depth + 1, number, first, middle))

    def pages(self, records: Records, token: CancelToken) -> Iterator[Piece]:
        """Yield .pag: each page, and zeros where none is."""
        if not len(self._order):
            return
        places, following = self._rising(self._numbers), 0
        at_once = max(_PAGES_BYTES // self._page_size, 1)
        for start in range(0, len(places), at_once):
            some = places[start : start + at_once]
            rows = [sorted(self._order[self._firsts[place] : self._firsts[place + 1]]) for place in some]
            items = _items(records, [row for rows_of_page in rows for row in rows_of_page])
            for place, rows_of_page in zip(some, rows, strict=True):
                token.check()
                yield _gap((self._numbers[place] - following) * self._page_size)
                yield self._page(islice(items, 2 * len(rows_of_page)))
                following = self._numbers[place] + 1

    def _page(self, keys_and_values: Iterable[bytes]) -> bytes:
        end, offsets, items = self._page_size, list[int](), list[bytes]()
        for item in keys_and_values:
            end -= len(item)
            offsets.append(end)
            items.append(item)
        head = struct.pack(f"{self._convention.geometry.mark}{len(offsets) + 1}H", len(offsets), *offsets)
        return head + bytes(end - len(head)) + b"".join(reversed(items))

    def directory(self, token: CancelToken) -> Iterator[Piece]:
        """Yield .dir: a bit for each page that was split, in blocks; nothing when there is one page only."""
        following = 0
        places = (self._splits[row] for row in self._rising(self._splits))
        for block, there in groupby(places, lambda place: place // (8 * _DIR_BLOCK)):
            token.check()
            yield _gap((block - following) * _DIR_BLOCK)
            bits = bytearray(_DIR_BLOCK)
            for place in there:
                bits[place // 8 % _DIR_BLOCK] |= 1 << place % 8
            yield bytes(bits)
            following = block + 1


def _items(records: Records, rows: Sequence[int]) -> Iterator[bytes]:
    """Yield key and value in turn of rows, which most often follow each other: a page's entries stay together."""
    if not rows:
        return iter(())
    if rows[-1] - rows[0] == len(rows) - 1 and all(row < following for row, following in pairwise(rows)):
        first, end = rows[0], rows[-1] + 1
        return chain.from_iterable(zip(records.keys(first, end), records.values(first, end), strict=True))
    return (item for row in rows for item in (records.key(row), records.value(row)))


def _gap(count: int) -> Piece:
    """Return so many zeros; many as a hole, as a few hashes that agree for long can put pages far apart."""
    return _ZEROS[:count] if count <= len(_ZEROS) else Hole(count)


def _joined(pages: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the same content in larger pieces."""
    waiting = list[bytes]()
    for piece in pages:
        if isinstance(piece, Hole):
            yield from batches(waiting)
            waiting.clear()
            yield piece
            continue
        waiting.append(piece)
        if len(waiting) == _JOINED:
            yield from batches(waiting)
            waiting.clear()
    yield from batches(waiting)


def _too_many(key: bytes) -> KeyRejected:
    message = (
        f"{key_text(key)} cannot be stored: more entries than a page holds have its hash. Choose larger pages or "
        "another format; nothing was written."
    )
    return KeyRejected(message)
