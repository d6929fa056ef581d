"""The pages of the buckets of a Berkeley DB hash file.

References: dbinc/hash.h (BUCKET_TO_PAGE) and hash/hash_verify.c of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import Final

from app.backends.berkeley.meta import HASH_OF_DB_2
from app.backends.berkeley.pages import HASH, HASH_UNSORTED, UNUSED, Page, Pages, Report
from app.backends.binary import Damage

BUCKET_PAGES: Final = frozenset({HASH, HASH_UNSORTED})


def first_pages(pages: Pages, report: Report) -> Iterator[tuple[int, int]]:
    """Yield every bucket whose page lies in the file; never written ones of version 5 may lie behind its end."""
    meta = pages.meta
    if not meta.spares:  # the first page is lost
        return
    last_page = meta.max_bucket + meta.spares[min(meta.max_bucket.bit_length(), len(meta.spares) - 1)]
    if meta.version > HASH_OF_DB_2 and last_page >= pages.count:
        report("The file ends before the pages of its last buckets.", pages.file.size)
    for doubling, spare in enumerate(meta.spares):
        first, last = (1 << doubling) >> 1, min((1 << doubling) - 1, meta.max_bucket)
        for bucket in range(first, min(last, pages.count - 1 - spare) + 1):
            if pages.claims.allowance < 0:  # only where several sub-databases claim the same pages
                report("There are more buckets than pages; the rest of them is left out.", 0)
                return
            pages.claims.allowance -= 1
            yield bucket, bucket + spare


def pages_of_bucket(pages: Pages, first: int, report: Report) -> Iterator[Page]:
    """Yield the pages of one bucket up to the first broken link."""
    number, previous = first, 0
    while number or not previous:
        try:
            page = pages.page(number)
            if page.type == UNUSED and not page.entries and number == first:
                return
            if page.type not in BUCKET_PAGES or page.previous != previous or not pages.claim(number):
                raise pages.file.damage(f"page {number} does not belong into this bucket", page.offset)
        except Damage as error:
            report(f"A bucket is lost from page {number} on: {error.detail}.", error.offset or 0)
            return
        yield page
        number, previous = page.next, number
