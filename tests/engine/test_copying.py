"""New databases: empty, converted with and without pending changes, refused, given up, and never half made."""

import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from app import limits
from app.backends.base import Change, Expected, Insert, Remove, Replace, SaveOptions
from app.cancel import CancelToken
from app.engine.base import Engine, NewDatabase
from app.engine.child import ChildEngine
from app.engine.local import LocalEngine
from app.errors import (
    AppError,
    Cancelled,
    ChangedOnDisk,
    CorruptDatabase,
    FileMissing,
    KeyRejected,
    OptionRejected,
    SaveFailed,
)
from tests import corpus
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.writable import ENTRIES, WRITABLE, entries_of

TOKEN = CancelToken()
MANY = {b"key %d" % number: b"v" * number for number in range(200)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "source.db", MANY)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ---- what cannot be stored


def test_refusals_tell_what_to_choose_so_that_more_can_be_stored(engine: Engine, tmp_path: Path) -> None:
    source = make_sqlite(tmp_path / "source.db", {b"large": b"v" * 3000, b"small": b"v"})
    engine.open(str(source), TOKEN)

    refusals = engine.refusals(NewDatabase(str(tmp_path / "new"), "sdbm"), [], TOKEN)

    assert [entry.key for entry in refusals.first] == [b"large"]
    assert refusals.advice == "choose the page size 4096"
    larger = NewDatabase(str(tmp_path / "new"), "sdbm", {"page_size": 4096})
    assert engine.refusals(larger, [], TOKEN).count == 0


def test_what_salvage_left_out_comes_with_what_to_choose(engine: Engine, tmp_path: Path) -> None:
    source = make_sqlite(tmp_path / "source.db", {b"large": b"v" * 3000, b"small": b"v"})
    target = NewDatabase(str(tmp_path / "new"), "sdbm")

    report = engine.salvage(str(source), target, TOKEN, deleted=False)

    assert (report.format, report.made.entries, report.made.left_out.count) == ("sqlite3", 1, 1)
    assert report.made.left_out.advice == "choose the page size 4096"


# ---- create


@pytest.mark.parametrize("format_id", WRITABLE)
def test_an_empty_database_is_made_in_every_format(local: LocalEngine, tmp_path: Path, format_id: str) -> None:
    if format_id == "pickle-file":
        with pytest.raises(KeyRejected, match="cannot be empty"):
            local.create(NewDatabase(str(tmp_path / "new"), format_id), TOKEN)
        assert files(tmp_path) == set()
        return

    made = local.create(NewDatabase(str(tmp_path / "new"), format_id), TOKEN)

    assert made.entries == 0
    assert files(tmp_path) == {Path(file).name for file in made.files}
    assert local.open(made.files[0], TOKEN).format == format_id
    assert entries_of(Path(made.files[0])) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions.")
def test_new_files_have_the_mode_that_is_asked_for_or_the_umask_leaves(local: LocalEngine, tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        usual = local.create(NewDatabase(str(tmp_path / "usual"), "dumb"), TOKEN)
        private = local.create(NewDatabase(str(tmp_path / "private"), "dumb", {"mode": 0o600}), TOKEN)
    finally:
        os.umask(mask)

    assert {Path(file).stat().st_mode & 0o777 for file in usual.files} == {0o640}
    assert {Path(file).stat().st_mode & 0o777 for file in private.files} == {0o600}


@pytest.mark.parametrize("name", ["new", "new.dat", "new.dir"])
def test_the_name_of_a_member_means_its_base(local: LocalEngine, tmp_path: Path, name: str) -> None:
    local.create(NewDatabase(str(tmp_path / name), "dumb"), TOKEN)

    assert files(tmp_path) == {"new.dat", "new.dir"}


def test_a_name_that_is_taken_is_left_alone_or_backed_up(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"precious")

    with pytest.raises(SaveFailed, match="new is there already"):
        engine.create(NewDatabase(str(tmp_path / "new"), "sqlite3"), TOKEN)
    assert files(tmp_path) == {"new"}

    made = engine.create(NewDatabase(str(tmp_path / "new"), "sqlite3", replaces=True), TOKEN)

    assert [Path(backup).read_bytes() for backup in made.backups] == [b"precious"]
    assert read_sqlite(tmp_path / "new") == {}


def test_parts_of_an_sqlite_database_are_not_left_to_a_stranger(local: LocalEngine, tmp_path: Path) -> None:
    (tmp_path / "new-wal").write_bytes(b"what was committed last")

    with pytest.raises(SaveFailed, match="new-wal belongs to an SQLite database"):
        local.create(NewDatabase(str(tmp_path / "new"), "cdb", replaces=True), TOKEN)

    assert files(tmp_path) == {"new-wal"}


@pytest.mark.parametrize(
    ("format_id", "options", "message"),
    [
        ("no-such", {}, "'no-such' is no format"),
        ("tdb", {}, "'tdb' is no format that can be written"),
        ("cdb", {"page_size": 512}, "page size"),
        ("gdbm", {"page_size": 513}, "cannot be 513"),
        ("gdbm", {"page_size": "512"}, "'512' is no page size"),
        ("gdbm", {"page_size": True}, "True is no page size"),
        ("gdbm", {"numsync": 1}, "1 is no numsync"),
        ("gdbm", {"colour": "red"}, "no option named 'colour'"),
        ("bdb-hash", {"duplicates": "both"}, "cannot be both"),
        ("bdb-hash", {"byte_order": "middle"}, "cannot be middle"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    local: LocalEngine, tmp_path: Path, format_id: str, options: dict[str, str | int], message: str
) -> None:
    with pytest.raises(OptionRejected, match=message):
        local.create(NewDatabase(str(tmp_path / "new"), format_id, options), TOKEN)

    assert files(tmp_path) == set()


def test_a_folder_that_is_not_there_is_said(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(SaveFailed, match=r"new\.db was not made: there is no folder .*nowhere"):
        engine.create(NewDatabase(str(tmp_path / "nowhere" / "new.db"), "sqlite3"), TOKEN)


# ---- convert


@pytest.mark.parametrize("format_id", WRITABLE)
def test_every_entry_gets_into_every_format(local: LocalEngine, tmp_path: Path, format_id: str) -> None:
    path = make_sqlite(tmp_path / "source.db", ENTRIES)
    before = path.read_bytes()
    local.open(str(path), TOKEN)

    refusals = local.refusals(NewDatabase(str(tmp_path / "new"), format_id), [], TOKEN)
    made = local.convert(NewDatabase(str(tmp_path / "new"), format_id), [], TOKEN, leaves_out=False)

    assert (refusals.count, made.entries, made.left_out.count) == (0, len(ENTRIES), 0)
    found = entries_of(Path(made.files[0]))
    assert (len(found), dict(found)) == (len(ENTRIES), ENTRIES)
    assert files(tmp_path) == {"source.db", *(Path(file).name for file in made.files)}
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "case",
    [case for case in corpus.databases(corrupt=False) if case.entries],
    ids=corpus.name_of,
)
def test_every_sound_database_of_the_corpus_converts(
    local: LocalEngine, tmp_path: Path, database_case: Callable[[str], Path], case: corpus.DatabaseCase
) -> None:
    if local.open(str(database_case(case.name)), TOKEN).recognised_only:
        pytest.skip("It is only recognised.")

    made = local.convert(NewDatabase(str(tmp_path / "new.cdb"), "cdb"), [], TOKEN, leaves_out=False)

    found = [corpus.expected_entry(key, value) for key, value in entries_of(Path(made.files[0]))]
    in_order = corpus.in_order_of(case)
    assert in_order(found) == in_order(list(case.entries))


def test_duplicates_are_named_and_can_be_left_out(
    engine: Engine, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    path = database_case("bdb53-btree-dup")
    stored = entries_of(path)
    target = NewDatabase(str(tmp_path / "new.db"), "sqlite3")
    engine.open(str(path), TOKEN)
    firsts = dict(reversed(stored))
    again = len(stored) - len(firsts)
    message = rf"^{again} entries cannot be stored in new\.db: '.*\) and {again - 3:,} more; leave them out"

    refusals = engine.refusals(target, [], TOKEN)
    with pytest.raises(KeyRejected, match=message):
        engine.convert(target, [], TOKEN, leaves_out=False)
    assert not (tmp_path / "new.db").exists()
    made = engine.convert(target, [], TOKEN, leaves_out=True)

    assert refusals == made.left_out
    assert (refusals.count, len(refusals.first), made.entries) == (again, again, len(firsts))
    assert read_sqlite(tmp_path / "new.db") == firsts


def test_what_is_too_large_is_found_before_anything_is_written(local: LocalEngine, tmp_path: Path) -> None:
    local.open(str(make_sqlite(tmp_path / "source.db", {b"small": b"x", b"large": b"y" * 100_000})), TOKEN)

    with pytest.raises(KeyRejected, match=r"^One entry cannot be stored in new: 'large' \(.+\); leave them out"):
        local.convert(NewDatabase(str(tmp_path / "new"), "sdbm"), [], TOKEN, leaves_out=False)

    assert files(tmp_path) == {"source.db"}


@pytest.mark.parametrize("replaces", [False, True])
def test_the_source_is_never_the_target(engine: Engine, source: Path, *, replaces: bool) -> None:
    before = source.read_bytes()
    (source.parent / "link.db").symlink_to(source)
    (source.parent / "twin.db").hardlink_to(source)
    engine.open(str(source), TOKEN)

    for name in ("source.db", "link.db", "twin.db", "../" + source.parent.name + "/source.db"):
        with pytest.raises(SaveFailed):
            engine.convert(
                NewDatabase(str(source.parent / name), "cdb", replaces=replaces), [], TOKEN, leaves_out=False
            )

    assert source.read_bytes() == before
    assert files(source.parent) == {"source.db", "link.db", "twin.db"}


def test_changes_are_made_in_the_copy_alone(engine: Engine, source: Path) -> None:
    before = source.read_bytes()
    engine.open(str(source), TOKEN)
    changes: list[Change] = [Replace(3, b"new"), Remove(5), Insert(b"added", b"more")]

    engine.convert(NewDatabase(str(source.parent / "new.db"), "sqlite3"), changes, TOKEN, leaves_out=False)

    wanted = MANY | {b"key 3": b"new", b"added": b"more"}
    del wanted[b"key 5"]
    assert read_sqlite(source.parent / "new.db") == wanted
    assert source.read_bytes() == before


def test_changes_of_another_index_find_their_entries_again(engine: Engine, source: Path) -> None:
    def known(number: int) -> Expected:
        return Expected(b"key %d" % number, 0, sha256(MANY[b"key %d" % number]).digest())

    make_sqlite(source.with_name("other.db"), dict(list(MANY.items())[:100:-1]))  # other places, and some are gone
    engine.open(str(source.with_name("other.db")), TOKEN)
    changes: list[Change] = [Replace(0, b"gone, and here again"), Replace(1, b"moved"), Remove(2), Remove(3)]
    expected = {0: known(7), 1: known(150), 2: known(160), 3: known(8)}

    target = NewDatabase(str(source.parent / "new.db"), "sqlite3")
    engine.convert(target, changes, TOKEN, leaves_out=False, expected=expected)

    wanted = dict(list(MANY.items())[101:]) | {b"key 7": b"gone, and here again", b"key 150": b"moved"}
    del wanted[b"key 160"]
    assert read_sqlite(source.parent / "new.db") == wanted


def test_a_change_of_one_of_several_equal_keys_finds_that_one(
    local: LocalEngine, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    path = database_case("bdb53-btree-dup")
    before = entries_of(path)
    row = next(number for number in range(1, len(before)) if before[number][0] == before[number - 1][0])
    nth = [key for key, _value in before[:row]].count(before[row][0])
    local.open(str(path), TOKEN)
    expected = {0: Expected(before[row][0], nth, sha256(before[row][1]).digest())}

    target = NewDatabase(str(tmp_path / "new.cdb"), "cdb")
    local.convert(target, [Replace(0, b"changed")], TOKEN, leaves_out=False, expected=expected)

    wanted = [*before[:row], (before[row][0], b"changed"), *before[row + 1 :]]
    assert entries_of(tmp_path / "new.cdb") == wanted


def test_a_key_that_is_inserted_again_is_refused_where_it_may_not_repeat(local: LocalEngine, source: Path) -> None:
    local.open(str(source), TOKEN)
    target = NewDatabase(str(source.parent / "new.db"), "sqlite3")

    refusals = local.refusals(target, [Insert(b"key 7", b"again")], TOKEN)

    assert [entry.key for entry in refusals.first] == [b"key 7"]


@pytest.mark.parametrize("case", corpus.databases(corrupt=True), ids=corpus.name_of)
def test_what_can_be_read_of_a_damaged_database_is_copied(
    local: LocalEngine, tmp_path: Path, database_case: Callable[[str], Path], case: corpus.DatabaseCase
) -> None:
    try:
        local.open(str(database_case(case.name)), TOKEN)
        count = sum(map(len, local.index(TOKEN)))
        readable = [(local._index.key(row), value) for row in range(count) if (value := _read(local, row)) is not None]
    except AppError as error:
        pytest.skip(f"Nothing of it can be listed: {error.message}")

    made = local.convert(NewDatabase(str(tmp_path / "new.cdb"), "cdb"), [], TOKEN, leaves_out=True)

    assert made.left_out.count == count - len(readable)
    assert all("its value cannot be read" in entry.reason for entry in made.left_out.first)
    assert entries_of(tmp_path / "new.cdb") == readable


def _read(engine: LocalEngine, row: int) -> bytes | None:
    try:
        return engine.value(row)
    except CorruptDatabase:
        return None


def test_a_source_that_is_written_meanwhile_is_said(local: LocalEngine, source: Path) -> None:
    class Meddler(CancelToken):
        def advance(self, done: int, total: int = 0) -> None:
            os.utime(source, ns=(done, done))
            super().advance(done, total)

    local.open(str(source), TOKEN)
    target = NewDatabase(str(source.parent / "new.cdb"), "cdb")

    made = local.convert(target, [], Meddler(), leaves_out=False)

    assert [warning for warning in made.warnings if "source.db was written meanwhile" in warning]


@pytest.mark.parametrize("format_id", WRITABLE)
def test_a_copy_that_is_given_up_leaves_nothing(local: LocalEngine, tmp_path: Path, format_id: str) -> None:
    local.open(str(make_sqlite(tmp_path / "source.db", ENTRIES)), TOKEN)
    list(local.index(TOKEN))  # an index that is made on the way would be more steps the first time than later
    steps = CountingToken()
    local.convert(NewDatabase(str(tmp_path / "first"), format_id), [], steps, leaves_out=False)
    kept = files(tmp_path)

    for stop in {0, 1, steps.count // 2, steps.count * 9 // 10}:
        with pytest.raises(Cancelled):
            local.convert(NewDatabase(str(tmp_path / "new"), format_id), [], CountingToken(stop), leaves_out=False)
        assert files(tmp_path) == kept


class CountingToken(CancelToken):
    """Counts how often it is asked, and cancels the work at one of these times."""

    def __init__(self, stop: int = sys.maxsize) -> None:
        super().__init__()
        self.count = 0
        self._stop = stop

    def check(self) -> None:
        if self.count >= self._stop:
            self.cancel()
        self.count += 1
        super().check()


def test_a_process_that_is_told_to_stop_clears_up(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "source.db", {b"%d" % number: b"v" * 100 for number in range(150_000)})
    engine, token = ChildEngine(), CancelToken()
    engine.open(str(path), TOKEN)
    stopper = threading.Thread(target=_cancel_once_written, args=(tmp_path, token))
    stopper.start()

    with pytest.raises(Cancelled):
        engine.convert(NewDatabase(str(tmp_path / "new"), "dumb"), [], token, leaves_out=False)

    stopper.join()
    assert files(tmp_path) == {"source.db"}
    assert engine.check(TOKEN) == ()  # the same process goes on
    engine.close()


def _cancel_once_written(folder: Path, token: CancelToken) -> None:
    deadline = time.monotonic() + 30
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    token.cancel()


def test_large_values_are_never_in_memory_whole(local: LocalEngine, tmp_path: Path) -> None:
    size = 48 << 20
    (tmp_path / "source.dat").write_bytes(b"v" * size)
    (tmp_path / "source.dir").write_text(f"'large', (0, {size})\n")
    local.open(str(tmp_path / "source"), TOKEN)

    tracemalloc.start()
    try:
        local.convert(NewDatabase(str(tmp_path / "new"), "cdb"), [], TOKEN, leaves_out=False)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (tmp_path / "new").stat().st_size > size
    assert peak < 24 << 20


# ---- check and saving


def test_a_check_is_silent_on_a_sound_database_and_capped_on_another(engine: Engine, tmp_path: Path) -> None:
    lines = "".join(f"'key{number}', (90000000, 1)\n" for number in range(3 * limits.PROBLEMS))
    (tmp_path / "bad.dat").write_bytes(b"v")
    (tmp_path / "bad.dir").write_text("'sound', (0, 1)\n" + lines)
    engine.open(str(make_sqlite(tmp_path / "sound.db", MANY)), TOKEN)
    assert engine.check(TOKEN) == ()

    engine.open(str(tmp_path / "bad"), TOKEN)
    problems = engine.check(TOKEN)

    assert 0 < len(problems) <= limits.PROBLEMS
    assert all(problem.message.endswith(".") for problem in problems)


def test_a_check_leaves_the_entries_as_they_are_listed(local: LocalEngine, source: Path) -> None:
    local.open(str(source), TOKEN)
    list(local.index(TOKEN))

    local.check(TOKEN)

    assert local.value(7) == MANY[b"key 7"]


def test_a_database_is_compacted_and_read_on(engine: Engine, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "source.db", {b"%d" % number: b"v" * 1000 for number in range(500)})
    engine.open(str(path), TOKEN)
    list(engine.index(TOKEN))
    expected = {row: Expected(b"%d" % row, 0, engine.digest(row, TOKEN)) for row in range(400)}
    engine.apply([Remove(row) for row in range(400)], expected, SaveOptions(backup=False), TOKEN)

    report = engine.compact(SaveOptions(backup=True), TOKEN)

    assert report.bytes_after == path.stat().st_size < report.bytes_before
    assert len(report.backups) == 1
    assert sum(map(len, engine.index(TOKEN))) == 100
    assert engine.read(0, 0, 1000, TOKEN) == b"v" * 1000


def test_a_save_that_failed_leaves_an_engine_that_reads_on(engine: Engine, source: Path) -> None:
    engine.open(str(source), TOKEN)
    list(engine.index(TOKEN))
    wrong = {0: Expected(b"key 0", 0, b"?" * 32)}

    with pytest.raises(ChangedOnDisk):
        engine.apply([Replace(0, b"x")], wrong, SaveOptions(), TOKEN)

    assert engine.read(7, 0, 100, TOKEN) == MANY[b"key 7"]
    assert read_sqlite(source) == MANY


def test_an_engine_without_a_database_salvages_only_what_is_there(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        engine.salvage(str(tmp_path / "none"), NewDatabase(str(tmp_path / "new"), "dumb"), TOKEN, deleted=False)

    assert files(tmp_path) == set()
