"""The committed samples: their script writes them again, and they hold what they are there to show."""

import dbm.dumb
import pickle
import pickletools
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, Self, cast

import pytest

SAMPLES = Path(__file__).parents[1] / "resources" / "samples"
MAXIMUM = 3_000_000
"""Bytes of all committed samples together."""

Entries = list[tuple[bytes, bytes]]


def read_sqlite(path: Path) -> Entries:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT key, value FROM Dict ORDER BY rowid").fetchall()


def read_dumb(base: Path) -> Entries:
    with closing(dbm.dumb.open(str(base), "r")) as database:
        return cast("Entries", list(database.items()))


@pytest.fixture(scope="module")
def written_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, SAMPLES / "make_samples.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", ["bookshop.sqlite3", "weather.sqlite3"])
def test_script_writes_the_same_sqlite_entries_again(name: str, written_again: Path) -> None:
    assert read_sqlite(SAMPLES / name) == read_sqlite(written_again / name)


def test_script_writes_the_same_dumb_files_again(written_again: Path) -> None:
    assert (SAMPLES / "legacy.dat").read_bytes() == (written_again / "legacy.dat").read_bytes()
    assert (SAMPLES / "legacy.dir").read_bytes() == (written_again / "legacy.dir").read_bytes()


def test_samples_are_single_files_of_bearable_size() -> None:
    names = {path.name for path in SAMPLES.iterdir() if path.is_file() and path.suffix != ".py"}

    assert names == {"bookshop.gdbm", "bookshop.sqlite3", "legacy.dat", "legacy.dir", "weather.sqlite3"}
    assert sum((SAMPLES / name).stat().st_size for name in names) < MAXIMUM


def test_weather_has_five_thousand_entries() -> None:
    entries = read_sqlite(SAMPLES / "weather.sqlite3")

    assert len(entries) == 5_000
    assert pickle.loads(entries[0][1])["wind"] == ("N", 0.0)


def test_one_legacy_key_is_no_utf8_and_values_are_python_2s() -> None:
    entries = dict(read_dumb(SAMPLES / "legacy"))

    with pytest.raises(UnicodeDecodeError):
        b"\0".join(entries).decode()
    written_out = {b"customer", b"big", b"caf\xe9 table"}
    assert opcodes(entries[key] for key in written_out) >= {"STRING", "SHORT_BINSTRING", "BINSTRING", "INST", "LONG"}
    assert pickle.loads(entries[b"catalogue"], encoding="latin-1")["author"] == "Müller"


def test_bookshop_shows_what_shelves_hold() -> None:
    shelf = dict(read_sqlite(SAMPLES / "bookshop.sqlite3"))
    named = set[str]().union(*map(globals_named, shelf.values()))

    assert named >= {
        "collections.Counter", "collections.OrderedDict", "collections.defaultdict", "collections.deque",
        "datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "datetime.timezone",
        "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "builtins.complex",
        "shop.models.Address", "shop.models.Customer", "shop.models.Level", "shop.models.Order", "shop.models.Status",
    }  # fmt: skip
    assert opcodes(shelf.values()) >= {"ADDITEMS", "FROZENSET", "LONG1", "NEWOBJ", "BINGET", "BUILD"}
    assert pickle.loads(shelf[b"logo.png"]).startswith(b"\x89PNG\r\n")


def test_bookshop_has_shared_and_recursive_objects() -> None:
    shelf = dict(read_sqlite(SAMPLES / "bookshop.sqlite3"))

    recommended = pickle.loads(shelf[b"recommendations"])
    centuries = pickle.loads(shelf[b"index:by-century"])

    assert recommended["advice"][1] is recommended["advice"]
    assert any(book is centuries[0][0] for book in centuries[20] + centuries[19])


def opcodes(pickles: Iterable[bytes]) -> set[str]:
    return {opcode.name for data in pickles for opcode, _, _ in pickletools.genops(data)}


class Absent:
    """Stands for a class of ``shop.models``."""

    def __new__(cls, *arguments: object) -> Self:
        return super().__new__(cls)


class Recorder(pickle.Unpickler):
    """Loads our own samples and notes the globals that they name."""

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data))
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.names.add(f"{module}.{name}")
        return type(name, (Absent,), {}) if module == "shop.models" else super().find_class(module, name)


def globals_named(data: bytes) -> set[str]:
    recorder = Recorder(data)
    recorder.load()
    return recorder.names
