"""Berkeley DB files that hold several databases, each under a name: all their entries, one database after another.

The btree that begins at the first page, the master, has names as keys, and as values the numbers of the pages
at which the sub-databases begin, big-endian in files of either byte order. All share the pages of the file.
A locator is the position in a table, made while indexing, of the locators within the sub-databases.

References: db/db_open.c (__db_master_open, MU_OPEN) and db/db_sub.c of Berkeley DB 5.3.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import ClassVar, Final

from app.backends.base import Backend, Match, Problem
from app.backends.berkeley.check import check_pages
from app.backends.berkeley.file import BdbBackend, Listed
from app.backends.berkeley.meta import META_BYTES, Meta, parse_meta
from app.backends.berkeley.pages import BTREE_LEAF, DUPLICATE_LEAF, HASH, HASH_UNSORTED, RECNO_LEAF, Claims, Pages
from app.backends.berkeley.rewritable import why_not_rewritable
from app.backends.binary import Damage, MappedFile, read_head
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.named_parts import note_on_parts, shown_name
from app.cancel import CancelToken
from app.errors import BackendMissing, CorruptDatabase, StaleIndex

Parts = Mapping[str, Callable[[Match, Pages | None], BdbBackend]]
"""What opens a database on pages of a file, by format id."""
_ENTRY_PAGES: Final = frozenset({BTREE_LEAF, RECNO_LEAF, DUPLICATE_LEAF, HASH, HASH_UNSORTED})


def open_btree(match: Match, parts: Parts) -> Backend:
    """Open a file that begins with a btree, be it the entries' own or the master of sub-databases."""
    meta = parse_meta(read_head(match.path, META_BYTES)[0])
    if meta is None or meta.unsupported or not meta.has_subdatabases:
        return parts["bdb-btree"](match, None)
    return BdbSubdatabasesBackend(match, meta, parts)


class BdbSubdatabasesBackend(Backend):
    """All sub-databases of one file; nothing is locked."""

    format_id: ClassVar[str] = "bdb-btree"

    def __init__(self, match: Match, meta: Meta, parts: Parts) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path, meta.byte_order)
        self._pages = Pages(self._file, meta)
        self._openers = parts
        self._start_over()
        if self._pages.why_cut:
            self.report(self._pages.why_cut, self._file.size)
        self._opening_problems = len(self.problems)

    @property
    def may_repeat(self) -> bool:
        return True  # two databases can have the same key

    @property
    def why_read_only(self) -> str:
        return why_not_rewritable(self._pages, self.match.path)

    def part_of(self, locator: int) -> bytes | None:
        return self._names[self._part_number(locator)] if 0 <= locator < len(self._locators) else None

    def _part_number(self, locator: int) -> int:
        return bisect_right(self._firsts, locator) - 1

    def _start_over(self) -> None:
        self._names: list[bytes] = []
        self._parts: list[BdbBackend] = []
        self._masters: list[BdbBackend] = []
        self._firsts: list[int] = []
        """Of each part: the locator of its first entry."""
        self._locators = array("q")

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._pages.start_over()
        self._start_over()
        builder = ChunkBuilder()
        for key, locator, size in self._listed(token):
            if builder.add(key, locator, size):
                yield builder.take()
                self._file.check_not_cut()
        if len(builder):
            yield builder.take()

    def _listed(self, token: CancelToken) -> Iterator[Listed]:
        named = list(self._named(token))
        self.notes[:] = [note_on_parts([name for name, _ in named])]
        for name, number in named:
            try:
                part = self._part(number)
            except (Damage, BackendMissing) as error:
                self.report(f"The sub-database {shown_name(name)} is left out: {error.message}", error.offset)
                continue
            self._names.append(name)
            yield from self._entries(part, token)
            for problem in part.problems:
                self.report(f"In the sub-database {shown_name(name)}: {problem.message}", problem.offset)
            self.notes += [f"In the sub-database {shown_name(name)}: {note}" for note in part.notes]
        self._report_lost(token)

    def _named(self, token: CancelToken) -> Iterator[tuple[bytes, int]]:
        """Yield the names in the master and the numbers of the first pages."""
        master = self._on_these_pages(self._pages.meta)
        self._masters = [master]
        for name, locator, size in master.listed(token):
            token.check()
            try:
                place = master.read(name, locator, size)
            except CorruptDatabase as error:
                self.report(f"The sub-database {shown_name(name)} is lost: {error.message}", error.offset)
            else:
                yield name, int.from_bytes(place, "big") if size == 4 else 0
        for problem in master.problems:
            self.report(problem.message, problem.offset)

    def _part(self, number: int) -> BdbBackend:
        """Open the sub-database whose own first page has that number.

        Raises:
            Damage: there is none, or it is another one's.
            BackendMissing: it is compressed, or of a kind that no file with several databases can hold.
        """
        page = self._pages.page(number)
        meta = parse_meta(self._file.slice(page.offset, min(self._pages.size, META_BYTES)))
        whole = self._pages.meta
        if meta is None or (meta.page_size, meta.byte_order) != (whole.page_size, whole.byte_order):
            raise self._file.damage(f"page {number} is not the first page of a database", page.offset)
        if not self._pages.claim(number):
            raise self._file.damage(f"page {number} belongs to two databases", page.offset)
        why = meta.unsupported
        if why or meta.format_id not in self._openers:
            why = why or f"is a Berkeley DB {meta.method} file, which cannot be one of several"
            raise BackendMissing(f"it {why}.", path=self._file.path, offset=page.offset)
        return self._on_these_pages(replace(meta, has_checksums=whole.has_checksums))

    def _on_these_pages(self, meta: Meta) -> BdbBackend:
        return self._openers[meta.format_id](self.match, Pages(self._file, meta, self._pages.claims))

    def _entries(self, part: BdbBackend, token: CancelToken) -> Iterator[Listed]:
        self._parts.append(part)
        self._firsts.append(len(self._locators))
        for key, locator, size in part.listed(token):
            self._locators.append(locator)
            yield key, len(self._locators) - 1, size

    def _report_lost(self, token: CancelToken) -> None:
        lost = [page.offset for page in self._pages.unclaimed(token) if page.type in _ENTRY_PAGES and page.entries]
        if lost:
            self.report(f"Nothing leads to {len(lost):,} pages any more; their entries are left out.", lost[0])

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        if not 0 <= locator < len(self._locators):
            raise StaleIndex(f"{self._file.path.name} has no such entry; list it again.", path=self._file.path)
        part = self._parts[self._part_number(locator)]
        return part.read_prefix(key, self._locators[locator], size, limit)

    def place_of(self, key: bytes, locator: int, size: int) -> int:
        """Return where a value that was listed lies, or its first overflow page (bytes in the file)."""
        return self._parts[self._part_number(locator)].place_of(key, self._locators[locator], size)

    def leaf_of(self, locator: int) -> int:
        """Return the number of the page that an entry is listed on."""
        return self._parts[self._part_number(locator)].leaf_of(self._locators[locator])

    @property
    def claims(self) -> Claims:
        """Which pages were led to."""
        return self._pages.claims

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        known = {problem.offset for problem in self.problems}
        of_parts = (part.check_own(token) for part in (*self._masters, *self._parts))
        for problem in chain(*of_parts, check_pages(self._pages, token)):
            if problem.offset not in known:
                yield problem

    def close(self) -> None:
        self._file.close()
