"""LMDB: what is found in damaged files, and of transactions before the last ones."""

import shutil
from pathlib import Path

import lmdb
import pytest

from app.backends.salvage import Origin
from tests import corpus
from tests.backends.lmdb_files import written
from tests.backends.salvaging import is_of_the_original, salvaged

INTACT = corpus.databases("lmdb", corrupt=False)


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_all_of_an_intact_file_is_found(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    found = salvaged(case.copy_to(tmp_path))

    assert [corpus.expected_entry(one.key or b"", one.value) for one in found.found] == list(case.entries)
    assert found.reports == []


@pytest.mark.parametrize("case", corpus.databases("lmdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_case_gives_pairs_of_the_original_and_nothing_else(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    found = salvaged(case.copy_to(tmp_path), deleted=True)

    assert all(is_of_the_original(case, one) for one in found.found)
    assert len(found.found) > 50
    assert found.reports


def many() -> dict[bytes, bytes]:
    return {b"key %04d" % number: b"value %d " % number * (number % 400) for number in range(900)}


@pytest.mark.parametrize("pages", [(0, 1), (0, 1, 5)], ids=["meta pages", "meta pages and one more"])
def test_without_the_pages_that_lead_to_them_leaves_are_found(tmp_path: Path, pages: tuple[int, ...]) -> None:
    entries = many()
    path = written(tmp_path, entries, map_size=1 << 26)
    content = bytearray(path.read_bytes())
    for page in pages:
        content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    path.write_bytes(content)

    found = salvaged(path, format_id="lmdb", base=path)

    assert set(found.pairs()) <= set(entries.items())
    assert len(found.found) > 800
    assert {one.origin for one in found.found} == {Origin.LOST}


def test_a_lost_root_is_gone_round(tmp_path: Path) -> None:
    entries = many()
    path = written(tmp_path, entries, map_size=1 << 26)
    with lmdb.open(str(path), subdir=False, lock=False, readonly=True) as environment:
        assert environment.stat()["depth"] == 2
    content = bytearray(path.read_bytes())
    newest = max((0, 4096), key=lambda page: content[page + 144 : page + 152][::-1])
    root = int.from_bytes(content[newest + 128 : newest + 136], "little")
    content[root * 4096 : root * 4096 + 4096] = bytes(4096)
    path.write_bytes(content)

    assert dict(salvaged(path).pairs()) == entries


def test_older_transactions_are_found_on_request(tmp_path: Path) -> None:
    path = written(tmp_path, {b"a": b"old", b"gone": b"2" * 9000, b"kept": b"3"})
    written(tmp_path, {b"a": b"new"})
    with (
        lmdb.open(str(path), subdir=False, lock=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        transaction.delete(b"gone")

    live, found = salvaged(path), salvaged(path, deleted=True)

    assert live.pairs() == [(b"a", b"new"), (b"kept", b"3")]
    assert found.pairs(Origin.LIVE) == live.pairs()
    assert set(found.pairs(Origin.DELETED)) <= {(b"a", b"old"), (b"gone", b"2" * 9000)}
    assert (b"gone", b"2" * 9000) in found.pairs(Origin.DELETED)
    assert found.reports == []


def test_a_folder_is_searched(tmp_path: Path) -> None:
    path = written(tmp_path, {b"a": b"1"})
    (tmp_path / "environment").mkdir()
    shutil.copy(path, tmp_path / "environment" / "data.mdb")

    assert salvaged(tmp_path / "environment").pairs() == [(b"a", b"1")]
