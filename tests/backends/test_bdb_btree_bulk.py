"""Large btree files read the same with numpy, and are written so, where they are special; see `test_bdb_bulk`."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends import key_index
from app.backends.berkeley import btree as bdb_btree
from app.backends.berkeley import btree_bulk_write as bdb_btree_bulk_write
from app.backends.berkeley import btree_layout as bdb_btree_layout
from app.backends.berkeley.btree import BdbBtreeBackend
from app.backends.berkeley.btree_bulk import Leaves, Shape
from app.backends.berkeley.btree_write import FLAG_DUPLICATES, BtreeSettings
from app.backends.whichdb import whichdb
from tests.backends.listing import index_of
from tests.backends.reading_in_bulk import BothWays
from tests.backends.test_bdb_btree_write import write

CONTENT = st.binary(max_size=20) | st.binary(min_size=8, max_size=9).map(lambda tail: b"the same " * 2 + tail)


@contextmanager
def everything_is_large() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bdb_btree, "_BULK_BYTES", 0)
        patch.setattr(bdb_btree, "_BULK_VALUES", 1)
        patch.setattr(key_index, "FIRST_CHUNK", 1)
        yield


WAYS = BothWays(BdbBtreeBackend, everything_is_large)


@given(pairs=st.dictionaries(CONTENT, CONTENT, max_size=200), size=st.sampled_from([512, 4096]))
def test_any_entries_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", list(pairs.items()), BtreeSettings(size))

    assert WAYS.see_the_same(path) == (sorted(pairs.items()), [], [])


def test_keys_that_are_alike_for_long_and_duplicates_read_the_same(tmp_path: Path) -> None:
    keys = [b"the same " * 20 + b"\0" * (number % 3) + b"%04d" % number for number in range(400)]
    pairs = [(key, b"%d" % number) for key in keys for number in range(2)]
    pairs += [(b"zeros" + bytes(number), b"") for number in range(60)]
    path = write(tmp_path / "x.db", pairs, BtreeSettings(4096, "big", flags=FLAG_DUPLICATES))

    assert WAYS.see_the_same(path)[0] == sorted(pairs, key=lambda pair: pair[0])


@pytest.mark.parametrize("swapped", [(b"key 00100", b"key 00200"), (b"key 00100", b"key 00101")])
def test_keys_out_of_order_are_seen(tmp_path: Path, swapped: tuple[bytes, bytes]) -> None:
    path = write(tmp_path / "x.db", [(b"key %05d" % number, b"v") for number in range(300)], BtreeSettings(1024))
    content = path.read_bytes()
    first, second = (content.index(key) for key in swapped)
    patched = bytearray(content)
    patched[first : first + 9], patched[second : second + 9] = swapped[1], swapped[0]
    path.write_bytes(patched)

    _entries, problems, notes = WAYS.see_the_same(path)

    assert problems or notes


def test_unusual_leaves_are_left_to_the_slow_way(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"key %05d" % number, b"v") for number in range(300)], BtreeSettings(1024))
    with BdbBtreeBackend(whichdb(path)[0]) as backend:
        index = index_of(backend)
        numbers = sorted({index.locator(row) >> 16 for row in range(len(index))})
        pages = [backend._pages.page(number) for number in numbers]
        content = b"".join(map(backend._pages.content, pages))
    shape = Shape(1024, 26, "<")
    damaged = bytearray(content)
    struct.pack_into("<H", damaged, 1024 + 26, 1000)

    assert all(Leaves(shape, pages, content).usual)
    assert Leaves(shape, pages, bytes(damaged)).usual == [number != 1 for number in range(len(pages))]


@pytest.mark.parametrize("settings", [BtreeSettings(512, "big"), BtreeSettings(4096, flags=4), BtreeSettings(65536)])
def test_large_files_are_written_by_numpy_as_small_ones_are(
    tmp_path: Path, settings: BtreeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(settings.page_size)
    keys = {chance.randbytes(chance.randrange(30)) for _ in range(3000)} | {b"%05d" % number for number in range(6000)}
    pairs = [(key, chance.randbytes(min(chance.randrange(100), 40))) for key in sorted(keys)]
    # One stretch of leaves leads to overflow pages; a few rows are out of order.
    pairs[2000:2010] = [(key, b"v" * (50_000 + number)) for number, (key, _value) in enumerate(pairs[2000:2010])]
    pairs += [pairs.pop(number) for number in (5, 600, 4000)]
    small = write(tmp_path / "small.db", pairs, settings, may_repeat=False).read_bytes()
    repeated = write(tmp_path / "repeated.db", pairs, settings).read_bytes()
    monkeypatch.setattr(bdb_btree_layout, "_MANY", 1)
    monkeypatch.setattr(bdb_btree_bulk_write, "_BYTES_AT_ONCE", 1 << 16)
    monkeypatch.setattr(bdb_btree_bulk_write, "_AT_ONCE", 1000)

    large = write(tmp_path / "large.db", pairs, settings, may_repeat=False).read_bytes()
    searched = write(tmp_path / "searched.db", pairs, settings, may_repeat=True).read_bytes()

    for made in (large, repeated, searched):  # all but the random name of the file, from byte 52 on
        assert (made[:52], made[72:]) == (small[:52], small[72:])


def test_large_files_with_duplicates_are_written_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bdb_btree_layout, "_MANY", 1)
    pairs = [(b"key %05d" % (number // 2), b"%d" % number) for number in range(4001)]

    path = write(tmp_path / "x.db", pairs, BtreeSettings(flags=FLAG_DUPLICATES))

    assert WAYS.see_the_same(path)[0] == pairs


def test_values_of_leaves_that_are_all_but_empty_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bdb_btree, "_MOST_BYTES", 1024)
    monkeypatch.setattr(bdb_btree, "_AT_ONCE", 2048)
    pairs = [(b"key %05d" % number, b"value %d" % number) for number in range(300)]
    path = write(tmp_path / "x.db", pairs, BtreeSettings(1024))

    assert WAYS.see_the_same(path)[0] == pairs
