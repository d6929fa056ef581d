"""CDB files, intact, with keys that repeat, damaged, hostile, and beside tinycdb."""

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Match
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.layout import key_hash
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import Cancelled, CorruptDatabase, StaleIndex
from tests import corpus
from tests.backends import cdb_files
from tests.backends.damaging import cut_anywhere
from tests.backends.listing import entries_of, index_of
from tests.backends.reading import SECONDS, read_all, wrong_pairs

CopyCase = Callable[[str], Path]
CASE = "cdb-n150"
INTACT = corpus.databases("cdb", corrupt=False)
PAIRS = st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=300)), max_size=60)


def match_of(path: Path) -> Match:
    return whichdb(path)[0]


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_every_entry_of_an_intact_file_is_read(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with CdbBackend(match_of(database_case(case.name))) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        assert backend.problems == []
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize("case", corpus.databases("cdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_no_pair_that_was_not_there(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), CdbBackend) == 0


@given(pairs=PAIRS)
def test_what_tinycdb_writes_is_what_we_list(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[cdb_files.Pair]
) -> None:
    path = tmp_path_factory.mktemp("tinycdb") / "x.cdb"
    cdb_files.write_by_tinycdb(path, pairs)

    with CdbBackend(match_of(path)) as backend:
        assert entries_of(backend) == pairs
        assert backend.problems == []


@given(pairs=PAIRS)
def test_any_pairs_are_listed_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[cdb_files.Pair]
) -> None:
    path = tmp_path_factory.mktemp("own") / "x.cdb"
    path.write_bytes(cdb_files.image(pairs))

    with CdbBackend(match_of(path)) as backend:
        assert entries_of(backend) == pairs
        assert backend.problems == []


def test_a_key_of_thousands_of_values_takes_no_longer_than_others(tmp_path: Path) -> None:
    pairs = [(b"same", b"%d" % number) for number in range(2000)]
    (tmp_path / "x.cdb").write_bytes(cdb_files.image(pairs))
    start = monotonic()

    with CdbBackend(match_of(tmp_path / "x.cdb")) as backend:
        assert entries_of(backend) == pairs
        assert backend.problems == []
    assert monotonic() - start < SECONDS


def test_entries_that_a_longer_value_covers_are_still_listed(tmp_path: Path) -> None:
    pairs = [(b"%d" % number, b"value") for number in range(9)]
    content = bytearray(cdb_files.image(pairs))
    size = content.index(pairs[2][0] + pairs[2][1], 2048) - 4
    covered = 3 * 14  # each entry has 8 bytes of lengths, a key of 1 and a value of 5
    content[size] = 5 + covered
    path = tmp_path / "x.cdb"
    path.write_bytes(content)

    reading = read_all(path, CdbBackend)

    assert [key for key, _ in reading.entries] == [b"%d" % number for number in (0, 1, 2, 6, 7, 8, 3, 4, 5)]
    assert [key for key, value in reading.entries if (key, value) not in pairs] == [b"2"]
    assert reading.complaints == ["A value covers entries behind it: its length was changed."]


@given(data=st.data())
def test_one_changed_byte_behind_the_head_costs_what_it_hits_and_forges_no_key(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = corpus.database(CASE)
    path = case.copy_to(tmp_path_factory.mktemp("fuzz"))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(2048, len(content) - 1), label="place")] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    reading = read_all(path, CdbBackend)

    assert {key for key, _ in reading.entries} <= {entry.key for entry in case.entries}
    assert len(case.entries) - 1 <= len(reading.entries)
    assert sum(corpus.expected_entry(*pair) not in case.entries for pair in reading.entries) <= 1
    assert len(reading.entries) == len(case.entries) or reading.complaints


@given(data=st.data())
def test_a_file_cut_behind_its_head_yields_only_true_pairs(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = corpus.database(CASE)
    path = cut_anywhere(case, tmp_path_factory.mktemp("cut"), data)

    reading = read_all(path, CdbBackend)

    assert reading.complaints
    assert {corpus.expected_entry(*pair) for pair in reading.entries} <= set(case.entries)


@pytest.mark.parametrize("field", [0, 4], ids=["key", "value"])
@pytest.mark.parametrize("length", [0, 3, 4000, 0xFFFFFFFF])
def test_a_wrong_length_costs_one_entry(database_case: CopyCase, field: int, length: int) -> None:
    path = database_case(CASE)
    with CdbBackend(match_of(path)) as backend:
        entries, index = entries_of(backend), index_of(backend)
        place = index.locator(70)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, place + field, length)
    path.write_bytes(content)

    with CdbBackend(match_of(path)) as backend:
        assert entries_of(backend) == entries[:70] + entries[71:]
        assert [problem.offset for problem in backend.problems] == [place]


def test_entries_that_lie_on_each_other_cannot_multiply_the_work(tmp_path: Path) -> None:
    content = bytearray(cdb_files.image([(b"%d" % number, bytes(300)) for number in range(3000)]))
    end = int.from_bytes(content[:4], "little")
    for place in range(2048, end - 8, 16):
        struct.pack_into("<II", content, place, (end - place) // 2, 7)
    (tmp_path / "x.cdb").write_bytes(content)
    start = monotonic()

    reading = read_all(tmp_path / "x.cdb", CdbBackend)

    assert monotonic() - start < SECONDS
    assert (reading.entries, bool(reading.complaints)) == ([], True)


def test_tables_in_front_of_the_entries_are_refused(database_case: CopyCase) -> None:
    path = database_case(CASE)
    match = match_of(path)
    path.write_bytes(bytes(4096))

    with pytest.raises(CorruptDatabase, match="hash tables"):
        CdbBackend(match)


def test_a_file_replaced_by_another_is_still_the_old_one(database_case: CopyCase, tmp_path: Path) -> None:
    path = database_case(CASE)
    with CdbBackend(match_of(path)) as backend:
        entries = entries_of(backend)
        (tmp_path / "new").write_bytes(cdb_files.image([(b"new", b"entry")]))
        if sys.platform != "win32":
            (tmp_path / "new").replace(path)

        assert entries_of(backend) == entries


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut a mapped file")
def test_a_file_that_was_cut_meanwhile_is_stale_and_no_bus_error(database_case: CopyCase) -> None:
    path = database_case(CASE)
    with CdbBackend(match_of(path)) as backend:
        index = index_of(backend)
        os.truncate(path, 0)

        with pytest.raises(StaleIndex, match="cut short"):
            backend.read(index.key(0), index.locator(0), index.size(0))


def test_an_entry_that_was_overwritten_meanwhile_is_stale(database_case: CopyCase) -> None:
    path = database_case(CASE)
    with CdbBackend(match_of(path)) as backend:
        index = index_of(backend)
        with path.open("r+b") as file:
            file.seek(index.locator(5))
            file.write(b"\1")

        with pytest.raises(StaleIndex):
            backend.read(index.key(5), index.locator(5), index.size(5))


@pytest.mark.parametrize("locator", [-1, 0, 2049, 1 << 40])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, locator: int) -> None:
    with CdbBackend(match_of(database_case(CASE))) as backend, pytest.raises(StaleIndex):
        backend.read(b"key", locator, 1)


def test_listing_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "x.cdb").write_bytes(cdb_files.image([(b"%d" % number, b"") for number in range(600)]))
    token = CancelToken()
    with CdbBackend(match_of(tmp_path / "x.cdb")) as backend:
        chunks = backend.index(token)
        next(chunks)
        token.cancel()

        with pytest.raises(Cancelled):
            list(chunks)


def test_the_hash_is_the_known_one() -> None:
    assert (key_hash(b""), key_hash(b"a")) == (5381, 177604)
