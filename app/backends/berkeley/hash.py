"""Hash files of Berkeley DB 2 and later (``bsddb.hashopen``, many a ``dbm.ndbm``), in the order of their buckets.

No entry is believed before its key hashes into the bucket it lies in, unless the program that wrote the file
brought a hash function of its own. The locator of a value on a hash page is, from the highest bit: page number,
14 bits of the pair's number on the page, 16 bits of the place of an on-page duplicate (0: not a duplicate).

References: hash/hash_page.c, hash/hash_verify.c and dbinc/hash.h (BUCKET_TO_PAGE) of Berkeley DB 5.3.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Final

from app.backends.base import Match, Problem
from app.backends.berkeley.duplicate_order import COMPARED, DuplicateOrder
from app.backends.berkeley.file import Listed, Scanned
from app.backends.berkeley.hash_buckets import BUCKET_PAGES, first_pages, pages_of_bucket
from app.backends.berkeley.hash_check import check_hash, has_own_order, missed_keys
from app.backends.berkeley.hash_layout import (
    BLOB,
    DUPLICATES,
    KEY_OR_DATA,
    OFF_PAGE,
    OFF_PAGE_BYTES,
    OFF_PAGE_DUPLICATES,
    OFF_PAGE_DUPLICATES_BYTES,
    PAIR_BITS,
    PLACE_BITS,
)
from app.backends.berkeley.hash_write import BdbHashWriter
from app.backends.berkeley.items import BdbKeyedBackend
from app.backends.berkeley.pages import Item, Page, Pages
from app.backends.berkeley.rewritable import AS_ANOTHER
from app.backends.berkeley.write import PageMaker
from app.backends.binary import Damage
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.cancel import CancelToken

if TYPE_CHECKING:
    from app.backends.berkeley.hash_bulk import PageReader

_PLACE_MASK: Final = (1 << PLACE_BITS) - 1
_PAIR_MASK: Final = (1 << PAIR_BITS) - 1
_BULK_BYTES: Final = 1 << 22
"""Size of a file from which on numpy is worth its import."""
_AT_ONCE: Final = 1 << 19
"""Bytes of pages that numpy is given at once."""
_BULK_VALUES: Final = 1 << 6


class BdbHashBackend(BdbKeyedBackend):
    """One hash file."""

    format_id: ClassVar[str] = "bdb-hash"

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match, pages)
        self._duplicate_order = DuplicateOrder()

    @property
    def why_not_rewritable(self) -> str:
        name = self.match.path.name
        if self._duplicate_order.is_own:
            order = f"The values of equal keys of {name} are in an order that only the program that wrote it knows"
            return f"{order}: {AS_ANOTHER}."
        return super().why_not_rewritable or (
            f"The keys on the pages of {name} are in an order that only the program that wrote it knows: {AS_ANOTHER}."
            if has_own_order(self._pages)
            else ""
        )

    def writer(self) -> BdbHashWriter:
        meta = self._pages.meta
        maker = PageMaker(meta.page_size, meta.byte_order)
        return BdbHashWriter(BdbHashBackend, maker, meta.duplicates, meta.fill_factor)

    def check_own(self, token: CancelToken) -> Iterator[Problem]:
        yield from check_hash(self._pages, token, sorts_duplicates=not self._duplicate_order.is_own)
        if missed := missed_keys(self._pages, token):
            note = f"Berkeley DB itself does not find {missed:,} of the keys, for the order that it put them in."
            self.notes[:] = [*(other for other in self.notes if other != note), note]

    def _listed(self, token: CancelToken) -> Iterator[Listed]:
        listed = self._in_buckets(token)
        if self._pages.meta.duplicates != "sorted":
            return listed
        self._duplicate_order = DuplicateOrder()
        return self._duplicate_order.watched(listed, self._beginning_at, self)

    def _beginning_at(self, locator: int) -> bytes | None:
        """Return how the value at a locator begins, or None when it cannot be read, which others report."""
        try:
            item = self._located(locator)[1] if locator >= 0 else self._duplicate_at(self._places[~locator])
            return None if item is None else self._bytes_of(item, COMPARED)
        except Damage:
            return None

    def _in_buckets(self, token: CancelToken) -> Iterator[Listed]:
        self._note_own_hash()
        for bucket, first in first_pages(self._pages, self.report):
            for page in pages_of_bucket(self._pages, first, self.report):
                token.check()
                yield from self._entries_of(page, bucket)
        yield from self._lost(token)

    def _note_own_hash(self) -> None:
        if self._pages.meta.has_own_hash:
            note = "The keys are hashed by a function of the program that wrote them; they could not be checked."
            self.notes[:] = [note]

    def _lost(self, token: CancelToken) -> Iterator[Listed]:
        """List the pages that damage has cut off."""
        lost = [page for page in self._pages.unclaimed(token) if page.type in BUCKET_PAGES and page.entries]
        if lost:
            self.report(
                f"Nothing leads to {len(lost):,} pages any more; their entries are listed last.", lost[0].offset
            )
        for page in lost:
            token.check()
            yield from self._entries_of(page, None)

    def _entries_of(self, page: Page, bucket: int | None) -> Iterator[Listed]:
        try:
            yield from self._entries(page, bucket)
        except Damage as error:
            self._report(error)

    def _chunks(self, token: CancelToken) -> Iterator[Scanned]:
        if self._pages.count * self._pages.size < _BULK_BYTES or self._pages.meta.duplicates == "sorted":
            return super()._chunks(token)
        return self._bulk_chunks(token)

    def _bulk_chunks(self, token: CancelToken) -> Iterator[Scanned]:
        """Yield all entries, a first few soon, the others by numpy."""
        self._forget_duplicates()
        self._note_own_hash()
        builder, firsts = ChunkBuilder(), first_pages(self._pages, self.report)
        for bucket, first in firsts:
            token.check()
            is_full = False
            for page in pages_of_bucket(self._pages, first, self.report):
                for entry in self._entries_of(page, bucket):
                    is_full |= builder.add(*entry)
            if is_full:
                break
        if len(builder):
            yield builder.take(), None
        yield from self._by_numpy(firsts, token)
        for entry in self._lost(token):
            if builder.add(*entry):
                yield builder.take(), None
        if len(builder):
            yield builder.take(), None

    def _by_numpy(self, firsts: Iterator[tuple[int, int]], token: CancelToken) -> Iterator[Scanned]:
        from app.backends.berkeley import hash_bulk  # noqa: PLC0415 - numpy takes longer to load than a small file to list

        reader = hash_bulk.PageReader(self._pages.meta, self._file.mark, self._pages.header_bytes)
        while some := list(islice(firsts, self._pages_at_once)):
            token.check()
            self._file.check_not_cut()
            batch = hash_bulk.batch_of(self._pages.size, self._contents(some, reader))
            runs, unusual = reader.listed(batch)
            for place in unusual:
                page = self._pages.page(batch.numbers[place])
                builder = ChunkBuilder()
                for entry in self._entries_of(page, batch.buckets[place]):
                    builder.add(*entry)
                runs.append(hash_bulk.Run(place, builder.take()))
            if not runs:
                continue  # a damaged file may lead to no page at all
            runs.sort(key=attrgetter("first"))
            chunk = hash_bulk.joined([run.chunk for run in runs])
            if len(chunk):
                yield chunk, chain.from_iterable(run.values() or self.values(run.chunk) for run in runs)

    @property
    def _pages_at_once(self) -> int:
        return _AT_ONCE // self._pages.size

    def _contents(self, some: list[tuple[int, int]], reader: "PageReader") -> Iterator[tuple[int, int, bytes]]:
        """Yield bucket, number and content of the pages of some buckets; of successive ones the first, joined."""
        size, claims = self._pages.size, self._pages.claims
        for _spare, run in groupby(some, lambda pair: pair[1] - pair[0]):
            pairs = list(run)
            first, behind = pairs[0][1], pairs[-1][1] + 1
            region = self._file.buffer[first * size : behind * size]
            alone = set(reader.single_pages(region, first))
            if len(alone) == len(pairs) and not any(claims.taken[first:behind]):
                claims.taken[first:behind] = bytes((1,)) * len(pairs)
                yield pairs[0][0], first, region
                continue
            for place, (bucket, number) in enumerate(pairs):
                if place in alone and self._pages.claim(number):
                    yield bucket, number, region[place * size : (place + 1) * size]
                    continue
                for page in pages_of_bucket(self._pages, number, self.report):
                    yield bucket, page.number, self._pages.content(page)

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        if len(chunk) < _BULK_VALUES:
            return super().values(chunk)
        return chain.from_iterable(self._runs_of_values(chunk))

    def _runs_of_values(self, chunk: IndexChunk) -> Iterator[Iterable[bytes]]:
        from app.backends.berkeley import hash_bulk  # noqa: PLC0415 - as in `_by_numpy`

        reader = hash_bulk.PageReader(self._pages.meta, self._file.mark, self._pages.header_bytes)
        for numbers, wanted, rows in hash_bulk.wanted(chunk, self._pages_at_once):
            self._file.check_not_cut()
            content = self._joined_pages(numbers)
            found = reader.values_at(content, wanted) if wanted and content else None
            if found is None:
                yield (self.read(chunk.key(row), chunk.locators[row], chunk.sizes[row]) for row in rows)
            else:
                yield found

    def _joined_pages(self, numbers: list[int]) -> bytes:
        """Return the content of pages, or nothing when one of them is outside the file."""
        size, buffer = self._pages.size, self._file.buffer
        if not all(0 < number < self._pages.count for number in numbers):
            return b""
        return b"".join([buffer[number * size : (number + 1) * size] for number in numbers])

    def _entries(self, page: Page, bucket: int | None) -> Iterator[Listed]:
        """List one page: the hot loop of indexing, with plain keys and values checked in line."""
        content, slots = self._pages.content(page), self._slots_of_pairs(page)
        lowest, high = self._pages.header_bytes + 2 * len(slots), self._pages.size
        checks_hash, bucket_of = not self._pages.meta.has_own_hash, self._pages.meta.bucket_of
        for pair in range(len(slots) // 2):
            key_slot, slot = slots[2 * pair], slots[2 * pair + 1]
            key_end, high = high, slot
            if not lowest <= slot < key_slot < key_end <= self._pages.size:
                self.report(f"The places of entry {pair} on page {page.number} are damaged.", page.offset)
                continue
            if content[key_slot] == KEY_OR_DATA:
                key = content[key_slot + 1 : key_end]
            else:
                long_key = self._long_key(page, key_slot, key_end)
                if long_key is None:
                    continue
                key = long_key
            if checks_hash and bucket_of(key) != bucket:
                if bucket is not None:
                    self.report(
                        "An entry is left out: its key does not belong into its bucket.", page.offset + key_slot
                    )
                    continue
                bucket = bucket_of(key)
            locator = (page.number << PAIR_BITS | pair) << PLACE_BITS
            if content[slot] == KEY_OR_DATA:
                yield key, locator, key_slot - slot - 1
            else:
                yield from self._other_value(key, locator, page.offset + slot, page.offset + key_slot)

    def _long_key(self, page: Page, slot: int, end: int) -> bytes | None:
        """Return a key that stands on overflow pages, or None when it is (reported) damaged."""
        try:
            item = self._item(page.offset + slot, page.offset + end)
            self._pages.claim_overflow(item.overflow, item.size)
            return self._bytes_of(item, item.size)
        except Damage as error:
            self.report(f"A key is lost: {error.detail}.", error.offset)
            return None

    def _item(self, start: int, end: int) -> Item:
        """Return a key or a value that is not one of duplicates, from its place in the file.

        Raises:
            Damage: it is of another type, or its size does not fit that.
        """
        kind = self._file.u8(start)
        if kind == KEY_OR_DATA:
            return Item(end - start - 1, start + 1)
        if kind == OFF_PAGE and end - start == OFF_PAGE_BYTES:
            number, length = self._file.unpack(self._pages.reference, start + 4)
            return Item(length, 0, number)
        raise self._file.damage(f"an item is of the unknown type {kind} or has a wrong size", start)

    def _other_value(self, key: bytes, locator: int, start: int, end: int) -> Iterator[Listed]:
        """List what is no plain value: an overflow chain or duplicates."""
        kind = self._file.u8(start)
        if kind == DUPLICATES:
            yield from self._on_page_duplicates(key, locator, start, end)
        elif kind == OFF_PAGE_DUPLICATES and end - start == OFF_PAGE_DUPLICATES_BYTES:
            yield from self._duplicates(key, locator, self._file.u32(start + 4))
        elif kind == BLOB:
            self.report(f"The value of {key!s:.80} is in an external file (a blob); it is left out.", start)
        else:
            yield from self._off_page_value(key, locator, start, end)

    def _off_page_value(self, key: bytes, locator: int, start: int, end: int) -> Iterator[Listed]:
        try:
            item = self._item(start, end)
        except Damage as error:
            self.report(f"The value of {key!s:.80} is lost: {error.detail}.", start)
            return
        self._check_overflow(item)
        yield key, locator, item.size

    def _on_page_duplicates(self, key: bytes, locator: int, start: int, end: int) -> Iterator[Listed]:
        """List values that stand one after another, each between two copies of its length."""
        place = start + 1
        while place < end:
            length = self._file.u16(place)
            behind = place + 2 + length
            if behind + 2 > end or self._file.u16(behind) != length:
                self.report(f"Duplicates of {key!s:.80} are lost: their lengths are damaged.", place)
                return
            yield key, locator | place % self._pages.size, length
            place = behind + 2

    def leaf_of(self, locator: int) -> int:
        return (locator if locator >= 0 else self._owners[~locator]) >> PAIR_BITS + PLACE_BITS

    def _located(self, locator: int) -> tuple[Item, Item | None]:
        pages = self._pages
        page = pages.page(locator >> PAIR_BITS + PLACE_BITS)
        pair = locator >> PLACE_BITS & _PAIR_MASK
        key_end = pages.slot(page, 2 * pair - 1) if pair else pages.size
        key_slot, slot = pages.slot(page, 2 * pair), pages.slot(page, 2 * pair + 1)
        if page.type not in BUCKET_PAGES or not pages.header_bytes <= slot < key_slot < key_end <= pages.size:
            raise self._file.damage(f"page {page.number} has no entry {pair}", page.offset)
        key = self._item(page.offset + key_slot, page.offset + key_end)
        place = locator & _PLACE_MASK
        if place:
            return key, self._duplicate_on(page, place, slot, key_slot)
        if self._file.u8(page.offset + slot) == OFF_PAGE_DUPLICATES:
            return key, None
        return key, self._item(page.offset + slot, page.offset + key_slot)

    def _duplicate_on(self, page: Page, place: int, slot: int, end: int) -> Item:
        length = self._file.u16(page.offset + place)
        is_set = self._file.u8(page.offset + slot) == DUPLICATES
        if (
            not is_set
            or not slot < place <= end - length - 4
            or self._file.u16(page.offset + place + 2 + length) != length
        ):
            raise self._file.damage(f"page {page.number} has no duplicate there", page.offset + place)
        return Item(length, page.offset + place + 2)
