"""Opening a large database, against the standard library: its index, and the first page of it.

References: ``sqlite3`` listing keys and sizes, ``dbm.dumb`` opening and listing keys.
"""

import dbm.dumb
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from app.backends.registry import open_database
from app.cancel import CancelToken
from tools.ratios import HEADER, Ratio, compare

ENTRIES = 200_000
VALUE = b"x" * 100


def main() -> None:
    print(f"Python {sys.version.partition(' ')[0]}; {ENTRIES:,} entries a database; best of each, in milliseconds")
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        for ratio in index_ratios(Path(folder)):
            print(ratio, flush=True)


def index_ratios(folder: Path) -> Iterator[Ratio]:
    shelf, base = folder / "large.sqlite3", folder / "large"
    write_sqlite(shelf)
    yield compare("sqlite3: index", lambda: index(shelf), lambda: list_sqlite(shelf))
    yield compare("sqlite3: first chunk to whole list", lambda: first_chunk(shelf), lambda: list_sqlite(shelf))
    write_dumb(base)
    yield compare("dumb: index", lambda: index(base), lambda: list_dumb(base))
    yield compare("dumb: first chunk to whole list", lambda: first_chunk(base), lambda: list_dumb(base))


def index(path: Path) -> int:
    with open_database(path) as database:
        count = sum(len(chunk) for chunk in database.index(CancelToken()))
    if count != ENTRIES:
        raise ValueError(f"{path.name}: {count:,} of {ENTRIES:,} entries were listed")
    return count


def first_chunk(path: Path) -> int:
    with open_database(path) as database:
        return len(next(database.index(CancelToken())))


def list_sqlite(path: Path) -> list[tuple[bytes, int]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("SELECT key, length(value) FROM Dict").fetchall()


def list_dumb(base: Path) -> int:
    with closing(dbm.dumb.open(str(base), "r")) as database:
        return len(database.keys())


def keys() -> Iterator[bytes]:
    return (b"entry:%06d" % number for number in range(ENTRIES))


def write_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")
        database.executemany("INSERT INTO Dict VALUES (?, ?)", ((key, VALUE) for key in keys()))


def write_dumb(base: Path) -> None:
    """Write the index as ``dbm.dumb`` does, which itself would take minutes; the values are a hole in the file."""
    lines = (f"{key.decode()!r}, ({number * 512}, {len(VALUE)})\n" for number, key in enumerate(keys()))
    base.with_suffix(".dir").write_text("".join(lines), "latin-1")
    with base.with_suffix(".dat").open("wb") as values:
        values.truncate(ENTRIES * 512)


if __name__ == "__main__":
    main()
