"""Hash files of Berkeley DB 1.85 and 1.86 (``bsddb185``, ``dbm.ndbm`` on macOS and the BSDs), in bucket order.

No entry is believed before its key hashes into the bucket it lies in, unless the program that wrote the file
brought a hash function of its own. A locator is the page number times 65,536 plus the place of the key's offset
on the page. An entry too big for a page has the pages of its bucket's chain to itself: first the key, then the
value, which begins on the page where the key ends when there is room.

References: hash/hash.h, hash/page.h, hash_page.c (__addel, squeeze_key) and hash_bigkey.c (__big_insert,
__big_return) of Berkeley DB 1.85.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from app.backends.base import Backend, Match
from app.backends.berkeley185.hash_layout import (
    FULL_KEY,
    FULL_KEY_DATA,
    HEADER_BYTES,
    NEXT_PAGE,
    PARTIAL_KEY,
    HashPage,
    Header,
    Span,
)
from app.backends.berkeley185.pages import WHY_READ_ONLY
from app.backends.binary import Damage, MappedFile
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.cancel import CancelToken
from app.errors import AppError

_PLACE_BITS: Final = 16
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1

_NEGATIVE: Final = 1 << 31

_Claim = Callable[[int], bool]
_Listed = tuple[bytes, int, int]


@dataclass(frozen=True, slots=True)
class _Big:
    """A big entry; ``page`` is its last one, from whose ``place`` on the chain goes on."""

    key: list[Span]
    value: list[Span]
    page: HashPage
    place: int

    @property
    def size(self) -> int:
        return sum(length for _, length in self.value)


class Bdb185HashBackend(Backend):
    """One hash file; nothing is locked."""

    format_id: ClassVar[str] = "bdb185-hash"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            self._header = self._readable_header()
        except AppError:
            self._file.close()
            raise
        self._count = self._file.size // self._header.page_size
        self._u16 = Struct(f"{self._file.mark}H")
        if self._file.size % self._header.page_size:
            self.report("The file is cut: it ends within a page.", self._count * self._header.page_size)
        if not self._header.has_possible_masks:
            self.report("The number of buckets in the first page cannot be; entries may be missing.", 40)
        self._opening_problems = len(self.problems)

    def _readable_header(self) -> Header:
        header = Header.parse(self._file.buffer[:HEADER_BYTES])
        if header is None or header.byte_order != self._file.byte_order:
            raise self._file.damage("the first page is damaged; restore the file from a backup", 0)
        return header

    @property
    def why_read_only(self) -> str:
        return WHY_READ_ONLY

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self.notes.clear()
        self._claimed = bytearray(self._count)
        if self._header.has_own_hash:
            self.notes.append(
                "The keys are hashed by a function of the program that wrote them; they could not be checked."
            )
        builder, listed = ChunkBuilder(), 0
        for key, locator, size in self._entries(token):
            listed += 1
            if builder.add(key, locator, size):
                yield builder.take()
                self._file.check_not_cut()
        # Old writers forgot to count pairs that they squeezed in behind others; deleting those could make it negative.
        if listed < self._header.key_count < _NEGATIVE:
            self.report(
                f"The header says that there are {self._header.key_count:,} entries, but only {listed:,} were found."
            )
        if len(builder):
            yield builder.take()

    def _entries(self, token: CancelToken) -> Iterator[_Listed]:
        checks_hash = not self._header.has_own_hash
        for bucket, first in self._first_pages():
            token.check()
            try:
                for place, key, size in self._bucket(first, token):
                    if checks_hash and self._header.bucket_of(key) != bucket:
                        where = (place >> _PLACE_BITS) * self._header.page_size
                        self.report("An entry is left out: its key does not belong into its bucket.", where)
                    else:
                        yield key, place, size
            except Damage as error:
                self.report(f"A bucket is lost from a page on: {error.detail}.", error.offset)

    def _first_pages(self) -> Iterator[tuple[int, int]]:
        """Yield every bucket whose page lies in the file; never written ones may lie behind its end."""
        header = self._header
        for doubling in range(len(header.spares) + 1):
            first, last = (1 << doubling) >> 1, min((1 << doubling) - 1, header.max_bucket)
            shift = header.page_of_bucket(first) - first
            for bucket in range(first, min(last, self._count - 1 - shift) + 1):
                yield bucket, bucket + shift

    def _bucket(self, first: int, token: CancelToken) -> Iterator[tuple[int, bytes, int]]:
        """Yield locator, key and size of the value of each entry on the chain of pages from ``first``.

        Raises:
            Damage: the chain is broken, or what stands on a page cannot be.
        """
        page, place = self._claim_page(first), 1
        while place < page.count:
            token.check()
            start, value = page.words[place : place + 2]
            locator = page.number << _PLACE_BITS | place
            if value == NEXT_PAGE:
                page, place = self._claim_page(self._header.page_of_overflow(start)), 1
            elif value <= FULL_KEY_DATA:
                big = self._big(page, place, self._claim)
                yield locator, self._joined(big.key), big.size
                page, place = big.page, big.place
            else:
                self._check_pair(page, place)
                yield locator, self._file.slice(page.offset + start, page.end_of(place) - start), start - value
                place += 2

    def _check_pair(self, page: HashPage, place: int) -> None:
        start, value = page.words[place : place + 2]
        if not 2 * page.count + 2 <= value <= start <= page.end_of(place) <= page.size:
            raise self._file.damage(f"the offsets on page {page.number} are damaged", page.offset)

    def _claim(self, number: int) -> bool:
        """Take a page for one chain; tell whether it was still free."""
        was_free = not self._claimed[number]
        self._claimed[number] = 1
        return was_free

    def _claim_page(self, number: int) -> HashPage:
        page = self._page(number)
        if not self._claim(number):
            raise self._file.damage(f"page {number} is in two chains", page.offset)
        return page

    def _page(self, number: int) -> HashPage:
        header, size = self._header, self._header.page_size
        offset = number * size
        if not header.header_pages <= number < self._count:
            raise self._file.damage(f"page {number} is outside the file", self._file.size)
        count = self._file.unpack(self._u16, offset)[0]
        if count % 2 or 2 * (count + 3) > size:
            raise self._file.damage(f"page {number} cannot hold {count} offsets", offset)
        words = Struct(f"{self._file.mark}{count + 3}H").unpack_from(self._file.buffer, offset)
        return HashPage(number, offset, size, words)

    def _big(self, page: HashPage, place: int, claim: _Claim) -> _Big:
        """Follow a big entry from its first page, whose ``place`` must be the first one.

        Raises:
            Damage: its pages do not follow the rules.
        """
        if place != 1:
            raise self._file.damage(f"a big entry on page {page.number} does not begin the page", page.offset)
        key, value = [self._tail(page)], list[Span]()
        while page.kind == PARTIAL_KEY:
            page = self._next(page, claim)
            key.append(self._tail(page))
        if page.kind == FULL_KEY_DATA:
            low, high = page.words[page.count], page.words[1]
            if page.count != 4 or not 2 * page.count + 2 <= low <= high:
                raise self._file.damage(f"the value of a big entry on page {page.number} is damaged", page.offset)
            value.append((page.offset + low, high - low))
            if page.words[page.count + 1]:  # room is left only behind a whole value
                return _Big(key, value, self._next(page, claim), 1)
        elif page.kind != FULL_KEY:
            raise self._file.damage(f"page {page.number} is no part of a big entry", page.offset)
        page = self._next(page, claim)
        value.append(self._tail(page))
        while page.kind == FULL_KEY:
            page = self._next(page, claim)
            value.append(self._tail(page))
        if page.kind != FULL_KEY_DATA:
            raise self._file.damage(f"page {page.number} is no part of a big entry", page.offset)
        return _Big(key, value, page, 3)

    def _tail(self, page: HashPage) -> Span:
        if not page.count or not 2 * page.count + 2 <= page.words[1] <= page.size:
            raise self._file.damage(f"a big entry is broken on page {page.number}", page.offset)
        return page.tail

    def _next(self, page: HashPage, claim: _Claim) -> HashPage:
        if page.count < 4:
            raise self._file.damage(f"a big entry ends on page {page.number} before it is whole", page.offset)
        following = self._page(self._header.page_of_overflow(page.link))
        if not claim(following.number):
            raise self._file.damage(f"page {following.number} is in two chains", following.offset)
        return following

    def _joined(self, spans: list[Span], limit: int | None = None) -> bytes:
        pieces, missing = [], sum(length for _, length in spans) if limit is None else limit
        for start, length in spans:
            pieces.append(self._file.slice(start, min(length, missing)))
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        try:
            found, value = self._located(locator)
            if sum(length for _, length in value) == size and self._joined(found) == key:
                return self._joined(value, min(size, limit))
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def _located(self, locator: int) -> tuple[list[Span], list[Span]]:
        """Return where key and value at a locator are.

        Raises:
            Damage: there is no entry.
        """
        page, place = self._page(locator >> _PLACE_BITS), locator & _PLACE_MASK
        if not place % 2 or place >= page.count or page.words[place + 1] == NEXT_PAGE:
            raise self._file.damage(f"page {page.number} has no entry {place}", page.offset)
        if page.words[place + 1] <= FULL_KEY_DATA:
            big = self._big(page, place, _new_claims(page.number))
            return big.key, big.value
        self._check_pair(page, place)
        start, value = page.words[place : place + 2]
        end = page.end_of(place)
        return [(page.offset + start, end - start)], [(page.offset + value, start - value)]

    def close(self) -> None:
        self._file.close()


def _new_claims(first: int) -> _Claim:
    """Return what claims each page once, of which the first one is taken."""
    seen = {first}

    def claim(number: int) -> bool:
        is_free = number not in seen
        seen.add(number)
        return is_free

    return claim
