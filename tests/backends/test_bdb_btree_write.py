"""Writing btree files of Berkeley DB: whatever goes in comes out, by our reader and by the library, which goes on."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import ByteOrder, Insert, SaveOptions
from app.backends.berkeley.btree import BdbBtreeBackend
from app.backends.berkeley.btree_write import (
    FLAG_DUPLICATES,
    FLAG_RECORD_NUMBERS,
    FLAG_SORTED,
    BdbBtreeWriter,
    BtreeSettings,
)
from app.backends.file_operations import FileOperations
from app.backends.key_index import CHUNK
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.errors import Cancelled, KeyRejected
from tests import corpus
from tests.backends.bdb_writing import edit, read, with_duplicates
from tests.backends.listing import index_of
from tests.backends.native import Pair, bdb_dump, bdb_load
from tests.backends.native_bdb import bdb_change, bdb_verify
from tests.backends.toy_format import PairRecords

CopyCase = Callable[[str], Path]
UNSORTED, SORTED = FLAG_DUPLICATES, FLAG_DUPLICATES | FLAG_SORTED
ORDERS: tuple[ByteOrder, ...] = ("little", "big")
PAGE_SIZES = (512, 1024, 4096, 65536)
REWRITABLE = [
    case
    for case in corpus.databases("bdb-btree", corrupt=False)
    if case.name.startswith(("bdb53", "bdb-v4")) and case.name not in {"bdb53-subdbs", "bdb53-btree-chksum"}
]
KEYS = st.one_of(
    st.binary(max_size=8),
    st.binary(min_size=100, max_size=130),
    st.integers(0, 99).map(lambda number: b"the same for long " * 60 + b"%d" % number),
)
VALUES = st.one_of(
    st.binary(max_size=12), st.integers(0, 3000).map(lambda size: b"v" * size), st.binary(min_size=110, max_size=118)
)
DUPLICATES = st.lists(st.tuples(st.sampled_from([b"", b"k", b"k" * 300]), VALUES), max_size=60)


def write(path: Path, pairs: Sequence[Pair], settings: BtreeSettings | None = None, *, may_repeat: bool = True) -> Path:
    path.unlink(missing_ok=True)
    writer = BdbBtreeWriter(BdbBtreeBackend, settings)
    records = PairRecords(pairs, may_repeat=may_repeat)
    assert list(writer.refusals(records, CancelToken())) == []
    writer.write(records, path, FileOperations(), CancelToken())
    return path


def in_order(pairs: Sequence[Pair], flags: int = 0) -> list[Pair]:
    return sorted(pairs) if flags & FLAG_SORTED else sorted(pairs, key=lambda pair: pair[0])


def many(count: int, seed: int = 1) -> list[Pair]:
    """Return entries of all sizes, their keys in no order."""
    chance = Random(seed)
    keys = {chance.randbytes(chance.choice([2, 9, 40, 150, 700])) for _ in range(count // 2)}
    keys |= {b"key %06d" % chance.randrange(10**6) for _ in range(count // 2)}
    return [(key, chance.randbytes(chance.choice([0, 1, 7, 30, 120, 1500]))) for key in sorted(keys, key=hash)]


def repeated(count: int, *, seed: int = 1) -> list[Pair]:
    return with_duplicates(many(count, seed), seed)


SETTINGS = [
    BtreeSettings(page_size, order, min_keys, flags)
    for (page_size, order), (min_keys, flags) in zip(
        product(PAGE_SIZES, ORDERS),
        [
            (2, 0), (2, UNSORTED), (2, SORTED), (4, SORTED),
            (2, FLAG_RECORD_NUMBERS), (3, UNSORTED), (2, FLAG_RECORD_NUMBERS), (2, SORTED),
        ],
        strict=True,
    )
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_berkeley_db_reads_our_files_and_goes_on_with_them(tmp_path: Path, settings: BtreeSettings) -> None:
    pairs = repeated(1200) if settings.flags & FLAG_DUPLICATES else many(3000)

    path = write(tmp_path / "x.db", pairs, settings)

    bdb_verify(path)
    assert read(path) == bdb_dump(path) == in_order(pairs, settings.flags)
    bdb_change(path, seed=settings.page_size)
    bdb_verify(path)
    assert read(path) == bdb_dump(path)


@pytest.mark.parametrize("flags", [0, UNSORTED, SORTED])
def test_a_file_of_berkeley_db_is_saved_and_goes_on(tmp_path: Path, flags: int) -> None:
    path = tmp_path / "x.db"
    pairs = repeated(600) if flags else many(2000)
    bdb_load(path, in_order(pairs, flags), "btree", db_pagesize=1024, **_dump_flags(flags))

    left = edit(path)

    bdb_verify(path)
    assert read(path) == bdb_dump(path) == in_order(left, flags)
    bdb_change(path, seed=flags)
    bdb_verify(path)
    assert read(path) == bdb_dump(path)


def _dump_flags(flags: int) -> dict[str, int]:
    return {"duplicates": 1} | ({"dupsort": 1} if flags & FLAG_SORTED else {}) if flags else {}


@given(
    pairs=st.dictionaries(KEYS, VALUES, max_size=120),
    page_size=st.sampled_from(PAGE_SIZES),
    order=st.sampled_from(ORDERS),
    counts=st.booleans(),
)
def test_any_entries_come_back_in_the_order_of_their_keys(
    tmp_path_factory: pytest.TempPathFactory,
    pairs: dict[bytes, bytes],
    page_size: int,
    order: ByteOrder,
    counts: bool,
) -> None:
    settings = BtreeSettings(page_size, order, 2, FLAG_RECORD_NUMBERS if counts else 0)
    path = write(tmp_path_factory.mktemp("any") / "x.db", list(pairs.items()), settings)

    assert read(path) == sorted(pairs.items())
    bdb_verify(path)


@given(pairs=DUPLICATES, page_size=st.sampled_from(PAGE_SIZES))
def test_unsorted_duplicates_keep_their_order(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair], page_size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", pairs, BtreeSettings(page_size, flags=UNSORTED))

    assert read(path) == in_order(pairs)
    bdb_verify(path)


@given(pairs=DUPLICATES.map(dict.fromkeys).map(list), page_size=st.sampled_from(PAGE_SIZES))
def test_sorted_duplicates_are_put_in_the_order_of_their_values(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair], page_size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", pairs, BtreeSettings(page_size, flags=SORTED))

    assert read(path) == sorted(pairs)
    bdb_verify(path)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(b"", b"")],
        [(b"k", b"v")],
        [(b"", b"x" * 100_000), (b"k" * 5000, b"")],
        [(b"p" * 2000 + b"%05d" % number, b"v") for number in range(300)],
        [(bytes([number]) * 70, b"v" * 50) for number in range(256)],
    ],
    ids=["empty", "nothing", "one", "long", "equal prefix", "every byte"],
)
@pytest.mark.parametrize("page_size", [512, 65536])
def test_corner_cases_are_valid_databases(tmp_path: Path, pairs: list[Pair], page_size: int) -> None:
    path = write(tmp_path / "x.db", pairs, BtreeSettings(page_size))

    assert read(path) == bdb_dump(path) == pairs
    bdb_verify(path)
    bdb_change(path, seed=1, count=300)
    bdb_verify(path)
    assert read(path) == bdb_dump(path)


def test_a_deep_tree_is_valid(tmp_path: Path) -> None:
    pairs = [(b"%x and more" % (number * 7919 % 100_003), b"%d" % number) for number in range(100_000)]

    path = write(tmp_path / "x.db", pairs, BtreeSettings(512))

    bdb_verify(path)
    assert read(path) == sorted(pairs)


def test_saving_a_pair_that_is_there_is_refused_by_sorted_duplicates(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"k", b"1"), (b"k", b"2")], BtreeSettings(flags=SORTED))
    content = path.read_bytes()

    with open_database(path) as backend, pytest.raises(KeyRejected, match="'k'"):
        backend.apply([Insert(b"k", b"2")], {}, SaveOptions(), CancelToken())

    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_keys_in_an_order_of_their_own_make_a_file_read_only(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"%05d" % number, b"") for number in range(2000)])
    _reverse_keys(path)

    with open_database(path) as backend:
        index_of(backend)

        assert backend.problems == []
        assert "order that only the program that wrote it knows" in backend.why_read_only


def _reverse_keys(path: Path) -> None:
    """Turn every key around, as if a program had compared them from their ends."""
    content = bytearray(path.read_bytes())
    for number in range(2000):
        key = b"%05d" % number
        at = content.index(b"\x05\x00\x01" + key) + 3
        content[at : at + 5] = key[::-1] if at else key
    path.write_bytes(content)


@pytest.mark.parametrize(("falls", "is_own"), [(1, False), (40, True)])
def test_values_in_an_order_of_their_own_are_told_from_damage(tmp_path: Path, falls: int, is_own: bool) -> None:
    path = write(
        tmp_path / "x.db", [(b"k", b"value %04d" % number) for number in range(100)], BtreeSettings(flags=SORTED)
    )
    content = bytearray(path.read_bytes())
    for number in range(2, 2 + 2 * falls, 2):
        at = content.index(b"value %04d" % number)
        content[at] = ord("a")
    path.write_bytes(content)

    with open_database(path) as backend:
        index_of(backend)

        assert bool(backend.problems) is not is_own
        assert bool(backend.notes) is is_own
        assert backend.why_read_only


@pytest.mark.parametrize("count", [CHUNK, 4 * CHUNK])
@pytest.mark.parametrize("checks", [1, 3, 6])
def test_writing_is_cancelled_on_the_way(tmp_path: Path, count: int, checks: int) -> None:
    class Impatient(CancelToken):
        def check(self) -> None:
            self.done += 1
            if self.done == checks:
                self.cancel()
            super().check()

    writer = BdbBtreeWriter(BdbBtreeBackend)
    pairs = [(b"%06d" % number, b"") for number in range(count)]

    with pytest.raises(Cancelled):
        writer.write(PairRecords(pairs, may_repeat=False), tmp_path / "x.db", FileOperations(), Impatient())

    assert list(tmp_path.iterdir()) == []
