"""Other programs that read and write databases whose keys come once, each by its format's own library."""

import dbm.dumb
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from app.backends.base import Change, Insert, Remove, Replace
from tests.backends.native import NativeGdbm, bdb_dump, bdb_load, bdb_tool, native_gdbm
from tests.backends.native_bdb import bdb_delete
from tests.document.databases import pairs_of, write
from tests.engine.shelves import read_sqlite


class OtherProgram(Protocol):
    """Reads all entries of a file, and changes some."""

    def read(self, path: Path) -> dict[bytes, bytes]: ...

    def change(self, path: Path, values: Mapping[bytes, bytes], removed: Collection[bytes]) -> None:
        """Give keys values, those that are there others; take keys away that are there."""
        ...


class OurEngine:
    """Another window of our own program."""

    def read(self, path: Path) -> dict[bytes, bytes]:
        return dict(pairs_of(path))

    def change(self, path: Path, values: Mapping[bytes, bytes], removed: Collection[bytes]) -> None:
        rows = {key: row for row, (key, _value) in enumerate(pairs_of(path))}
        changes: list[Change] = [Remove(rows[key]) for key in removed]
        for key, value in values.items():
            changes.append(Replace(rows[key], value) if key in rows else Insert(key, value))
        write(path, changes)


class Sqlite:
    """What ``dbm.sqlite3`` of Python 3.13 does."""

    def read(self, path: Path) -> dict[bytes, bytes]:
        return read_sqlite(path)

    def change(self, path: Path, values: Mapping[bytes, bytes], removed: Collection[bytes]) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug
            connection.executemany("DELETE FROM Dict WHERE key = CAST(? AS BLOB)", [(key,) for key in removed])
            connection.executemany(
                "REPLACE INTO Dict (key, value) VALUES (CAST(? AS BLOB), CAST(? AS BLOB))", values.items()
            )


class Dumb:
    def read(self, path: Path) -> dict[bytes, bytes]:
        with dbm.dumb.open(str(path.with_suffix("")), "r") as database:
            return {bytes(key): database[key] for key in database.keys()}  # type: ignore[arg-type]  # a dumb one has bytes

    def change(self, path: Path, values: Mapping[bytes, bytes], removed: Collection[bytes]) -> None:
        with dbm.dumb.open(str(path.with_suffix("")), "w") as database:
            for key in removed:
                del database[key]
            for key, value in values.items():
                database[key] = value


class Gdbm:
    def __init__(self, native: NativeGdbm) -> None:
        self._native = native

    def read(self, path: Path) -> dict[bytes, bytes]:
        return dict(self._native.pairs(path))

    def change(self, path: Path, values: Mapping[bytes, bytes], removed: Collection[bytes]) -> None:
        orders = [("delete", key) for key in removed] + [("put", *pair) for pair in values.items()]
        assert self._native("open", path, "w") == "done"
        assert all(self._native(verb, path, *words) == "done" for verb, *words in orders)
        assert self._native("close", path) == "done"


class BerkeleyHash:
    def read(self, path: Path) -> dict[bytes, bytes]:
        return dict(bdb_dump(path))

    def change(self, path: Path, values: Mapping[bytes, bytes], removed: Collection[bytes]) -> None:
        if removed:
            bdb_delete(path, removed)
        if values:
            bdb_load(path, values.items(), "hash")


@contextmanager
def native_program(format_id: str) -> Iterator[OtherProgram]:
    """Yield a program that uses the library of a format; skips where that is not installed."""
    match format_id:
        case "sqlite3":
            yield Sqlite()
        case "dumb":
            yield Dumb()
        case "gdbm":
            with native_gdbm() as native:
                yield Gdbm(native)
        case _:
            bdb_tool("dump")
            yield BerkeleyHash()
