"""Writing btree files of Berkeley DB, version 9, which the releases 4.1 to 5.3 read and write.

References: btree/bt_split.c, btree/bt_verify.c and dbinc/db_page.h (BTMETA33, BINTERNAL, RE_NREC) of Berkeley DB 5.3.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, ClassVar, Final

from app.backends.base import Backend, ByteOrder, Match
from app.backends.berkeley.btree_groups import Groups
from app.backends.berkeley.btree_layout import OVERFLOW_ITEM, ROOT, Layout
from app.backends.berkeley.btree_order import repeated_pairs, rows_in_order
from app.backends.berkeley.meta import Meta
from app.backends.berkeley.pages import BTREE_INTERNAL, BTREE_LEAF, ITEM_DATA, ITEM_OVERFLOW
from app.backends.berkeley.write import HEADER_BYTES, LAST_PAGE, PageMaker, maker_for, why_refused
from app.backends.records import Records, batches
from app.backends.writer import CreateOptions, ImageWriter, Refusal
from app.cancel import CancelToken
from app.errors import KeyRejected

if TYPE_CHECKING:
    from app.backends.berkeley.btree_bulk_write import LeafMaker

FLAG_DUPLICATES, FLAG_RECORD_NUMBERS, FLAG_SORTED = 1, 4, 0x40
_MAGIC: Final = 0x053162
_META_TYPE: Final = 9
_FIELDS: Final = "4xIIII"
_PAD: Final = 0x20
"""What shorter records would be filled up with, were they of one length: a blank, as Berkeley DB has it."""
DEFAULT_MIN_KEYS: Final = 2


@dataclass(frozen=True, slots=True)
class BtreeSettings:
    """What a btree file keeps for good. ``min_keys``: how many keys a leaf has room for at least."""

    page_size: int = 4096
    byte_order: ByteOrder = "little"
    min_keys: int = DEFAULT_MIN_KEYS
    flags: int = 0


def settings_for(options: CreateOptions) -> BtreeSettings:
    """Return the settings that a person chose.

    Raises:
        OptionRejected: Berkeley DB cannot have them.
    """
    maker = maker_for(options, BdbBtreeWriter.format_id)
    flags = {"": 0, "unsorted": FLAG_DUPLICATES, "sorted": FLAG_DUPLICATES | FLAG_SORTED}[options.duplicates]
    return BtreeSettings(maker.size, maker.byte_order, flags=flags)


def kept_settings(meta: Meta) -> BtreeSettings:
    """Return the settings of a file that is there."""
    kept = FLAG_DUPLICATES | FLAG_RECORD_NUMBERS | FLAG_SORTED
    room = meta.page_size - HEADER_BYTES
    # More keys to a leaf than Berkeley DB lets anybody ask for would leave no room for an item.
    min_keys = meta.min_keys if DEFAULT_MIN_KEYS <= meta.min_keys <= room // (2 * OVERFLOW_ITEM) else DEFAULT_MIN_KEYS
    return BtreeSettings(meta.page_size, meta.byte_order, min_keys, meta.flags & kept)


class BdbBtreeWriter(ImageWriter):
    """Puts entries, in whatever order they come, in the order of the bytes of their keys."""

    format_id: ClassVar[str] = "bdb-btree"

    def __init__(self, opener: Callable[[Match], Backend], settings: BtreeSettings | None = None) -> None:
        self._opener = opener
        self._settings = settings or BtreeSettings()
        self.holds_duplicates = bool(self._settings.flags & FLAG_DUPLICATES)
        self.sorts_duplicates = bool(self._settings.flags & FLAG_SORTED)

    def why_refused(self, key: bytes, value_size: int) -> str:
        return why_refused(key, value_size)

    def refusals(self, records: Records, token: CancelToken) -> Iterator[Refusal]:
        yield from super().refusals(records, token)
        if self.sorts_duplicates:
            yield from repeated_pairs(records, token)

    def open(self, base: Path) -> Backend:
        made = Match(
            self.format_id, "Berkeley DB btree", "it was just made", base, base, (base,), self._settings.byte_order
        )
        return self._opener(made)

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        settings = self._settings
        maker = PageMaker(settings.page_size, settings.byte_order, settings.min_keys)
        rows = rows_in_order(records, token, sorts_values=self.sorts_duplicates)
        groups = Groups(records, rows, maker, sorts=self.sorts_duplicates)
        layout = Layout(maker, groups, token)
        if layout.last_page > LAST_PAGE:
            raise KeyRejected(f"A Berkeley DB file with pages of {settings.page_size:,} bytes cannot hold all entries.")
        image = _Image(maker, groups, layout, settings)
        return (batches(image.pages()),)


class _Image:
    """All pages of a file, in their order."""

    def __init__(self, maker: PageMaker, groups: Groups, layout: Layout, settings: BtreeSettings) -> None:
        self._maker = maker
        self._groups = groups
        self._layout = layout
        self._settings = settings
        self._counts = bool(settings.flags & FLAG_RECORD_NUMBERS)
        self._internal_head = Struct(maker.mark + "HBxII")

    def pages(self) -> Iterator[bytes]:
        settings = self._settings
        fields = Struct(self._maker.mark + _FIELDS).pack(settings.min_keys, 0, _PAD, ROOT)
        yield self._maker.first_page(_MAGIC, _META_TYPE, self._layout.last_page, settings.flags, fields)
        leaves: Sequence[int] = range(len(self._layout.separators) + 1)
        begins = [leaves]
        for level in self._layout.levels:
            begins.append([begins[-1][child] for child in level])
        for height in reversed(range(len(self._layout.levels))):
            yield from self._internal_pages(height, begins[height])
        yield from self._bulk_pages(self._layout.bulk) if self._layout.bulk else self._pages_of(leaves[:-1])

    def _bulk_pages(self, bulk: "LeafMaker") -> Iterator[bytes]:
        """Yield the leaves, and what hangs on them, many at once where nothing does."""
        for start, end, is_plain in bulk.runs(self._layout.firsts):
            if is_plain:
                numbers = [self._layout.leaf_page(leaf) for leaf in range(start - 1, end + 1)]
                yield bulk.pages(self._layout.firsts[start : end + 1], numbers)
            else:
                yield from self._pages_of(range(start, end))

    def _pages_of(self, leaves: Iterable[int]) -> Iterator[bytes]:
        for leaf in leaves:
            yield from self._leaf_pages(leaf)

    def _internal_pages(self, height: int, leaves: Sequence[int]) -> Iterator[bytes]:
        """Yield the pages of one level; ``leaves`` are those with which its children begin, and their number."""
        level = self._layout.levels[height]
        total = self._layout.firsts[-1] if self._counts else 0
        for number, (start, end) in enumerate(pairwise(level), self._layout.level_page(height)):
            items = [self._internal_item(height, child, leaves, is_first=child == start) for child in range(start, end)]
            # The root has the number of all entries where leaves have the number of the one before them.
            previous = total if number == ROOT else 0
            yield self._maker.page(number, BTREE_INTERNAL, items, previous=previous, level=height + 2)

    def _internal_item(self, height: int, child: int, leaves: Sequence[int], *, is_first: bool) -> bytes:
        """Return the item that leads to a child; the first one of a page is found without a key."""
        layout, leaf = self._layout, leaves[child]
        page = layout.level_page(height - 1) + child if height else layout.leaf_page(leaf)
        count = layout.firsts[leaves[child + 1]] - layout.firsts[leaf] if self._counts else 0
        key, kind = b"" if is_first else layout.separators.key(leaf), ITEM_DATA
        if not is_first and (size := layout.separators.long_size(leaf)) is not None:
            # The chain of a leaf's first key comes right behind the leaf.
            key, kind = self._maker.overflow_item(layout.leaf_page(leaf) + 1, size), ITEM_OVERFLOW
        return self._internal_head.pack(len(key), kind, page, count) + key + bytes(-len(key) & 3)

    def _leaf_pages(self, leaf: int) -> Iterator[bytes]:
        layout, groups, maker = self._layout, self._groups, self._maker
        number = layout.leaf_page(leaf)
        found = list(groups.between(layout.firsts[leaf], layout.firsts[leaf + 1]))
        items: list[bytes] = []
        slots: list[int] = []
        hanging, place = number + 1, maker.size
        for group in found:
            key, *values = groups.items(group, hanging)
            items += key, *values
            key_slot = place = place - len(key)
            for value in values:
                place -= len(value)
                slots += key_slot, place
            hanging += groups.page_count(group)
        yield maker.page(
            number,
            BTREE_LEAF,
            items,
            slots,
            previous=layout.leaf_page(leaf - 1),
            following=layout.leaf_page(leaf + 1),
            level=1,
        )
        hanging = number + 1
        for group in found:
            separates = group is found[0] and layout.separators.long_size(leaf) is not None
            yield from groups.hanging_pages(group, hanging, separates=separates)
            hanging += groups.page_count(group)
