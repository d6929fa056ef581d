"""Writing hash files of Berkeley DB: whatever goes in comes out, by our reader and by the library, which goes on."""

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import ByteOrder
from app.backends.berkeley import hash_plan as bdb_hash_plan
from app.backends.berkeley.hash import BdbHashBackend
from app.backends.berkeley.hash_write import BdbHashWriter
from app.backends.berkeley.write import PageMaker
from app.backends.file_operations import FileOperations
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions, Duplicates
from app.cancel import CancelToken
from app.errors import Cancelled
from tests import corpus
from tests.backends.bdb_writing import edit, read, with_duplicates
from tests.backends.listing import entries_of, index_of
from tests.backends.native import Pair, bdb_dump, bdb_load
from tests.backends.native_bdb import bdb_change, bdb_verify
from tests.backends.rewriting import NO_BACKUP
from tests.backends.toy_format import PairRecords

CopyCase = Callable[[str], Path]
ORDERS: tuple[ByteOrder, ...] = ("little", "big")
KINDS: tuple[Duplicates, ...] = ("", "unsorted", "sorted")
PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
LONGEST_KEY = 128
"""Berkeley DB 5.3 itself damages a hash file when it adds and deletes duplicates of keys that are off their page."""
REWRITABLE = [
    case
    for case in corpus.databases("bdb-hash", corrupt=False)
    if case.name.startswith(("bdb53", "bdb-v4.8", "ndbm")) and case.name != "bdb53-hash-chksum"
]
KEYS = st.one_of(
    st.binary(max_size=8),
    st.binary(min_size=125, max_size=131),
    st.integers(0, 99).map(lambda number: b"the same for long " * 60 + b"%d" % number),
    st.integers(0, 900).map(lambda size: b"k" * size),
    st.integers(0, 99).map(lambda number: b"%d\0" % number),
)
VALUES = st.one_of(
    st.binary(max_size=12), st.integers(0, 3000).map(lambda size: b"v" * size), st.binary(min_size=110, max_size=130)
)
DUPLICATES = st.lists(st.tuples(st.sampled_from([b"", b"k", b"k" * 300]), VALUES), max_size=60)


def write(
    path: Path,
    pairs: Sequence[Pair],
    page_size: int = 4096,
    order: ByteOrder = "little",
    duplicates: Duplicates = "",
    fill_factor: int = 0,
) -> Path:
    path.unlink(missing_ok=True)
    writer = BdbHashWriter(BdbHashBackend, PageMaker(page_size, order), duplicates, fill_factor)
    records = PairRecords(pairs)
    assert list(writer.refusals(records, CancelToken())) == []
    writer.write(records, path, FileOperations(), CancelToken())
    return path


def by_key(pairs: Sequence[Pair], duplicates: Duplicates = "") -> dict[bytes, list[bytes]]:
    """Return the values of each key as they must come."""
    found: dict[bytes, list[bytes]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: sorted(values) for key, values in found.items()} if duplicates == "sorted" else found


def many(count: int, seed: int = 1) -> list[Pair]:
    """Return entries of all sizes, no key of which is on its page and the beginning of one that is not."""
    chance = Random(seed)
    keys = {bytes((1,)) + chance.randbytes(chance.choice([2, 9, 40, 150, 700])) for _ in range(count // 2)}
    keys |= {b"key %06d" % chance.randrange(10**6) for _ in range(count // 2)}
    return [(key, chance.randbytes(chance.choice([0, 1, 7, 30, 120, 1500]))) for key in sorted(keys)]


def repeated(count: int, *, seed: int = 1) -> list[Pair]:
    return with_duplicates(many(count, seed), seed)


@pytest.mark.parametrize(
    ("page_size", "order", "duplicates"),
    [(size, ORDERS[number % 2], KINDS[number % 3]) for number, size in enumerate(PAGE_SIZES)]
    + [(512, "big", "sorted"), (512, "little", "unsorted"), (1024, "little", "sorted")],
)
def test_berkeley_db_reads_our_files_and_goes_on_with_them(
    tmp_path: Path, page_size: int, order: ByteOrder, duplicates: Duplicates
) -> None:
    pairs = [pair for pair in repeated(500) if len(pair[0]) <= LONGEST_KEY] if duplicates else many(2000)

    path = write(tmp_path / "x.db", pairs, page_size, order, duplicates)

    bdb_verify(path)
    assert read(path) == bdb_dump(path)
    assert by_key(read(path)) == by_key(pairs, duplicates)
    bdb_change(path, seed=page_size, longest_key=LONGEST_KEY)
    bdb_verify(path)
    assert read(path) == bdb_dump(path)


@pytest.mark.parametrize("duplicates", KINDS)
def test_a_file_of_berkeley_db_is_saved_and_goes_on(tmp_path: Path, duplicates: Duplicates) -> None:
    path = tmp_path / "x.db"
    settings = {"": {}, "unsorted": {"duplicates": 1}, "sorted": {"duplicates": 1, "dupsort": 1}}[duplicates]
    pairs = repeated(300) if duplicates else many(1500)
    bdb_load(path, [pair for pair in pairs if len(pair[0]) <= LONGEST_KEY], "hash", db_pagesize=1024, **settings)

    left = edit(path)

    bdb_verify(path)
    assert by_key(read(path)) == by_key(left, duplicates)
    assert read(path) == bdb_dump(path)
    bdb_change(path, seed=len(duplicates), longest_key=LONGEST_KEY)
    bdb_verify(path)
    assert read(path) == bdb_dump(path)


def _patched(path: Path, offset: int, number: int) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, offset, number)
    path.write_bytes(content)


@pytest.mark.parametrize(("offset", "reason"), [(0, "environment"), (92, "function of the program")])
def test_a_file_that_other_code_knows_more_of_is_read_only(database_case: CopyCase, offset: int, reason: str) -> None:
    path = database_case("bdb53-hash-n1000-512")
    _patched(path, offset, 7)

    with open_database(path) as backend:
        assert len(entries_of(backend)) == 1000
        assert reason in backend.why_read_only


@pytest.mark.parametrize("name", ["__db.001", "log.0000000001", "__db.register"])
def test_files_of_an_environment_make_a_database_read_only(database_case: CopyCase, name: str) -> None:
    path = database_case("bdb53-hash-one-def")
    path.with_name(name).touch()

    with open_database(path) as backend:
        assert name in backend.why_read_only


def test_keys_in_an_order_of_their_own_make_a_file_read_only(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"%04d" % number, b"%04d" % number) for number in range(400)])
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):  # all items have the same size: turning them turns the order
        count = int.from_bytes(content[start + 20 : start + 22], "little")
        items = [bytes(content[place : place + 5]) for place in range(start + 4096 - 5 * count, start + 4096, 5)]
        pairs = [items[place : place + 2] for place in range(0, count, 2)]
        content[start + 4096 - 5 * count : start + 4096] = b"".join(b"".join(pair) for pair in reversed(pairs))
    path.write_bytes(content)

    with open_database(path) as backend:
        assert len(entries_of(backend)) == 400
        assert backend.problems == []
        assert "order that only the program that wrote it knows" in backend.why_read_only


@given(
    pairs=st.dictionaries(KEYS, VALUES, max_size=120),
    page_size=st.sampled_from(PAGE_SIZES),
    order=st.sampled_from(ORDERS),
)
def test_any_entries_come_back(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], page_size: int, order: ByteOrder
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", list(pairs.items()), page_size, order)

    assert sorted(read(path)) == sorted(pairs.items())
    bdb_verify(path)


@given(pairs=DUPLICATES, page_size=st.sampled_from(PAGE_SIZES))
def test_unsorted_duplicates_keep_their_order(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair], page_size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", pairs, page_size, duplicates="unsorted")

    assert by_key(read(path)) == by_key(pairs)
    bdb_verify(path)


@given(pairs=DUPLICATES.map(dict.fromkeys).map(list), page_size=st.sampled_from(PAGE_SIZES))
def test_sorted_duplicates_are_put_in_the_order_of_their_values(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair], page_size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", pairs, page_size, duplicates="sorted")

    assert by_key(read(path)) == by_key(pairs, "sorted")
    bdb_verify(path)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(b"", b"")],
        [(b"k\0", b"v\0")],
        [(b"", b"x" * 100_000), (b"k" * 5000, b"")],
        [(b"p" * 2000 + b"%05d" % number, b"v") for number in range(300)],
        [(b"k" * size, b"%d" % size) for size in range(400)],
        [(bytes([number]) * 70, b"v" * 50) for number in range(256)],
    ],
    ids=["empty", "nothing", "NUL at the end", "long", "equal prefix", "each the beginning of the next", "every byte"],
)
@pytest.mark.parametrize("page_size", [512, 65536])
def test_berkeley_db_finds_every_key_of_corner_cases(tmp_path: Path, pairs: list[Pair], page_size: int) -> None:
    path = write(tmp_path / "x.db", pairs, page_size)

    assert Counter(read(path)) == Counter(bdb_dump(path)) == Counter(pairs)
    bdb_verify(path)
    with open_database(path) as backend:
        index_of(backend)
        list(backend.check_structure(CancelToken()))
        assert backend.notes == []  # that would say how many keys a native look-up misses


@pytest.mark.parametrize("duplicates", KINDS)
def test_numpy_lays_a_file_out_as_python_does(
    tmp_path: Path, duplicates: Duplicates, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [*(repeated(900) if duplicates else many(900)), (b"a key of many bytes " * 20, b"")]
    by_python = write(tmp_path / "python.db", pairs, 512, "big", duplicates).read_bytes()
    monkeypatch.setattr(bdb_hash_plan, "_MANY", 0)

    by_numpy = write(tmp_path / "numpy.db", pairs, 512, "big", duplicates).read_bytes()

    assert by_numpy[72:] == by_python[72:]  # before that stands a number by chance


def test_the_fill_factor_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", many(500), fill_factor=40)

    with open_database(path) as backend:
        index_of(backend)
        backend.compact(NO_BACKUP, CancelToken())

    assert int.from_bytes(path.read_bytes()[84:88], "little") == 40
    bdb_verify(path)


def test_a_value_longer_than_its_length_field_is_refused() -> None:
    writer = new_writer("bdb-hash", CreateOptions())

    assert writer.why_refused(b"k", (1 << 32) - 1) == ""
    assert "at most 4,294,967,295 bytes" in writer.why_refused(b"k", 1 << 32)


@pytest.mark.parametrize(("page_size", "order"), [*product((512, 65536), ORDERS)])
def test_what_was_chosen_is_what_is_made(tmp_path: Path, page_size: int, order: ByteOrder) -> None:
    writer = new_writer("bdb-hash", CreateOptions(page_size=page_size, byte_order=order, duplicates="unsorted"))

    writer.write(PairRecords([(b"k", b"1")]), tmp_path / "x.db", FileOperations(), CancelToken())

    content = (tmp_path / "x.db").read_bytes()
    assert int.from_bytes(content[20:24], order) == page_size
    assert int.from_bytes(content[48:52], order) == 1


def test_a_cancelled_write_leaves_nothing(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        new_writer("bdb-hash", CreateOptions()).write(
            PairRecords(many(100)), tmp_path / "x.db", FileOperations(), token
        )

    assert list(tmp_path.iterdir()) == []
