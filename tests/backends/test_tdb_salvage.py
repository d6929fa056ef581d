"""TDB: records beside those that the chains lead to, in intact and damaged files."""

import subprocess
from pathlib import Path

import pytest

from app.backends.registry import open_database
from app.backends.salvage import Origin
from app.cancel import CancelToken
from tests import corpus
from tests.backends.native_neighbours import neighbour_tool, tdb_restore
from tests.backends.salvaging import is_of_the_original, salvaged
from tests.backends.tdb_files import patch, words_at

INTACT = corpus.databases("tdb", corrupt=False)
FREE_LIST_AT, CHAINS_AT = 168, 172
RECORD, DEAD, FREE = 0x26011999, 0xFEE1DEAD, 0xD9FEE666


def entries(count: int = 60) -> dict[bytes, bytes]:
    return {b"key-%d" % number: b"value %d " % number * (number % 7) for number in range(count)}


def checked(path: Path) -> list[str]:
    with open_database(path) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


def first_chain(path: Path) -> tuple[int, int]:
    """Return where the first chain that is not empty hangs, and the record it begins with."""
    for place in range(CHAINS_AT, CHAINS_AT + 4 * 131, 4):
        (link,) = words_at(path, place, 1)
        if link:
            return place, link
    raise AssertionError


def delete(path: Path, *keys: str) -> None:
    commands = "".join(f"delete {key}\n" for key in keys)
    subprocess.run(
        [neighbour_tool("tdbtool", "tdb-tools"), str(path)], input=commands, text=True, check=True, capture_output=True
    )


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_nothing_is_wrong_with_an_intact_file_and_all_of_it_is_found(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)

    assert checked(path) == []
    found = salvaged(path)
    assert sorted((one.key or b"", one.value) for one in found.found) == sorted(
        (entry.key, entry.value) for entry in case.entries if isinstance(entry.value, bytes)
    )
    assert found.reports == []


def test_nothing_is_wrong_after_the_library_removed_and_added_entries(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    delete(path, *(f"key-{number}" for number in range(0, 60, 3)))

    assert checked(path) == []


@pytest.mark.parametrize("case", corpus.databases("tdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_case_gives_pairs_of_the_original_and_nothing_else(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    found = salvaged(case.copy_to(tmp_path), deleted=True)

    assert all(is_of_the_original(case, one) for one in found.found)
    assert len(found.found) > 50
    assert found.reports


def test_entries_behind_a_broken_chain_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    place, _ = first_chain(path)
    patch(path, place, 1 << 30)

    found = salvaged(path)

    assert dict(found.pairs()) == entries()
    assert len(found.pairs(Origin.LOST)) == 1
    assert any("No chain leads to an entry" in sentence for sentence in checked(path))


def test_without_a_header_all_entries_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    path.write_bytes(bytes(400) + path.read_bytes()[400:])

    found = salvaged(path, format_id="tdb", base=path)

    assert dict(found.pairs(Origin.LOST)) == entries()


def test_removed_entries_are_found_on_request(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    before = entries()
    tdb_restore(path, before.items())
    delete(path, *(f"key-{number}" for number in (3, 4, 5, 20)))
    left = dict(salvaged(path).pairs())
    assert set(left) == set(before) - {b"key-3", b"key-4", b"key-5", b"key-20"}

    found = salvaged(path, deleted=True)

    assert dict(found.pairs(Origin.LIVE)) == left
    deleted = dict(found.pairs(Origin.DELETED))
    assert deleted == {key: before[key] for key in set(before) - set(left)}
    assert found.reports == []


def test_a_dead_record_is_a_deleted_entry(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    _, record = first_chain(path)
    patch(path, record + 20, DEAD)

    found = salvaged(path, deleted=True)

    assert len(found.pairs(Origin.DELETED)) == 1
    assert dict(found.pairs()) == entries()
    assert checked(path) == []


def test_free_room_that_is_in_no_list_and_a_list_that_leads_astray_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    (free,) = words_at(path, FREE_LIST_AT, 1)
    patch(path, FREE_LIST_AT, 0)
    assert any("is not in the list" in sentence for sentence in checked(path))

    patch(path, FREE_LIST_AT, free)
    patch(path, free, free)
    assert any("leads to what is not free, or back" in sentence for sentence in checked(path))


def test_records_that_do_not_follow_each_other_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    start = CHAINS_AT + 4 * 131
    room = words_at(path, start, 2)[1]
    patch(path, start + 24 + room - 4, 7)
    assert any("does not say its length" in sentence for sentence in checked(path))

    patch(path, start + 20, 5)
    sentences = checked(path)
    assert any("is no record" in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_a_record_whose_end_does_not_say_its_length_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.tdb"
    tdb_restore(path, entries().items())
    place, start = first_chain(path)
    patch(path, place, 1 << 30)
    (room,) = words_at(path, start + 4, 1)
    patch(path, start + 24 + room - 4, 7)

    assert salvaged(path).pairs(Origin.LOST) == []
