"""Which hash the writer of a database used, and how its .dir tells the splits of pages: found out from its keys.

References: hash.c and sdbm.c (getpage) of SDBM in perl; ndbm.c of 4.3BSD.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from app.backends.base import Buffer
from app.backends.sdbm.layout import MULTIPLIERS, Directory, MaskOf, highest_sibling, key_hashes

SAMPLE: Final = 64
"""Pages that are looked at."""


class Hashing(NamedTuple):
    """How keys come to their pages.

    ``mask_of`` tells the bits of its hashes that lead to a page; ``multiplier`` is that of the hash, 0 when it is
    unknown. ``by_level``: .dir has its bits level by level; ``directory_fits``: it fits the pages at all.
    """

    mask_of: MaskOf
    multiplier: int
    directory_fits: bool = False
    by_level: bool = False

    def puts(self, key: bytes, number: int) -> bool:
        """Tell whether a key's hash leads to a page, as far as the hash is known."""
        return not self.multiplier or _belongs(key, number, self.mask_of(number), self.multiplier)


def least_mask(number: int) -> int:
    """Return the bits that a hash and its page have in common, whatever was split."""
    return (1 << number.bit_length()) - 1


UNKNOWN: Final = Hashing(least_mask, MULTIPLIERS[0])
"""Before anything was looked at."""


def hashing_of(sample: Mapping[int, list[bytes]], bits: Buffer, page_count: int) -> Hashing:
    """Return what puts the fewest keys of some pages elsewhere; ``bits`` are those of .dir."""
    directory = Directory(bits)
    orders = [directory.trie_mask, directory.level_mask] if bits else []
    best = min(
        ((mask_of, multiplier) for mask_of in (*orders, least_mask) for multiplier in MULTIPLIERS),
        key=lambda convention: _strays(sample, *convention),
    )
    if _strays(sample, *best) > sum(map(len, sample.values())) // 4:
        likeliest = min(orders, key=lambda mask_of: _misfits(sample, mask_of, page_count), default=least_mask)
        best = likeliest if _misfits(sample, likeliest, page_count) <= len(sample) // 4 else least_mask, 0
    return Hashing(*best, best[0] in orders, best[0] in orders[1:])


def _misfits(sample: Iterable[int], mask_of: MaskOf, page_count: int) -> int:
    """Return the number of pages that no hash leads to, or whose siblings are not in the file."""
    masks = ((number, mask_of(number)) for number in sample)
    return sum(number & mask != number or highest_sibling(number, mask) >= page_count for number, mask in masks)


def _strays(sample: Mapping[int, list[bytes]], mask_of: MaskOf, multiplier: int) -> int:
    """Return the number of keys that the hash would not put where they are, and of pages that it leads nowhere to."""
    return sum(number & mask_of(number) != number for number in sample) + sum(
        not _belongs(key, number, mask_of(number), multiplier) for number, keys in sample.items() for key in keys
    )


def _belongs(key: bytes, number: int, mask: int, multiplier: int) -> bool:
    return not mask or any(hash_ & mask == number & mask for hash_ in key_hashes(key, multiplier))
