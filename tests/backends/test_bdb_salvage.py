"""What is found in Berkeley DB hash files that are cut, damaged, or without a first page, and what was removed."""

import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.berkeley.pages import HASH, UNUSED
from app.backends.salvage import Origin
from app.backends.writer import Duplicates
from app.errors import CannotOpen
from tests import corpus
from tests.backends.damaging import cut_anywhere, with_noise
from tests.backends.native import bdb_load
from tests.backends.native_bdb import bdb_delete
from tests.backends.salvaging import salvaged
from tests.backends.test_bdb_hash_write import KINDS, many, repeated, write
from tests.corpus import expected_entry

CopyCase = Callable[[str], Path]
INTACT = corpus.databases("bdb-hash", corrupt=False)


def pages_of_type(path: Path, kind: int, size: int) -> list[bytes]:
    """Return the pages of a file that say they are of a type."""
    content = path.read_bytes()
    pages = [content[start : start + size] for start in range(size, len(content), size)]
    return [page for page in pages if page[25] == kind]


def expected_of(case: corpus.DatabaseCase) -> Counter[object]:
    return Counter(case.entries)


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_all_of_an_intact_file_is_there(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    found = salvaged(database_case(case.name))

    assert Counter(expected_entry(one.key or b"", one.value) for one in found.found) == expected_of(case)
    assert {one.origin for one in found.found} <= {Origin.LIVE}
    assert found.reports == []


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_the_first_page_is_not_needed(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    path = database_case(case.name)
    path.write_bytes(b"\xff" * 512 + path.read_bytes()[512:])

    found = salvaged(path, format_id="bdb-hash")

    assert Counter(expected_entry(one.key or b"", one.value) for one in found.found) == expected_of(case)
    assert {one.origin for one in found.found} <= {Origin.LOST}


@pytest.mark.parametrize("case", corpus.databases("bdb-hash", corrupt=True), ids=corpus.name_of)
def test_nothing_that_was_not_there_is_found(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    found = salvaged(database_case(case.name))

    assert found.found
    assert all(case.knows(one.key, one.value) for one in found.found if one.key is not None)
    assert found.reports


@given(data=st.data())
def test_a_cut_or_noisy_file_gives_what_it_has(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from([case for case in INTACT if case.count]), label="case")
    folder = tmp_path_factory.mktemp("damaged")
    damage = data.draw(st.sampled_from([cut_anywhere, with_noise]), label="damage")
    path = damage(case, folder, data)

    found = salvaged(path, deleted=True, format_id="bdb-hash")

    assert len(found.found) <= 4 * (case.count or 0) + 50


def test_a_page_that_lost_its_bucket_still_gives_its_entries(tmp_path: Path) -> None:
    pairs = many(400)
    path = write(tmp_path / "x.db", pairs, 512)
    content = bytearray(path.read_bytes())
    chained = next(
        start
        for start in range(512, len(content), 512)
        if content[start + 25] == 13 and int.from_bytes(content[start + 16 : start + 20], "little")
    )
    content[chained + 16 : chained + 20] = bytes(4)
    path.write_bytes(content)

    found = salvaged(path)

    assert sorted((one.key or b"", one.value) for one in found.found if one.key is not None) == sorted(pairs)
    assert found.pairs(Origin.LOST)


def test_a_chain_whose_item_is_lost_gives_its_value(tmp_path: Path) -> None:
    value = Random(1).randbytes(3000)
    path = write(tmp_path / "x.db", [(b"k", value)], 512)
    content = bytearray(path.read_bytes())
    content[512:1536] = bytes(1024)
    path.write_bytes(content)

    assert salvaged(path).pairs() == [(None, value)]


@pytest.mark.parametrize("duplicates", KINDS)
def test_removed_entries_are_found_and_none_is_made_up(tmp_path: Path, duplicates: Duplicates) -> None:
    pairs = [(key, value) for key, value in (repeated(300) if duplicates else many(600)) if len(key) < 100]
    path = write(tmp_path / "x.db", pairs, 512, duplicates=duplicates)
    keys = sorted({key for key, _value in pairs})
    bdb_delete(path, keys[::3])

    found = salvaged(path, deleted=True)

    removed = set(keys[::3])
    assert Counter(found.pairs(Origin.LIVE)) == Counter(pair for pair in pairs if pair[0] not in removed)
    deleted = [pair for pair in found.pairs(Origin.DELETED) if pair[0] is not None]
    assert deleted
    assert len(deleted) == len(set(deleted))
    assert set(deleted) <= {pair for pair in pairs if pair[0] in removed}
    assert salvaged(path).pairs(Origin.DELETED) == []


def test_entries_of_pages_that_were_set_free_are_found_where_they_lie(tmp_path: Path) -> None:
    pairs = [(b"key %04d" % number, b"value %d" % number) for number in range(600)]
    path, size = tmp_path / "x.db", 512
    bdb_load(path, pairs, "hash", db_pagesize=size, h_ffactor=100)
    chained = [page for page in pages_of_type(path, HASH, size) if int.from_bytes(page[12:16], "little")]
    removed = [pair for pair in pairs if any(pair[0] in page for page in chained)]
    bdb_delete(path, [key for key, _value in removed])

    found = salvaged(path, deleted=True)

    assert Counter(found.pairs(Origin.LIVE)) == Counter(pairs) - Counter(removed)
    free = b"".join(pages_of_type(path, UNUSED, size))
    of_free_pages = [one for one in found.found if one.origin is Origin.DELETED and one.value in free]
    assert of_free_pages
    assert {(one.key, one.value) for one in of_free_pages} <= set(removed)
    content = path.read_bytes()
    assert all(content[one.offset :].startswith(one.value) for one in of_free_pages)
    assert all(content[one.offset // size * size + 25] == UNUSED for one in of_free_pages)


def test_a_pickle_in_free_room_is_found_without_its_key(tmp_path: Path) -> None:
    value = pickle.dumps(list(range(20)), 4)
    path = write(tmp_path / "x.db", [(b"k", b"v")], 1024)
    content = bytearray(path.read_bytes())
    content[1024 + 300 : 1024 + 300 + len(value)] = value
    path.write_bytes(content)

    assert salvaged(path, deleted=True).pairs(Origin.DELETED) == [(None, value)]


def test_what_is_no_berkeley_db_file_gives_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database " * 1000)

    found = salvaged(path, deleted=True, format_id="bdb-hash")

    assert found.found == []
    assert found.reports == ["x.db has no page of a Berkeley DB file."]


def test_a_missing_file_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen):
        salvaged(tmp_path / "none.db", format_id="bdb-hash")
