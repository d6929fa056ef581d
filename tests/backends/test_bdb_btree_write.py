"""Writing btree files of Berkeley DB: whatever goes in comes out, by our reader and by the library, which goes on."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import ByteOrder, Change, Insert, Remove, Replace, SaveOptions
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
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import Cancelled, KeyRejected, OptionRejected, ReadOnlyDatabase
from tests import corpus
from tests.backends.dumb_files import NO_BACKUP
from tests.backends.listing import entries_of, expected_of, index_of
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


def read(path: Path) -> list[Pair]:
    """Return all entries of a file that nothing is wrong with."""
    with open_database(path) as backend:
        found = entries_of(backend)
        assert backend.problems == []
        assert list(backend.check_structure(CancelToken())) == []
    return found


def many(count: int, seed: int = 1) -> list[Pair]:
    """Return entries of all sizes, their keys in no order."""
    chance = Random(seed)
    keys = {chance.randbytes(chance.choice([2, 9, 40, 150, 700])) for _ in range(count // 2)}
    keys |= {b"key %06d" % chance.randrange(10**6) for _ in range(count // 2)}
    return [(key, chance.randbytes(chance.choice([0, 1, 7, 30, 120, 1500]))) for key in sorted(keys, key=hash)]


def repeated(count: int, *, seed: int = 1) -> list[Pair]:
    """Return sets of duplicates from two to some hundreds, no pair twice."""
    chance = Random(seed)
    pairs = many(count, seed)
    for key, _value in list(pairs[::5]):
        for number in range(chance.choice([1, 3, 200])):
            pairs.append((key, b"%d " % number + bytes(chance.choice([0, 20, 90, 700]))))
    chance.shuffle(pairs)
    return list(dict.fromkeys(pairs))


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
    with open_database(path) as backend:
        expected = expected_of(backend)
    removed = [entry_id for entry_id in expected if entry_id % 7 == 0]
    replaced = {entry_id: b"new %d" % entry_id + b"v" * (entry_id % 900) for entry_id in expected if entry_id % 7 == 1}
    inserted = [(b"added %d" % number, b"i" * number) for number in range(0, 2000, 50)]
    changes: list[Change] = [
        *map(Remove, removed),
        *(Replace(*replacement) for replacement in replaced.items()),
        *(Insert(*pair) for pair in inserted),
    ]

    with open_database(path) as backend:
        before = entries_of(backend)
        backend.apply(changes, expected, NO_BACKUP, CancelToken())

    kept = [(key, replaced.get(entry_id, value)) for entry_id, (key, value) in enumerate(before) if entry_id % 7]
    bdb_verify(path)
    assert read(path) == bdb_dump(path) == in_order([*kept, *inserted], flags)
    bdb_change(path, seed=flags)
    bdb_verify(path)
    assert read(path) == bdb_dump(path)


def _dump_flags(flags: int) -> dict[str, int]:
    return {"duplicates": 1} | ({"dupsort": 1} if flags & FLAG_SORTED else {}) if flags else {}


@pytest.mark.parametrize("case", REWRITABLE, ids=corpus.name_of)
def test_a_case_of_the_corpus_keeps_its_entries_and_its_layout(
    database_case: CopyCase, case: corpus.DatabaseCase
) -> None:
    path = database_case(case.name)
    before, content = read(path), path.read_bytes()

    with open_database(path) as backend:
        index_of(backend)
        assert backend.why_read_only == ""
        backend.compact(NO_BACKUP, CancelToken())

    after = path.read_bytes()
    assert read(path) == before
    # Magic, version and page size; flags; least keys of a page.
    assert [after[start:end] for start, end in ((12, 24), (48, 52), (76, 80))] == [
        content[start:end] for start, end in ((12, 24), (48, 52), (76, 80))
    ]
    bdb_verify(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("bdb53-btree-chksum", "checksums"), ("bdb-v3.1.17-btree-n150", "version 8"), ("bdb53-subdbs", "several")],
)
def test_what_cannot_be_written_says_why(database_case: CopyCase, name: str, reason: str) -> None:
    with open_database(database_case(name)) as backend:
        index_of(backend)
        assert reason in backend.why_read_only
        with pytest.raises(ReadOnlyDatabase, match=reason):
            backend.compact(NO_BACKUP, CancelToken())


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


def test_a_pair_that_comes_twice_is_refused_by_sorted_duplicates(tmp_path: Path) -> None:
    writer = new_writer("bdb-btree", CreateOptions(duplicates="sorted"))
    long = b"v" * 3_000_000
    records = PairRecords([(b"k", b"1"), (b"l", long), (b"k", b"2"), (b"k", b"1"), (b"l", long + b"1"), (b"l", long)])

    refused = list(writer.refusals(records, CancelToken()))

    assert [(refusal.row, refusal.key) for refusal in refused] == [(3, b"k"), (5, b"l")]
    with pytest.raises(KeyRejected, match="'k' cannot be stored"):
        writer.write(records, tmp_path / "x.db", FileOperations(), CancelToken())
    assert list(tmp_path.iterdir()) == []


def test_saving_a_pair_that_is_there_is_refused_by_sorted_duplicates(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"k", b"1"), (b"k", b"2")], BtreeSettings(flags=SORTED))
    content = path.read_bytes()

    with open_database(path) as backend, pytest.raises(KeyRejected, match="'k'"):
        backend.apply([Insert(b"k", b"2")], {}, SaveOptions(), CancelToken())

    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_comes_twice_is_refused_where_there_are_no_duplicates() -> None:
    writer = new_writer("bdb-btree", CreateOptions())

    refused = list(writer.refusals(PairRecords([(b"k", b"1"), (b"k", b"2")]), CancelToken()))

    assert [refusal.row for refusal in refused] == [1]


@pytest.mark.parametrize("options", [CreateOptions(page_size=1000), CreateOptions(numsync=True)])
def test_options_that_mean_nothing_are_refused(options: CreateOptions) -> None:
    with pytest.raises(OptionRejected):
        new_writer("bdb-btree", options)


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
