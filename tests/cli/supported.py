"""Which cases of the corpus this version reads."""

from tests import corpus

_SINCE_DB_4_1 = (
    "hash 8 / btree 9",
    "hash 9 / btree 9",
    "v9",
    "v9 big-endian",
    "v9 duplicates (dup)",
    "v9 duplicates (dupsort)",
)


def intact_cases() -> list[corpus.DatabaseCase]:
    """Return the intact databases that must be read exactly."""
    return [
        *corpus.databases("dumb", "gdbm", "sqlite3", corrupt=False),
        *(case for case in corpus.databases("bdb-hash", "bdb-btree", corrupt=False) if case.variant in _SINCE_DB_4_1),
    ]


def recognised_cases() -> list[corpus.DatabaseCase]:
    """Return databases that are only named so far."""
    formats = ("gdbm-ndbm", "sdbm", "cdb", "lmdb", "tdb", "bdb-recno", "bdb-queue", "bdb185-hash", "bdb185-btree")
    old = [case for case in corpus.databases("bdb-hash", "bdb-btree") if case.name.startswith(("bdb-v2", "bdb-v3"))]
    empty_files = {"bdb185-btree-empty"}  # nothing in them tells a format
    return [case for case in (*corpus.databases(*formats, corrupt=False), *old) if case.name not in empty_files]


def damaged_cases() -> list[corpus.DatabaseCase]:
    """Return all damaged files, of any format."""
    return list(corpus.databases(corrupt=True))
