"""Berkeley DB files of numbered records: recno and queue, intact, damaged, and beside the library's own tools."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match
from app.backends.registry import open_database, salvager_for
from app.backends.salvage import Origin, Salvage
from app.cancel import CancelToken
from app.errors import CorruptDatabase, StaleIndex
from tests import corpus
from tests.backends.listing import entries_of, index_of, pickle_end
from tests.backends.native import bdb_load
from tests.backends.native_bdb import bdb_queue
from tests.backends.reading import read_all

CopyCase = Callable[[str], Path]
CASES = corpus.databases("bdb-recno", "bdb-queue", corrupt=False)
PAGE = 512
LARGE = st.builds(
    lambda piece, size: (piece * size)[:size], st.binary(min_size=1, max_size=30), st.integers(400, 1_500)
)
VALUES = st.lists(st.binary(max_size=40) | LARGE, min_size=1, max_size=150)


def open_match(match: Match) -> Backend:
    return open_database(match.path)


def numbered(values: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [(struct.pack("<I", number), value) for number, value in enumerate(values, 1)]


def patch(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def pages_of(path: Path, kind: int) -> list[int]:
    content = path.read_bytes()
    return [page for page in range(1, len(content) // PAGE) if content[page * PAGE + 25] == kind]


@pytest.mark.parametrize("name", ["bdb53-recno", "bdb53-recno-renumber", "bdb53-queue"])
def test_keys_are_the_record_numbers_in_their_order(database_case: CopyCase, name: str) -> None:
    with open_database(database_case(name)) as backend:
        entries = [corpus.expected_entry(*pair) for pair in entries_of(backend)]

    assert entries == list(corpus.database(name).entries)


def test_deleted_records_keep_their_numbers_unless_the_file_renumbers(database_case: CopyCase) -> None:
    last = {}
    for name in ("bdb53-recno", "bdb53-recno-renumber"):
        with open_database(database_case(name)) as backend:
            keys = [struct.unpack("<I", key)[0] for key, _ in entries_of(backend)]
        last[name] = keys[-1] - len(keys)

    assert last == {"bdb53-recno": 3, "bdb53-recno-renumber": 0}


@given(values=VALUES, order=st.sampled_from([1234, 4321]), checksums=st.booleans(), renumber=st.booleans())
def test_recno_files_of_the_library_are_read_exactly(
    tmp_path_factory: pytest.TempPathFactory, values: list[bytes], order: int, *, checksums: bool, renumber: bool
) -> None:
    path = tmp_path_factory.mktemp("recno") / "x.db"
    settings = {"db_lorder": order, "db_pagesize": PAGE, "chksum": int(checksums), "renumber": int(renumber)}
    bdb_load(path, numbered_for_load(values), "recno", keys=1, **settings)

    with open_database(path) as backend:
        assert entries_of(backend) == numbered(values)
        assert (backend.problems, backend.notes) == ([], [])
        assert ("renumbering" in backend.match.variant) == renumber


def numbered_for_load(values: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return record numbers as db_load wants them: in digits."""
    return [(str(number).encode(), value) for number, value in enumerate(values, 1)]


@given(values=st.lists(st.binary(min_size=9, max_size=9), max_size=300), order=st.sampled_from([1234, 4321]))
def test_queues_of_the_library_are_read_exactly(
    tmp_path_factory: pytest.TempPathFactory, values: list[bytes], order: int
) -> None:
    path = tmp_path_factory.mktemp("queue") / "x.db"
    bdb_load(path, numbered_for_load(values), "queue", keys=1, db_lorder=order, db_pagesize=PAGE, re_len=9)

    with open_database(path) as backend:
        assert entries_of(backend) == numbered(values)
        assert (backend.problems, backend.notes) == ([], [])


def test_a_queue_whose_numbers_have_started_again_is_listed_from_its_front(database_case: CopyCase) -> None:
    path = database_case("bdb53-queue")
    with open_database(path) as backend:
        before = entries_of(backend)
    patch(path, 72, struct.pack("<II", 40, 30))

    with open_database(path) as backend:
        after = entries_of(backend)

    numbers = [struct.unpack("<I", key)[0] for key, _ in after]
    assert numbers[0] == 40
    assert numbers == sorted(number for number in numbers if number >= 40) + [n for n in numbers if n < 30]
    assert set(after) < set(before)


def test_a_queue_that_spans_all_numbers_is_bounded_by_its_file(database_case: CopyCase) -> None:
    path = database_case("bdb53-queue")
    patch(path, 72, struct.pack("<II", 1, 0xFFFFFFFF))

    with open_database(path) as backend:
        assert len(entries_of(backend)) == 117
        assert "ends before" in backend.problems[0].message


@pytest.mark.parametrize(("offset", "word"), [(72, 0), (76, 0), (80, 0xFFFFFFFF), (88, 0), (88, 0xFFFFFFFF)])
def test_a_queue_with_impossible_fields_is_refused(database_case: CopyCase, offset: int, word: int) -> None:
    path = database_case("bdb53-queue")
    patch(path, offset, struct.pack("<I", word))

    with pytest.raises(CorruptDatabase, match="contradict"):
        open_database(path)


def queue_with_extents(folder: Path) -> Path:
    """Make a queue of records 61 to 200, of which the hundredth is deleted, two pages to an extent."""
    path = folder / "test.db"
    bdb_queue(path, records=200, taken=60, deleted=100)
    return path


def records(path: Path) -> dict[int, bytes]:
    with open_database(path) as backend:
        return {struct.unpack("<I", key)[0]: value for key, value in entries_of(backend)}


def test_a_queue_with_extents_is_read(tmp_path: Path) -> None:
    path = queue_with_extents(tmp_path)

    with open_database(path) as backend:
        assert list(backend.check(CancelToken())) == []

    assert records(path) == {number: b"record %-13d" % number for number in range(61, 201) if number != 100}


def test_the_records_of_a_lost_extent_are_missed(tmp_path: Path) -> None:
    path = queue_with_extents(tmp_path)
    whole = records(path)
    (tmp_path / "__dbq.test.db.2").unlink()

    with open_database(path) as backend:
        left = dict(entries_of(backend))
        assert [problem.message for problem in backend.problems] == [
            "Of the pages with records 2 are missing: an extent file is lost or cut."
        ]

    assert 0 < len(left) < len(whole)
    assert set(left.values()) < set(whole.values())


def test_a_damaged_extent_is_named(tmp_path: Path) -> None:
    path = queue_with_extents(tmp_path)
    patch(tmp_path / "__dbq.test.db.3", 512 + 25, b"\x63")

    with open_database(path) as backend:
        index_of(backend)
        [problem] = backend.problems

    assert "__dbq.test.db.3: page 8" in problem.message
    assert problem.offset is None


def test_an_extent_that_went_away_makes_the_index_stale(tmp_path: Path) -> None:
    path = queue_with_extents(tmp_path)
    with open_database(path) as backend:
        index = index_of(backend)
    with open_database(path) as backend:
        (tmp_path / "__dbq.test.db.4").unlink()
        index_of(backend)
        with pytest.raises(StaleIndex):
            backend.read(*index.entry(len(index) - 1))


@pytest.mark.parametrize("size", [1, 0xFFFFFFFF])
def test_extents_are_bounded_by_their_files(tmp_path: Path, size: int) -> None:
    path = queue_with_extents(tmp_path)
    patch(path, 92, struct.pack("<I", size))
    patch(path, 72, struct.pack("<II", 1, 0xFFFFFFFF))

    with open_database(path) as backend:
        index_of(backend)
        assert backend.problems


def test_records_that_were_taken_out_are_salvaged(tmp_path: Path) -> None:
    path = queue_with_extents(tmp_path)
    salvage = Salvage(path, path, True, pickle_end, lambda message, _offset: pytest.fail(message), CancelToken())

    found = list(salvager_for("bdb-queue")(salvage))

    live = {one.key: one.value for one in found if one.origin is Origin.LIVE}
    assert {struct.unpack("<I", key or b"")[0]: value for key, value in live.items()} == records(path)
    deleted = {one.value.rstrip() for one in found if one.origin is Origin.DELETED}
    assert b"record 100" in deleted
    assert deleted <= {b"record %d" % number for number in (*range(1, 61), 100)}


def test_a_queue_without_its_first_page_cannot_be_salvaged(database_case: CopyCase) -> None:
    path = database_case("bdb53-queue")
    patch(path, 0, bytes(512))
    said: list[str] = []
    salvage = Salvage(path, path, True, pickle_end, lambda message, _offset: said.append(message), CancelToken())

    assert list(salvager_for("bdb-queue")(salvage)) == []
    assert said == ["The first page of test.db is lost; without it no record can be told."]


def test_records_behind_a_lost_leaf_keep_their_numbers(database_case: CopyCase) -> None:
    path = database_case("bdb53-recno")
    patch(path, pages_of(path, 6)[2] * PAGE + 25, b"\x63")

    reading = read_all(path, open_match)

    entries = corpus.database("bdb53-recno").entries
    read = [corpus.expected_entry(*pair) for pair in reading.entries]
    assert set(read) < set(entries)
    assert read[-1] == entries[-1]
    assert reading.complaints


def test_without_a_root_records_are_counted_along_their_chain(database_case: CopyCase) -> None:
    path = database_case("bdb53-recno")
    [root] = pages_of(path, 4)
    patch(path, root * PAGE + 25, b"\x63")

    reading = read_all(path, open_match)

    assert [corpus.expected_entry(*pair) for pair in reading.entries] == list(corpus.database("bdb53-recno").entries)
    assert any("root" in complaint for complaint in reading.complaints)


def test_leaves_whose_numbers_are_lost_are_left_out(database_case: CopyCase) -> None:
    path = database_case("bdb53-recno")
    [root] = pages_of(path, 4)
    leaves = pages_of(path, 6)
    patch(path, root * PAGE + 25, b"\x63")
    patch(path, leaves[1] * PAGE + 25, b"\x63")

    reading = read_all(path, open_match)

    entries = corpus.database("bdb53-recno").entries
    assert 0 < len(reading.entries) < len(entries)
    assert {corpus.expected_entry(*pair) for pair in reading.entries} < set(entries)
    assert any("numbers are lost" in complaint for complaint in reading.complaints)


def test_counts_that_disagree_are_told(database_case: CopyCase) -> None:
    path = database_case("bdb53-recno")
    [root] = pages_of(path, 4)
    slot = struct.unpack_from("<H", path.read_bytes(), root * PAGE + 26)[0]
    patch(path, root * PAGE + slot + 4, b"\x01")

    reading = read_all(path, open_match)

    assert any("numbers may be wrong" in complaint for complaint in reading.complaints)


def test_records_with_impossible_numbers_are_left_out(database_case: CopyCase) -> None:
    path = database_case("bdb53-recno")
    [root] = pages_of(path, 4)
    slot = struct.unpack_from("<H", path.read_bytes(), root * PAGE + 26)[0]
    patch(path, root * PAGE + slot + 4, b"\xff\xff\xff\xff")

    reading = read_all(path, open_match)

    assert any("impossible numbers" in complaint for complaint in reading.complaints)
    assert reading.entries


@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
@pytest.mark.parametrize("locator", [0, 1, 1 << 16, 1 << 40, 1 << 62, -1])
def test_a_locator_of_another_record_is_stale(database_case: CopyCase, case: corpus.DatabaseCase, locator: int) -> None:
    with open_database(database_case(case.name)) as backend:
        index_of(backend)
        with pytest.raises(StaleIndex):
            backend.read(b"\x63\0\0\0", locator, 5)
