"""What listing the entries of an SDBM database passes over: splits that never happened, keys that come twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from app.backends.base import Buffer, Problem
from app.cancel import CancelToken
from app.limits import PROBLEMS

_BLOCK = 1 << 16
"""Bytes of .dir that are looked at between two looks at the token."""


@dataclass(frozen=True, slots=True)
class _Split:
    """A page that was split: how many bits of a hash led to it, and its number."""

    depth: int
    number: int

    @property
    def new_number(self) -> int:
        return self.number | 1 << self.depth


def directory_problems(bits: Buffer, page_count: int, token: CancelToken, *, by_level: bool) -> Iterator[Problem]:
    """Yield what the bitmap of .dir says of splits that contradict it, or the pages that are there."""
    return islice(_directory_problems(bits, page_count, token, by_level=by_level), PROBLEMS)


def _directory_problems(bits: Buffer, page_count: int, token: CancelToken, *, by_level: bool) -> Iterator[Problem]:
    split_of, place_of = (_split_by_level, _place_by_level) if by_level else (_split_in_trie, _place_in_trie)
    for place in _set_bits(bits, token):
        split = split_of(place)
        if split.depth and not _has(bits, place_of(_parent(split))):
            yield Problem(f"The .dir file says that page {split.number} was split, but nothing in it leads there.")
        elif split.new_number >= page_count:
            yield Problem(f"The .dir file says that page {split.new_number} was split off, but there is none.")


def _set_bits(bits: Buffer, token: CancelToken) -> Iterator[int]:
    for start in range(0, len(bits), _BLOCK):
        token.check()
        block = bytes(bits[start : start + _BLOCK])
        if not block.strip(b"\0"):
            continue
        for place, byte in enumerate(block, start):
            if byte:
                yield from (8 * place + bit for bit in range(8) if byte >> bit & 1)


def _has(bits: Buffer, place: int) -> bool:
    return bool(bytes(bits[place >> 3 : (place >> 3) + 1])[0] >> (place & 7) & 1)


def _parent(split: _Split) -> _Split:
    return _Split(split.depth - 1, split.number & (1 << split.depth - 1) - 1)


def _split_by_level(place: int) -> _Split:
    depth = (place + 1).bit_length() - 1
    return _Split(depth, place + 1 - (1 << depth))


def _place_by_level(split: _Split) -> int:
    return split.number + (1 << split.depth) - 1


def _split_in_trie(place: int) -> _Split:
    """Return what the bit of a node says: its path from the root, taken as bits, is the page number."""
    depth = (place + 1).bit_length() - 1
    path = place + 1 - (1 << depth)
    return _Split(depth, _turned(path, depth))


def _place_in_trie(split: _Split) -> int:
    return _turned(split.number, split.depth) + (1 << split.depth) - 1


def _turned(bits: int, count: int) -> int:
    return int(f"{bits:0{count}b}"[::-1], 2) if count else 0


def repeated_keys(keys: Iterable[bytes], page: int, offset: int) -> Iterator[Problem]:
    """Yield the keys that come again on a page; programs find the first one."""
    seen: set[bytes] = set()
    for key in keys:
        if key in seen:
            yield Problem(f"{key!s:.80} is there twice on page {page}; programs find the first one only.", offset)
        seen.add(key)
