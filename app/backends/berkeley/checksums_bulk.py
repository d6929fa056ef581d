"""Checksums of many pages of a Berkeley DB file at once, with numpy."""

import numpy as np

from app.backends.berkeley.checksums import META_TYPES, SUM_AT, SUM_BYTES, TYPE_AT, factors_for


def suspects(pages: bytes, size: int, mark: str) -> list[int]:
    """Return where in some pages of ``size`` bytes those begin that may not agree with their sums."""
    matrix = np.frombuffer(pages, np.uint8).reshape(-1, size).astype(np.uint32)
    said = matrix[:, SUM_AT : SUM_AT + SUM_BYTES].astype(np.uint8).view(f"{mark}u4")[:, 0]
    matrix[:, SUM_AT : SUM_AT + SUM_BYTES] = 0
    made = matrix @ np.array(factors_for(size), np.uint32)
    is_suspect = (made != said) | np.isin(matrix[:, TYPE_AT], META_TYPES)
    places: list[int] = (np.flatnonzero(is_suspect) * size).tolist()
    return places
