"""What can be found of a damaged LMDB environment, and of its transactions before the last ones.

LMDB never writes over a page that is in use: old leaves stay in the file until their room is needed again.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from struct import Struct

from app.backends.base import Backend, ByteOrder, Match
from app.backends.binary import Damage, MappedFile
from app.backends.lmdb.backend import LmdbBackend
from app.backends.lmdb.pages import (
    DUPLICATES,
    LEAF,
    META_BYTES,
    ON_OVERFLOW,
    PACKED_LEAF,
    PAGE_HEADER_BYTES,
    SUB_DATABASE,
    SUB_PAGE,
    VERSION,
    Meta,
    Node,
    Page,
    Pages,
    Tree,
    parse_meta,
)
from app.backends.salvage import Found, ListingSearch, Origin, Salvage
from app.errors import AppError

_SIZES = (4096, 16384, 65536, 8192, 32768, 2048, 1024, 512)
"""Page sizes (bytes) that are tried where no meta page tells, the usual one first."""
_NO_TREE = Tree(0, 0, 0, 0, 0, 0, 0, 0)


def salvage_lmdb(salvage: Salvage) -> Iterator[Found]:
    """Yield the entries of the newest transaction, then those on pages that it does not lead to.

    Raises:
        CannotOpen: the file cannot be read at all.
    """
    path = salvage.path / "data.mdb" if salvage.path.is_dir() else salvage.path
    with closing(MappedFile(path)) as file:
        meta = parse_meta(file.buffer[:META_BYTES])
        whole = parse_meta(file.buffer[: meta.page_size + META_BYTES]) if meta else None
    search = _Search(salvage, path, whole.byte_order if whole else "little")
    yield from search.listed()
    if search.is_damaged or salvage.deleted:
        yield from search.in_pages(whole)


class _Search(ListingSearch):
    """One search of one environment."""

    def __init__(self, salvage: Salvage, path: Path, byte_order: ByteOrder) -> None:
        super().__init__(salvage)
        self._path = path
        self._byte_order = byte_order

    def _opened(self) -> Backend:
        return LmdbBackend(Match("lmdb", "", "", self._path, self._path, (self._path,), self._byte_order))

    def _live(self, key: bytes, value: bytes, locator: int) -> Found:
        return Found(key, value, max(locator, 0))

    def in_pages(self, meta: Meta | None) -> Iterator[Found]:
        """Yield the entries of every leaf in the file that were not found yet."""
        with closing(MappedFile(self._path, meta.byte_order if meta else "little")) as file:
            shape = meta or Meta("little", VERSION, _page_size(file), 0, 0, _NO_TREE, _NO_TREE)
            pages = Pages(file, shape)
            origin = Origin.LOST if self.is_damaged else Origin.DELETED
            for number in range(2, pages.count + 1):
                self._salvage.token.advance(number, pages.count)
                for node in _nodes(pages, number) if number < pages.count else _nodes_of_cut_page(pages):
                    yield from self._of_node(pages, node, origin)

    def _of_node(self, pages: Pages, node: Node, origin: Origin) -> Iterator[Found]:
        try:
            key, start = pages.key(node), node.data
            if node.flags & ON_OVERFLOW:
                start = pages.overflow(node)[0] * pages.size + PAGE_HEADER_BYTES
            value = pages.file.slice(start, node.size)
        except AppError:  # its overflow pages were used again, or are cut off
            return
        if key and not _is_free_list(pages, key, value) and self._is_new(key, value):
            yield Found(key, value, start, origin)


def _page_size(file: MappedFile) -> int:
    """Return the size (bytes) at which most pages say their own number."""

    def hits(size: int) -> int:
        numbers = range(2, min(file.size // size, 1000))
        return sum(file.buffer[number * size : number * size + 8] == number.to_bytes(8, "little") for number in numbers)

    return max(_SIZES, key=hits)


def _nodes(pages: Pages, number: int) -> Iterator[Node]:
    """Yield the nodes of a leaf that hold plain values; nothing of any other page."""
    try:
        page: Page = pages.page(number)
        if not page.flags & LEAF or page.flags & (PACKED_LEAF | SUB_PAGE):
            return
        for node in pages.nodes(page):
            if not node.flags & (SUB_DATABASE | DUPLICATES):
                yield node
    except Damage:
        return


def _nodes_of_cut_page(pages: Pages) -> Iterator[Node]:
    """Yield the nodes that are whole on the page within which the file ends."""
    file, number = pages.file, pages.count
    offset = number * pages.size
    try:
        written, _, flags, lower, upper = file.unpack(Struct(f"{file.mark}Q4H"), offset)
        slots = file.slice(offset + PAGE_HEADER_BYTES, max(lower - PAGE_HEADER_BYTES, 0) // 2 * 2)
    except Damage:
        return
    if written != number or flags & (LEAF | PACKED_LEAF | SUB_PAGE) != LEAF or upper > pages.size:
        return
    for (slot,) in Struct(f"{file.mark}H").iter_unpack(slots):
        try:
            node = pages.node(offset + slot)
        except Damage:
            continue
        end = node.data + (8 if node.flags & ON_OVERFLOW else node.size)
        if upper <= slot and end <= offset + pages.size and not node.flags & (SUB_DATABASE | DUPLICATES):
            yield node


def _is_free_list(pages: Pages, key: bytes, value: bytes) -> bool:
    """Tell whether an entry is one of those in which LMDB itself notes what a transaction freed."""
    if len(key) != 8 or len(value) % 8 or not value:
        return False
    count = int.from_bytes(value[:8], pages.file.byte_order)
    numbers = (int.from_bytes(value[at : at + 8], pages.file.byte_order) for at in range(8, len(value), 8))
    return count == len(value) // 8 - 1 and all(number < 1 << 40 for number in numbers)
