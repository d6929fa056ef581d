"""``dbm.sqlite3``: what is found in damaged files and in what SQLite has freed."""

import pickle
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.salvage import Origin
from tests import corpus
from tests.backends.other_program import OtherProgram
from tests.backends.salvaging import is_of_the_original, salvaged
from tests.backends.sqlite_files import DATABASES, scratch, written

INTACT = corpus.databases("sqlite3", corrupt=False)


def shelf(folder: Path, objects: Mapping[bytes, object]) -> Path:
    return written(folder, {key: pickle.dumps(value) for key, value in objects.items()})


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_all_of_an_intact_database_is_found(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    found = salvaged(case.copy_to(tmp_path))

    entries = [corpus.expected_entry(one.key or b"", one.value) for one in found.found]
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))
    assert found.reports == []


@pytest.mark.parametrize("case", corpus.databases("sqlite3", corrupt=True), ids=corpus.name_of)
def test_a_damaged_case_gives_pairs_of_the_original_and_nothing_else(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    found = salvaged(case.copy_to(tmp_path))

    assert all(is_of_the_original(case, one) for one in found.found)
    assert found.reports


def many(count: int = 900) -> dict[bytes, object]:
    return {b"key %04d" % number: ["value", number, "x" * (number % 300)] for number in range(count)}


def test_rows_of_whole_pages_are_found_where_the_tree_above_them_is_gone(tmp_path: Path) -> None:
    objects = many()
    path = shelf(tmp_path, objects)
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)  # the root of the table
    path.write_bytes(content)

    found = salvaged(path)

    assert {key: pickle.loads(value) for key, value in found.pairs(Origin.LOST) if key} == objects
    assert found.reports


def test_without_the_first_page_the_rows_are_found_all_the_same(tmp_path: Path) -> None:
    objects = many()
    path = shelf(tmp_path, objects)
    content = path.read_bytes()
    path.write_bytes(bytes(4096) + content[4096:])

    found = salvaged(path, format_id="sqlite3", base=path)

    assert {key: pickle.loads(value) for key, value in found.pairs() if key} == objects


SOME = settings(max_examples=min(settings().max_examples, 60))
"""Each example writes a database and searches all its free room byte by byte."""


@SOME
@given(before=DATABASES, removed=st.sets(st.integers(0, 7)))
def test_nothing_is_said_to_be_deleted_that_was_never_there(before: dict[bytes, bytes], removed: set[int]) -> None:
    with scratch() as folder:
        path = written(folder, before)
        gone = [key for number, key in enumerate(before) if number in removed]
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA secure_delete = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.executemany("DELETE FROM Dict WHERE key = ?", [(key,) for key in gone])
            database.commit()

        found = salvaged(path, deleted=True)

        assert dict(found.pairs(Origin.LIVE)) == {key: value for key, value in before.items() if key not in gone}
        assert {pair for pair in found.pairs(Origin.DELETED) if pair[0] is not None} <= set(before.items())


def test_rows_of_freed_pages_are_found_on_request(tmp_path: Path) -> None:
    objects = many()
    path = shelf(tmp_path, objects)
    run(path, "DELETE FROM Dict WHERE rowid > 10")

    live, found = salvaged(path), salvaged(path, deleted=True)

    assert len(live.found) == 10
    assert found.pairs(Origin.LIVE) == live.pairs()
    deleted = {key: pickle.loads(value) for key, value in found.pairs(Origin.DELETED) if key is not None}
    assert deleted.items() <= objects.items()
    assert len(deleted) > 800
    assert found.reports == []


@pytest.mark.parametrize("first_rowid", [1, 100, 20_000, 1 << 40])
@pytest.mark.parametrize("size", [1, 40, 70, 300])
def test_a_row_deleted_within_a_page_is_found_by_what_is_left_of_its_cell(
    tmp_path: Path, first_rowid: int, size: int
) -> None:
    path = written(tmp_path, {})
    objects = {b"key %d" % number: ["value", number, "x" * size] for number in range(3)}
    with closing(sqlite3.connect(path)) as database:
        for number, (key, value) in enumerate(objects.items()):
            row = first_rowid + number, key, pickle.dumps(value)
            database.execute("INSERT INTO Dict (rowid, key, value) VALUES (?, ?, ?)", row)
        database.commit()
    run(path, "DELETE FROM Dict WHERE key = x'6b65792031'")

    found = salvaged(path, deleted=True)

    assert found.pairs(Origin.DELETED) == [(b"key 1", pickle.dumps(objects[b"key 1"]))]


def test_a_superseded_value_is_found_with_its_key(tmp_path: Path) -> None:
    path = shelf(tmp_path, {b"key": "old" * 30, b"other": 1})
    run(path, "UPDATE Dict SET value = zeroblob(900) WHERE key = x'6b6579'")

    found = salvaged(path, deleted=True)

    assert dict(found.pairs(Origin.LIVE)) == {b"key": bytes(900), b"other": pickle.dumps(1)}
    assert found.pairs(Origin.DELETED) == [(b"key", pickle.dumps("old" * 30))]


def test_large_values_are_followed_over_their_pages(tmp_path: Path) -> None:
    objects = {b"large": list(range(20_000)), b"small": 1, b"zero": bytes(9000)}
    path = shelf(tmp_path, objects)
    run(path, "DELETE FROM Dict WHERE key = x'7a65726f'")  # the first page that is freed is written over
    run(path, "DELETE FROM Dict WHERE key = x'6c61726765'")

    found = salvaged(path, deleted=True)

    assert found.pairs(Origin.DELETED) == [(b"large", pickle.dumps(objects[b"large"]))]


def test_rows_of_a_log_are_kept_where_the_file_itself_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path, {b"old %03d" % number: b"o" * 100 for number in range(200)}, journal="WAL")
    new = {b"new %03d" % number: b"n" * 100 for number in range(200)}
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        owner.run("c.execute('PRAGMA wal_autocheckpoint = 0')")
        owner.run(f"rows = {list(new.items())!r}")
        owner.run("c.executemany('INSERT INTO Dict VALUES (?, ?)', rows)")
        owner.die()
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(b"abcd")  # no whole page

    found = salvaged(path)

    assert {key: value for key, value in found.pairs() if key in new} == new
    assert not any("over the end" in report for report in found.reports)
