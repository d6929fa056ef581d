"""GDBM files of all layouts and byte orders, intact, damaged, and beside GDBM's own library."""

import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Match
from app.backends.gdbm.backend import GdbmBackend
from app.backends.gdbm.layout import key_hashes
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import Cancelled, CorruptDatabase, StaleIndex
from tests import corpus
from tests.backends.damaging import with_noise, with_one_byte_changed
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.native import NativeGdbm, native_gdbm
from tests.backends.reading import SECONDS, read_all, wrong_pairs

CopyCase = Callable[[str], Path]
INTACT = corpus.databases("gdbm", corrupt=False)
NATIVE_CASE = "gdbm-x86_64-1.23-n150-512-numsync"
FUZZED = [
    corpus.database(name)
    for name in (NATIVE_CASE, "gdbm-s390x-odd", "gdbm-off32-1.8.3-del60-512", "gdbm-i386lfs-1.23-odd-512-numsync")
]
PAIRS = st.dictionaries(st.binary(max_size=40), st.binary(max_size=300), max_size=60)


@pytest.fixture(scope="module")
def gdbm() -> Iterator[NativeGdbm]:
    with native_gdbm() as library:
        yield library


def match_of(path: Path) -> Match:
    return whichdb(path)[0]


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_every_entry_of_an_intact_file_is_read(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with GdbmBackend(match_of(database_case(case.name))) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        assert backend.problems == []
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize("case", corpus.databases("gdbm-ndbm"), ids=corpus.name_of)
def test_the_pages_that_gdbm_writes_for_ndbm_are_read_too(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with GdbmBackend(match_of(database_case(case.name))) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize("case", corpus.databases("gdbm", corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_no_pair_that_was_not_there(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), GdbmBackend) == 0


def test_a_damaged_directory_entry_costs_nothing_while_another_leads_to_the_bucket(database_case: CopyCase) -> None:
    with GdbmBackend(match_of(database_case(f"corrupt-{NATIVE_CASE}-badptr"))) as backend:
        assert len(index_of(backend)) == 150
        assert [problem.offset for problem in backend.problems] == [512]


def test_a_file_cut_behind_its_header_is_refused_with_the_place(database_case: CopyCase) -> None:
    path = database_case(f"corrupt-{NATIVE_CASE}-header-only")

    with pytest.raises(CorruptDatabase, match="cut") as caught:
        GdbmBackend(match_of(path))

    assert (caught.value.path, caught.value.offset) == (path, 512)


@given(data=st.data())
def test_one_changed_byte_costs_what_it_hits_and_forges_no_key(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    path = with_one_byte_changed(case, tmp_path_factory.mktemp("fuzz"), data, magic_end=4)

    reading = read_all(path, GdbmBackend)

    assert {key for key, _ in reading.entries} <= {entry.key for entry in case.entries}
    unknown = [pair for pair in reading.entries if corpus.expected_entry(*pair) not in case.entries]
    assert len(unknown) <= 1
    if len(reading.entries) < len(case.entries):
        assert reading.complaints


@given(data=st.data())
def test_noise_is_never_more_than_damage(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    path = with_noise(case, tmp_path_factory.mktemp("noise"), data)

    reading = read_all(path, GdbmBackend)

    assert len(reading.entries) >= len(case.entries) or reading.complaints


@given(pairs=PAIRS, data=st.data())
def test_what_the_library_writes_is_what_we_list(
    gdbm: NativeGdbm, tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.gdbm"
    deleted = data.draw(st.sets(st.sampled_from(sorted(pairs)))) if pairs else set()
    gdbm.write(path, pairs.items(), deleted)

    with GdbmBackend(match_of(path)) as backend:
        assert sorted(entries_of(backend)) == sorted((key, pairs[key]) for key in pairs.keys() - deleted)
        assert backend.problems == []


def test_opening_and_reading_change_nothing(database_case: CopyCase) -> None:
    path = database_case(NATIVE_CASE)
    path.parent.chmod(0o555)
    before = folder_state(path.parent)

    with GdbmBackend(match_of(path)) as backend:
        assert len(entries_of(backend)) == 150

    assert folder_state(path.parent) == before


def test_a_writer_may_open_the_file_that_we_look_at_and_is_seen(gdbm: NativeGdbm, database_case: CopyCase) -> None:
    path = database_case("gdbm-python-n150")
    with GdbmBackend(match_of(path)) as backend:
        index = index_of(backend)
        assert backend.lock_seen == ""

        answer = gdbm("open", path, "w")

        assert answer == "done"
        if Path("/proc/locks").exists():
            assert "open for writing" in backend.lock_seen
        assert backend.read(index.key(0), index.locator(0), index.size(0))
    gdbm("close", path)


def test_an_entry_that_was_deleted_meanwhile_is_stale(gdbm: NativeGdbm, database_case: CopyCase) -> None:
    path = database_case("gdbm-python-n150")
    with GdbmBackend(match_of(path)) as backend:
        index = index_of(backend)
        key, locator, size = index.key(7), index.locator(7), index.size(7)
        gdbm("open", path, "w")
        gdbm("delete", path, key)
        gdbm("close", path)

        with pytest.raises(StaleIndex):
            backend.read(key, locator, size)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut a mapped file")
def test_a_file_that_was_cut_meanwhile_is_stale_and_no_bus_error(database_case: CopyCase) -> None:
    path = database_case(NATIVE_CASE)
    with GdbmBackend(match_of(path)) as backend:
        index = index_of(backend)
        with path.open("r+b") as file:
            file.truncate(100)

        with pytest.raises(StaleIndex, match="cut short"):
            backend.read(index.key(0), index.locator(0), index.size(0))


@pytest.mark.parametrize("locator", [-1, 0, 1 << 40, 600])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, locator: int) -> None:
    with GdbmBackend(match_of(database_case(NATIVE_CASE))) as backend, pytest.raises(StaleIndex):
        backend.read(b"key", locator, 1)


def test_a_prefix_is_the_beginning_of_the_value(database_case: CopyCase) -> None:
    with GdbmBackend(match_of(database_case("gdbm-x86_64-1.23-big-4096"))) as backend:
        index = index_of(backend)
        longest = max(range(len(index)), key=index.size)
        key, locator, size = index.key(longest), index.locator(longest), index.size(longest)

        assert backend.read_prefix(key, locator, size, 10) == backend.read(key, locator, size)[:10]


def test_indexing_again_repeats_no_problem(database_case: CopyCase) -> None:
    with GdbmBackend(match_of(database_case(f"corrupt-{NATIVE_CASE}-cut"))) as backend:
        index_of(backend)
        before = list(backend.problems)

        index_of(backend)

        assert backend.problems == before


def test_a_file_replaced_by_one_of_the_other_byte_order_is_not_misread(database_case: CopyCase) -> None:
    path = database_case("gdbm-python-n150")
    match = match_of(path)
    path.write_bytes(database_case("gdbm-s390x-n300").read_bytes())

    with pytest.raises(StaleIndex):
        GdbmBackend(match)


def test_listing_can_be_cancelled(database_case: CopyCase) -> None:
    token = CancelToken()
    with GdbmBackend(match_of(database_case("gdbm-x86_64-1.23-n1000-512"))) as backend:
        chunks = backend.index(token)
        next(chunks)
        token.cancel()

        with pytest.raises(Cancelled):
            list(chunks)


def hostile_file(path: Path, directory: list[int], bucket_size: int, content: bytes = b"") -> Path:
    """Write a 64-bit GDBM file: a valid header, any directory at byte 512, then any content."""
    elements = (bucket_size - 136) // 24 + 1
    bits = len(directory).bit_length() - 1
    body = struct.pack(f"<{len(directory)}q", *directory) + content
    header = struct.pack("<IiqiiiiQ", 0x13579ACF, 512, 512, 8 << bits, bits, bucket_size, elements, 512 + len(body))
    path.write_bytes(header.ljust(512, b"\0") + body)
    return path


def test_buckets_that_lie_on_each_other_cannot_multiply_the_work(tmp_path: Path) -> None:
    path = hostile_file(tmp_path / "x.gdbm", list(range(512, 512 + (1 << 16))), 65_536)
    start = monotonic()

    with GdbmBackend(match_of(path)) as backend:
        index_of(backend)

        assert monotonic() - start < SECONDS
        assert "more buckets than the file can hold" in backend.problems[-1].message


def test_elements_that_all_name_one_huge_key_cannot_take_the_memory(tmp_path: Path) -> None:
    key = bytes(1 << 20)
    elements = 40_000
    bucket, address = 136 + 24 * (elements - 1), 512 + 16
    element = struct.pack("<i4sqii", key_hashes(key)[0], key[:4], address + bucket, len(key), 0)
    content = bytes(112) + element * elements + key
    path = hostile_file(tmp_path / "x.gdbm", [address, address], bucket, content)

    with GdbmBackend(match_of(path)) as backend:
        index = index_of(backend)

        assert 1 <= len(index) <= 4 * path.stat().st_size // len(key)
        assert backend.problems


def test_the_hash_of_bytes_above_127_has_both_signs() -> None:
    assert len(key_hashes(b"plain")) == 1
    assert len(set(key_hashes("café".encode()))) == 2
    assert key_hashes(b"") == (12345,)
