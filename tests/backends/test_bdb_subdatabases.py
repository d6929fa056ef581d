"""Berkeley DB files with several databases: all listed, damage in one leaves the others, and beside the library."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match
from app.backends.registry import open_database
from app.errors import StaleIndex
from tests import corpus
from tests.backends.listing import entries_of, index_of
from tests.backends.native import Pair, bdb_load
from tests.backends.reading import read_all

CopyCase = Callable[[str], Path]
CASE = corpus.database("bdb53-subdbs")
PAGE = 4096
CONTENT = st.dictionaries(
    st.binary(min_size=1, max_size=20), st.binary(max_size=40) | st.binary(min_size=500, max_size=900)
)


def open_match(match: Match) -> Backend:
    return open_database(match.path)


def patch(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def place_of(path: Path, name: bytes) -> int:
    """Return where the master says at which page a sub-database begins (bytes in the file)."""
    content = path.read_bytes()
    return content.index(struct.pack("<HB", len(name), 1) + name) - 8 + 3


def expected(prefix: bytes) -> set[corpus.ExpectedEntry]:
    return {entry for entry in CASE.entries if entry.key.startswith(prefix)}


def read_entries(path: Path) -> tuple[set[corpus.ExpectedEntry], list[str]]:
    reading = read_all(path, open_match)
    return {corpus.expected_entry(*pair) for pair in reading.entries}, reading.complaints


def test_each_entry_tells_its_sub_database(database_case: CopyCase) -> None:
    with open_database(database_case(CASE.name)) as backend:
        index = index_of(backend)
        parts = [backend.part_of(index.locator(row)) for row in range(len(index))]

        assert set(parts) == {b"first", b"second"}
        assert all(index.key(row).startswith(part or b"none") for row, part in enumerate(parts))
        assert [backend.part_of(locator) for locator in (-1, len(index))] == [None, None]
    with open_database(database_case("bdb53-btree-one-def")) as backend:
        assert backend.part_of(index_of(backend).locator(0)) is None


def test_the_sub_databases_are_named(database_case: CopyCase) -> None:
    with open_database(database_case(CASE.name)) as backend:
        assert "sub-databases" in backend.match.variant
        index_of(backend)
        assert "first, second" in backend.notes[0]
        index_of(backend)
        assert len(backend.notes) == 1


@given(
    tree=CONTENT,
    table=CONTENT,
    records=st.lists(st.binary(max_size=700), max_size=50),
    order=st.sampled_from([1234, 4321]),
)
def test_what_the_library_writes_under_names_is_listed_name_by_name(
    tmp_path_factory: pytest.TempPathFactory,
    tree: dict[bytes, bytes],
    table: dict[bytes, bytes],
    records: list[bytes],
    order: int,
) -> None:
    path = tmp_path_factory.mktemp("parts") / "x.db"
    settings = {"db_lorder": order, "db_pagesize": 512}
    numbered = [(str(number).encode(), value) for number, value in enumerate(records, 1)]
    bdb_load(path, tree.items(), "btree", database="a tree", **settings)
    bdb_load(path, table.items(), "hash", database="b table", **settings)
    bdb_load(path, numbered, "recno", database="c records", keys=1, **settings)

    with open_database(path) as backend:
        entries = entries_of(backend)
        assert (backend.problems, len(backend.notes)) == ([], 1)
    in_tree, in_table = entries[: len(tree)], entries[len(tree) : len(tree) + len(table)]
    assert in_tree == sorted(tree.items())
    assert sorted(in_table) == sorted(table.items())
    assert entries[len(tree) + len(table) :] == as_records(records)


def as_records(values: list[bytes]) -> list[Pair]:
    return [(struct.pack("<I", number), value) for number, value in enumerate(values, 1)]


def test_a_part_whose_first_page_is_damaged_leaves_the_others(database_case: CopyCase) -> None:
    path = database_case(CASE.name)
    number = int.from_bytes(path.read_bytes()[(at := place_of(path, b"first")) : at + 4], "big")
    patch(path, number * PAGE + 12, b"\0\0\0\0")

    entries, complaints = read_entries(path)

    assert entries == expected(b"second")
    assert any("first is left out" in complaint for complaint in complaints)


@pytest.mark.parametrize("number", [0, 1, 0xFFFFFFFF])
def test_a_name_that_leads_nowhere_is_left_out(database_case: CopyCase, number: int) -> None:
    path = database_case(CASE.name)
    patch(path, place_of(path, b"second"), number.to_bytes(4, "big"))

    entries, complaints = read_entries(path)

    assert entries == expected(b"first")
    assert any("second is left out" in complaint for complaint in complaints)
    assert any("Nothing leads to" in complaint for complaint in complaints)


def test_two_names_of_one_part_do_not_list_it_twice(database_case: CopyCase) -> None:
    path = database_case(CASE.name)
    place = place_of(path, b"first")
    patch(path, place_of(path, b"second"), path.read_bytes()[place : place + 4])

    entries, complaints = read_entries(path)

    assert entries == expected(b"first")
    assert any("two databases" in complaint for complaint in complaints)


def test_a_part_of_an_impossible_kind_is_left_out(database_case: CopyCase) -> None:
    path = database_case(CASE.name)
    number = int.from_bytes(path.read_bytes()[(at := place_of(path, b"first")) : at + 4], "big")
    patch(path, number * PAGE + 12, struct.pack("<II", 0x042253, 4))

    entries, complaints = read_entries(path)

    assert entries == expected(b"second")
    assert any("cannot be one of several" in complaint for complaint in complaints)


def test_hundreds_of_hash_tables_on_the_same_pages_cannot_multiply_the_work(tmp_path: Path) -> None:
    path, parts, size = tmp_path / "x.db", 300, 512
    bdb_load(path, [(b"%03d" % number, bytes(4)) for number in range(parts)], "btree", db_lorder=1234, db_pagesize=size)
    content = bytearray(path.read_bytes())
    first = len(content) // size
    for number in range(parts):
        place = content.index(b"\3\0\1%03d" % number) - 5  # the value lies before its key
        content[place : place + 4] = (first + number).to_bytes(4, "big")
        page = bytearray(size)
        struct.pack_into("<III", page, 8, first + number, 0x061561, 9)
        struct.pack_into("<I", page, 20, size)
        struct.pack_into("<III", page, 72, *(0x7FFFFFFF,) * 3)
        struct.pack_into("<32I", page, 96, *(first + parts,) * 32)
        content += page
    struct.pack_into("<I", content, 48, 0x20)
    path.write_bytes(content + bytes(3000 * size))

    _, complaints = read_entries(path)

    assert any("more buckets than pages" in complaint for complaint in complaints)


@pytest.mark.parametrize("locator", [-1, 80, 1 << 40])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, locator: int) -> None:
    with open_database(database_case(CASE.name)) as backend:
        index_of(backend)
        with pytest.raises(StaleIndex):
            backend.read(b"first-0", locator, 4)


def test_every_locator_is_stale_for_another_key(database_case: CopyCase) -> None:
    with open_database(database_case(CASE.name)) as backend:
        index = index_of(backend)
        for entry_id in range(len(index)):
            with pytest.raises(StaleIndex):
                backend.read(b"no such key", index.locator(entry_id), index.size(entry_id))
