"""What can still be found in damaged Berkeley DB hash files.

References: hash/hash_page.c (__ham_dpair, __ham_split_page) and db/db_meta.c (__db_free) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from app.backends.base import Match
from app.backends.berkeley.hash_buckets import BUCKET_PAGES
from app.backends.berkeley.hash_layout import (
    DUPLICATE_BYTES,
    DUPLICATES,
    KEY_OR_DATA,
    OFF_PAGE,
    OFF_PAGE_DUPLICATES,
)
from app.backends.berkeley.pages import UNUSED, Page, Pages
from app.backends.berkeley.search import Database, Search
from app.backends.berkeley.subdatabases import Parts
from app.backends.binary import Damage
from app.backends.salvage import Found, Origin, Salvage

_ITEM_TYPES: Final = bytes((KEY_OR_DATA, DUPLICATES, OFF_PAGE, OFF_PAGE_DUPLICATES))
_OTHER_BYTES: Final = bytes(sorted(set(range(256)) - set(_ITEM_TYPES)))


class HashSearch(Search):
    """One search of one hash file."""

    def __init__(self, salvage: Salvage, pages: Pages, parts: Parts) -> None:
        super().__init__(salvage, pages)
        self._parts = parts

    def _opened(self) -> Database:
        salvage, meta = self._salvage, self._pages.meta
        match = Match("bdb-hash", "", "", salvage.path, salvage.base, (salvage.path,), meta.byte_order)
        return self._parts["bdb-hash"](match, self._pages)

    def _is_lost(self, database: Database, number: int) -> bool:
        return not database.claims.taken[number]  # listing claims the pages of buckets, and no others with keys

    def _lost_entries(self, page: Page) -> Iterator[Found]:
        return iter(())  # those are listed last

    def _deleted(self, page: Page) -> Iterator[Found]:
        """Go on behind the slots of a page: those of pairs that were removed from its end, or moved, are left there."""
        if page.type not in BUCKET_PAGES | {UNUSED}:
            return
        start, end = page.offset + self._pages.header_bytes, page.offset + self._pages.size
        if page.type in BUCKET_PAGES:
            start, end = start + 2 * page.entries, min(page.offset + (page.used or self._pages.size), end)
        for pair in _Remains(self._pages, page):
            for value, place in pair.values:
                if self._is_new((pair.key, value)):
                    yield Found(pair.key, value, place, Origin.DELETED)
            end = pair.start
        self._rest.extend((start, max(start, end)))


class _Pair(NamedTuple):
    """A key with its values and their places; ``start`` is where the lower item begins (bytes in the file)."""

    key: bytes
    values: list[tuple[bytes, int]]
    start: int


class _Remains:
    """Pairs to which slots behind those of a page still lead.

    Taking a pair out moves those behind it, and leaves the slots of the last one as they were. So of each pair the
    start is known, but the end of its key only if nothing was moved since. A wrong end is noticed by the hash of
    the key, which must belong into the bucket, and by another key of the page with the same value that begins like
    this one or with it.
    """

    def __init__(self, pages: Pages, page: Page) -> None:
        self._pages = pages
        self._page = page
        self._content = pages.content(page)
        self._is_free = page.type == UNUSED
        self._bucket = None if self._is_free else self._bucket_of_page()
        self._seen: dict[tuple[bytes, ...], list[bytes]] = {}
        """The keys that are on the page, and those that were found there, by their values."""

    def __iter__(self) -> Iterator[_Pair]:
        end, place = self._pages.size, self._pages.header_bytes
        if not self._is_free:
            for pair in self._pairs_from(place, self._page.entries // 2, end):
                self._note(pair)
            end, place = self._page.used or end, place + 2 * self._page.entries
        for pair in self._pairs_from(place, (self._pages.size - place) // 4, end):
            if self._is_likely(pair):
                self._note(pair)
                yield pair

    def _pairs_from(self, place: int, count: int, end: int) -> Iterator[_Pair]:
        """Yield up to ``count`` pairs whose slots begin at ``place``, the first of which ends at ``end``, if whole."""
        for slots in range(place, place + 4 * count, 4):
            key_slot, slot = self._u16(slots), self._u16(slots + 2)
            if not slots + 4 <= slot < key_slot < self._pages.size:
                return
            if key_slot < end:
                pair = self._pair(slot, key_slot, end)
                if pair is not None:
                    yield pair
            end = slot

    def _u16(self, at: int) -> int:
        return int.from_bytes(self._content[at : at + 2], self._pages.file.byte_order)

    def _pair(self, slot: int, key_slot: int, end: int) -> _Pair | None:
        if self._content[key_slot] != KEY_OR_DATA:
            return None
        values = list(self._values(slot, key_slot))
        return _Pair(self._content[key_slot + 1 : end], values, self._page.offset + slot) if values else None

    def _values(self, slot: int, end: int) -> Iterator[tuple[bytes, int]]:
        """Yield the values of an item with their places in the file; nothing when it is not whole."""
        content, offset, place = self._content, self._page.offset, slot + 1
        if content[slot] == KEY_OR_DATA:
            yield content[place:end], offset + place
        while content[slot] == DUPLICATES and place + DUPLICATE_BYTES <= end:
            length = self._u16(place)
            behind = place + 2 + length
            if behind + 2 > end or self._u16(behind) != length:
                return
            yield content[place + 2 : behind], offset + place + 2
            place = behind + 2

    def _bucket_of_page(self) -> int | None:
        """Return the bucket whose chain a page belongs to."""
        meta, page, allowance = self._pages.meta, self._page, self._pages.count
        try:
            while page.previous and allowance:
                page, allowance = self._pages.page(page.previous), allowance - 1
        except Damage:
            return None
        for doubling, spare in enumerate(meta.spares):
            bucket = page.number - spare
            if (1 << doubling) >> 1 <= bucket < 1 << doubling and bucket <= meta.max_bucket:
                return bucket
        return None

    def _note(self, pair: _Pair) -> None:
        self._seen.setdefault(_contents(pair), []).append(pair.key)

    def _is_likely(self, pair: _Pair) -> bool:
        others = self._seen.get(_contents(pair), ())
        if any(key.startswith(pair.key) or pair.key.startswith(key) for key in others) or self._holds_items(pair.key):
            return False
        if self._pages.meta.has_own_hash:
            return False
        if self._bucket is None:
            if not self._is_free or self._seen:
                return False
            self._bucket = self._pages.meta.bucket_of(pair.key)  # that of the last pair to go, which nothing moved
        return self._pages.meta.bucket_of(pair.key) == self._bucket

    def _holds_items(self, key: bytes) -> bool:
        """Tell whether a key goes on into items behind it, each of which begins with its type.

        Where no key of the page has such a byte, it is taken for a type; else what follows must be of the page, too.
        """
        types = [at for at, byte in enumerate(key) if byte in _ITEM_TYPES]
        keys = [one for some in self._seen.values() for one in some]
        if not types or not any(one.translate(None, _OTHER_BYTES) for one in keys):
            return bool(types)
        items = tuple(filter(None, chain(keys, chain.from_iterable(self._seen))))
        # A value of several follows its length.
        behind = (key[at + skipped :] for at in types for skipped in (1, 3))
        return any(rest and (rest.startswith(items) or any(item.startswith(rest) for item in items)) for rest in behind)


def _contents(pair: _Pair) -> tuple[bytes, ...]:
    return tuple(value for value, _place in pair.values)
