"""Write the sample databases, into this folder or the one named: ``python3 make_samples.py [FOLDER]``.

Standard library only. Whoever runs it gets the same entries; the file of GDBM is written when a Python that has
``dbm.gnu`` is found, and else left as it is.
"""

import dbm.dumb
import pickle
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import bookshop
import legacy
import weather
from shop_models import importable_as_shop_models

HERE = Path(__file__).parent
PYTHONS = (sys.executable, "/usr/bin/python3")

CREATE = "CREATE TABLE IF NOT EXISTS Dict (\n    key BLOB UNIQUE NOT NULL,\n    value BLOB NOT NULL\n  )"
"""As Python 3.13's dbm.sqlite3 has it; older Pythons have no such module."""

GDBM_WRITER = """
import base64, dbm.gnu, sys
with dbm.gnu.open(sys.argv[1], "n") as database:
    for line in sys.stdin:
        key, value = map(base64.b64decode, line.split())
        database[key] = value
"""

RawEntry = tuple[bytes, bytes]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    shop = pickled(bookshop.entries(), protocol=4)
    write_sqlite(folder / "bookshop.sqlite3", shop)
    write_sqlite(folder / "weather.sqlite3", pickled(weather.entries(), protocol=5))
    write_dumb(folder / "legacy", list(legacy.entries()))
    if not write_gdbm(folder / "bookshop.gdbm", shop):
        print("No Python with dbm.gnu was found: bookshop.gdbm is not written.")


def pickled(entries: Iterable[tuple[str, object]], protocol: int) -> list[RawEntry]:
    """Return entries as ``shelve`` stores them."""
    with importable_as_shop_models():
        return [(key.encode(), pickle.dumps(value, protocol)) for key, value in entries]


def write_sqlite(path: Path, entries: list[RawEntry]) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute(CREATE)
        database.executemany("INSERT INTO Dict (key, value) VALUES (?, ?)", entries)


def write_dumb(base: Path, entries: list[RawEntry]) -> None:
    with closing(dbm.dumb.open(str(base), "n")) as database:
        for key, value in entries:
            database[key] = value
    base.with_suffix(".bak").unlink(missing_ok=True)


def write_gdbm(path: Path, entries: list[RawEntry]) -> bool:
    """Write with the first Python that can; tell whether there was one."""
    lines = b"".join(b64encode(key) + b" " + b64encode(value) + b"\n" for key, value in entries)
    for python in PYTHONS:
        can = subprocess.run([python, "-c", "import dbm.gnu"], capture_output=True, check=False).returncode == 0
        if can:
            subprocess.run([python, "-c", GDBM_WRITER, str(path)], input=lines, check=True)
            return True
    return False


if __name__ == "__main__":
    main()
