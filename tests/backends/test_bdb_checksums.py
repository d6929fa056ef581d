"""Checksums of Berkeley DB: a changed byte is noticed wherever it is, and none where nothing was changed."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Problem
from app.backends.berkeley import checksums
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.errors import BackendMissing
from tests import corpus
from tests.backends.native import Pair, bdb_load
from tests.backends.native_bdb import bdb_delete, bdb_queue
from tests.backends.salvaging import salvaged

CopyCase = Callable[[str], Path]
WITH_SUMS = [case for case in corpus.databases("bdb-btree", "bdb-hash", corrupt=False) if case.name.endswith("chksum")]
SIZE = 512
each_method = pytest.mark.parametrize("method", ["btree", "hash", "recno", "queue"])
each_order = pytest.mark.parametrize("order", [1234, 4321])


def problems_of(path: Path) -> list[Problem]:
    with open_database(path) as backend:
        return list(backend.check(CancelToken()))


def changed(path: Path, place: int, change: int = 0x10) -> Path:
    """Change a byte of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= change
    path.write_bytes(content)
    return path


def loaded(path: Path, method: str, order: int) -> Path:
    """Make a database with checksums by Berkeley DB itself; some of its values are longer than a page."""
    chance = Random(order)
    if method == "queue":
        pairs: list[Pair] = [(b"%d" % number, chance.randbytes(40)) for number in range(1, 90)]
        bdb_load(path, pairs, method, db_lorder=order, db_pagesize=SIZE, chksum=1, re_len=40, keys=1)
        return path
    named = method != "recno"
    sizes = [chance.choice([0, 7, 90, 1500]) for _ in range(90)]
    pairs = [
        (b"key %d" % row if named else b"%d" % (row + 1), chance.randbytes(size)) for row, size in enumerate(sizes)
    ]
    bdb_load(path, pairs, method, db_lorder=order, db_pagesize=SIZE, chksum=1, keys=1)
    return path


def blank(page: bytes) -> bool:
    return not page.strip(b"\0")


@each_method
@each_order
def test_every_page_that_berkeley_db_wrote_agrees_with_its_checksum(tmp_path: Path, method: str, order: int) -> None:
    path = loaded(tmp_path / "x.db", method, order)

    assert problems_of(path) == []


@each_method
@each_order
@pytest.mark.parametrize("much", [0, 1 << 30], ids=["with numpy", "page by page"])
def test_a_changed_byte_of_any_page_is_noticed(
    tmp_path: Path, method: str, order: int, much: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "_MUCH", much)
    path = loaded(tmp_path / "x.db", method, order)
    whole = path.read_bytes()

    for start in range(SIZE, len(whole), SIZE):
        if not blank(whole[start : start + SIZE]):
            path.write_bytes(whole)

            found = problems_of(changed(path, start + SIZE - 1))

            assert any(start <= (problem.offset or 0) < start + SIZE for problem in found)


@pytest.mark.parametrize("case", WITH_SUMS, ids=corpus.name_of)
@given(data=st.data())
def test_a_byte_that_was_changed_anywhere_is_a_problem(
    case: corpus.DatabaseCase, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = case.copy_to(tmp_path_factory.mktemp("changed"))
    whole = path.read_bytes()
    # Magic, version, page size and the options themselves decide whether there are checksums at all.
    place = data.draw(st.integers(32, len(whole) - 1), label="place")
    change = data.draw(st.integers(1, 255), label="change")

    try:
        found = problems_of(changed(path, place, change))
    except BackendMissing:
        return  # by its flags it is compressed now, which nothing here reads

    assert found


@pytest.mark.parametrize("case", WITH_SUMS, ids=corpus.name_of)
def test_a_checksum_that_was_changed_itself_is_noticed(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = changed(database_case(case.name), SIZE + checksums.SUM_AT)

    assert [problem.offset for problem in problems_of(path)] == [SIZE]


def test_pages_that_were_set_free_agree_with_their_checksums(tmp_path: Path) -> None:
    path = loaded(tmp_path / "x.db", "btree", 1234)
    bdb_delete(path, [b"key %d" % row for row in range(0, 90, 2)])

    assert problems_of(path) == []


def test_pages_of_databases_within_a_file_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    pairs = [(b"%04d" % number, b"value %d" % number) for number in range(200)]
    for method in ("hash", "btree"):
        bdb_load(path, pairs, method, database=method, db_pagesize=SIZE, chksum=1)
    assert problems_of(path) == []
    place = path.read_bytes().index(b"value 150")

    found = problems_of(changed(path, place))

    assert [problem.offset for problem in found] == [place // SIZE * SIZE]
    assert "checksum" in found[0].message


def test_pages_of_a_queue_s_extents_are_compared_and_their_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    bdb_queue(path, records=200, taken=3, deleted=50, has_checksums=True)
    assert problems_of(path) == []
    extent = sorted(tmp_path.glob("__dbq.*"))[1]
    place = extent.read_bytes().index(b"record ")
    changed(extent, place)

    [found] = problems_of(path)

    assert found.offset is None
    assert found.message.startswith(f"{extent.name}: Page ")


def test_salvage_says_which_page_was_changed_and_gives_what_it_holds(database_case: CopyCase) -> None:
    case = corpus.database("bdb53-btree-chksum")
    path = database_case(case.name)
    value = max((entry.value for entry in case.entries if isinstance(entry.value, bytes)), key=len)
    place = path.read_bytes().index(value)

    found = salvaged(changed(path, place))

    assert found.reports == [f"Page {place // SIZE} does not agree with its checksum: it was changed."]
    assert len(found.found) == case.count


def test_without_the_first_page_no_checksum_is_believed(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-chksum")
    path.write_bytes(bytes(SIZE) + path.read_bytes()[SIZE:])

    found = salvaged(path, format_id="bdb-hash")

    assert not any("checksum" in sentence for sentence in found.reports)
