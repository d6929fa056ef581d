"""The hashes by which entries are told from others: right in every format, and without looking entries up."""

from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import pytest

from app.backends.gdbm.backend import GdbmBackend
from app.backends.key_index import KeyIndex
from app.backends.records import PIECE_BYTES
from app.cancel import CancelToken
from app.engine.base import NewDatabase
from app.engine.local import LocalEngine
from tests.engine.shelves import make_sqlite
from tests.writable import ENTRIES, WRITABLE

TOKEN = CancelToken()


def written(folder: Path, format_id: str, entries: dict[bytes, bytes]) -> Path:
    """Make a database of these entries."""
    source = make_sqlite(folder / "source.db", entries)
    with closing(LocalEngine()) as engine:
        engine.open(str(source), TOKEN)
        made = engine.convert(NewDatabase(str(folder / "x"), format_id), (), TOKEN, leaves_out=False)
    return Path(made.files[0])


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with closing(LocalEngine()) as engine:
        yield engine


def indexed(engine: LocalEngine, path: Path) -> KeyIndex:
    engine.open(str(path), TOKEN)
    index = KeyIndex()
    for chunk in engine.index(TOKEN):
        index.append(chunk)
    return index


def hashed(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


@pytest.mark.parametrize("format_id", WRITABLE)
def test_both_hashes_of_every_entry_come_in_the_order_of_the_index(
    engine: LocalEngine, tmp_path: Path, format_id: str
) -> None:
    index = indexed(engine, written(tmp_path, format_id, ENTRIES))

    found = b"".join(engine.fingerprints(TOKEN, values=True))

    wanted = [hashed(index.key(row)) + hashed(ENTRIES[index.key(row)]) for row in range(len(index))]
    assert found == b"".join(wanted)
    assert len(wanted) == len(ENTRIES)


def test_many_entries_are_gone_through_without_looking_each_of_them_up(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {b"key:%07d" % number: b"value %d" % number for number in range(150_000)}
    index = indexed(engine, written(tmp_path, "gdbm", entries))
    read, looked_up = GdbmBackend.read, []

    def counted(backend: GdbmBackend, key: bytes, locator: int, size: int) -> bytes:
        looked_up.append(key)
        return read(backend, key, locator, size)

    monkeypatch.setattr(GdbmBackend, "read", counted)
    found = b"".join(engine.fingerprints(TOKEN, values=True))

    assert found[-8:] == hashed(entries[index.key(len(index) - 1)])
    assert len(found) == 16 * len(entries)
    assert len(looked_up) < len(entries) // 50


def test_other_calls_between_two_slices_do_not_disturb(engine: LocalEngine, tmp_path: Path) -> None:
    entries = {b"key:%07d" % number: b"value %d" % number for number in range(60_000)}
    index = indexed(engine, written(tmp_path, "bdb-hash", entries))

    slices = 0
    for _piece in engine.fingerprints(TOKEN, values=True):
        row = slices * 997 % len(index)
        assert engine.read(row, 0, 100, TOKEN) == entries[index.key(row)]
        slices += 1

    assert slices > 2
    assert engine.problems() == ()


def test_a_value_that_is_too_large_to_be_held_is_hashed_in_pieces(engine: LocalEngine, tmp_path: Path) -> None:
    entries = {b"large": bytes(range(256)) * (PIECE_BYTES // 100), b"small": b"x", b"none": b""}
    index = indexed(engine, written(tmp_path, "gdbm", entries))

    found = b"".join(engine.fingerprints(TOKEN, values=True))

    assert found == b"".join(hashed(index.key(row)) + hashed(entries[index.key(row)]) for row in range(3))
