"""Record numbers as keys: what formats without keys of their own list."""

from struct import Struct
from typing import Final

NUMBER: Final = Struct("<I")
"""A record number as it is listed as a key."""

HIGHEST: Final = 0xFFFFFFFF
