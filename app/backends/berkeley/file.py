"""What all backends of Berkeley DB share: opening a file or a part of one, indexing, reading items."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from app.backends.base import Backend, Match, Problem
from app.backends.berkeley.check import check_pages
from app.backends.berkeley.meta import META_BYTES, Meta, parse_meta
from app.backends.berkeley.pages import Claims, Item, Page, Pages
from app.backends.binary import Damage, MappedFile
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import batches, pieces_of
from app.cancel import CancelToken
from app.errors import AppError, BackendMissing

SLOT_BITS: Final = 16
SLOT_MASK: Final = (1 << SLOT_BITS) - 1

Listed = tuple[bytes, int, int]
"""Key, locator, and size of the value in bytes."""
Scanned = tuple[IndexChunk, Iterable[bytes] | None]
"""Entries, with their values where these can be taken from pages in memory, which is done when they are asked for."""


class BdbBackend(Backend):
    """One Berkeley DB file, or one of its sub-databases when ``pages`` are given; nothing is locked."""

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match)
        self._pages = pages or self._opened_pages(match)
        self._file = self._pages.file
        if pages is None and self._pages.why_cut:
            self.report(self._pages.why_cut, self._file.size)
        self._opening_problems = len(self.problems)

    def _opened_pages(self, match: Match) -> Pages:
        if match.unsupported:
            raise BackendMissing(match.unsupported, path=match.path)
        file = MappedFile(match.path, match.byte_order or "little")
        try:
            return Pages(file, self._readable_meta(file))
        except AppError:
            file.close()
            raise

    def _readable_meta(self, file: MappedFile) -> Meta:
        meta = parse_meta(file.buffer[:META_BYTES])
        if meta is None or meta.format_id != self.format_id or meta.byte_order != file.byte_order:
            raise file.damage("the first page is damaged; restore the file from a backup", 0)
        name = file.path.name
        if why := meta.unsupported:
            raise BackendMissing(f"{name} {why}.", path=file.path)
        return meta

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        return (chunk for chunk, _values in self._all_chunks(token))

    def scan(self, token: CancelToken) -> Iterator[tuple[IndexChunk, Iterable[bytes]]]:
        for chunk, values in self._all_chunks(token):
            yield chunk, self.values(chunk) if values is None else values

    def _all_chunks(self, token: CancelToken) -> Iterator[Scanned]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._pages.start_over()
        yield from self._chunks(token)

    def _chunks(self, token: CancelToken) -> Iterator[Scanned]:
        """Yield all entries of a whole file of which no page was claimed yet."""
        builder = ChunkBuilder()
        for key, locator, size in self.listed(token):
            if builder.add(key, locator, size):
                yield builder.take(), None
                self._file.check_not_cut()
        if len(builder):
            yield builder.take(), None

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        problems = self.check_own(token)
        if not self._pages.is_part and self._pages.meta.method in {"hash", "btree"}:
            problems = chain(problems, check_pages(self._pages, token))
        return self.unknown(problems)

    def check_own(self, token: CancelToken) -> Iterator[Problem]:
        """Yield what `check_structure` does of a whole file or a sub-database, apart from how pages are shared out."""
        token.check()
        return iter(())

    @abstractmethod
    def listed(self, token: CancelToken) -> Iterator[Listed]:
        """Yield all entries of a file or sub-database of which no page was claimed yet, duplicates in their order."""

    @abstractmethod
    def _found(self, key: bytes, locator: int) -> Item | None:
        """Return the value of ``key`` at ``locator``, or None when that is not there any more."""

    def _checked_item(self, page: Page, slot: int, ends: dict[int, int]) -> Item | None:
        """Return an item of a btree or duplicate page, or None when it is deleted or (reported) damaged."""
        try:
            item = self._pages.item(page, slot, ends)
        except Damage as error:
            self._report(error)
            return None
        if item is not None and item.overflow:
            self._check_overflow(item)
        return item

    def _check_overflow(self, item: Item) -> None:
        """Report a broken chain; its entry is listed all the same, as the key is good."""
        try:
            self._pages.claim_overflow(item.overflow, item.size)
        except Damage as error:
            self.report(f"A value cannot be read whole: {error.detail}.", error.offset)

    def unknown(self, problems: Iterator[Problem]) -> Iterator[Problem]:
        """Yield those of further problems that lie where none was found before."""
        known = {problem.offset for problem in self.problems}
        return (problem for problem in problems if problem.offset not in known)

    def _report(self, damage: Damage) -> None:
        self.report(f"{damage.detail[:1].upper()}{damage.detail[1:]}.", damage.offset)

    def _bytes_of(self, item: Item, limit: int) -> bytes:
        if item.overflow:
            return self._pages.overflow(item.overflow, item.size, limit)
        return self._file.slice(item.start, min(item.size, limit))

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        return self._bytes_of(self._still_found(key, locator, size), limit)

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        item = self._still_found(key, locator, size)
        if item.overflow:
            return batches(self._pages.overflow_pieces(item.overflow, item.size))
        return pieces_of(self._file.slice(item.start, item.size))

    def _still_found(self, key: bytes, locator: int, size: int) -> Item:
        """Return where a value is that was listed.

        Raises:
            StaleIndex: it is not there any more.
        """
        self._file.check_not_cut()
        try:
            found = self._found(key, locator)
        except Damage as error:
            raise self._file.moved(key) from error
        if found is None or found.size != size:
            raise self._file.moved(key)
        return found

    def place_of(self, key: bytes, locator: int, size: int) -> int:
        """Return where a value that was listed lies, or its first overflow page (bytes in the file)."""
        item = self._still_found(key, locator, size)
        return item.start or item.overflow * self._pages.size

    def leaf_of(self, locator: int) -> int:
        """Return the number of the page that an entry is listed on."""
        return locator >> SLOT_BITS

    @property
    def claims(self) -> Claims:
        """Which pages were led to."""
        return self._pages.claims

    def close(self) -> None:
        self._file.close()
