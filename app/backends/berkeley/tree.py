"""The leaves of a btree or of a tree of duplicates, found both by their chain and from the root.

Either way is enough to find all leaves when the other one is damaged.

References: btree/bt_cursor.c and btree/bt_verify.c of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Protocol

from app.backends.berkeley.pages import BTREE_INTERNAL, RECNO_INTERNAL, Page, Report
from app.backends.binary import Damage, MappedFile
from app.cancel import CancelToken


class TreePages(Protocol):
    """What the walk needs of a file's pages; Berkeley DB 1.85 has other pages than its successors."""

    @property
    def file(self) -> MappedFile: ...

    @property
    def size(self) -> int:
        """Return the bytes of a page."""

    @property
    def header_bytes(self) -> int: ...

    def page(self, number: int) -> Page:
        """Return a page's header.

        Raises:
            Damage: there is no such page, or another one stands in its place.
        """

    def claim(self, number: int) -> bool:
        """Take a page for one purpose; tell whether it was still free."""

    def unclaimed(self, token: CancelToken) -> Iterator[Page]:
        """Yield the legible pages that nothing led to."""

    def content(self, page: Page) -> bytes: ...

    def slots(self, page: Page) -> tuple[int, ...]:
        """Return where on the page its items start (bytes from the page's start), unchecked."""


def leaves(pages: TreePages, root: int, leaf_types: frozenset[int], report: Report) -> Iterator[Page]:
    """Yield each leaf once, in the order of the chain; damage is reported and gone round."""
    is_first = True
    for start in _leaves_below(pages, root, leaf_types, report):
        if not pages.claim(start.number):
            continue
        if not is_first:
            report(f"The chain of leaves does not reach page {start.number}.", start.offset)
        is_first = False
        yield from _chain(pages, start, leaf_types, report)


def lost_leaves(pages: TreePages, leaf_types: frozenset[int], report: Report, token: CancelToken) -> Iterator[Page]:
    """Yield the leaves that `leaves` did not find, along what is left of their chains."""
    lost = {page.number: page for page in pages.unclaimed(token) if page.type in leaf_types and page.entries}
    if lost:
        report(
            f"Nothing leads to {len(lost):,} leaves any more; their entries are listed last.", min(lost) * pages.size
        )
    # Where a chain begins comes first, so that the order of keys survives the loss of the root.
    for start in sorted(lost.values(), key=lambda page: page.previous in lost):
        if pages.claim(start.number):
            yield from _chain(pages, start, leaf_types, report)


def _chain(pages: TreePages, start: Page, leaf_types: frozenset[int], report: Report) -> Iterator[Page]:
    """Yield ``start``, which is claimed already, and the leaves after it up to one that was claimed before."""
    page = start
    while True:
        yield page
        if not page.next:
            return
        try:
            following = pages.page(page.next)
        except Damage as error:
            report(f"The chain of leaves ends at page {page.number}: {error.detail}.", page.offset)
            return
        if following.type not in leaf_types or following.previous != page.number:
            report(f"The chain of leaves is broken after page {page.number}.", page.offset)
            return
        if not pages.claim(following.number):
            return
        page = following


def _leaves_below(pages: TreePages, root: int, leaf_types: frozenset[int], report: Report) -> Iterator[Page]:
    """Yield the leaves in the order of the tree; those that were claimed meanwhile may be left out."""
    waiting = [root]
    while waiting:
        number = waiting.pop()
        try:
            page = pages.page(number)
            if page.type in leaf_types:
                yield page
            elif page.type in {BTREE_INTERNAL, RECNO_INTERNAL}:
                if not pages.claim(number):
                    raise pages.file.damage(f"page {number} is in the tree twice", page.offset)
                waiting.extend(reversed(_children(pages, page)))
            else:
                raise pages.file.damage(f"page {number} does not belong into a tree", page.offset)
        except Damage as error:
            report(f"A part of the tree cannot be reached from its root: {error.detail}.", error.offset or 0)


def _children(pages: TreePages, page: Page) -> list[int]:
    """Return the page numbers that an internal page leads to."""
    content = pages.content(page)
    child = Struct(pages.file.mark + ("4xI" if page.type == BTREE_INTERNAL else "I"))
    return [
        child.unpack_from(content, slot)[0]
        for slot in pages.slots(page)
        if pages.header_bytes <= slot <= pages.size - child.size
    ]
