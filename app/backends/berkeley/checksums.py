"""Whether the pages of a Berkeley DB file still have the bytes that their checksums were made of.

References: hmac/hmac.c (__db_check_chksum), hash/hash_func.c (__ham_func4), db/db_conv.c
(__db_encrypt_and_checksum_pg) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from functools import lru_cache
from operator import mul
from typing import Final

from app.backends.base import Problem
from app.backends.berkeley.meta import META_BYTES, parse_meta
from app.backends.berkeley.pages import Pages
from app.backends.binary import MappedFile
from app.cancel import CancelToken

FACTOR: Final = 33
TYPE_AT: Final = 25
"""Where a page says of which type it is."""
SUM_AT: Final = 28
SUM_BYTES: Final = 4
META_TYPES: Final = (8, 9, 10)
"""First pages of hash files, trees and queues, of sub-databases too: their sums are of the fields alone."""
_META_SUM_AT: Final = 492
_MUCH: Final = 1 << 20
"""Bytes of a file from which on numpy is worth its import."""
_RUN: Final = 1 << 20
"""Bytes of the pages that are summed up together."""


def tells_sums(pages: Pages) -> bool:
    """Tell whether a file says that its pages have checksums; where its first page is lost that is but a guess."""
    return pages.meta.has_checksums and parse_meta(pages.file.buffer[:META_BYTES]) == pages.meta


def check_sums(file: MappedFile, page_size: int, token: CancelToken, *, first: int = 0) -> Iterator[Problem]:
    """Yield the pages of a file with checksums that do not agree with theirs; the first one has the number ``first``.

    Pages that were never written are blank, and have none.
    """
    for start in range(0, file.size - page_size + 1, max(_RUN, page_size)):
        token.check()
        file.check_not_cut()
        pages = file.buffer[start : min(start + max(_RUN, page_size), file.size // page_size * page_size)]
        for place in _changed(pages, page_size, file):
            number = first + (start + place) // page_size
            yield Problem(f"Page {number} does not agree with its checksum: it was changed.", start + place)


def _changed(pages: bytes, size: int, file: MappedFile) -> list[int]:
    """Return where in some pages those begin that do not agree with their sums."""
    if file.size >= _MUCH:
        from app.backends.berkeley.checksums_bulk import suspects  # noqa: PLC0415 - numpy: not for small files

        places = suspects(pages, size, file.mark)
    else:
        places = list(range(0, len(pages), size))
    return [place for place in places if not agrees(pages[place : place + size], file)]


def agrees(page: bytes, file: MappedFile) -> bool:
    """Tell whether a page agrees with its sum, or is blank."""
    place = SUM_AT
    if page[TYPE_AT] in META_TYPES:
        page, place = page[:META_BYTES], _META_SUM_AT
    said = int.from_bytes(page[place : place + SUM_BYTES], file.byte_order)
    behind = place + SUM_BYTES
    factors = factors_for(len(page))
    # The sum is made while there are zeros in its place.
    made: int = sum(map(mul, page[:place], factors)) + sum(map(mul, page[behind:], factors[behind:]))
    return made & 0xFFFFFFFF == said


@lru_cache
def factors_for(size: int) -> tuple[int, ...]:
    """Return what each byte of ``size`` counts: the hash is multiplied for every byte that follows."""
    factors = [1]
    while len(factors) < size:
        factors.append(factors[-1] * FACTOR & 0xFFFFFFFF)
    return tuple(reversed(factors))
