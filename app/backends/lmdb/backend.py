"""LMDB environments: ``data.mdb`` in a folder, or a single file. Read without LMDB, its locks and its reader table.

Listed is what the newest transaction left: the entries of the main database, then those of each sub-database.
The locator of an entry is the offset of its node in the file (bytes). That of a duplicate is the complement of a
number in three tables, made while indexing: the node of the key, and offset and size of the value.

References: libraries/liblmdb/mdb.c (mdb_cursor_next, mdb_xcursor_init1, mdb_node_read) of LMDB 0.9.
"""

import contextlib
import os
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from app.backends.base import Backend, Change, Expected, Match, Problem, SaveOptions, SaveReport
from app.backends.binary import Damage, MappedFile
from app.backends.files import may, real_path, saving
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.key_order import KeyOrder
from app.backends.lmdb.check import check_pages
from app.backends.lmdb.compact import LmdbCompact
from app.backends.lmdb.pages import (
    BRANCH,
    DUPLICATES,
    META_BYTES,
    NO_PAGE,
    NODE_HEADER_BYTES,
    NUMBERS_AS_KEYS,
    ON_OVERFLOW,
    PACKED_LEAF,
    PAGE_HEADER_BYTES,
    REVERSED_KEYS,
    SUB_DATABASE,
    TRANSACTION_AT,
    Meta,
    Node,
    Page,
    Pages,
    Tree,
    parse_meta,
)
from app.backends.lmdb.save import LmdbSave
from app.backends.lmdb.wheel import MISSING, is_installed, nobody_else
from app.backends.lmdb.write import LmdbWriter
from app.backends.named_parts import note_on_parts, shown_name
from app.backends.records import PIECE_BYTES
from app.cancel import CancelToken
from app.errors import AppError, BackendMissing, ReadOnlyDatabase

Listed = tuple[bytes, int, int]
"""Key, locator, and size of the value in bytes."""


class LmdbBackend(Backend):
    """One environment, as its newest transaction left it; nothing is locked."""

    format_id: ClassVar[str] = "lmdb"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        if match.unsupported:
            raise BackendMissing(match.unsupported, path=match.path)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            meta = self._newest_meta()
        except AppError:
            self._file.close()
            raise
        self._pages = Pages(self._file, meta)
        if meta.is_alone:
            self.report("One of the two meta pages is damaged, so the last transaction may be missing.", meta.page_size)
        if self._file.size < (meta.last_page + 1) * meta.page_size and self._file.size % meta.page_size:
            self.report("The file is cut: it ends within a page.", self._file.size)
        self._start_over()
        self._opening_problems = len(self.problems)

    @property
    def may_repeat(self) -> bool:
        return True  # an environment can have duplicates, and sub-databases with the same key

    def _start_over(self) -> None:
        self._marks_listed = self._marks()
        self._listed = self._newest_meta().transaction
        self._pages.start_over()
        self._owners, self._places, self._sizes = array("q"), array("q"), array("q")
        self._names: list[bytes] = []
        self._part_numbers = array("I")
        """Of each page: the number of the sub-database that its entries are in, from 1 on; 0 for the main one."""

    def _newest_meta(self) -> Meta:
        head = self._file.buffer[:META_BYTES]
        first = parse_meta(head)
        meta = parse_meta(self._file.buffer[: first.page_size + META_BYTES]) if first else None
        if meta is None or meta.byte_order != self._file.byte_order:
            raise self._file.damage("the first page is damaged; restore the file from a backup", 0)
        return meta

    def _marks(self) -> tuple[bytes, bytes]:
        """Return the numbers of the transactions in the two meta pages, as they stand there."""
        buffer, second = self._file.buffer, self._pages.size + TRANSACTION_AT
        return bytes(buffer[TRANSACTION_AT : TRANSACTION_AT + 8]), bytes(buffer[second : second + 8])

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self.notes.clear()
        self._start_over()
        builder = ChunkBuilder()
        for key, locator, size in self._all(token):
            if builder.add(key, locator, size):
                yield builder.take()
                self._file.check_not_cut()
        if len(builder):
            yield builder.take()
        if self._is_overwritten():
            self.report("Another program saved while this was listed, so entries may be missing; list it again.")

    def _is_overwritten(self) -> bool:
        """Tell whether pages of the listed transaction may have been used again."""
        if self._marks() == self._marks_listed:
            return False
        return self._newest_meta().transaction > self._listed + 1

    def _all(self, token: CancelToken) -> Iterator[Listed]:
        """Yield the entries of the main database, then those of the sub-databases that it names."""
        token.check()
        named: list[tuple[bytes, Tree]] = []
        yield from self._database(self._newest_meta().main, named, token)
        self._part_numbers = array("I", (0,)) * (self._pages.count if named else 0)
        for name, tree in named:
            within: list[tuple[bytes, Tree]] = []
            self._names.append(name)
            yield from self._database(tree, within, token)
            if within:
                self.report(f"The sub-database {shown_name(name)} names databases itself, which cannot be.")
        if named:
            self.notes.insert(0, note_on_parts([name for name, _ in named]))

    def _database(self, tree: Tree, named: list[tuple[bytes, Tree]], token: CancelToken) -> Iterator[Listed]:
        count, order = 0, KeyOrder()
        for page in self._leaves(tree.root, token):
            if self._part_numbers:
                self._part_numbers[page.offset // self._pages.size] = len(self._names)
            try:
                for node in self._pages.nodes(page):
                    key = self._pages.key(node)
                    order.add(key, page.offset)
                    if node.flags & (SUB_DATABASE | DUPLICATES) == SUB_DATABASE:
                        named.append((key, self._pages.tree(node)))
                        count += 1
                        continue
                    for entry in self._entries(key, node, token):
                        count += 1
                        yield entry
            except Damage as error:
                self._report(error)
        if not tree.flags & (REVERSED_KEYS | NUMBERS_AS_KEYS):
            order.judge(self)
        if count < tree.entries:
            self.report(f"{tree.entries - count:,} of {tree.entries:,} entries are lost.")

    def _leaves(self, root: int, token: CancelToken) -> Iterator[Page]:
        """Yield the leaves below a root in the order of the tree; damage is reported and gone round."""
        waiting = [] if root == NO_PAGE else [root]
        while waiting:
            token.check()
            number = waiting.pop()
            try:
                page = self._pages.page(number)
                self._pages.claim(number)
                if page.flags & BRANCH:
                    waiting.extend(reversed([self._pages.child(node) for node in self._pages.nodes(page)]))
                else:
                    yield page
            except Damage as error:
                self.report(f"A part of the tree cannot be reached: {error.detail}.", error.offset)

    def _entries(self, key: bytes, node: Node, token: CancelToken) -> Iterator[Listed]:
        """List one key: one value, or all its duplicates."""
        if not node.flags & DUPLICATES:
            if node.flags & ON_OVERFLOW:
                try:
                    self._pages.claim(*self._pages.overflow(node))
                except Damage as error:
                    self.report(f"A value cannot be read whole: {error.detail}.", error.offset)
            yield key, node.start, node.size
            return
        for place, size in self._duplicates(node, token):
            self._owners.append(node.start)
            self._places.append(place)
            self._sizes.append(size)
            yield key, ~(len(self._places) - 1), size

    def _duplicates(self, node: Node, token: CancelToken) -> Iterator[tuple[int, int]]:
        """Yield offset in the file and size of the values of one key; they are the keys of a page or tree."""
        if node.flags & SUB_DATABASE:
            pages = self._leaves(self._pages.tree(node).root, token)
        else:
            pages = iter((self._pages.sub_page(node),))
        for page in pages:
            if page.flags & PACKED_LEAF:
                yield from ((start, page.key_size) for start in self._pages.packed(page))
            else:
                yield from ((value.start + NODE_HEADER_BYTES, value.key_size) for value in self._pages.nodes(page))

    def part_of(self, locator: int) -> bytes | None:
        row = ~locator
        if row >= len(self._owners):
            return None
        page = (locator if row < 0 else self._owners[row]) // self._pages.size
        number = self._part_numbers[page] if page < len(self._part_numbers) else 0
        return self._names[number - 1] if number else None

    def _report(self, damage: Damage) -> None:
        self.report(f"{damage.detail[:1].upper()}{damage.detail[1:]}.", damage.offset)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        return self._part(key, locator, size, 0, min(size, limit))

    def _part(self, key: bytes, locator: int, size: int, first: int, length: int) -> bytes:
        """Return some bytes of a value, once its place is seen to be what was listed."""
        self._file.check_not_cut()
        row = ~locator
        if row >= len(self._owners) or (row >= 0 and self._sizes[row] != size):
            raise self._file.moved(key)
        node = self._node_of(key, locator if row < 0 else self._owners[row])
        if row >= 0:
            start = self._places[row]
        elif node.size != size or node.flags & (DUPLICATES | SUB_DATABASE):
            raise self._file.moved(key)
        elif node.flags & ON_OVERFLOW:
            start = self._pages.overflow(node)[0] * self._pages.size + PAGE_HEADER_BYTES
        else:
            start = node.data
        value = self._file.slice(start + first, length)
        if self._is_overwritten():
            raise self._file.moved(key)
        return value

    def _node_of(self, key: bytes, start: int) -> Node:
        try:
            node = self._pages.node(start)
            if node.key_size == len(key) and self._pages.key(node) == key:
                return node
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        if size <= PIECE_BYTES:
            return super().pieces(key, locator, size)
        return (
            self._part(key, locator, size, start, min(PIECE_BYTES, size - start))
            for start in range(0, size, PIECE_BYTES)
        )

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        """Yield what is wrong with the pages that are free, and those that are neither free nor in use."""
        meta, known = self._newest_meta(), len(self.problems)
        leaves = self._leaves(meta.free.root, token)
        yield from check_pages(self._pages, leaves, meta.last_page, token)
        yield from self.problems[known:]

    @property
    def why_read_only(self) -> str:
        name = self.match.path.name
        if self.problems:
            return f"{name} is damaged, and saving could lose more of it: salvage it, or export the entries instead."
        if self._names or self._newest_meta().main.flags:
            what = "holds several databases" if self._names else "keeps its keys in a way of its own"
            return f"{name} {what}, which saving could not keep: export the entries, or save them as another format."
        if self._file.byte_order != sys.byteorder:
            return f"{name} is of a machine of the other byte order: export the entries, or save it as another format."
        if not is_installed():
            return f"Saving needs LMDB itself: {MISSING}, or export the entries, or save them as another format."
        path = real_path(self.match.path)
        if not may(path, os.W_OK) or not may(path.parent, os.W_OK | os.X_OK):
            return f"{name} or its folder is write-protected: export the entries, or save it as another file."
        return ""

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        path = real_path(self.match.path)
        with self._whole_and_alone(token) as let_in:
            return LmdbSave(path, let_in, self.operations, token).run(changes, expected, options)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        with self._whole_and_alone(token):
            return LmdbCompact(self.match, LmdbBackend, self.operations, token).run(options)

    @contextlib.contextmanager
    def _whole_and_alone(self, token: CancelToken) -> Iterator[Callable[[], None]]:
        """Keep everybody else out of a file in which nothing is wrong: LMDB itself would believe every byte of it."""
        self._refuse_read_only(self)
        path = real_path(self.match.path)
        with saving(path), nobody_else(path, self.operations) as let_in:
            with contextlib.closing(LmdbBackend(self.match)) as now:
                now.problems += [problem for problem in now.check(token) if problem not in now.problems]
                self._refuse_read_only(now)
            if not self.operations.replaces_open_files:
                self.close()
            yield let_in

    def _refuse_read_only(self, backend: "LmdbBackend") -> None:
        if reason := backend.why_read_only:
            raise ReadOnlyDatabase(reason, path=self.match.path)

    def writer(self) -> LmdbWriter:
        return LmdbWriter(LmdbBackend)

    def close(self) -> None:
        self._file.close()
