"""What can still be found in files of Berkeley DB 1.85 that have lost their first page, or are damaged.

References: btree/btree.h (PAGE, BLEAF, RLEAF) and hash/page.h of Berkeley DB 1.85.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from app.backends.base import Backend, ByteOrder, Match
from app.backends.berkeley.pages import BTREE_LEAF, RECNO_LEAF, Page
from app.backends.berkeley185.hash_layout import FULL_KEY_DATA, HEADER_BYTES, NEXT_PAGE, Header
from app.backends.berkeley185.pages import META_BYTES, Meta, Pages185, Span
from app.backends.binary import Damage, MappedFile
from app.backends.salvage import Found, Origin, Salvage, readable, report_problems
from app.errors import CorruptDatabase

_ORDERS: Final[tuple[ByteOrder, ...]] = ("little", "big")
_PAGE_SIZES: Final = tuple(512 << step for step in range(8))
_HASH_PAGE_SIZES: Final = tuple(64 << step for step in range(11))
_SAMPLE: Final = 2048
"""Pages that are looked at for each size and byte order."""
_BYTES_ALLOWED: Final = 4
"""How many times the size of the file its values may have together: hostile items can share overflow pages."""

Opener = Callable[[Match], Backend]


def salvage_btree(salvage: Salvage, opener: Opener) -> Iterator[Found]:
    """Yield what is listed; without the first page what lies on leaves, as records have numbers in their order only.

    Raises:
        CannotOpen: there is no file that can be read.
    """
    with closing(MappedFile(salvage.path)) as file:
        orders = [order for order in _ORDERS if Meta.parse(file.buffer[:META_BYTES], order)]
    if orders:
        yield from _listed(salvage, opener, "bdb185-btree", orders[0])
        return
    _report_lost(salvage)
    size, order = max(
        ((size, order) for size in _PAGE_SIZES for order in _ORDERS), key=lambda at: _leaves(salvage, *at)
    )
    with closing(MappedFile(salvage.path, order)) as file:
        yield from _of_leaves(Pages185(file, Meta(order, size, 0, is_recno=False)), salvage)


def salvage_hash(salvage: Salvage, opener: Opener) -> Iterator[Found]:
    """Yield what is listed; without the first page the pairs of all pages, but none that was too big for one.

    Raises:
        CannotOpen: there is no file that can be read.
    """
    with closing(MappedFile(salvage.path)) as file:
        header = Header.parse(file.buffer[:HEADER_BYTES])
        if header is None:
            _report_lost(salvage)
            shapes = [(size, order) for size in _HASH_PAGE_SIZES for order in _ORDERS]
            yield from _of_hash_pages(file, *max(shapes, key=lambda shape: _whole_pages(file, *shape)), salvage)
            return
    yield from _listed(salvage, opener, "bdb185-hash", header.byte_order)


def _report_lost(salvage: Salvage) -> None:
    salvage.report(f"The first page of {salvage.path.name} is lost; the others had to tell what it said.", 0)


def _listed(salvage: Salvage, opener: Opener, format_id: str, order: ByteOrder) -> Iterator[Found]:
    match = Match(format_id, "", "", salvage.path, salvage.base, (salvage.path,), order)
    try:
        backend = opener(match)
    except CorruptDatabase as error:
        salvage.report(error.sentence, error.offset)
        return
    with closing(backend):
        for key, value, locator in readable(backend, salvage):
            yield Found(key, value, locator)
        report_problems(backend, salvage)


def _leaves(salvage: Salvage, size: int, order: ByteOrder) -> int:
    """Return how many bytes of pages say their own number at a size."""
    salvage.token.check()
    with closing(MappedFile(salvage.path, order)) as file:
        pages = Pages185(file, Meta(order, size, 0, is_recno=False))
        return size * sum(_page(pages, number) is not None for number in range(1, min(pages.count, _SAMPLE)))


def _page(pages: Pages185, number: int) -> Page | None:
    try:
        return pages.page(number)
    except Damage:
        return None


def _of_leaves(pages: Pages185, salvage: Salvage) -> Iterator[Found]:
    allowance = _BYTES_ALLOWED * pages.file.size
    for number in range(1, pages.count):
        salvage.token.advance(number, pages.count)
        page = _page(pages, number)
        if page is None or page.type not in {BTREE_LEAF, RECNO_LEAF}:
            continue
        slots = pages.slots(page)
        ends = pages.ends(slots)
        for slot in slots:
            try:
                key, value = _item(pages, page, slot, ends.get(slot))
                allowance -= value.size + (key.size if key else 0)
                if allowance < 0:
                    salvage.report("Values have more bytes than the file; the rest of them is left out.", None)
                    return
                name = None if key is None else pages.bytes_of(key, key.size)
                content = pages.bytes_of(value, value.size)
            except Damage as error:
                salvage.report(error.sentence, error.offset)
                continue
            yield Found(name, content, value.start or value.overflow * pages.size, Origin.LOST)


def _item(pages: Pages185, page: Page, slot: int, end: int | None) -> tuple[Span | None, Span]:
    if page.type == RECNO_LEAF:
        return None, pages.record(page, slot, end)
    return pages.pair(page, slot, end)


def _pairs(file: MappedFile, start: int, size: int, order: ByteOrder) -> list[tuple[int, int, int]] | None:
    """Return where the value, the key and the end of each pair on a hash page are; None when it cannot be such."""
    count = int.from_bytes(file.buffer[start : start + 2], order)
    if count % 2 or 2 * (count + 3) > size:
        return None
    raw = file.buffer[start + 2 : start + 6 + 2 * count]
    words = [int.from_bytes(raw[at : at + 2], order) for at in range(0, len(raw), 2)]
    *words, _free, lowest = words
    pairs, end = list[tuple[int, int, int]](), size
    for key, value in zip(words[::2], words[1::2], strict=True):
        if value == NEXT_PAGE:
            continue
        if value <= FULL_KEY_DATA:
            return pairs
        if not 2 * count + 2 <= value <= key <= end:
            return None
        pairs.append((start + value, start + key, start + end))
        end = value
    return pairs if lowest == end else None


def _whole_pages(file: MappedFile, size: int, order: ByteOrder) -> int:
    """Return how many pages have whole pairs at a size: of twice the size there are half as many."""
    starts = range(size, min(file.size // size, _SAMPLE) * size, size)
    return sum(bool(_pairs(file, start, size, order)) for start in starts)


def _of_hash_pages(file: MappedFile, size: int, order: ByteOrder, salvage: Salvage) -> Iterator[Found]:
    for start in range(size, file.size // size * size, size):
        salvage.token.advance(start, file.size)
        for value, key, end in _pairs(file, start, size, order) or ():
            yield Found(file.slice(key, end - key), file.slice(value, key - value), value, Origin.LOST)
