"""Berkeley DB hash and btree files, intact, damaged, and beside Berkeley DB's own tools."""

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match
from app.backends.berkeley.btree import BdbBtreeBackend
from app.backends.berkeley.hash import BdbHashBackend
from app.backends.berkeley.meta import key_hash
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import BackendMissing, Cancelled, CannotOpen, CorruptDatabase, StaleIndex
from tests import corpus
from tests.backends.damaging import with_noise, with_one_byte_changed
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.native import bdb_dump, bdb_load
from tests.backends.reading import read_all, wrong_pairs

CopyCase = Callable[[str], Path]
FORMATS = ("bdb-hash", "bdb-btree")


INTACT = [case for case in corpus.databases(*FORMATS, corrupt=False) if case.name != "bdb53-subdbs"]
UNDETECTED_NOISE = {
    "corrupt-bdb-v4.2.52.5-btree-mid-noise": 2,
    "corrupt-bdb53-btree-mid-1024-BE-noise": 2,
    "corrupt-bdb53-btree-mid-4096-noise": 1,
    "corrupt-bdb53-btree-n150-512-BE-noise": 4,
    "corrupt-bdb53-btree-n150-dbload-lorder4321-noise": 3,
    "corrupt-bdb53-btree-n150-s390x-noise": 1,
}
"""Wrong pairs that come out where noise hit the bytes of a key or value, which a btree has no check for."""
FUZZED = [
    corpus.database(name)
    for name in (
        "bdb53-hash-odd-512", "bdb53-hash-dup", "bdb53-hash-n150-512-BE", "bdb-v4.2.52.5-hash-mid",
        "bdb53-btree-odd-512", "bdb53-btree-dup", "bdb53-btree-n150-512-BE", "bdb53-btree-chksum",
        "bdb-v2.7.7-hash-dups", "bdb-v2.7.7-btree-dups", "bdb-v3.0.55.1-hash-dups", "bdb-v3.0.55.1-btree-dups",
    )
]  # fmt: skip

KEYS = st.binary(max_size=60) | st.binary(min_size=120, max_size=700)
"""The longer ones go to overflow pages where pages have 512 bytes."""
DUPLICATED_KEYS = st.binary(max_size=2) | st.just(b"k" * 300)


def open_match(match: Match) -> Backend:
    return BdbHashBackend(match) if match.format_id == "bdb-hash" else BdbBtreeBackend(match)


def open_path(path: Path) -> Backend:
    return open_match(whichdb(path)[0])


def counted(pairs: list[tuple[bytes, bytes]]) -> Counter[corpus.ExpectedEntry]:
    return Counter(corpus.expected_entry(key, value) for key, value in pairs)


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_every_entry_of_an_intact_file_is_read(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with open_path(database_case(case.name)) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        assert (backend.problems, backend.notes) == ([], [])
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize("case", corpus.databases(*FORMATS, corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_what_is_intact(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), open_match) == UNDETECTED_NOISE.get(case.name, 0)


@pytest.mark.parametrize(("method", "version"), [("hash", 4), ("hash", 11), ("btree", 5), ("btree", 11)])
def test_an_unknown_version_is_refused_with_a_sentence(database_case: CopyCase, method: str, version: int) -> None:
    path = database_case(f"bdb53-{method}-one-def")
    patch(path, 16, version.to_bytes(4, "little"))

    with pytest.raises(BackendMissing, match="not there yet"):
        open_path(path)
    with pytest.raises(BackendMissing, match="not there yet"):
        open_match(replace(whichdb(path)[0], unsupported=""))


@given(data=st.data())
def test_one_changed_byte_is_never_more_than_damage(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    path = with_one_byte_changed(case, tmp_path_factory.mktemp("fuzz"), data, magic_end=16)

    reading = read_all(path, open_match)

    wrong = counted(reading.entries) - Counter(case.entries)
    assert len({entry.key for entry in wrong}) <= 1 or reading.complaints


@given(data=st.data())
def test_noise_ends_in_entries_and_sentences(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    path = with_noise(case, tmp_path_factory.mktemp("noise"), data)

    reading = read_all(path, open_match)

    assert all(complaint.endswith(".") for complaint in reading.complaints)


@pytest.mark.parametrize("method", ["hash", "btree"])
@given(
    pairs=st.dictionaries(KEYS, st.binary(max_size=900), max_size=80),
    order=st.sampled_from([1234, 4321]),
    page_size=st.sampled_from([512, 4096]),
    checksums=st.booleans(),
)
def test_what_the_library_writes_is_what_we_list(
    tmp_path_factory: pytest.TempPathFactory,
    method: str,
    pairs: dict[bytes, bytes],
    order: int,
    page_size: int,
    checksums: bool,
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.db"
    bdb_load(path, pairs.items(), method, db_lorder=order, db_pagesize=page_size, chksum=int(checksums))

    with open_path(path) as backend:
        assert sorted(entries_of(backend)) == sorted(pairs.items())
        assert entries_of(backend) == bdb_dump(path)
        assert backend.problems == []


@pytest.mark.parametrize("method", ["hash", "btree"])
@given(
    pairs=st.lists(st.tuples(DUPLICATED_KEYS, st.binary(max_size=200)), max_size=200),
    is_sorted=st.booleans(),
)
def test_duplicates_come_in_the_order_of_the_library(
    tmp_path_factory: pytest.TempPathFactory,
    method: str,
    pairs: list[tuple[bytes, bytes]],
    is_sorted: bool,
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.db"
    pairs = list(dict.fromkeys(pairs)) if is_sorted else pairs
    bdb_load(path, pairs, method, duplicates=1, dupsort=int(is_sorted), db_pagesize=512)

    with open_path(path) as backend:
        assert entries_of(backend) == bdb_dump(path)
        assert backend.problems == []


@pytest.mark.parametrize("method", ["hash", "btree"])
@pytest.mark.parametrize("dupsort", [0, 1])
def test_thousands_of_duplicates_of_a_key_are_read_from_their_own_tree(
    tmp_path: Path, method: str, dupsort: int
) -> None:
    path = tmp_path / "x.db"
    pairs = [(key, b"value %05d" % number) for key in (b"a", b"b" * 300) for number in range(5000)]
    bdb_load(path, pairs, method, duplicates=1, dupsort=dupsort, db_pagesize=512)

    with open_path(path) as backend:
        assert entries_of(backend) == bdb_dump(path)
        assert sorted(entries_of(backend)) == pairs
        assert backend.problems == []


def test_a_btree_with_record_numbers_is_read_like_any_other(tmp_path: Path) -> None:
    pairs = [(b"%04d" % number, b"value") for number in range(500)]
    bdb_load(tmp_path / "x.db", pairs, "btree", recnum=1, db_pagesize=512)

    with open_path(tmp_path / "x.db") as backend:
        assert entries_of(backend) == pairs


def test_a_hash_function_of_the_writer_is_noted_and_not_held_against_the_keys(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-odd-512")
    patch(path, 92, b"\x12\x34\x56\x78")  # what the function of the program made of the test key

    with open_path(path) as backend:
        assert len(entries_of(backend)) == 15
        assert backend.problems == []
        assert "could not be checked" in backend.notes[0]


def test_an_order_of_the_writer_is_noted_and_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    bdb_load(path, [(b"%03d" % number, b"") for number in range(30)], "btree")
    content = path.read_bytes()
    for number in range(30):  # as a comparison of the last digit first would have it
        content = content.replace(b"\x01%03d" % number, b"\x01" + (b"%03d" % number)[::-1])
    path.write_bytes(content)

    with open_path(path) as backend:
        assert len(index_of(backend)) == 30
        assert backend.problems == []
        assert "order" in backend.notes[0]


def test_a_single_key_out_of_order_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    bdb_load(path, [(b"%03d" % number, b"") for number in range(60)], "btree")
    path.write_bytes(path.read_bytes().replace(b"\x01030", b"\x01930"))

    with open_path(path) as backend:
        assert len(index_of(backend)) == 60
        assert ["out of order" in problem.message for problem in backend.problems] == [True]


def test_entries_of_a_tree_without_its_root_are_listed_in_order(database_case: CopyCase) -> None:
    path = database_case("bdb53-btree-n1000-512")
    root = struct.unpack_from("<I", path.read_bytes(), 88)[0]
    patch(path, root * 512 + 25, b"\x63")  # a page type that there is not

    with open_path(path) as backend:
        keys = [key for key, _ in entries_of(backend)]

        assert keys == sorted(keys)
        assert len(keys) == 1000
        assert backend.problems


def test_a_leaf_chain_that_runs_in_a_circle_ends(database_case: CopyCase) -> None:
    path = database_case("bdb53-btree-n150-512-BE")
    content = path.read_bytes()
    leaves = [page for page in range(1, len(content) // 512) if content[page * 512 + 25] == 5]
    patch(path, leaves[-1] * 512 + 16, leaves[0].to_bytes(4, "big"))

    with open_path(path) as backend:
        assert len(entries_of(backend)) == 150
        assert backend.problems


def test_four_milliard_buckets_cannot_multiply_the_work(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-odd-512")
    patch(path, 72, b"\xff" * 12)  # max_bucket and both masks

    reading = read_all(path, open_match)

    assert reading.complaints


def test_overflow_pages_of_two_items_are_believed_once(database_case: CopyCase) -> None:
    path = database_case("bdb53-btree-mid-4096")
    with open_path(path) as backend:
        sizes = [index_of(backend).size(entry_id) for entry_id in range(4)]
    content = path.read_bytes()
    references = [content.find(struct.pack("<BxII", 3, page, size)) for size in sizes for page in range(1, 40)]
    first, second = sorted(place for place in references if place >= 0)[:2]
    patch(path, second, content[first : first + 10])

    with open_path(path) as backend:
        index_of(backend)

        assert any("belong to two items" in problem.message for problem in backend.problems)


def test_a_blob_is_named_as_lying_outside(database_case: CopyCase) -> None:
    path = database_case("bdb53-btree-one-def")
    root = struct.unpack_from("<I", path.read_bytes(), 88)[0]
    value_slot = struct.unpack_from("<H", path.read_bytes(), root * 4096 + 28)[0]
    patch(path, root * 4096 + value_slot + 2, b"\x04")

    with open_path(path) as backend:
        assert len(index_of(backend)) == 0
        assert "external file" in backend.problems[0].message


def test_opening_and_reading_change_nothing(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-big-4096")
    path.parent.chmod(0o555)
    before = folder_state(path.parent)

    with open_path(path) as backend:
        assert len(entries_of(backend)) == 4

    assert folder_state(path.parent) == before


@pytest.mark.parametrize("name", ["bdb53-hash-dup", "bdb53-btree-dup", "bdb53-hash-dupsort", "bdb53-btree-dupsort"])
def test_every_locator_is_stale_for_another_key(database_case: CopyCase, name: str) -> None:
    with open_path(database_case(name)) as backend:
        index = index_of(backend)
        for entry_id in range(len(index)):
            with pytest.raises(StaleIndex):
                backend.read(b"no such key", index.locator(entry_id), index.size(entry_id))


@pytest.mark.parametrize("name", ["bdb53-hash-dup", "bdb53-btree-dup"])
@pytest.mark.parametrize("locator", [0, 1, 1 << 16, 1 << 62, -1, -(1 << 40)])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, name: str, locator: int) -> None:
    with open_path(database_case(name)) as backend, pytest.raises(StaleIndex):
        backend.read(b"key", locator, 1)


@pytest.mark.parametrize("name", ["bdb53-hash-big-4096", "bdb53-btree-mid-1024-BE", "bdb53-hash-dup"])
def test_a_prefix_is_the_beginning_of_the_value(database_case: CopyCase, name: str) -> None:
    with open_path(database_case(name)) as backend:
        index = index_of(backend)
        for entry_id in range(len(index)):
            place = index.key(entry_id), index.locator(entry_id), index.size(entry_id)
            assert backend.read_prefix(*place, 9) == backend.read(*place)[:9]


def test_a_value_on_a_broken_chain_is_listed_and_its_reading_fails(database_case: CopyCase) -> None:
    with open_path(database_case("corrupt-bdb-v4.2.52.5-hash-mid-loop")) as backend:
        index = index_of(backend)
        assert len(index) == 4
        failed = 0
        for entry_id in range(4):
            try:
                backend.read(index.key(entry_id), index.locator(entry_id), index.size(entry_id))
            except CorruptDatabase:
                failed += 1

        assert failed == 1


def test_indexing_again_repeats_no_problem(database_case: CopyCase) -> None:
    with open_path(database_case("corrupt-bdb53-btree-n150-s390x-noise")) as backend:
        index_of(backend)
        before = list(backend.problems)

        index_of(backend)

        assert backend.problems == before


def test_listing_can_be_cancelled(database_case: CopyCase) -> None:
    token = CancelToken()
    with open_path(database_case("bdb53-hash-n1000-512")) as backend:
        chunks = backend.index(token)
        next(chunks)
        token.cancel()

        with pytest.raises(Cancelled):
            list(chunks)


def test_a_damaged_first_page_is_refused(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-odd-512")
    patch(path, 20, b"\x03\x02\x00\x00")

    with pytest.raises(CorruptDatabase, match="first page"):
        open_path(path)


def test_an_encrypted_file_is_named_as_such(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-odd-512")
    patch(path, 24, b"\x01")

    with pytest.raises(BackendMissing, match="encrypted"):
        open_path(path)


def test_a_file_that_vanished_between_looking_and_opening_cannot_be_opened(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-odd-512")
    match = whichdb(path)[0]
    path.unlink()

    with pytest.raises(CannotOpen):
        open_match(match)


def test_the_hash_function_is_that_of_the_library() -> None:
    assert key_hash(b"%$sniglet^&\0") == 0x5E688DD1


def patch(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
