"""What a Berkeley DB hash file says of itself, and whether native look-ups find every key in it.

References: hash/hash_verify.c, hash/hash_page.c (__ham_getindex_sorted) of Berkeley DB 5.3.
"""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Final, NamedTuple

from app.backends.base import Problem
from app.backends.berkeley.hash_buckets import BUCKET_PAGES
from app.backends.berkeley.hash_layout import (
    KEY_OR_DATA,
    OFF_PAGE,
    OFF_PAGE_BYTES,
    OFF_PAGE_DUPLICATES,
    OFF_PAGE_DUPLICATES_BYTES,
    order_on_page,
)
from app.backends.berkeley.pages import HASH, UNUSED, Page, Pages
from app.backends.berkeley.tree_check import TreeCheck
from app.backends.binary import Damage
from app.cancel import CancelToken

_MOST_KEYS: Final = 1 << 31
_SAMPLE: Final = 64
"""Pages that are looked at for an order of the writer's own."""
_TELLING_KEYS: Final = 3
_COMPARED: Final = 1 << 16
"""Bytes of a key that are compared: damaged items can share one huge key."""


class _Key(NamedTuple):
    content: bytes
    is_off_page: bool


def check_hash(pages: Pages, token: CancelToken, *, sorts_duplicates: bool) -> Iterator[Problem]:
    """Yield what listing the entries of a hash database passes over, apart from the use of pages.

    ``sorts_duplicates``: whether sorted duplicates are in the order of their bytes.
    """
    yield from _check_numbers(pages)
    yield from _check_spare_pages(pages)
    for page, keys in _sorted_pages(pages, token):
        if not _is_mixed(keys) and (missed := _missed(keys)):
            message = f"The keys on page {page.number} are out of order: Berkeley DB does not find {missed:,} of them."
            yield Problem(message, page.offset)
    yield from _check_what_hangs(pages, token, sorts_duplicates=sorts_duplicates)


def _check_what_hangs(pages: Pages, token: CancelToken, *, sorts_duplicates: bool) -> Iterator[Problem]:
    """Look at overflow chains and trees of duplicates."""
    trees, roots = TreeCheck(pages, token), list[int]()
    for page in _bucket_pages(pages, token):
        try:
            for item in _items_on(pages, page):
                kind, size = item[0], len(item)
                if (kind, size) == (OFF_PAGE, OFF_PAGE_BYTES):
                    trees.refer(*pages.reference.unpack_from(item, 4))
                elif (kind, size) == (OFF_PAGE_DUPLICATES, OFF_PAGE_DUPLICATES_BYTES):
                    roots.append(int.from_bytes(item[4:], pages.file.byte_order))
        except Damage:
            continue  # reported by `index`
    yield from trees.of_duplicates(roots, sorted_=sorts_duplicates and pages.meta.duplicates == "sorted")
    yield from trees.wrong_references()


def _items_on(pages: Pages, page: Page) -> Iterator[bytes]:
    content, end = pages.content(page), pages.size
    for slot in pages.slots(page):
        if slot < end <= pages.size:
            yield content[slot:end]
        end = slot


def missed_keys(pages: Pages, token: CancelToken) -> int:
    """Return how many keys Berkeley DB itself does not find, although they are where it has put them.

    It compares keys on the page in another order than those off it. On a page with both kinds the two contradict
    each other where one key begins with another, and its own insertions then lead to no order at all.
    """
    return sum(_missed(keys) for _page, keys in _sorted_pages(pages, token) if _is_mixed(keys))


def has_own_order(pages: Pages) -> bool:
    """Tell whether keys are in an order of the writer's own, by looking at some pages; it is not in the file."""
    looked_at = out_of_order = 0
    for number in range(1, min(pages.count, _SAMPLE)):
        with contextlib.suppress(Damage):
            page = pages.page(number)
            keys = list(_keys_on(pages, page)) if page.type == HASH else []
            if len(keys) >= _TELLING_KEYS and not _is_mixed(keys):
                looked_at += 1
                out_of_order += not _is_in_order(keys)
    return 2 * out_of_order > looked_at


def _is_in_order(keys: Sequence[_Key]) -> bool:
    return all(_is_before(one, other) for one, other in pairwise(keys))


def _is_mixed(keys: Sequence[_Key]) -> bool:
    return len({key.is_off_page for key in keys}) == 2


def _sorted_pages(pages: Pages, token: CancelToken) -> Iterator[tuple[Page, list[_Key]]]:
    """Yield the pages of hash buckets whose keys are in order, with those."""
    for page in _bucket_pages(pages, token):
        if page.type == HASH:
            try:
                yield page, list(_keys_on(pages, page))
            except Damage:
                continue  # reported by `index`


def _bucket_pages(pages: Pages, token: CancelToken) -> Iterator[Page]:
    """Yield the pages of hash buckets that belong to something."""
    for number in range(1, pages.count):
        if pages.claims.taken[number]:
            token.check()
            try:
                page = pages.page(number)
            except Damage:
                continue
            if page.type in BUCKET_PAGES:
                yield page


def _check_numbers(pages: Pages) -> Iterator[Problem]:
    """Look at the masks; the number of keys is none that Berkeley DB keeps to itself, so much of it is allowed."""
    meta = pages.meta
    high = (1 << max(meta.max_bucket.bit_length(), 1)) - 1
    if (meta.high_mask, meta.low_mask) != (high, high >> 1):
        yield Problem("The masks on the first page do not fit the number of buckets there.", 0)
    if meta.elements > _MOST_KEYS:
        yield Problem(f"The first page speaks of {meta.elements:,} keys, which cannot be.", 0)


def _check_spare_pages(pages: Pages) -> Iterator[Problem]:
    """Claim the pages that are kept for buckets to come; they are empty, or nobody has written them yet."""
    meta = pages.meta
    for doubling, spare in enumerate(meta.spares):
        if doubling and not spare:
            return
        last = (1 << doubling) - 1
        if last + spare >= pages.count and meta.tells_last_page:
            yield Problem(f"The pages of buckets up to {last:,} would be behind the last page of the file.", 0)
            return
        for bucket in range(max((last + 1) >> 1, meta.max_bucket + 1), last + 1):
            number = bucket + spare
            if number >= pages.count:
                return
            yield from _check_spare_page(pages, number)


def _check_spare_page(pages: Pages, number: int) -> Iterator[Problem]:
    offset = number * pages.size
    try:
        page = pages.page(number)
        is_empty = page.type == UNUSED or (page.type in BUCKET_PAGES and not page.entries)
    except Damage:
        is_empty = False
    if not is_empty or not pages.claim(number):
        yield Problem(f"Page {number}, which is kept for a bucket to come, is used for something else.", offset)


def _keys_on(pages: Pages, page: Page) -> Iterator[_Key]:
    """Yield the keys that are whole, of long ones the beginning."""
    for item in islice(_items_on(pages, page), 0, None, 2):
        if item[0] == KEY_OR_DATA:
            yield _Key(item[1:], is_off_page=False)
        elif item[0] == OFF_PAGE and len(item) == OFF_PAGE_BYTES:
            first, length = pages.reference.unpack_from(item, 4)
            with contextlib.suppress(Damage):  # reported by `index`
                yield _Key(pages.overflow(first, length, _COMPARED), is_off_page=True)


def _is_before(one: _Key, other: _Key) -> bool:
    """Tell whether two keys of a page are in the order in which Berkeley DB compares them."""
    if one.is_off_page or other.is_off_page:
        return one.content < other.content
    return order_on_page(one.content) < order_on_page(other.content)


def _missed(keys: Sequence[_Key]) -> int:
    """Return how many keys of a page a binary search does not find; keys out of order need not be among them."""
    if not _is_mixed(keys) and _is_in_order(keys):
        return 0
    return sum(not _is_found(keys, key.content) for key in keys)


def _is_found(keys: Sequence[_Key], wanted: bytes) -> bool:
    """Search for a key as Berkeley DB does."""
    base, limit = 0, len(keys)
    while limit:
        middle = base + (limit >> 1)
        if keys[middle].content == wanted:
            return True
        if _is_before(keys[middle], _Key(wanted, is_off_page=False)):
            base = middle + 1
            limit -= 1
        limit >>= 1
    return False
