"""Record numbers as keys: what formats without keys of their own list."""

from struct import Struct
from typing import Final

NUMBER: Final = Struct("<I")
"""A record number as it is listed as a key."""

HIGHEST: Final = 0xFFFFFFFF


def decimal_of(key: bytes) -> bytes:
    """Return the record number that a key is as a person writes it; what is none stays as it is."""
    return b"%d" % NUMBER.unpack(key)[0] if len(key) == NUMBER.size else key


def key_of(decimal: bytes) -> bytes | None:
    """Return the key of a record number that a person wrote, None where it is no record number."""
    if not decimal.isdigit() or len(decimal) > len(str(HIGHEST)) or int(decimal) > HIGHEST:
        return None
    return NUMBER.pack(int(decimal))
