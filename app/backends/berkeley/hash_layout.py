"""Items on the pages of a Berkeley DB hash file, and which bucket a key belongs into.

References: dbinc/db_page.h (HKEYDATA, HOFFPAGE, HOFFDUP, DUP_SIZE) and dbinc/hash.h (ISBIG) of Berkeley DB 5.3.
"""

from typing import Final

KEY_OR_DATA, DUPLICATES, OFF_PAGE, OFF_PAGE_DUPLICATES, BLOB = 1, 2, 3, 4, 5
"""Types of an item: its first byte."""
TYPE_BYTES: Final = 1
OFF_PAGE_BYTES: Final = 12
OFF_PAGE_DUPLICATES_BYTES: Final = 8
DUPLICATE_BYTES: Final = 4
"""What each of several values on the page takes beyond itself: its length before and behind it."""

PLACE_BITS: Final = 16
PAIR_BITS: Final = 14
"""Of a locator: the place of a duplicate on the page, and the number of its pair there."""


def largest_on_page(page_size: int) -> int:
    """Return up to how many bytes a key, a value or a set of duplicates stays on the page."""
    return page_size // 4


def order_on_page(key: bytes) -> str:
    """Return what keys that stand on their page are sorted by: bytes, but a longer one before what it begins with."""
    return key.decode("latin-1") + "\u0100"
