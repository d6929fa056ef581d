"""What an engine is asked before entries are added, and while they are copied."""

import pickle
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.codecs.edits import RawBytes
from app.codecs.model import Style
from app.engine.base import Engine, NewDatabase, Refusals, RefusedEntry
from app.engine.value_calls import Stored
from tests.engine.shelves import make_sqlite

TOKEN = CancelToken()
ENTRIES = {b"a": pickle.dumps([1], 4), b"b": b"plain" * 2_000}


def test_what_a_database_cannot_hold_is_named(engine: Engine, tmp_path: Path) -> None:
    made = engine.create(NewDatabase(str(tmp_path / "small"), "sdbm"), TOKEN)
    engine.open(made.files[0], TOKEN)

    found = engine.unstorable([(b"fits", 10), (b"large", 2_000)], TOKEN)

    reason = "key and value may have 1,008 bytes together, and it has 2,005"
    assert found == Refusals(1, (RefusedEntry(b"large", reason),))


def test_whole_values_are_read_together(engine: Engine, tmp_path: Path) -> None:
    engine.open(str(make_sqlite(tmp_path / "x.db", ENTRIES)), TOKEN)
    [chunk] = engine.index(TOKEN)
    places = [Stored(chunk.key(row), chunk.locators[row], chunk.sizes[row]) for row in range(len(chunk))]

    assert engine.read_all([*places, b"unsaved", 0], TOKEN) == [*ENTRIES.values(), b"unsaved", ENTRIES[b"a"]]
    assert engine.read_all([], TOKEN) == []


def test_bytes_become_a_pickle(engine: Engine) -> None:
    assert pickle.loads(engine.encode_new(RawBytes(b"\x00\xff"), Style(), TOKEN)) == b"\x00\xff"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("text.txt", b"hello", False), ("value.pkl", ENTRIES[b"a"], False), ("empty", b"", False), ("none", None, False)],
)
def test_other_files_are_no_databases(
    engine: Engine, tmp_path: Path, name: str, content: bytes | None, expected: bool
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    assert engine.is_container(str(tmp_path / name), TOKEN) is expected


def test_databases_are_told_by_their_heads(engine: Engine, tmp_path: Path) -> None:
    assert engine.is_container(str(make_sqlite(tmp_path / "x", ENTRIES)), TOKEN)
    assert not engine.is_container(str(tmp_path), TOKEN)
    assert not engine.is_container("\0", TOKEN)
