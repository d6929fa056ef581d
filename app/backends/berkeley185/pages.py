"""Pages of a btree file of Berkeley DB 1.85: their headers, items on leaves, overflow chains, the list of free pages.

References: btree/btree.h (PAGE, BLEAF, RLEAF), bt_overflow.c (__ovfl_get) and bt_page.c (__bt_free) of
Berkeley DB 1.85.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple, Self

from app.backends.base import ByteOrder
from app.backends.berkeley.pages import BTREE_INTERNAL, BTREE_LEAF, OVERFLOW, RECNO_LEAF, Page
from app.backends.binary import Damage, MappedFile
from app.cancel import CancelToken

MAGIC: Final = 0x053162
META_BYTES: Final = 24
HEADER_BYTES: Final = 20
WHY_READ_ONLY: Final = "Databases of Berkeley DB 1.85 are only read, never written; convert it to another format."
_IS_RECNO: Final = 0x80
_BIG_VALUE, _BIG_KEY = 1, 2
_REFERENCE_BYTES: Final = 8
_ALIGNMENT: Final = 8
"""Bytes that may lie unused between two items, and one more."""
_TYPE_MASK: Final = 0x1F
_TYPES: Final = {1: BTREE_INTERNAL, 2: BTREE_LEAF, 4: OVERFLOW, 8: BTREE_INTERNAL, 16: RECNO_LEAF}
"""Their names in later versions; children stand in the same place of both internal ones."""
_CHAIN_ALLOWANCE: Final = 4
"""How many times the file's pages may be walked in chains that turn out broken."""


@dataclass(frozen=True, slots=True)
class Meta:
    """Fields of the first page."""

    byte_order: ByteOrder
    page_size: int
    first_free: int
    is_recno: bool

    @classmethod
    def parse(cls, head: bytes, byte_order: ByteOrder) -> Self | None:
        """Return the fields, or None when the page is cut, of another byte order, or impossible."""
        if len(head) < META_BYTES:
            return None
        magic, _, page_size, first_free, _, flags = Struct("<6I" if byte_order == "little" else ">6I").unpack_from(head)
        if magic != MAGIC or not 512 <= page_size <= 65536:
            return None
        return cls(byte_order, page_size, first_free, bool(flags & _IS_RECNO))


class Span(NamedTuple):
    """Where ``size`` bytes are: at ``start`` of the file, or on the chain that begins at page ``overflow``."""

    size: int
    start: int
    overflow: int = 0


class Pages185:
    """All pages of one file. Each may be claimed once for an index, so that no damage makes a walk endless."""

    header_bytes: Final = HEADER_BYTES

    def __init__(self, file: MappedFile, meta: Meta) -> None:
        self.file: Final = file
        self.size: Final = meta.page_size
        self.count: Final = file.size // meta.page_size
        self._first_free = meta.first_free
        self._header = Struct(file.mark + "IIIIHH")
        self._reference = Struct(file.mark + "II")
        self._btree_item = Struct(file.mark + "IIB")
        self._recno_item = Struct(file.mark + "IB")
        self.start_over()

    def start_over(self) -> None:
        self._claimed = bytearray(self.count)
        self._allowance = _CHAIN_ALLOWANCE * self.count

    def claim(self, number: int) -> bool:
        """Take a page for one purpose; tell whether it was still free."""
        was_free = not self._claimed[number]
        self._claimed[number] = 1
        return was_free

    def claim_free_pages(self) -> None:
        """Take the pages that the file keeps for later: what they hold was deleted.

        Raises:
            Damage: the list leads outside the file, in a circle, or into pages that are in use.
        """
        number = self._first_free
        while number:
            page = self.page(number)
            if not self.claim(number):
                raise self.file.damage(f"page {number} is free and in use", page.offset)
            number = page.next

    def unclaimed(self, token: CancelToken) -> Iterator[Page]:
        """Yield the legible pages that nothing led to."""
        for number in range(1, self.count):
            if not self._claimed[number]:
                token.check()
                try:
                    yield self.page(number)
                except Damage:
                    continue

    def page(self, number: int) -> Page:
        """Return a page's header.

        Raises:
            Damage: there is no such page, or another one stands in its place.
        """
        if not 0 < number < self.count:
            raise self.file.damage(f"page {number} is outside the file", self.file.size)
        offset = number * self.size
        written, previous, following, flags, lower, upper = self._header.unpack_from(self.file.buffer, offset)
        kind = _TYPES.get(flags & _TYPE_MASK)
        if written != number or kind is None:
            raise self.file.damage(f"the header of page {number} is damaged", offset)
        if kind == OVERFLOW:
            return Page(number, offset, previous, following, 0, 0, kind)
        if not HEADER_BYTES <= lower <= upper <= self.size or lower % 2:
            raise self.file.damage(f"page {number} does not say where its items are", offset)
        return Page(number, offset, previous, following, (lower - HEADER_BYTES) // 2, upper, kind)

    def content(self, page: Page) -> bytes:
        return self.file.buffer[page.offset : page.offset + self.size]

    def slots(self, page: Page) -> tuple[int, ...]:
        """Return where on the page its items start (bytes from the page's start), unchecked."""
        return Struct(f"{self.file.mark}{page.entries}H").unpack_from(self.file.buffer, page.offset + HEADER_BYTES)

    def ends(self, slots: tuple[int, ...]) -> dict[int, int]:
        """Return where the room of each item ends: items on a page lie without gaps."""
        starts = sorted(set(slots))
        return dict(zip(starts, [*starts[1:], self.size], strict=False))

    def slot(self, page: Page, number: int) -> int:
        """Return where one item starts, unchecked."""
        if not 0 <= number < page.entries:
            raise self.file.damage(f"page {page.number} has no item {number}", page.offset)
        return self.file.u16(page.offset + HEADER_BYTES + 2 * number)

    def pair(self, page: Page, slot: int, end: int | None = None) -> tuple[Span, Span]:
        """Return key and value of an item of a btree's leaf, which fills its room up to ``end``.

        Raises:
            Damage: it does not, or its sizes cannot be.
        """
        self._check_start(page, slot, self._btree_item.size)
        key_size, size, flags = self._btree_item.unpack_from(self.file.buffer, page.offset + slot)
        start = slot + self._btree_item.size
        self._check_end(page, slot, start + key_size + size, end)
        if flags & ~(_BIG_KEY | _BIG_VALUE):
            raise self.file.damage(f"an item on page {page.number} is of an unknown kind", page.offset + slot)
        key = self._span(page, start, key_size, is_big=bool(flags & _BIG_KEY))
        return key, self._span(page, start + key_size, size, is_big=bool(flags & _BIG_VALUE))

    def record(self, page: Page, slot: int, end: int | None = None) -> Span:
        """Return the value of an item of a recno leaf.

        Raises:
            Damage: as `pair`.
        """
        self._check_start(page, slot, self._recno_item.size)
        size, flags = self._recno_item.unpack_from(self.file.buffer, page.offset + slot)
        start = slot + self._recno_item.size
        self._check_end(page, slot, start + size, end)
        if flags & ~_BIG_VALUE:
            raise self.file.damage(f"an item on page {page.number} is of an unknown kind", page.offset + slot)
        return self._span(page, start, size, is_big=bool(flags))

    def _check_start(self, page: Page, slot: int, size: int) -> None:
        if not HEADER_BYTES + 2 * page.entries <= slot <= self.size - size:
            raise self.file.damage(f"the place of an item on page {page.number} is damaged", page.offset)

    def _check_end(self, page: Page, slot: int, found: int, end: int | None) -> None:
        if found > self.size or (end is not None and not 0 <= end - found < _ALIGNMENT):
            raise self.file.damage(f"an item on page {page.number} is damaged", page.offset + slot)

    def _span(self, page: Page, start: int, size: int, *, is_big: bool) -> Span:
        if not is_big:
            return Span(size, page.offset + start)
        if size != _REFERENCE_BYTES:
            raise self.file.damage(f"an item on page {page.number} is damaged", page.offset + start)
        number, length = self._reference.unpack_from(self.file.buffer, page.offset + start)
        if not length:  # 64-bit big-endian machines wrote the upper half of the length
            what = f"the length of an item on overflow page {number} was not stored"
            raise self.file.damage(what, page.offset + start)
        return Span(length, 0, number)

    def bytes_of(self, span: Span, limit: int) -> bytes:
        """Return the first ``limit`` bytes of what a span covers."""
        missing = min(span.size, limit)
        if not span.overflow:
            return self.file.slice(span.start, missing)
        pieces = []
        for start, used in self._chain(span):
            pieces.append(self.file.slice(start, min(used, missing)))
            missing -= used
            if missing <= 0:
                break
        return b"".join(pieces)

    def claim_overflow(self, span: Span) -> None:
        """Check that a chain is as long as the item and belongs to nothing else; other spans need no check.

        Raises:
            Damage: it does not; the pages stay free for the item that they do belong to.
        """
        if not span.overflow:
            return
        if self._allowance < 0:
            raise self.file.damage("too many overflow chains are broken to look for more", self.file.size)
        numbers: list[int] = []
        try:
            for start, _ in self._chain(span):
                numbers.append(start // self.size)
                if self._claimed[numbers[-1]]:
                    raise self.file.damage("an overflow page belongs to two items", start)
        except Damage:
            self._allowance -= len(numbers) + 1
            raise
        for number in numbers:
            self._claimed[number] = 1

    def _chain(self, span: Span) -> Iterator[tuple[int, int]]:
        """Yield start (bytes in the file) and length of each piece."""
        number, missing, seen = span.overflow, span.size, set[int]()
        while missing > 0:
            page = self.page(number)
            if page.type != OVERFLOW or number in seen:
                raise self.file.damage(f"the overflow chain is broken at page {number}", page.offset)
            seen.add(number)
            used = min(missing, self.size - HEADER_BYTES)
            yield page.offset + HEADER_BYTES, used
            missing -= used
            number = page.next
        if number:
            raise self.file.damage("an overflow chain is longer than its item", span.overflow * self.size)
