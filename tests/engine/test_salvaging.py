"""Salvage finds what damaged files still hold, gives every entry a key, and tells how each was found."""

import dbm.dumb
import pickle
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.engine.base import Engine, NewDatabase, SalvageReport
from app.engine.local import LocalEngine
from app.errors import AppError, BackendMissing, Cancelled, CannotOpen, CorruptDatabase, SaveFailed, UnknownFormat
from tests import corpus
from tests.engine.shelves import read_sqlite
from tests.writable import entries_of

TOKEN = CancelToken()
ENTRIES = {b"key %d" % number: b"value %d" % number for number in range(50)}


@pytest.fixture
def dumb_file(tmp_path: Path) -> Path:
    """A database of dbm.dumb in which some entries were superseded and one was deleted; its base name."""
    base = tmp_path / "old"
    with closing(dbm.dumb.open(str(base), "n")) as database:
        for key in ENTRIES:
            database[key] = b"superseded " * 100
        for key, value in ENTRIES.items():
            database[key] = value
        database[b"gone"] = b"was deleted"
        del database[b"gone"]
    return base


def into(path: Path) -> NewDatabase:
    return NewDatabase(str(path), "sqlite3")


def salvaged(engine: Engine, source: Path, target: Path, *, deleted: bool = False) -> SalvageReport:
    return engine.salvage(str(source), into(target), TOKEN, deleted=deleted)


def test_a_sound_database_is_found_whole(engine: Engine, dumb_file: Path, tmp_path: Path) -> None:
    report = salvaged(engine, dumb_file, tmp_path / "new.db")

    assert (report.live, report.lost, report.deleted, report.renamed, report.problems) == (len(ENTRIES), 0, 0, 0, ())
    assert report.format == "dumb"
    assert read_sqlite(tmp_path / "new.db") == ENTRIES


def test_the_report_names_the_format_that_was_asked_for(engine: Engine, dumb_file: Path, tmp_path: Path) -> None:
    target = into(tmp_path / "new.db")

    report = engine.salvage(str(dumb_file.with_suffix(".dat")), target, TOKEN, deleted=False, format_id="dumb")

    assert report.format == "dumb"


@pytest.mark.parametrize("name", ["old", "old.dat"])
def test_values_without_an_index_are_found(local: LocalEngine, dumb_file: Path, tmp_path: Path, name: str) -> None:
    for suffix in (".dir", ".bak"):
        dumb_file.with_suffix(suffix).unlink(missing_ok=True)
    assert dumb_file.with_suffix(".dat").exists()
    put_pickles(dumb_file.with_suffix(".dat"))

    report = salvaged(local, tmp_path / name, tmp_path / "new.db", deleted=True)

    assert report.live == 0
    assert report.renamed == report.lost + report.deleted == len(read_sqlite(tmp_path / "new.db")) > 0


def put_pickles(dat: Path) -> None:
    """Put values there that are known by themselves; bare bytes cannot be told from free room."""
    values = [pickle.dumps({"number": number}) for number in range(5)]
    dat.write_bytes(b"".join(value.ljust(512, b" ") for value in values))


def test_the_source_is_not_the_target(engine: Engine, dumb_file: Path) -> None:
    before = {path: path.read_bytes() for path in dumb_file.parent.iterdir()}

    for format_id, name in (("dumb", "old"), ("cdb", "old.dat"), ("sqlite3", "old.dir")):
        target = NewDatabase(str(dumb_file.with_name(name)), format_id, replaces=True)
        with pytest.raises(SaveFailed, match="belongs to the database that is read"):
            engine.salvage(str(dumb_file), target, TOKEN, deleted=False)

    assert {path: path.read_bytes() for path in dumb_file.parent.iterdir()} == before


def test_where_nothing_is_found_nothing_is_made(engine: Engine, tmp_path: Path) -> None:
    with closing(dbm.dumb.open(str(tmp_path / "empty"), "n")):
        pass
    before = set(tmp_path.iterdir())

    with pytest.raises(CorruptDatabase, match="No entry was found in empty"):
        salvaged(engine, tmp_path / "empty", tmp_path / "new.db")

    assert set(tmp_path.iterdir()) == before


def test_what_the_new_format_cannot_hold_is_left_out_by_name(local: LocalEngine, tmp_path: Path) -> None:
    with closing(dbm.dumb.open(str(tmp_path / "old"), "n")) as database:
        database[b"small"] = b"x"
        database[b"large"] = b"y" * 100_000

    report = local.salvage(str(tmp_path / "old"), NewDatabase(str(tmp_path / "new"), "sdbm"), TOKEN, deleted=False)

    assert (report.made.entries, report.made.left_out.count) == (1, 1)
    assert [entry.key for entry in report.made.left_out.first] == [b"large"]
    assert entries_of(tmp_path / "new.pag") == [(b"small", b"x")]


@pytest.mark.parametrize(("name", "target"), [("bdb53-btree-dup", "cdb"), ("bdb185-btree-dups", "cdb")])
def test_duplicates_stay_where_the_new_format_has_them(
    local: LocalEngine, tmp_path: Path, database_case: Callable[[str], Path], name: str, target: str
) -> None:
    path = database_case(name)
    stored = entries_of(path)

    report = local.salvage(str(path), NewDatabase(str(tmp_path / "new"), target), TOKEN, deleted=False)

    assert report.renamed == 0
    assert sorted(entries_of(tmp_path / "new")) == sorted(stored)


def test_duplicates_get_keys_of_their_own_elsewhere(
    local: LocalEngine, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    path = database_case("bdb185-btree-dups")
    stored = entries_of(path)

    report = salvaged(local, path, tmp_path / "new.db")

    made = read_sqlite(tmp_path / "new.db")
    assert report.renamed == len(stored) - len(dict(stored)) > 0
    assert sorted(made.values()) == sorted(value for _key, value in stored)
    assert set(dict(stored)) < set(made)


def test_a_format_is_asked_for_where_the_file_does_not_tell(engine: Engine, dumb_file: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.db"
    noise.write_bytes(bytes(range(7, 256)) * 40)

    with pytest.raises(UnknownFormat, match="if you know what it was"):
        salvaged(engine, noise, tmp_path / "new.db")
    with pytest.raises(CannotOpen):
        engine.salvage(str(tmp_path), into(tmp_path / "new.db"), TOKEN, deleted=False)
    report = engine.salvage(str(dumb_file), into(tmp_path / "new.db"), TOKEN, deleted=False, format_id="dumb")

    assert report.live == len(ENTRIES)


def test_a_format_that_is_only_recognised_says_what_to_do(
    engine: Engine, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    case = next(case for case in corpus.databases(corrupt=False) if case.detect_only)

    with pytest.raises(BackendMissing):
        salvaged(engine, database_case(case.name), tmp_path / "new.db")


def test_a_salvage_that_is_given_up_leaves_nothing(engine: Engine, dumb_file: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        engine.salvage(str(dumb_file), into(tmp_path / "new.db"), token, deleted=False)

    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("case", corpus.databases(corrupt=True), ids=corpus.name_of)
def test_every_damaged_database_is_salvaged_or_said_to_be_lost(
    local: LocalEngine, tmp_path: Path, database_case: Callable[[str], Path], case: corpus.DatabaseCase
) -> None:
    path = database_case(case.name)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}

    report, why_not = None, ""
    try:
        report = local.salvage(str(path), NewDatabase(str(tmp_path / "new"), "cdb"), TOKEN, deleted=True)
    except AppError as error:
        why_not = error.message

    if report is None:
        assert why_not.endswith(".")
        assert not (tmp_path / "new").exists()
    else:
        assert report.made.entries == report.live + report.lost + report.deleted == len(entries_of(tmp_path / "new"))
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
