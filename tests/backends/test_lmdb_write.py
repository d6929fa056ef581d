"""LMDB environments made, saved into and compacted by the ``lmdb`` package, beside programs that have them open."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Change, Expected, Insert, Remove, Replace, SaveOptions
from app.backends.lmdb import save as lmdb_save
from app.backends.lmdb.backend import LmdbBackend
from app.backends.records import PIECE_BYTES
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import (
    Cancelled,
    ChangedOnDisk,
    DatabaseLocked,
    KeyRejected,
    OptionRejected,
    ReadOnlyDatabase,
    SaveFailed,
)
from tests.backends import creating
from tests.backends.failing_files import Died, FailingOperations
from tests.backends.listing import (
    changes_to,
    entries_of,
    expected_of,
    folder_state,
    ids_by_key,
    index_of,
    without_locks,
)
from tests.backends.lmdb_files import (
    DATABASES,
    KEYS,
    NO_BACKUP,
    as_lmdb_reads,
    opened,
    save,
    scratch,
    with_waste,
    written,
)
from tests.backends.native_neighbours import mdb_dump, mdb_load
from tests.backends.other_program import OtherProgram
from tests.backends.toy_format import PairRecords

PAGE = 4096
BEFORE = {b"a": b"1", b"b": b"2" * 9000, b"c": b"3"}
CHANGES = (Replace(0, b"new" * 500), Remove(1), Insert(b"caf\xe9", b"added"))
AFTER = {b"a": b"new" * 500, b"c": b"3", b"caf\xe9": b"added"}

created = partial(creating.created, "lmdb")


def checked(path: Path) -> list[str]:
    with opened(path) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


@given(entries=DATABASES)
def test_what_is_written_reads_back_by_us_and_by_lmdb(entries: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        path = folder / "new.mdb"
        created(path, entries)

        assert [file.name for file in folder.iterdir()] == ["new.mdb"]
        assert as_lmdb_reads(path) == entries
        with open_database(path) as backend:
            assert entries_of(backend) == sorted(entries.items())
            assert backend.why_read_only == ""
        assert checked(path) == []


def test_its_own_tools_read_it_and_its_library_goes_on_writing_into_it(tmp_path: Path) -> None:
    path = tmp_path / "new.mdb"
    entries = {b"key %d" % number: b"value %d " % number * (number % 900) for number in range(3000)}
    created(path, entries)
    assert dict(mdb_dump(path)) == entries

    mdb_load(path, {b"native %d" % number: b"x" * number for number in range(1000)}.items())
    with lmdb.open(str(path), subdir=False, lock=False, map_size=1 << 26) as environment:
        for number in range(1000):
            with environment.begin(write=True) as transaction:
                transaction.delete(b"key %d" % number)

    entries |= {b"native %d" % number: b"x" * number for number in range(1000)}
    left = {key: value for key, value in entries.items() if key not in {b"key %d" % number for number in range(1000)}}
    with opened(path) as backend:
        assert dict(entries_of(backend)) == left
    assert checked(path) == []


def test_many_batches_and_a_map_that_is_too_small_are_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backends.lmdb.write._BATCH_BYTES", 1 << 16)
    monkeypatch.setattr("app.backends.lmdb.write._map_size", lambda _records: 1 << 17)
    entries = {b"%d" % number: bytes(number) for number in range(3000)} | {b"large": bytes(3 * PIECE_BYTES)}

    created(tmp_path / "new.mdb", entries)

    assert as_lmdb_reads(tmp_path / "new.mdb") == entries
    with opened(tmp_path / "new.mdb") as backend:
        index = index_of(backend)
        pieces = list(backend.pieces(*index.entry(next(index.find(b"large")))))
        assert max(map(len, pieces)) == PIECE_BYTES
        assert b"".join(pieces) == bytes(3 * PIECE_BYTES)


def test_what_lmdb_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    records = PairRecords([(b"", b"1"), (b"k" * 511, b"1"), (b"k" * 512, b"1"), (b"a", b""), (b"a", b"")])

    refusals = list(new_writer("lmdb", CreateOptions()).refusals(records, CancelToken()))

    assert [(refusal.row, refusal.reason) for refusal in refusals] == [
        (0, "LMDB has no empty keys"),
        (2, "LMDB's keys have at most 511 bytes"),
        (4, "lmdb holds a key only once, and it comes again"),
    ]
    path = written(tmp_path, BEFORE)
    before = without_locks(tmp_path)
    for key in (b"", b"k" * 512):
        with opened(path) as backend, pytest.raises(KeyRejected, match="LMDB"):
            save(backend, Insert(key, b""))
    assert without_locks(tmp_path) == before


def test_a_folder_that_is_an_environment_stays_one(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    lmdb.open(str(folder), map_size=1 << 20).close()

    report = created(folder, AFTER, replaces=True)

    assert report.files == (folder / "data.mdb",)
    with lmdb.open(str(folder), map_size=1 << 20) as environment, environment.begin() as transaction:
        assert dict(transaction.cursor()) == AFTER
    with open_database(folder) as backend:
        backend.apply([Insert(b"x", b"y")], {}, NO_BACKUP, CancelToken())
    assert as_lmdb_reads(folder / "data.mdb") == AFTER | {b"x": b"y"}
    assert {path.name.partition(".shelfscope")[0] for path in folder.iterdir()} == {"data.mdb", "lock.mdb"}


@given(before=DATABASES, new=DATABASES, removed=st.sets(KEYS))
def test_saving_leaves_what_a_dict_would(
    before: dict[bytes, bytes], new: dict[bytes, bytes], removed: set[bytes]
) -> None:
    with scratch() as folder:
        path = written(folder, before)
        with opened(path) as backend:
            ids = ids_by_key(expected_of(backend))

            save(backend, *changes_to(ids, new, removed))

        left = {key: new.get(key, value) for key, value in before.items() if key not in removed} | {
            key: value for key, value in new.items() if key not in before
        }
        assert as_lmdb_reads(path) == left
        with opened(path) as backend:
            assert entries_of(backend) == sorted(left.items())
        assert checked(path) == []
        assert {file.name for file in folder.iterdir()} == {"test.mdb", "test.mdb-lock"}


def test_the_map_grows_as_needed_and_never_shrinks(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE, map_size=1 << 17)
    large = {b"large %d" % number: bytes(200_000) for number in range(10)}

    with opened(path) as backend:
        save(backend, *(Insert(key, value) for key, value in large.items()))
    assert as_lmdb_reads(path) == BEFORE | large

    other = tmp_path / "roomy"
    other.mkdir()
    roomy = written(other, BEFORE, map_size=1 << 30)
    with opened(roomy) as backend:
        save(backend, Replace(0, b"x"))
    with lmdb.open(str(roomy), subdir=False, lock=False, map_size=0) as environment:
        assert environment.info()["map_size"] == 1 << 30


def test_the_backup_is_the_whole_old_environment(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    old = path.read_bytes()

    with opened(path) as backend:
        report = save(backend, *CHANGES, options=SaveOptions())

    assert report.backups[0].read_bytes() == old
    assert report.bytes_after == path.stat().st_size
    assert without_locks(tmp_path).keys() == {path.name, report.backups[0].name}


@pytest.mark.parametrize(
    ("change", "key"), [(Replace(0, b"mine"), b"a"), (Remove(0), b"a"), (Insert(b"new", b"mine"), b"new")]
)
def test_a_conflict_is_named_and_nothing_is_written(tmp_path: Path, change: Change, key: bytes) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        expected = expected_of(backend)
        written(tmp_path, {b"a": b"other", b"new": b"other"})
        before = without_locks(tmp_path)

        with pytest.raises(ChangedOnDisk) as caught:
            backend.apply([change], expected, SaveOptions(), CancelToken())

    assert caught.value.keys == (key,)
    assert without_locks(tmp_path) == before


def test_what_others_changed_in_other_entries_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        expected = expected_of(backend)
        written(tmp_path, {b"b": b"theirs", b"d": b"theirs too"})

        backend.apply([Replace(0, b"mine")], expected, NO_BACKUP, CancelToken())

    assert as_lmdb_reads(path) == {b"a": b"mine", b"b": b"theirs", b"c": b"3", b"d": b"theirs too"}


OPEN = "import lmdb; e = lmdb.open({!r}, subdir=False, map_size=1 << 20)"


@pytest.mark.parametrize(
    "work",
    [
        lambda backend, expected: backend.apply([Replace(0, b"x")], expected, NO_BACKUP, CancelToken()),
        lambda backend, _: backend.compact(NO_BACKUP, CancelToken()),
        lambda backend, _: created(backend.match.path, AFTER, replaces=True),
    ],
    ids=["save", "compact", "replace"],
)
def test_an_environment_that_another_program_has_open_is_refused_at_once(
    tmp_path: Path, work: Callable[[LmdbBackend, dict[int, Expected]], object]
) -> None:
    path = with_waste(tmp_path, BEFORE)
    with OtherProgram() as owner:
        assert owner.run(OPEN.format(str(path))) == "done"
        before = folder_state(tmp_path)

        with opened(path) as backend:
            expected = expected_of(backend)
            with pytest.raises(DatabaseLocked, match="close it there"):
                work(backend, expected)

        assert folder_state(tmp_path) == before
        assert owner.run("t = e.begin(write=True); t.put(b'theirs', b''); t.commit(); e.close()") == "done"
        with opened(path) as backend:
            save(backend, Replace(0, b"mine"))
    assert as_lmdb_reads(path) == BEFORE | {b"a": b"mine", b"theirs": b""}
    assert {file.name for file in tmp_path.iterdir()} == {"test.mdb", "test.mdb-lock"}


def test_programs_that_come_meanwhile_wait_and_see_what_was_saved(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    waiting: list[str] = []
    with OtherProgram() as other:
        look = f"{OPEN.format(str(path))}; seen = dict(e.begin().cursor()); e.close()"

        def open_too(operation: str) -> None:
            if operation == "fsync" and not waiting:
                waiting.append(other.start(look))

        with opened(path, FailingOperations(before=open_too)) as backend:
            save(backend, *CHANGES, options=SaveOptions())
        assert waiting
        assert other.answer() == "done"
        assert other.run(f"assert seen == {AFTER!r}, seen") == "done"


def test_a_failure_at_any_file_operation_leaves_the_old_or_the_new_environment(tmp_path: Path) -> None:
    (tmp_path / "counted").mkdir()
    with opened(written(tmp_path / "counted", BEFORE), counting := FailingOperations()) as backend:
        save(backend, *CHANGES, options=SaveOptions())
    for number, name in enumerate(counting.names):
        for dies in (True, False):
            folder = tmp_path / f"{number}-{dies}"
            folder.mkdir()
            path = written(folder, BEFORE)
            with opened(path, FailingOperations(number, dies=dies)) as backend:
                try:
                    save(backend, *CHANGES, options=SaveOptions())
                except (Died, SaveFailed):
                    assert as_lmdb_reads(path) in (BEFORE, AFTER), name
                else:
                    assert as_lmdb_reads(path) == AFTER
            if not dies and as_lmdb_reads(path) == BEFORE:
                assert {file.name for file in folder.iterdir()} <= {"test.mdb", "test.mdb-lock"}


def test_a_mistake_of_ours_is_found_before_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, BEFORE)
    monkeypatch.setattr(lmdb_save, "digest", lambda _value: bytes(32))

    with opened(path) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        save(backend, Insert(b"new", b""), options=SaveOptions())

    assert as_lmdb_reads(path) == BEFORE
    assert without_locks(tmp_path).keys() == {"test.mdb"}


def test_a_cancelled_save_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    before = without_locks(tmp_path)
    token = CancelToken()
    token.cancel()

    with opened(path) as backend, pytest.raises(Cancelled):
        backend.apply([Insert(b"new", b"")], {}, SaveOptions(), token)

    assert without_locks(tmp_path) == before


def test_without_the_package_saving_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, BEFORE)
    for module in ("backend", "write"):
        monkeypatch.setattr(f"app.backends.lmdb.{module}.is_installed", lambda: False)

    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match=r"pip install 'shelfscope\[lmdb\]'.*export"):
        save(backend, Insert(b"new", b""))
    with pytest.raises(OptionRejected, match="choose another format"):
        new_writer("lmdb", CreateOptions())


def test_an_environment_of_several_databases_is_read_only(database_case: Callable[[str], Path]) -> None:
    path = database_case("lmdb-subdbs")
    with open_database(path) as backend:
        index_of(backend)

        assert "several databases" in backend.why_read_only
        with pytest.raises(ReadOnlyDatabase, match="several databases"):
            backend.apply([], {}, NO_BACKUP, CancelToken())


@pytest.mark.skipif(sys.byteorder == "big", reason="the case is of a little-endian machine")
def test_parts_are_found_before_saving_even_when_nobody_listed_them(database_case: Callable[[str], Path]) -> None:
    path = database_case("lmdb-subdbs")
    before = without_locks(path.parent)
    with open_database(path) as backend, pytest.raises(ReadOnlyDatabase, match="several databases"):
        backend.apply([Insert(b"x", b"")], {}, NO_BACKUP, CancelToken())
    assert without_locks(path.parent) == before
