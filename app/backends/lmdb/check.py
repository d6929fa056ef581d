"""Whether every page of an LMDB file is in use once, or free once."""

from collections.abc import Iterator
from struct import Struct

from app.backends.base import Problem
from app.backends.binary import Damage
from app.backends.lmdb.pages import ON_OVERFLOW, PAGE_HEADER_BYTES, Node, Page, Pages
from app.cancel import CancelToken

_FIRST_OF_DATA = 2
"""The pages before it are meta pages."""


def free_pages(pages: Pages, leaves: Iterator[Page], token: CancelToken) -> Iterator[int]:
    """Yield the numbers that the tree of free pages holds; claims the pages that this tree takes itself.

    Raises:
        Damage: the tree is no such one.
    """
    for page in leaves:
        for node in pages.nodes(page):
            token.check()
            yield from _numbers(pages, node)


def _numbers(pages: Pages, node: Node) -> Iterator[int]:
    """Yield what a node holds: a count and so many numbers."""
    start = node.data
    if node.flags & ON_OVERFLOW:
        first, count = pages.overflow(node)
        pages.claim(first, count)
        start = first * pages.size + PAGE_HEADER_BYTES
    words = Struct(f"{pages.file.mark}{node.size // 8}Q").unpack(pages.file.slice(start, node.size // 8 * 8))
    if not words or words[0] != len(words) - 1:
        raise pages.file.damage("a list of free pages has a wrong length", node.start)
    yield from words[1:]


def check_pages(pages: Pages, leaves: Iterator[Page], last_page: int, token: CancelToken) -> Iterator[Problem]:
    """Yield what is wrong with the free pages; all pages in use must have been claimed. Offsets in bytes."""
    free, not_written = bytearray(pages.count), set[int]()
    try:
        for number in free_pages(pages, leaves, token):
            if not _FIRST_OF_DATA <= number <= last_page:
                yield Problem(f"Page {number} is listed as free, but the file has no such page.")
            elif number in not_written or (number < pages.count and (free[number] or pages.is_claimed(number))):
                is_twice = number >= pages.count or free[number]
                where = "is listed as free twice" if is_twice else "is listed as free and is in use"
                yield Problem(f"Page {number} {where}: the next save by LMDB could destroy it.", number * pages.size)
            elif number < pages.count:
                free[number] = 1
            else:
                not_written.add(number)  # taken and given back by one transaction, which then has nothing to write
    except Damage as error:
        yield Problem(f"The list of free pages is damaged: {error.detail}.", error.offset)
        return
    missing = last_page + 1 - pages.count - len(not_written)
    if missing > 0:
        yield Problem(f"The file is cut: {missing:,} of its {last_page + 1:,} pages are missing.", pages.file.size)
    yield from _orphans(pages, free, last_page)


def _orphans(pages: Pages, free: bytearray, last_page: int) -> Iterator[Problem]:
    last = min(last_page + 1, pages.count)
    lost = [number for number in range(_FIRST_OF_DATA, last) if not free[number] and not pages.is_claimed(number)]
    if lost:
        pages_are = "page is" if len(lost) == 1 else "pages are"
        yield Problem(f"{len(lost):,} {pages_are} neither in use nor free.", lost[0] * pages.size)
