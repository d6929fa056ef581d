"""LMDB environments, intact, damaged, while another program commits, and beside the library's own tools."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match
from app.backends.key_index import KeyIndex
from app.backends.lmdb.backend import LmdbBackend
from app.backends.lmdb.pages import parse_meta
from app.backends.registry import open_database
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import BackendMissing, CorruptDatabase, StaleIndex
from tests import corpus
from tests.backends.listing import entries_of, index_of
from tests.backends.native_neighbours import mdb_dump, mdb_load
from tests.backends.reading import read_all, wrong_pairs

CopyCase = Callable[[str], Path]
PAGE = 4096
MAIN_AT, TRANSACTION_AT = 88, 144
KEYS = st.binary(min_size=1, max_size=200)


def open_match(match: Match) -> Backend:
    return LmdbBackend(match)


def patch(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def newest_meta_at(path: Path) -> int:
    """Return where the page begins that counts (bytes in the file)."""
    content = path.read_bytes()
    return max((0, PAGE), key=lambda page: struct.unpack_from("<Q", content, page + TRANSACTION_AT))


def root_of(path: Path) -> int:
    root: int = struct.unpack_from("<Q", path.read_bytes(), newest_meta_at(path) + MAIN_AT + 40)[0]
    return root


def commit(path: Path) -> None:
    """Do to the meta pages what another program's transaction does: the older one becomes the newest."""
    newest = newest_meta_at(path)
    content = bytearray(path.read_bytes()[newest : newest + PAGE])
    older = PAGE - newest
    content[:8] = struct.pack("<Q", older // PAGE)
    content[TRANSACTION_AT : TRANSACTION_AT + 8] = struct.pack(
        "<Q", struct.unpack_from("<Q", content, TRANSACTION_AT)[0] + 1
    )
    patch(path, older, bytes(content))


def read_entries(path: Path) -> tuple[list[corpus.ExpectedEntry], list[str]]:
    reading = read_all(path, open_match)
    return [corpus.expected_entry(*pair) for pair in reading.entries], reading.complaints


@pytest.mark.parametrize("case", corpus.databases("lmdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_what_is_intact(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), open_match) == 0


def test_the_folder_of_an_environment_is_opened(database_case: CopyCase, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    environment.mkdir()
    shutil.copy(database_case("lmdb-n150"), environment / "data.mdb")

    with open_database(environment) as backend:
        assert len(index_of(backend)) == 150


def test_sub_databases_are_named_and_listed_behind_the_main_one(database_case: CopyCase) -> None:
    with open_database(database_case("lmdb-subdbs")) as backend:
        entries = [corpus.expected_entry(*pair) for pair in entries_of(backend)]

        assert entries == list(corpus.database("lmdb-subdbs").entries)
        assert "4 sub-databases" in backend.notes[0]
        assert "dup, empty, fixed, plain" in backend.notes[0]


def test_each_entry_tells_its_sub_database(tmp_path: Path) -> None:
    path = tmp_path / "x.mdb"
    with lmdb.open(str(path), subdir=False, max_dbs=3, map_size=1 << 24) as environment:
        parts = {name: environment.open_db(name, dupsort=name == b"dup") for name in (b"dup", b"large", b"none")}
        with environment.begin(write=True) as transaction:
            transaction.put(b"main", b"")
            for number in range(900):
                transaction.put(b"large %d" % number, bytes(number * 5), db=parts[b"large"])
                transaction.put(b"dup one", b"%d" % number, db=parts[b"dup"])
            transaction.put(b"dup two", b"x", db=parts[b"dup"])

    with open_database(path) as backend:
        index = index_of(backend)
        told = {(index.key(row).split()[0], backend.part_of(index.locator(row))) for row in range(len(index))}

        assert len(index) == 1802
        assert told == {(b"main", None), (b"large", b"large"), (b"dup", b"dup")}
        assert (backend.part_of(~1_000_000), backend.part_of(1 << 40)) == (None, None)


LARGE = st.builds(lambda piece, size: (piece * size)[:size], st.binary(min_size=1), st.integers(3_000, 9_000))
"""Values of several pages, told by few random bytes."""


@given(pairs=st.dictionaries(KEYS, st.binary(max_size=300) | LARGE, max_size=60))
def test_what_the_library_writes_is_what_we_list(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes]
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.mdb"
    mdb_load(path, pairs.items())

    with open_database(path) as backend:
        assert entries_of(backend) == sorted(pairs.items()) == mdb_dump(path)
        assert (backend.problems, backend.notes) == ([], [])


@given(
    values=st.dictionaries(KEYS, st.sets(st.binary(min_size=6, max_size=6), min_size=1, max_size=300), max_size=20),
    fixed=st.booleans(),
)
def test_duplicates_are_listed_as_the_library_lists_them(
    tmp_path_factory: pytest.TempPathFactory, values: dict[bytes, set[bytes]], *, fixed: bool
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.mdb"
    pairs = sorted((key, value) for key, those in values.items() for value in those)
    mdb_load(path, pairs, database="some name", duplicates=1, dupsort=1, dupfixed=int(fixed))

    with open_database(path) as backend:
        assert entries_of(backend) == pairs == mdb_dump(path, "-s", "some name")
        assert backend.problems == []


def test_the_newest_transaction_is_read(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    before = parse_meta(path.read_bytes())
    commit(path)
    after = parse_meta(path.read_bytes())

    assert before is not None
    assert after is not None
    assert after.transaction == before.transaction + 1
    assert set(read_entries(path)[0]) == set(corpus.database("lmdb-n150").entries)


def test_with_one_damaged_meta_page_the_other_one_counts(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    commit(path)
    if newest_meta_at(path) == PAGE:
        commit(path)
    patch(path, PAGE + 16, bytes(4))

    entries, complaints = read_entries(path)

    assert set(entries) == set(corpus.database("lmdb-n150").entries)
    assert "two meta pages" in complaints[0]


def test_one_transaction_of_another_program_leaves_what_was_listed(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    with open_database(path) as backend:
        index = index_of(backend)
        commit(path)

        assert len(values_of(backend, index)) == 150


def test_two_transactions_of_another_program_make_what_was_listed_stale(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    with open_database(path) as backend:
        index = index_of(backend)
        commit(path)
        commit(path)

        with pytest.raises(StaleIndex):
            values_of(backend, index)
        assert len(values_of(backend, index_of(backend))) == 150


def test_transactions_while_listing_are_told(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    with open_database(path) as backend:
        chunks = backend.index(CancelToken())
        next(chunks)
        commit(path)
        commit(path)
        list(chunks)

        assert "saved while" in backend.problems[0].message


def values_of(backend: Backend, index: KeyIndex) -> list[bytes]:
    return [backend.read(index.key(row), index.locator(row), index.size(row)) for row in range(len(index))]


def test_a_root_that_leads_nowhere_is_told_with_what_is_lost(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    patch(path, newest_meta_at(path) + MAIN_AT + 40, struct.pack("<Q", 1 << 50))

    entries, complaints = read_entries(path)

    assert entries == []
    assert any("outside the file" in complaint for complaint in complaints)
    assert any("150 of 150 entries are lost" in complaint for complaint in complaints)


def test_a_tree_that_runs_in_a_circle_ends(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    root = root_of(path)
    slot = struct.unpack_from("<H", path.read_bytes(), root * PAGE + 16)[0]
    patch(path, root * PAGE + slot, struct.pack("<I", root))

    entries, complaints = read_entries(path)

    assert set(entries) < set(corpus.database("lmdb-n150").entries)
    assert any("in use twice" in complaint for complaint in complaints)


def test_a_value_on_lost_overflow_pages_is_listed_and_its_reading_fails(database_case: CopyCase) -> None:
    path = database_case("lmdb-mid")
    content = path.read_bytes()
    overflow = next(page for page in range(2, len(content) // PAGE) if content[page * PAGE + 10] == 4)
    patch(path, overflow * PAGE + 10, b"\2")

    with open_database(path) as backend:
        index = index_of(backend)
        assert len(index) == 4
        assert "cannot be read whole" in backend.problems[0].message
        with pytest.raises(CorruptDatabase):
            values_of(backend, index)


def test_a_sub_database_without_a_tree_leaves_the_others(database_case: CopyCase) -> None:
    path = database_case("lmdb-subdbs")
    node = path.read_bytes().index(struct.pack("<HHHH", 48, 0, 2, 5) + b"plain", root_of(path) * PAGE)
    patch(path, node, b"\x2f")

    entries, complaints = read_entries(path)

    assert set(entries) < set(corpus.database("lmdb-subdbs").entries)
    assert any("wrong size" in complaint for complaint in complaints)


def test_a_changed_key_is_told(database_case: CopyCase) -> None:
    path = database_case("lmdb-subdbs")
    with open_database(path) as backend:
        index = index_of(backend)
        place = index.locator(next(index.find(b"plain-100"))) + 8
    patch(path, place, b"zzz")

    entries, complaints = read_entries(path)

    assert len(entries) == corpus.database("lmdb-subdbs").count
    assert any("out of order" in complaint for complaint in complaints)


@pytest.mark.parametrize("locator", [0, 1, 1 << 50, -1, -2000])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, locator: int) -> None:
    with open_database(database_case("lmdb-subdbs")) as backend:
        index_of(backend)
        with pytest.raises(StaleIndex):
            backend.read(b"key", locator, 1)


@pytest.mark.parametrize("name", ["lmdb-subdbs", "lmdb-mid"])
def test_every_locator_is_stale_for_another_key_or_size(database_case: CopyCase, name: str) -> None:
    with open_database(database_case(name)) as backend:
        index = index_of(backend)
        for row in range(0, len(index), 7):
            for key, size in ((b"no such key", index.size(row)), (index.key(row), index.size(row) + 1)):
                with pytest.raises(StaleIndex):
                    backend.read(key, index.locator(row), size)


def test_a_file_of_a_32_bit_machine_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.mdb"
    path.write_bytes(bytes(12) + struct.pack("<II", 0xBEEFC0DE, 1) + bytes(8192))

    with pytest.raises(BackendMissing, match="32-bit"):
        open_database(path)


def test_a_version_to_come_is_named(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    for page in (0, PAGE):
        patch(path, page + 20, b"\2")

    with pytest.raises(BackendMissing, match="version 2"):
        open_database(path)
    with pytest.raises(BackendMissing, match="version 2"):
        LmdbBackend(whichdb(path)[0])


def test_a_damaged_first_page_is_refused(database_case: CopyCase) -> None:
    path = database_case("lmdb-n150")
    patch(path, 40, bytes(4))

    with pytest.raises(CorruptDatabase, match="first page"):
        open_database(path)
