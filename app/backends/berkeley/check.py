"""Whether the pages of a Berkeley DB file agree with each other and their checksums, once its entries were listed.

References: db/db_vrfy.c (__db_vrfy_freelist, __db_vrfy_orderchkonly), db/db_vrfyutil.c of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import Final

from app.backends.base import Problem
from app.backends.berkeley.checksums import check_sums, tells_sums
from app.backends.berkeley.pages import HASH, HASH_UNSORTED, UNUSED, Page, Pages
from app.backends.binary import Damage
from app.cancel import CancelToken

_BUCKET_PAGES: Final = frozenset({HASH, HASH_UNSORTED})


def check_pages(pages: Pages, token: CancelToken) -> Iterator[Problem]:
    """Yield what is wrong with pages and their use, given the claims that listing and checking all entries has made.

    Files from before Berkeley DB 4.1 tell no last page and keep their free pages otherwise: nothing of those.
    """
    if pages.meta.tells_last_page:
        yield from _check_end(pages)
        yield from _check_free_list(pages, token)
        yield from _check_unclaimed(pages, token)
    if tells_sums(pages):
        yield from check_sums(pages.file, pages.size, token)


def _check_end(pages: Pages) -> Iterator[Problem]:
    more = pages.count - 1 - pages.meta.last_page
    if more > 0:
        message = f"The file goes on for {more:,} pages behind the last one that its first page names."
        yield Problem(message, (pages.meta.last_page + 1) * pages.size)


def _check_free_list(pages: Pages, token: CancelToken) -> Iterator[Problem]:
    """Follow the list of free pages, and claim them."""
    number, before = pages.meta.free_page, 0
    while number:
        token.check()
        try:
            page = pages.page(number)
        except Damage as error:
            yield Problem(f"The list of free pages is broken: {error.detail}.", before * pages.size)
            return
        if page.type != UNUSED:
            yield Problem(f"Page {number} is in the list of free pages, but it is not free.", page.offset)
            return
        if not pages.claim(number):
            yield Problem(f"Page {number} is in the list of free pages, but it is used, or there twice.", page.offset)
            return
        before, number = number, page.next


def _check_unclaimed(pages: Pages, token: CancelToken) -> Iterator[Problem]:
    """Look for pages that are neither used nor free; empty ones that were never used are no loss."""
    lost = [page for page in pages.unclaimed(token) if not _is_blank(pages, page)]
    if len(lost) == 1:
        yield Problem(f"Page {lost[0].number} is neither used nor free.", lost[0].offset)
    elif lost:
        message = f"{len(lost):,} pages are neither used nor free, the first of them is page {lost[0].number}."
        yield Problem(message, lost[0].offset)


def _is_blank(pages: Pages, page: Page) -> bool:
    """Tell whether nothing is lost with a page, or `index` has reported it already."""
    if page.type in _BUCKET_PAGES:
        return True
    return page.type == UNUSED and not pages.content(page).strip(b"\0")
