"""Pages of a Berkeley DB file: their headers, their index of items, overflow chains and the leaves of a tree.

References: dbinc/db_page.h, db/db_overflow.c (__db_goff) and btree/bt_verify.c of Berkeley DB 5.3.
"""

from array import array
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from app.backends.berkeley.meta import Meta
from app.backends.binary import Damage, MappedFile
from app.cancel import CancelToken

UNUSED, DUPLICATE_CHAIN, HASH_UNSORTED, BTREE_INTERNAL, RECNO_INTERNAL = 0, 1, 2, 3, 4
BTREE_LEAF, RECNO_LEAF, OVERFLOW, QUEUE, DUPLICATE_LEAF, HASH = 5, 6, 7, 11, 12, 13

ITEM_DATA, ITEM_DUPLICATES, ITEM_OVERFLOW, ITEM_BLOB = 1, 2, 3, 4
"""Types of an item on a btree page; the highest bit beside them marks it as deleted."""
DELETED: Final = 0x80

Report = Callable[[str, int], None]
_ALLOWANCE: Final = 5
"""Times the file's pages."""


class Page(NamedTuple):
    """Header of a page; ``offset`` is its place in the file.

    ``used`` are the bytes on an overflow page, and where on any other page the items begin.
    """

    number: int
    offset: int
    previous: int
    next: int
    entries: int
    used: int
    type: int


class Item(NamedTuple):
    """Where ``size`` bytes are: at ``start`` of the file, or on the chain that begins at page ``overflow``."""

    size: int
    start: int
    overflow: int = 0


class Claims:
    """Which pages of a file were led to. Each may be claimed once, so that no damage makes a walk endless."""

    def __init__(self, pages: int) -> None:
        self.taken = bytearray(pages)
        self.allowance = _ALLOWANCE * pages
        """How many pages may still be tried as buckets, or walked in chains that turn out broken."""


class Pages:
    """All pages of one file, or those of one sub-database when ``claims`` is shared with a whole file."""

    def __init__(self, file: MappedFile, meta: Meta, claims: Claims | None = None) -> None:
        self.file: Final = file
        self.meta: Final = meta
        self.size: Final = meta.page_size
        self.count: Final = file.size // meta.page_size
        self.header_bytes: Final = 32 if meta.has_checksums else 26
        self._header = Struct(file.mark + "IIIHHBB")
        self.item_head: Final = Struct(file.mark + "HB")
        self.reference: Final = Struct(file.mark + "II")
        """Page number and length (or number of entries) of what an item stands for."""
        self.claims = claims or Claims(self.count)
        self.is_part: Final = claims is not None

    def start_over(self) -> None:
        """Forget all claims; only for the pages of a whole file."""
        self.claims = Claims(self.count)

    @property
    def why_cut(self) -> str:
        """One sentence when the file is shorter than it says, else empty."""
        missing = self.meta.last_page + 1 - self.count
        if missing > 0:
            return f"The file is cut: {missing:,} of its pages are missing."
        return "The file is cut: it ends within a page." if self.file.size % self.size else ""

    def claim(self, number: int) -> bool:
        """Take a page for one purpose; tell whether it was still free."""
        was_free = not self.claims.taken[number]
        self.claims.taken[number] = 1
        return was_free

    def unclaimed(self, token: CancelToken) -> Iterator[Page]:
        """Yield the legible pages that nothing led to; none of a part, as they may belong to another one."""
        for number in range(1, 0 if self.is_part else self.count):
            if not self.claims.taken[number]:
                token.check()
                try:
                    yield self.page(number)
                except Damage:
                    continue

    def page(self, number: int) -> Page:
        if not 0 < number < self.count:
            raise self.file.damage(f"page {number} is outside the file", self.file.size)
        offset = number * self.size
        written, previous, following, entries, used, _, kind = self._header.unpack_from(self.file.buffer, offset + 8)
        if written != number and kind != UNUSED:
            raise self.file.damage(f"page {number} says that it is page {written}", offset)
        return Page(number, offset, previous, following, entries, used, kind)

    def content(self, page: Page) -> bytes:
        return self.file.buffer[page.offset : page.offset + self.size]

    def slots(self, page: Page) -> tuple[int, ...]:
        """Return where on the page its items start (bytes from the page's start), unchecked."""
        if self.header_bytes + 2 * page.entries > self.size:
            raise self.file.damage(f"page {page.number} cannot hold {page.entries} items", page.offset)
        layout = Struct(f"{self.file.mark}{page.entries}H")
        return layout.unpack_from(self.file.buffer, page.offset + self.header_bytes)

    def ends(self, slots: tuple[int, ...]) -> dict[int, int]:
        """Return where the room of each item ends: items on a btree page lie without gaps."""
        starts = sorted(set(slots))
        return dict(zip(starts, [*starts[1:], self.size], strict=False))

    def slot(self, page: Page, number: int) -> int:
        """Return where one item starts, unchecked."""
        if not 0 <= number < page.entries or self.header_bytes + 2 * page.entries > self.size:
            raise self.file.damage(f"page {page.number} has no item {number}", page.offset)
        return self.file.u16(page.offset + self.header_bytes + 2 * number)

    def item(self, page: Page, slot: int, ends: dict[int, int] | None = None) -> Item | None:
        """Return the item of a btree or duplicate page that starts at ``slot``, or None when it is deleted.

        Raises:
            Damage: it is of no known type, leaves the page, or does not fill its room as told by ``ends``.
        """
        start = page.offset + slot
        if self.header_bytes + 2 * page.entries <= slot <= self.size - 4:
            length, kind = self.item_head.unpack_from(self.file.buffer, start)
            is_plain = kind & ~DELETED == ITEM_DATA
            end = (slot + 6 + length) & ~3 if is_plain else slot + 12
            if end == (ends[slot] if ends else min(end, self.size)):
                if kind & DELETED:
                    return None
                if is_plain:
                    return Item(length, start + 3)
                if kind == ITEM_OVERFLOW:
                    number, length = self.reference.unpack_from(self.file.buffer, start + 4)
                    return Item(length, 0, number)
        raise self.file.damage(f"an item on page {page.number} is damaged", min(start, page.offset + self.size))

    def overflow(self, first: int, length: int, limit: int) -> bytes:
        """Return the first ``limit`` bytes of an item of ``length`` bytes on a chain of overflow pages."""
        pieces = []
        missing = min(length, limit)
        for piece in self.overflow_pieces(first, length):
            pieces.append(piece[:missing])
            missing -= len(piece)
            if missing <= 0:
                break
        return b"".join(pieces)

    def overflow_pieces(self, first: int, length: int) -> Iterator[bytes]:
        """Yield an item of ``length`` bytes on a chain of overflow pages, page by page."""
        for start, used in self._chain(first, length):
            yield self.file.buffer[start : start + used]

    def claim_overflow(self, first: int, length: int) -> None:
        """Check that a chain holds ``length`` bytes and belongs to nothing else.

        Raises:
            Damage: it does not; the pages stay free for the item that they do belong to.
        """
        numbers = array("I")
        if self.claims.allowance < 0:
            raise self.file.damage("too many overflow chains are broken to look for more", first * self.size)
        try:
            numbers.extend(start // self.size for start, _ in self._chain(first, length))
            if any(self.claims.taken[number] for number in numbers):
                raise self.file.damage("overflow pages belong to two items", first * self.size)
        except Damage:
            self.claims.allowance -= len(numbers) + 1
            raise
        for number in numbers:
            self.claims.taken[number] = 1

    def _chain(self, first: int, length: int) -> Iterator[tuple[int, int]]:
        """Yield start (bytes in the file) and length of each piece."""
        number, missing, allowance = first, length, self.count
        while missing > 0:
            page = self.page(number)
            room = self.size - self.header_bytes
            if page.type != OVERFLOW or not allowance or not 0 < page.used <= min(missing, room):
                raise self.file.damage(f"the overflow chain is broken at page {number}", page.offset)
            allowance -= 1
            yield page.offset + self.header_bytes, page.used
            missing -= page.used
            number = page.next
        if number:
            raise self.file.damage("an overflow chain is longer than its item", first * self.size)
