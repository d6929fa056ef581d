"""Hash files of Berkeley DB 2 and later (``bsddb.hashopen``, many a ``dbm.ndbm``), in the order of their buckets.

No entry is believed before its key hashes into the bucket it lies in, unless the program that wrote the file
brought a hash function of its own. The locator of a value on a hash page is, from the highest bit: page number,
14 bits of the pair's number on the page, 16 bits of the place of an on-page duplicate (0: not a duplicate).

References: hash/hash_page.c, hash/hash_verify.c and dbinc/hash.h (BUCKET_TO_PAGE) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from app.backends.bdb_file import Listed
from app.backends.bdb_items import BdbKeyedBackend
from app.backends.bdb_meta import HASH_OF_DB_2, key_hash
from app.backends.bdb_pages import HASH, HASH_UNSORTED, UNUSED, Item, Page
from app.backends.binary import Damage
from app.cancel import CancelToken

_KEY_OR_DATA, _DUPLICATES, _OFF_PAGE, _OFF_PAGE_DUPLICATES, _BLOB = 1, 2, 3, 4, 5
_OFF_PAGE_BYTES, _OFF_PAGE_DUPLICATES_BYTES = 12, 8
_PLACE_BITS: Final = 16
_PAIR_BITS: Final = 14
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_PAIR_MASK: Final = (1 << _PAIR_BITS) - 1
_BUCKET_PAGES: Final = frozenset({HASH, HASH_UNSORTED})


class BdbHashBackend(BdbKeyedBackend):
    """One hash file."""

    format_id: ClassVar[str] = "bdb-hash"

    def _listed(self, token: CancelToken) -> Iterator[Listed]:
        if self._pages.meta.has_own_hash:
            note = "The keys are hashed by a function of the program that wrote them; they could not be checked."
            self.notes[:] = [note]
        for bucket, page in self._all_pages(token):
            token.check()
            try:
                yield from self._entries(page, bucket)
            except Damage as error:
                self._report(error)

    def _all_pages(self, token: CancelToken) -> Iterator[tuple[int | None, Page]]:
        """Yield each page of each bucket; last those that damage has cut off, with no bucket."""
        for bucket, first in self._first_pages():
            for page in self._chain(first):
                yield bucket, page
        lost = [page for page in self._pages.unclaimed(token) if page.type in _BUCKET_PAGES and page.entries]
        if lost:
            self.report(
                f"Nothing leads to {len(lost):,} pages any more; their entries are listed last.", lost[0].offset
            )
        for page in lost:
            yield None, page

    def _first_pages(self) -> Iterator[tuple[int, int]]:
        """Yield every bucket whose page lies in the file; never written ones of version 5 may lie behind its end."""
        meta = self._pages.meta
        last_page = meta.max_bucket + meta.spares[min(meta.max_bucket.bit_length(), len(meta.spares) - 1)]
        if meta.version > HASH_OF_DB_2 and last_page >= self._pages.count:
            self.report("The file ends before the pages of its last buckets.", self._file.size)
        for doubling, spare in enumerate(meta.spares):
            first, last = (1 << doubling) >> 1, min((1 << doubling) - 1, meta.max_bucket)
            for bucket in range(first, min(last, self._pages.count - 1 - spare) + 1):
                if self._pages.claims.allowance < 0:  # only where several sub-databases claim the same pages
                    self.report("There are more buckets than pages; the rest of them is left out.", 0)
                    return
                self._pages.claims.allowance -= 1
                yield bucket, bucket + spare

    def _chain(self, first: int) -> Iterator[Page]:
        """Yield the pages of one bucket up to the first broken link."""
        number, previous = first, 0
        while number or not previous:
            try:
                page = self._pages.page(number)
                if page.type == UNUSED and not page.entries and number == first:
                    return
                if page.type not in _BUCKET_PAGES or page.previous != previous or not self._pages.claim(number):
                    raise self._file.damage(f"page {number} does not belong into this bucket", page.offset)
            except Damage as error:
                self.report(f"A bucket is lost from page {number} on: {error.detail}.", error.offset)
                return
            yield page
            number, previous = page.next, number

    def _entries(self, page: Page, bucket: int | None) -> Iterator[Listed]:
        """List one page: the hot loop of indexing, with plain keys and values checked in line."""
        content, slots = self._pages.content(page), self._slots_of_pairs(page)
        lowest, high = self._pages.header_bytes + 2 * len(slots), self._pages.size
        checks_hash = not self._pages.meta.has_own_hash
        for pair in range(len(slots) // 2):
            key_slot, slot = slots[2 * pair], slots[2 * pair + 1]
            key_end, high = high, slot
            if not lowest <= slot < key_slot < key_end <= self._pages.size:
                self.report(f"The places of entry {pair} on page {page.number} are damaged.", page.offset)
                continue
            if content[key_slot] == _KEY_OR_DATA:
                key = content[key_slot + 1 : key_end]
            else:
                long_key = self._long_key(page, key_slot, key_end)
                if long_key is None:
                    continue
                key = long_key
            if checks_hash and self._bucket_of(key) != bucket:
                if bucket is not None:
                    self.report(
                        "An entry is left out: its key does not belong into its bucket.", page.offset + key_slot
                    )
                    continue
                bucket = self._bucket_of(key)
            locator = (page.number << _PAIR_BITS | pair) << _PLACE_BITS
            if content[slot] == _KEY_OR_DATA:
                yield key, locator, key_slot - slot - 1
            else:
                yield from self._other_value(key, locator, page.offset + slot, page.offset + key_slot)

    def _bucket_of(self, key: bytes) -> int:
        meta = self._pages.meta
        hash_ = key_hash(key)
        bucket = hash_ & meta.high_mask
        return bucket if bucket <= meta.max_bucket else hash_ & meta.low_mask

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
        if kind == _KEY_OR_DATA:
            return Item(end - start - 1, start + 1)
        if kind == _OFF_PAGE and end - start == _OFF_PAGE_BYTES:
            number, length = self._file.unpack(self._pages.reference, start + 4)
            return Item(length, 0, number)
        raise self._file.damage(f"an item is of the unknown type {kind} or has a wrong size", start)

    def _other_value(self, key: bytes, locator: int, start: int, end: int) -> Iterator[Listed]:
        """List what is no plain value: an overflow chain or duplicates."""
        kind = self._file.u8(start)
        if kind == _DUPLICATES:
            yield from self._on_page_duplicates(key, locator, start, end)
        elif kind == _OFF_PAGE_DUPLICATES and end - start == _OFF_PAGE_DUPLICATES_BYTES:
            yield from self._duplicates(key, locator, self._file.u32(start + 4))
        elif kind == _BLOB:
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

    def _located(self, locator: int) -> tuple[Item, Item | None]:
        pages = self._pages
        page = pages.page(locator >> _PAIR_BITS + _PLACE_BITS)
        pair = locator >> _PLACE_BITS & _PAIR_MASK
        key_end = pages.slot(page, 2 * pair - 1) if pair else pages.size
        key_slot, slot = pages.slot(page, 2 * pair), pages.slot(page, 2 * pair + 1)
        if page.type not in _BUCKET_PAGES or not pages.header_bytes <= slot < key_slot < key_end <= pages.size:
            raise self._file.damage(f"page {page.number} has no entry {pair}", page.offset)
        key = self._item(page.offset + key_slot, page.offset + key_end)
        place = locator & _PLACE_MASK
        if place:
            return key, self._duplicate_on(page, place, slot, key_slot)
        if self._file.u8(page.offset + slot) == _OFF_PAGE_DUPLICATES:
            return key, None
        return key, self._item(page.offset + slot, page.offset + key_slot)

    def _duplicate_on(self, page: Page, place: int, slot: int, end: int) -> Item:
        length = self._file.u16(page.offset + place)
        is_set = self._file.u8(page.offset + slot) == _DUPLICATES
        if (
            not is_set
            or not slot < place <= end - length - 4
            or self._file.u16(page.offset + place + 2 + length) != length
        ):
            raise self._file.damage(f"page {page.number} has no duplicate there", page.offset + place)
        return Item(length, page.offset + place + 2)
