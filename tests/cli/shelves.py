"""Databases made by Python itself, and read back by it: the referee of what `set` saved."""

import dbm.dumb
import json
import os
import pickle
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from tests.engine.shelves import make_sqlite, read_sqlite

__all__ = [
    "make_dumb",
    "make_sqlite",
    "pickled",
    "python_with_sqlite_dbm",
    "read_by_dbm_sqlite3",
    "read_dumb",
    "read_sqlite",
    "unpickled",
]


def make_dumb(path: Path, values: Mapping[bytes, bytes]) -> Path:
    """Make a dbm.dumb database and return its ``.dat`` file."""
    with closing(dbm.dumb.open(str(path), "n")) as database:
        for key, value in values.items():
            database[key] = value
    return path.with_name(path.name + ".dat")


def read_dumb(path: Path) -> dict[bytes, bytes]:
    """Return all entries of the database that has this ``.dat`` file."""
    with closing(dbm.dumb.open(str(path.with_suffix("")), "r")) as database:
        return {key: database[key] for key in database.keys() if isinstance(key, bytes)}


def pickled(values: Mapping[str, Any], protocol: int = 4) -> dict[bytes, bytes]:
    """Return what `shelve` would store."""
    return {key.encode(): pickle.dumps(value, protocol) for key, value in values.items()}


def unpickled(values: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return what `shelve` would give back; for values of our own making only."""
    return {key.decode(): pickle.loads(value) for key, value in values.items()}


@cache
def python_with_sqlite_dbm() -> str | None:
    """Return a Python that has ``dbm.sqlite3``, if one is installed."""
    found = [shutil.which(f"python3.{minor}") for minor in (13, 14, 15)]
    kept = sorted(Path.home().glob(".pyenv/versions/3.1[3-9]*/bin/python3"))
    for candidate in (*filter(None, found), *map(str, kept)):
        works = subprocess.run([candidate, "-c", "import dbm.sqlite3"], capture_output=True, check=False)
        if works.returncode == 0:
            return candidate
    return None


def read_by_dbm_sqlite3(python: str, path: Path) -> dict[bytes, bytes]:
    """Return all entries as Python's own ``dbm.sqlite3`` reads them."""
    program = (
        "import dbm.sqlite3, sys, json, base64\n"
        "with dbm.sqlite3.open(sys.argv[1], 'r') as db:\n"
        "    e = lambda b: base64.b64encode(b).decode()\n"
        "    print(json.dumps([[e(k), e(db[k])] for k in db.keys()]))\n"
    )
    done = subprocess.run([python, "-c", program, os.fspath(path)], capture_output=True, check=True)
    return {b64decode(key): b64decode(value) for key, value in json.loads(done.stdout)}
