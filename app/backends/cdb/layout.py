"""CDB's fixed parts: 256 hash tables named in the head, entries, and the hash that leads to them.

References: D. J. Bernstein, "A structure for constant databases" (cdb.txt).
"""

from array import array
from collections.abc import Sequence
from struct import Struct, pack
from typing import Final

HEAD: Final = Struct("<512I")
"""Place (bytes) and number of slots of each table."""
PAIR: Final = Struct("<II")
"""Lengths of key and value in front of an entry, or hash and place of an entry in a slot."""
TABLES: Final = 256
EMPTY_HASH: Final = 5381
"""The hash of an empty key, from which all others are made."""
LIMIT: Final = 0xFFFFFFFF
"""The last place (bytes) that can be named."""


def key_hash(key: bytes) -> int:
    """Return the 32-bit hash of a key."""
    value = EMPTY_HASH
    for byte in key:
        value = value * 33 & 0xFFFFFFFF ^ byte
    return value


def table_of(hashes: Sequence[int], places: Sequence[int]) -> bytes:
    """Return the slots of one table, twice as many as entries; of equal hashes the first entry is found first.

    Entries are put in by rising first slot, so that thousands of one key take no longer than others. Those that
    find no room up to the table's end are put in last, from its start on.
    """
    slots = 2 * len(hashes)
    content = array("I", bytes(PAIR.size * slots))
    late: list[int] = []
    free = 0
    for row in sorted(range(len(hashes)), key=lambda row: (hashes[row] >> 8) % slots):
        slot = max(free, (hashes[row] >> 8) % slots)
        if slot >= slots:
            late.append(row)
        else:
            content[2 * slot], content[2 * slot + 1] = hashes[row], places[row]
            free = slot + 1
    free = 0
    for row in late:
        while content[2 * free + 1]:
            free += 1
        content[2 * free], content[2 * free + 1] = hashes[row], places[row]
    return pack(f"<{len(content)}I", *content)
