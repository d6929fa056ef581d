"""Which cases of the corpus this version reads."""

from app.backends.formats import FORMATS
from app.backends.record_numbers import decimal_of
from tests import corpus

READABLE = tuple(form.format_id for form in FORMATS.values() if form.readable)
_IDS = {"kch": "kyoto", "tch": "tokyo", "tcb": "tokyo"}
"""Our id for a format that the corpus names by the file's suffix."""
_WITHOUT_A_SIGN = {"bdb185-btree-empty"}
"""An empty file, in which nothing tells a format."""

_NEVER_LISTED = {"corrupt-gdbm-x86_64-1.23-n150-512-numsync-header-only", "corrupt-sqlite3-n150-cut"}
"""Damaged files of which nothing can be read."""


def format_id_of(case: corpus.DatabaseCase) -> str:
    return _IDS.get(case.format or "", case.format or "")


def intact_cases() -> list[corpus.DatabaseCase]:
    """Return the intact databases that must be read exactly."""
    return [case for case in corpus.databases(*READABLE, corrupt=False) if case.name not in _WITHOUT_A_SIGN]


def recognised_cases() -> list[corpus.DatabaseCase]:
    """Return databases that are only named so far."""
    return [case for case in corpus.databases(corrupt=False) if case.format and format_id_of(case) not in READABLE]


def damaged_cases() -> list[corpus.DatabaseCase]:
    """Return all damaged files, of any format."""
    return list(corpus.databases(corrupt=True))


def code_of_reading(case: corpus.DatabaseCase) -> int:
    """Return how a command ends that reads all entries of a damaged case."""
    if case.name in corpus.WITHOUT_A_TRACE:
        return 0
    return 3 if case.format is None or case.name in _NEVER_LISTED else 1


def shown_key(case: corpus.DatabaseCase, key: bytes) -> bytes:
    """Return a key as commands show it: record numbers in decimal."""
    is_numbered = case.format in {"bdb-recno", "bdb-queue"} or case.name.startswith("bdb185-recno")
    return decimal_of(key) if is_numbered else key
