"""TDB files, intact, damaged, and beside the library's own tools."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match
from app.backends.registry import open_database
from app.backends.tdb.backend import TdbBackend
from app.backends.tdb.layout import key_hash, parse_header
from app.backends.whichdb import whichdb
from app.errors import CorruptDatabase, StaleIndex
from tests import corpus
from tests.backends.listing import entries_of, index_of
from tests.backends.native_neighbours import tdb_dump, tdb_restore
from tests.backends.reading import read_all, wrong_pairs
from tests.backends.tdb_files import patch, words_at

CopyCase = Callable[[str], Path]
CHAINS_AT = 172
DEAD, FREE = 0xFEE1DEAD, 0xD9FEE666


def open_match(match: Match) -> Backend:
    return TdbBackend(match)


def first_record(path: Path) -> tuple[int, int]:
    """Return the number of the first chain that is not empty and the offset of its first record."""
    chains = words_at(path, CHAINS_AT, words_at(path, 36, 1)[0])
    return next((chain, link) for chain, link in enumerate(chains) if link)


def read_entries(path: Path) -> tuple[list[corpus.ExpectedEntry], list[str]]:
    reading = read_all(path, open_match)
    return [corpus.expected_entry(*pair) for pair in reading.entries], reading.complaints


@pytest.mark.parametrize("case", corpus.databases("tdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_what_is_intact(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), open_match) == 0


@given(pairs=st.dictionaries(st.binary(max_size=300), st.binary(max_size=900), max_size=200))
def test_what_the_library_writes_is_what_we_list(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes]
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.tdb"
    tdb_restore(path, pairs.items())

    with open_database(path) as backend:
        entries = entries_of(backend)

        assert sorted(entries) == sorted(pairs.items())
        assert sorted(entries) == sorted(tdb_dump(path))
        assert (backend.problems, backend.notes) == ([], [])


def test_the_hash_is_that_of_the_library(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    header = parse_header(path.read_bytes())
    _, offset = first_record(path)
    _, _, key_size, _, hash_, _ = words_at(path, offset, 6)

    assert header is not None
    assert header.has_first_hash
    assert hash_ == key_hash(path.read_bytes()[offset + 24 : offset + 24 + key_size])


def test_a_big_endian_file_is_read(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    content = bytearray(path.read_bytes())
    table_end = CHAINS_AT + 4 * words_at(path, 36, 1)[0]
    swap(content, range(32, table_end, 4))
    for link in struct.unpack_from(f">{(table_end - CHAINS_AT) // 4}I", content, CHAINS_AT):
        while link:
            following = struct.unpack_from("<I", content, link)[0]
            swap(content, range(link, link + 24, 4))
            link = following  # noqa: PLW2901 - the walk along a chain
    path.write_bytes(content)

    with open_database(path) as backend:
        assert backend.match.byte_order == "big"
        entries = [corpus.expected_entry(*pair) for pair in entries_of(backend)]
        assert backend.problems == []
    assert set(entries) == set(corpus.database("tdb-n150").entries)


def swap(content: bytearray, offsets: range) -> None:
    """Turn words of 32 bits round."""
    for offset in offsets:
        content[offset : offset + 4] = content[offset : offset + 4][::-1]


def test_a_file_with_mutexes_before_its_database_is_read(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    content = path.read_bytes()
    room = 4096
    features = struct.pack("<I12xIII", 0xBAD1A52, words_at(path, 56, 1)[0], 1, room)
    header = content[:40] + features[:4] + content[44:60] + features[-8:] + content[68:168]
    path.write_bytes(header + bytes(room - len(header)) + content)

    with open_database(path) as backend:
        assert "mutexes" in backend.match.variant
        entries = [corpus.expected_entry(*pair) for pair in entries_of(backend)]
        assert backend.problems == []
    assert set(entries) == set(corpus.database("tdb-n150").entries)


def test_a_dead_record_is_not_listed(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    patch(path, first_record(path)[1] + 20, DEAD)

    entries, complaints = read_entries(path)

    assert (len(entries), complaints) == (149, [])


@pytest.mark.parametrize("magic", [FREE, 0])
def test_a_chain_ends_at_what_is_no_record(database_case: CopyCase, magic: int) -> None:
    path = database_case("tdb-n150")
    patch(path, first_record(path)[1] + 20, magic)

    entries, complaints = read_entries(path)

    assert set(entries) < set(corpus.database("tdb-n150").entries)
    assert "no entry of this chain" in complaints[0]


def test_a_chain_that_runs_in_a_circle_ends(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    _, offset = first_record(path)
    patch(path, offset, offset)

    entries, complaints = read_entries(path)

    assert len(entries) == len(set(entries))
    assert "leads back" in complaints[0]


def test_a_chain_that_leads_into_another_one_ends(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    chain, offset = first_record(path)
    patch(path, CHAINS_AT + 4 * (chain + 1), offset)

    entries, complaints = read_entries(path)

    assert len(entries) == len(set(entries))
    assert "no entry of this chain" in complaints[0]


def test_a_changed_key_is_left_out(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    offset = first_record(path)[1] + 24
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)

    entries, complaints = read_entries(path)

    assert len(entries) == 149
    assert "not the one that was stored" in complaints[0]


@pytest.mark.parametrize("place", [8, 12])
def test_an_entry_larger_than_its_room_costs_only_itself(database_case: CopyCase, place: int) -> None:
    path = database_case("tdb-n150")
    patch(path, first_record(path)[1] + place, 0xFFFFFFF0)

    entries, complaints = read_entries(path)

    assert len(entries) == 149
    assert "does not fit" in complaints[0]


def test_milliards_of_chains_are_bounded_by_the_file(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    patch(path, 36, 0xFFFFFFFF)

    _, complaints = read_entries(path)

    assert "ends within its table" in complaints[0]


def test_a_transaction_that_was_broken_off_is_told(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(struct.pack("<6I", 0, 100, size, 80, 0, 0xF53BC0E7) + bytes(100))
    patch(path, 44, size)

    entries, complaints = read_entries(path)

    assert len(entries) == 150
    assert "transaction was broken off" in complaints[0]


@pytest.mark.parametrize("length", [9, 40, 167])
def test_a_file_without_a_whole_header_is_refused(database_case: CopyCase, length: int) -> None:
    path = database_case("tdb-odd")
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(CorruptDatabase, match="header"):
        open_database(path)


def test_a_file_replaced_by_one_of_another_order_is_stale(database_case: CopyCase) -> None:
    path = database_case("tdb-odd")
    match = whichdb(path)[0]
    content = bytearray(path.read_bytes())
    swap(content, range(32, 168, 4))
    path.write_bytes(content)

    with pytest.raises(StaleIndex):
        open_match(match)


def test_an_entry_that_was_deleted_meanwhile_is_stale(database_case: CopyCase) -> None:
    path = database_case("tdb-n150")
    with open_database(path) as backend:
        index = index_of(backend)
        patch(path, index.locator(0) + 20, FREE)

        with pytest.raises(StaleIndex):
            backend.read(index.key(0), index.locator(0), index.size(0))


@pytest.mark.parametrize("locator", [-1, 0, 1 << 40])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, locator: int) -> None:
    with open_database(database_case("tdb-odd")) as backend, pytest.raises(StaleIndex):
        backend.read(b"key", locator, 1)
