"""Pages of an LMDB file: its two meta pages, and the nodes of its trees. Numbers are in the writer's byte order.

LMDB never changes a page that the newest meta page leads to, nor, without a reader's lock, one that the meta
page before it led to: what was listed stays whole until two more transactions are committed.

References: libraries/liblmdb/mdb.c (MDB_page, MDB_node, MDB_db, MDB_meta, mdb_env_read_header) of LMDB 0.9.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import Struct
from typing import Final, NamedTuple

from app.backends.base import ByteOrder
from app.backends.binary import MappedFile

MAGIC: Final = 0xBEEFC0DE
META_BYTES: Final = 152
TRANSACTION_AT: Final = 144
VERSION: Final = 1
_FREE_AT: Final = 40
_MAIN_AT: Final = 88
PAGE_HEADER_BYTES: Final = 16
NODE_HEADER_BYTES: Final = 8
NO_PAGE: Final = 0xFFFF_FFFF_FFFF_FFFF

BRANCH, LEAF, OVERFLOW, META, PACKED_LEAF, SUB_PAGE = 1, 2, 4, 8, 0x20, 0x40
"""Flags of a page; a packed leaf (LEAF2) has keys of one length and no nodes."""
ON_OVERFLOW, SUB_DATABASE, DUPLICATES = 1, 2, 4
"""Flags of a node."""
REVERSED_KEYS, NUMBERS_AS_KEYS = 2, 8
"""Flags of a tree whose keys do not stand in the order of their bytes."""


class Tree(NamedTuple):
    """One database of the file (MDB_db); ``entries`` counts each duplicate."""

    fixed_size: int
    flags: int
    depth: int
    branch_pages: int
    leaf_pages: int
    overflow_pages: int
    entries: int
    root: int


@dataclass(frozen=True, slots=True)
class Meta:
    """The newest of the two meta pages; ``is_alone``: the other one is damaged or not there.

    ``free`` is the tree that holds the numbers of free pages.
    """

    byte_order: ByteOrder
    version: int
    page_size: int
    last_page: int
    transaction: int
    free: Tree
    main: Tree
    is_alone: bool = False


class Page(NamedTuple):
    """Header of a page or sub-page at ``offset`` of the file; ``end`` is where it ends (bytes)."""

    offset: int
    end: int
    key_size: int
    flags: int
    lower: int
    upper: int

    @property
    def entries(self) -> int:
        return (self.lower - PAGE_HEADER_BYTES) // 2


class Node(NamedTuple):
    """One key at ``start`` of the file with ``size`` bytes of data behind it, or on overflow pages."""

    start: int
    flags: int
    key_size: int
    size: int

    @property
    def data(self) -> int:
        return self.start + NODE_HEADER_BYTES + self.key_size


def parse_meta(head: bytes) -> Meta | None:
    """Return the newest meta page that the first bytes of a file hold, or None when there is none."""
    first = _parse_one(head[:META_BYTES])
    if first is None:
        return None
    second = _parse_one(head[first.page_size : first.page_size + META_BYTES])
    if second is None:
        return replace(first, is_alone=True)
    return second if second.transaction > first.transaction else first


def _parse_one(page: bytes) -> Meta | None:
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for order in orders:
        if len(page) == META_BYTES and int.from_bytes(page[16:20], order) == MAGIC:
            mark = "<" if order == "little" else ">"
            version = Struct(f"{mark}I").unpack_from(page, 20)[0] & 0xFFFF
            page_size = Struct(f"{mark}I").unpack_from(page, 40)[0]
            last_page, transaction = Struct(f"{mark}QQ").unpack_from(page, 136)
            if 256 <= page_size <= 65536 and page_size.bit_count() == 1:
                free, main = (Tree(*tree_fields(mark).unpack_from(page, at)) for at in (_FREE_AT, _MAIN_AT))
                return Meta(order, version, page_size, last_page, transaction, free, main)
    return None


def tree_fields(mark: str) -> Struct:
    """Return the layout of a `Tree`."""
    return Struct(f"{mark}IHHQQQQQ")


class Pages:
    """All pages of one file. Each may be claimed once for an index, so that no damage makes a walk endless."""

    def __init__(self, file: MappedFile, meta: Meta) -> None:
        self.file: Final = file
        self.size: Final = meta.page_size
        self.count: Final = file.size // meta.page_size
        self._header = Struct(f"{file.mark}QHHHH")
        self._node = Struct(f"{file.mark}IHH")
        self._number = Struct(f"{file.mark}Q")
        self._tree = tree_fields(file.mark)
        self.start_over()

    def start_over(self) -> None:
        self._claimed = bytearray(self.count)

    def claim(self, first: int, count: int = 1) -> None:
        """Take pages for one purpose.

        Raises:
            Damage: one lies outside the file or is taken already.
        """
        if not 2 <= first <= first + count <= self.count:
            raise self.file.damage(f"page {first} is outside the file", min(first * self.size, self.file.size))
        if self._claimed.find(1, first, first + count) >= 0:
            raise self.file.damage(f"page {first} is in use twice", first * self.size)
        self._claimed[first : first + count] = bytes((1,)) * count

    def is_claimed(self, number: int) -> bool:
        return self._claimed[number] == 1

    def page(self, number: int) -> Page:
        """Return the header of a branch or leaf page."""
        if not 2 <= number < self.count:
            raise self.file.damage(f"page {number} is outside the file", self.file.size)
        offset = number * self.size
        written = self._number.unpack_from(self.file.buffer, offset)[0]
        if written != number:
            raise self.file.damage(f"page {number} says that it is page {written}", offset)
        return self._checked(offset, self.size)

    def sub_page(self, node: Node) -> Page:
        """Return the header of the small page of duplicates that is the data of a node."""
        if node.size < PAGE_HEADER_BYTES:
            raise self.file.damage("a set of duplicates is too small", node.start)
        page = self._checked(node.data, node.size)
        if not page.flags & SUB_PAGE:
            raise self.file.damage("a set of duplicates is damaged", node.start)
        return page

    def _checked(self, offset: int, room: int) -> Page:
        _, key_size, flags, lower, upper = self._header.unpack_from(self.file.buffer, offset)
        if flags & (BRANCH | LEAF) and PAGE_HEADER_BYTES <= lower <= upper <= room:
            return Page(offset, offset + room, key_size, flags, lower, upper)
        raise self.file.damage("a page of a tree is damaged", offset)

    def nodes(self, page: Page) -> Iterator[Node]:
        """Yield the nodes of a page in their order.

        Raises:
            Damage: one leaves the page, or they need more room than there is.
        """
        slots = Struct(f"{self.file.mark}{page.entries}H")
        room = page.end - page.offset - page.upper
        for slot in slots.unpack_from(self.file.buffer, page.offset + PAGE_HEADER_BYTES):
            node = self.node(page.offset + slot)
            inline = 0 if page.flags & BRANCH else 8 if node.flags & ON_OVERFLOW else node.size
            room -= NODE_HEADER_BYTES + node.key_size + inline
            if slot < page.upper or room < 0 or node.data + inline > page.end:
                raise self.file.damage("a node leaves its page", page.offset)
            yield node

    def node(self, start: int) -> Node:
        size, flags, key_size = self.file.unpack(self._node, start)
        return Node(start, flags, key_size, size)

    def key(self, node: Node) -> bytes:
        return self.file.slice(node.start + NODE_HEADER_BYTES, node.key_size)

    def child(self, node: Node) -> int:
        """Return the page number that a node of a branch page leads to."""
        return node.flags << 32 | node.size

    def packed(self, page: Page) -> range:
        """Return where the keys of a packed leaf begin (bytes in the file)."""
        start = page.offset + PAGE_HEADER_BYTES
        if not page.key_size or start + page.entries * page.key_size > page.end:
            raise self.file.damage("a packed leaf is damaged", page.offset)
        return range(start, start + page.entries * page.key_size, page.key_size)

    def tree(self, node: Node) -> Tree:
        """Return the tree that is the data of a node: a sub-database or many duplicates."""
        if node.size != self._tree.size:
            raise self.file.damage("the description of a tree has a wrong size", node.start)
        return Tree(*self.file.unpack(self._tree, node.data))

    def overflow(self, node: Node) -> tuple[int, int]:
        """Return number and count of the overflow pages that a node has, which may be more than its data needs.

        Raises:
            Damage: they are none, or the data is not in the file.
        """
        first = self.file.unpack(self._number, node.data)[0]
        needed = -(-(PAGE_HEADER_BYTES + node.size) // self.size)
        if not 2 <= first <= first + needed <= self.count:
            raise self.file.damage(f"overflow page {first} is outside the file", node.start)
        offset = first * self.size
        if self.file.unpack(self._number, offset)[0] != first or not self.file.u16(offset + 10) & OVERFLOW:
            raise self.file.damage(f"page {first} is no overflow page", offset)
        count = self.file.u32(offset + 12)
        if count < needed:
            raise self.file.damage("a value is longer than its overflow pages", offset)
        return first, count
