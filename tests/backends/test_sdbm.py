"""SDBM and classic ndbm of any writer, page size and byte order, intact, damaged, and beside perl's SDBM_File."""

import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Match
from app.backends.sdbm.backend import SdbmBackend
from app.backends.sdbm.layout import MULTIPLIERS, PAGE_SIZES, Directory, find_geometry, key_hashes
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import Cancelled, CorruptDatabase, StaleIndex, UnknownFormat
from tests import corpus
from tests.backends import sdbm_files
from tests.backends.damaging import with_noise, with_one_byte_changed
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.reading import SECONDS, read_all, wrong_pairs

CopyCase = Callable[[str], Path]
CASE = "ndbm-sdbm-n500"
INTACT = corpus.databases("sdbm", corrupt=False)
FUZZED = [corpus.database(name) for name in (CASE, "ndbm-sdbm-n150-s390x", "ndbm-sdbm-del60")]
PAIRS = st.dictionaries(st.binary(max_size=60), st.binary(max_size=300), max_size=80)
MANY = {b"key %d" % number: b"value %d" % number for number in range(2000)}


def match_of(path: Path) -> Match:
    return whichdb(path)[0]


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_every_entry_of_an_intact_file_is_read(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with SdbmBackend(match_of(database_case(case.name))) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        assert (backend.problems, backend.notes) == ([], [])
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize("case", corpus.databases("sdbm", corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_no_pair_that_was_not_there(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), SdbmBackend) == 0


@given(pairs=PAIRS, data=st.data())
def test_what_perl_writes_is_what_we_list(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], data: st.DataObject
) -> None:
    base = tmp_path_factory.mktemp("perl") / "x"
    deleted = data.draw(st.sets(st.sampled_from(sorted(pairs)))) if pairs else set()
    sdbm_files.write_by_perl(base, pairs.items(), deleted)

    with SdbmBackend(match_of(base)) as backend:
        assert sorted(entries_of(backend)) == sorted((key, pairs[key]) for key in pairs.keys() - deleted)
        assert (backend.problems, backend.notes) == ([], [])


def test_thousands_of_entries_of_perl_are_read(tmp_path: Path) -> None:
    sdbm_files.write_by_perl(tmp_path / "x", MANY.items(), list(MANY)[::3])

    with SdbmBackend(match_of(tmp_path / "x")) as backend:
        assert dict(entries_of(backend)) == {
            key: value for number, (key, value) in enumerate(MANY.items()) if number % 3
        }
        assert (backend.problems, backend.notes) == ([], [])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("page_size", PAGE_SIZES)
def test_page_size_and_byte_order_are_found_by_what_fits(tmp_path: Path, page_size: int, order: str) -> None:
    path = sdbm_files.write(tmp_path / "x", MANY.items(), page_size=page_size, order=order)

    match = match_of(path)

    assert f"{page_size:,} bytes, {'little' if order == '<' else 'big'}-endian" in match.variant
    with SdbmBackend(match) as backend:
        assert dict(entries_of(backend)) == MANY
        assert (backend.problems, backend.notes) == ([], [])


@given(pairs=PAIRS, page_size=st.sampled_from(PAGE_SIZES), order=st.sampled_from(["<", ">"]))
def test_any_pairs_on_pages_of_any_size_are_listed(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], page_size: int, order: str
) -> None:
    path = sdbm_files.write(tmp_path_factory.mktemp("own") / "x", pairs.items(), page_size=page_size, order=order)

    with SdbmBackend(match_of(path)) as backend:
        assert sorted(entries_of(backend)) == sorted(pairs.items())
        assert backend.problems == []


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("by_level", [False, True], ids=["trie", "levels"])
def test_the_hash_and_the_order_of_the_writer_are_told(tmp_path: Path, multiplier: int, *, by_level: bool) -> None:
    def hash_of(key: bytes) -> int:
        return sdbm_files.sdbm_hash(key, multiplier)

    path = sdbm_files.write(tmp_path / "x", MANY.items(), hash_of=hash_of, by_level=by_level)

    with SdbmBackend(match_of(path)) as backend:
        assert dict(entries_of(backend)) == MANY
        assert (backend.problems, backend.notes) == ([], [])


@pytest.mark.parametrize("by_level", [False, True], ids=["trie", "levels"])
def test_another_hash_is_noted_and_costs_no_entry(tmp_path: Path, *, by_level: bool) -> None:
    path = sdbm_files.write(tmp_path / "x", MANY.items(), hash_of=zlib.crc32, by_level=by_level)

    with SdbmBackend(match_of(path)) as backend:
        assert dict(entries_of(backend)) == MANY
        assert backend.problems == []
        assert "another function" in backend.notes[0]
        index_of(backend)
        assert len(backend.notes) == 1


def test_one_key_on_a_wrong_page_is_listed_and_reported(database_case: CopyCase) -> None:
    path = database_case(CASE)
    content = bytearray(path.read_bytes())
    with SdbmBackend(match_of(path)) as backend:
        keys = [key for key, _ in entries_of(backend)]
    place = content.index(keys[-1])
    content[place] ^= 0x15
    path.write_bytes(content)

    with SdbmBackend(match_of(path)) as backend:
        assert [key for key, _ in entries_of(backend)] == [*keys[:-1], content[place : place + len(keys[-1])]]
        assert [problem.offset for problem in backend.problems] == [place - place % 1024]
        assert "its hash would not put it" in backend.problems[0].message


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 64, bytes(64)], ids=["missing", "empty", "ones", "zeros"])
def test_a_lost_dir_file_is_reported_and_costs_no_entry(database_case: CopyCase, content: bytes | None) -> None:
    path = database_case(CASE)
    path.with_suffix(".dir").unlink()
    if content is not None:
        path.with_suffix(".dir").write_bytes(content)

    with SdbmBackend(match_of(path)) as backend:
        assert len(entries_of(backend)) == 500
        assert any("The .dir file" in problem.message for problem in backend.problems)


def test_one_page_needs_no_dir_file(database_case: CopyCase) -> None:
    path = database_case("ndbm-sdbm-one")
    path.with_suffix(".dir").unlink()

    with SdbmBackend(match_of(path)) as backend:
        assert len(entries_of(backend)) == 1
        assert (backend.problems, backend.notes) == ([], [])


def test_a_file_cut_at_the_border_of_a_page_is_noticed_by_the_dir_file(database_case: CopyCase) -> None:
    path = database_case(CASE)
    path.write_bytes(path.read_bytes()[: 1024 * 9])

    with SdbmBackend(match_of(path)) as backend:
        assert 0 < len(entries_of(backend)) < 500
        assert [problem.message[:15] for problem in backend.problems] == ["The file is cut"]


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="the system tells nothing of holes")
def test_a_sparse_file_is_read_without_its_holes(tmp_path: Path) -> None:
    far = next(key for key in MANY if sdbm_files.sdbm_hash(key) & 0xFFFFF > 0xF0000)
    number = sdbm_files.sdbm_hash(far) & 0xFFFFF
    with (tmp_path / "x.pag").open("wb") as file:
        file.seek(number * 1024)
        file.write(sdbm_files.page_of([(far, b"value")], 1024))
    (tmp_path / "x.dir").touch()
    start = monotonic()

    with SdbmBackend(match_of(tmp_path / "x")) as backend:
        assert entries_of(backend) == [(far, b"value")]

    assert monotonic() - start < 0.5


def test_pages_of_zeros_have_no_entries(tmp_path: Path) -> None:
    (tmp_path / "x.pag").write_bytes(bytes(8192))
    (tmp_path / "x.dir").touch()

    with SdbmBackend(match_of(tmp_path / "x")) as backend:
        assert entries_of(backend) == []
        assert backend.problems == []


def test_pages_of_no_known_size_are_refused(tmp_path: Path, database_case: CopyCase) -> None:
    (tmp_path / "x.pag").write_bytes(b"\x81" * 4096)
    match = match_of(database_case("ndbm-sdbm-one"))

    with pytest.raises(UnknownFormat):
        whichdb(tmp_path / "x.pag")
    match.path.write_bytes(b"\x81" * 4096)
    with pytest.raises(CorruptDatabase, match="no known size"):
        SdbmBackend(match)


@given(data=st.data())
def test_one_changed_byte_costs_only_what_it_hits(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    path = with_one_byte_changed(case, tmp_path_factory.mktemp("fuzz"), data, magic_end=0)

    reading = read_all(path, SdbmBackend)

    unknown = [pair for pair in reading.entries if corpus.expected_entry(*pair) not in case.entries]
    assert len(unknown) <= 3  # an offset is the border of two items, and of the entry behind them
    if len(reading.entries) < len(case.entries) and path.read_bytes()[:2] != b"\0\0":
        assert reading.complaints or len(case.entries) - len(reading.entries) <= 60


@given(data=st.data())
def test_noise_is_never_more_than_damage(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    path = with_noise(case, tmp_path_factory.mktemp("noise"), data)

    reading = read_all(path, SdbmBackend)

    assert reading.entries or reading.complaints


def test_a_damaged_page_costs_its_damaged_pairs_only(database_case: CopyCase) -> None:
    path = database_case(CASE)
    content = bytearray(path.read_bytes())
    content[3 * 1024 + 2 : 3 * 1024 + 4] = b"\xff\xff"
    path.write_bytes(content)

    with SdbmBackend(match_of(path)) as backend:
        lost = 500 - len(entries_of(backend))
        assert 1 <= lost <= 2
        assert [problem.message for problem in backend.problems] == ["Page 3 is damaged."]


def test_opening_and_reading_change_nothing(database_case: CopyCase) -> None:
    path = database_case(CASE)
    before = folder_state(path.parent)

    with SdbmBackend(match_of(path)) as backend:
        entries_of(backend)

    assert folder_state(path.parent) == before


def test_an_entry_that_was_deleted_meanwhile_is_stale(tmp_path: Path) -> None:
    sdbm_files.write_by_perl(tmp_path / "x", list(MANY.items())[:20])
    with SdbmBackend(match_of(tmp_path / "x")) as backend:
        index = index_of(backend)
        sdbm_files.write_by_perl(tmp_path / "x", [], [index.key(0)])

        with pytest.raises(StaleIndex):
            backend.read(index.key(0), index.locator(0), index.size(0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut a mapped file")
@pytest.mark.parametrize("suffix", [".pag", ".dir"])
def test_a_file_that_was_cut_meanwhile_is_stale_and_no_bus_error(database_case: CopyCase, suffix: str) -> None:
    path = database_case(CASE)
    with SdbmBackend(match_of(path)) as backend:
        index_of(backend)
        os.truncate(path.with_suffix(suffix), 0)

        with pytest.raises(StaleIndex, match="cut short"):
            index_of(backend)


@pytest.mark.parametrize("locator", [-1, 30, 1 << 40, 5 << 16 | 0xFFFF])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, locator: int) -> None:
    with SdbmBackend(match_of(database_case(CASE))) as backend, pytest.raises(StaleIndex):
        backend.read(b"key", locator, 1)


def test_listing_can_be_cancelled(database_case: CopyCase) -> None:
    token = CancelToken()
    with SdbmBackend(match_of(database_case(CASE))) as backend:
        chunks = backend.index(token)
        next(chunks)
        token.cancel()

        with pytest.raises(Cancelled):
            list(chunks)


def test_a_directory_of_ones_cannot_make_the_walk_endless(tmp_path: Path) -> None:
    (tmp_path / "x.pag").write_bytes(sdbm_files.page_of([(b"k", b"v")], 512) * 10_000)
    (tmp_path / "x.dir").write_bytes(b"\xff" * (1 << 20))
    start = monotonic()

    with SdbmBackend(match_of(tmp_path / "x")) as backend:
        index_of(backend)

        assert backend.problems
    assert monotonic() - start < SECONDS


@given(key=st.binary(max_size=200))
def test_the_hash_is_that_of_the_c_source(key: bytes) -> None:
    for multiplier in MULTIPLIERS:
        hashes = key_hashes(key, multiplier)

        assert sdbm_files.sdbm_hash(key, multiplier) == hashes[-1]
        assert len(hashes) == (1 if key.isascii() else 2)


def test_the_directory_tells_the_mask_of_a_page() -> None:
    trie = Directory(bytes([0b00000101]))  # the root is split, and on its right page 1

    assert [trie.trie_mask(number) for number in (0, 1, 3)] == [1, 3, 3]
    assert [Directory(b"").trie_mask(0), Directory(b"").level_mask(0)] == [0, 0]


def test_text_is_of_no_geometry() -> None:
    assert find_geometry(b"Some text, nothing else. " * 400) is None
    assert find_geometry(b"") is None
