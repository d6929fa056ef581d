"""Writing Berkeley DB hash files of version 9, which the releases 4.6 to 5.3 read and write.

References: hash/hash_meta.c, hash/hash_page.c (__ham_insertpair, __ham_getindex_sorted), hash/hash_dup.c
(__ham_add_dup, __ham_dup_convert) and dbinc/db_page.h (HMETA33) of Berkeley DB 5.3.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from struct import Struct
from typing import ClassVar, Final, NamedTuple

from app.backends.base import Backend, Match
from app.backends.berkeley.hash_layout import DUPLICATES, KEY_OR_DATA, OFF_PAGE, OFF_PAGE_DUPLICATES
from app.backends.berkeley.hash_plan import HashPlan, hashes_in, repeated
from app.backends.berkeley.meta import CHAR_KEY_HASH
from app.backends.berkeley.pages import HASH
from app.backends.berkeley.value_order import REPEATED, in_value_order
from app.backends.berkeley.write import LAST_PAGE, PageMaker, maker_for, why_refused
from app.backends.records import Records, batches, pieces_of
from app.backends.writer import CreateOptions, Duplicates, ImageWriter, Refusal
from app.cancel import CancelToken
from app.errors import KeyRejected

_MAGIC: Final = 0x061561
_META_TYPE: Final = 8
_SPARES: Final = 32
_FLAGS: Final[dict[Duplicates, int]] = {"": 0, "unsorted": 1, "sorted": 5}
_AT_ONCE: Final = 1 << 20
"""Bytes of bucket pages whose content is in memory together."""
_PLAIN: Final = bytes((KEY_OR_DATA,))


class BdbHashWriter(ImageWriter):
    """Spreads entries over as many buckets as they need.

    ``fill_factor`` is the number of keys to a bucket that native writers are to keep to, 0 for as many as fit.
    """

    format_id: ClassVar[str] = "bdb-hash"

    def __init__(
        self, opener: Callable[[Match], Backend], maker: PageMaker, duplicates: Duplicates = "", fill_factor: int = 0
    ) -> None:
        self._opener = opener
        self._maker = maker
        self._duplicates = duplicates
        self._fill_factor = fill_factor
        self.holds_duplicates = bool(duplicates)
        self.sorts_duplicates = duplicates == "sorted"

    @classmethod
    def chosen(cls, opener: Callable[[Match], Backend], options: CreateOptions) -> "BdbHashWriter":
        """Return the writer of what a person chose.

        Raises:
            OptionRejected: Berkeley DB cannot have it.
        """
        return cls(opener, maker_for(options, cls.format_id), options.duplicates)

    def refusals(self, records: Records, token: CancelToken) -> Iterator[Refusal]:
        yield from super().refusals(records, token)
        if self.sorts_duplicates and records.may_repeat:
            for members in repeated(records, hashes_in(records, token), token):
                for row in in_value_order(records, members, token)[1]:
                    yield Refusal(row, records.key(row), REPEATED)

    def why_refused(self, key: bytes, value_size: int) -> str:
        return why_refused(key, value_size)

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        plan = HashPlan(records, self._maker, token, sorts=self.sorts_duplicates)
        if plan.last_page > LAST_PAGE:
            size = f"{self._maker.size:,}"
            raise KeyRejected(f"A Berkeley DB file of pages of {size} bytes cannot hold so much; take larger pages.")
        pages = _Image(records, self._maker, plan).pages(token)
        return (batches(chain((self._first_page(plan),), pages)),)

    def _first_page(self, plan: HashPlan) -> bytes:
        # All buckets come in one piece behind the first page, whatever doubling they belong to.
        spares = [1] * plan.buckets.bit_length() + [0] * (_SPARES - plan.buckets.bit_length())
        highest = plan.buckets - 1
        fields = Struct(f"{self._maker.mark}6I{_SPARES}I").pack(
            highest, highest, highest >> 1, self._fill_factor, plan.keys, CHAR_KEY_HASH, *spares
        )
        return self._maker.first_page(_MAGIC, _META_TYPE, plan.last_page, _FLAGS[self._duplicates], fields)

    def open(self, base: Path) -> Backend:
        made = Match(
            self.format_id, "Berkeley DB hash", "It was written as one.", base, base, (base,), self._maker.byte_order
        )
        return self._opener(made)


class _Bucket(NamedTuple):
    """The rows of a bucket, page by page."""

    number: int
    pages: Sequence[Sequence[int]]


class _Content(NamedTuple):
    """Keys by row, and values of rows that lead to no other pages."""

    keys: Mapping[int, bytes]
    values: Mapping[int, bytes]


class _Image:
    """The pages of a planned file behind the first one."""

    def __init__(self, records: Records, maker: PageMaker, plan: HashPlan) -> None:
        self._records = records
        self._maker = maker
        self._plan = plan
        self._off_page = Struct(f"{maker.mark}B3xII")
        self._off_page_duplicates = Struct(f"{maker.mark}B3xI")
        self._length = Struct(f"{maker.mark}H")

    def pages(self, token: CancelToken) -> Iterator[bytes]:
        buckets = range(self._plan.buckets)
        at_once = max(_AT_ONCE // self._maker.size, 1)
        for start in range(0, len(buckets), at_once):
            token.check()
            some = [_Bucket(bucket, self._plan.chain(bucket)) for bucket in buckets[start : start + at_once]]
            content = self._read(bucket.pages[0] for bucket in some)
            for bucket in some:
                yield next(self._chain(bucket, content))
        grown = (bucket for bucket in buckets if self._plan.further(bucket + 1) > self._plan.further(bucket))
        while some := [_Bucket(bucket, self._plan.chain(bucket)) for bucket in islice(grown, at_once)]:
            token.check()
            content = self._read(page for bucket in some for page in bucket.pages[1:])
            for bucket in some:
                yield from self._further(bucket, content)

    def _read(self, pages: Iterable[Sequence[int]]) -> "_Content":
        rows = list(chain.from_iterable(pages))
        return _Content(self._plan.keys_of(rows), self._plan.values_of(rows))

    def _chain(self, bucket: "_Bucket", content: "_Content", first: int = 0) -> Iterator[bytes]:
        """Yield the pages of a bucket from the one on whose number in the chain is ``first``."""
        further, pages = self._plan.further(bucket.number), bucket.pages
        numbers = [bucket.number + 1, *range(further, further + len(pages) - 1), 0]
        hanging = further + len(pages) - 1
        for place, rows in enumerate(pages):
            if place >= first:
                yield self._maker.page(
                    numbers[place],
                    HASH,
                    self._items(rows, hanging, content),
                    previous=numbers[place - 1] if place else 0,
                    following=numbers[place + 1],
                )
            hanging += sum(map(self._plan.hanging.__getitem__, rows))

    def _further(self, bucket: "_Bucket", content: "_Content") -> Iterator[bytes]:
        yield from self._chain(bucket, content, 1)
        hanging = self._plan.further(bucket.number) + len(bucket.pages) - 1
        for row in chain.from_iterable(bucket.pages):
            if self._plan.hanging[row]:
                yield from self._hanging(row, hanging)
                hanging += self._plan.hanging[row]

    def _items(self, rows: Sequence[int], hanging: int, content: "_Content") -> list[bytes]:
        """Return the items of a page; ``hanging`` is the first page that hangs on one of them."""
        items: list[bytes] = []
        pages_of, sets, (keys, values) = self._plan.hanging, self._plan.sets, content
        for row in rows:
            if pages_of[row] or row in sets:
                items += self._unusual_items(row, keys[row], hanging)
                hanging += pages_of[row]
            else:
                items += (_PLAIN + keys[row], _PLAIN + values[row])
        return items

    def _unusual_items(self, row: int, key: bytes, below: int) -> tuple[bytes, bytes]:
        """Return key and value of an entry that has several values, or leads to pages, ``below`` being the first."""
        members, behind = self._plan.sets.get(row, ()), below + self._plan.hanging[row]
        item = _PLAIN + key
        if self._plan.is_off_page(key):
            item = self._off_page.pack(OFF_PAGE, below, len(key))
            below += self._maker.overflow_pages(len(key))
        return item, self._set(members, below) if members else self._value(row, below, behind)

    def _value(self, row: int, below: int, behind: int) -> bytes:
        """Return the item for a value, which has the pages from ``below`` up to ``behind``, if any."""
        if below < behind:
            return self._off_page.pack(OFF_PAGE, below, self._records.size(row))
        return _PLAIN + self._records.value(row)

    def _set(self, members: Sequence[int], below: int) -> bytes:
        """Return the item for several values."""
        if not self._plan.is_on_page(members):
            return self._off_page_duplicates.pack(OFF_PAGE_DUPLICATES, below)
        made = [bytes((DUPLICATES,))]
        for row in members:
            length = self._length.pack(self._records.size(row))
            made += (length, self._records.value(row), length)
        return b"".join(made)

    def _hanging(self, row: int, number: int) -> Iterator[bytes]:
        """Yield the pages that an entry leads to, ``number`` being the first."""
        key, members, behind = self._records.key(row), self._plan.sets.get(row, ()), number + self._plan.hanging[row]
        if self._plan.is_off_page(key):
            yield from self._maker.overflow(number, len(key), pieces_of(key))
            number += self._maker.overflow_pages(len(key))
        if number == behind:
            return
        if members:
            yield from self._plan.tree(members).pages(number, lambda nth: self._records.pieces(members[nth]))
        else:
            yield from self._maker.overflow(number, self._records.size(row), self._records.pieces(row))
