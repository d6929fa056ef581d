"""Programs that wait at the lock of an LMDB environment while it is saved, compacted or replaced, and what follows."""

import time
from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest

from app.backends.base import Insert, Replace, SaveOptions
from app.backends.create import create_database
from app.backends.file_operations import FileOperations
from app.backends.lmdb.backend import LmdbBackend
from app.backends.lmdb.metas import meta_pages, take_number
from app.backends.lmdb.pages import parse_meta
from app.backends.registry import new_writer
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import SaveFailed
from tests.backends.failing_files import FailingOperations, no_file_above
from tests.backends.listing import without_locks
from tests.backends.lmdb_files import NO_BACKUP, as_lmdb_reads, opened, save
from tests.backends.other_program import OtherProgram
from tests.backends.toy_format import PairRecords

BEFORE = {b"kept %d" % number: bytes(300) for number in range(9)}
NEW = {b"new %d" % number: bytes(200) for number in range(20)}
WRITE = "t = e.begin(write=True); t.put({!r}, b''); t.commit()"

Work = Callable[[LmdbBackend], object]


def made(folder: Path, transactions: int) -> Path:
    """Make an environment by LMDB with its locks, after so many transactions, most of which leave free pages."""
    path = folder / "test.mdb"
    with lmdb.open(str(path), subdir=False, map_size=1 << 22) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(b"waste", bytes(100_000))
            for key, value in BEFORE.items():
                transaction.put(key, value)
        for number in range(transactions - 1):
            with environment.begin(write=True) as transaction:
                transaction.put(b"waste", bytes(number + 1))
        with environment.begin(write=True) as transaction:
            transaction.delete(b"waste")
    return path


def replace_all(backend: LmdbBackend) -> None:
    create_database(
        new_writer("lmdb", CreateOptions()),
        backend.match.path,
        PairRecords(list(NEW.items()), may_repeat=False),
        CancelToken(),
        replaces=True,
        operations=backend.operations,
    )


WORKS: dict[str, tuple[Work, str, dict[bytes, bytes]]] = {
    "save": (lambda backend: save(backend, Insert(b"mine", b"1"), options=SaveOptions()), "", BEFORE | {b"mine": b"1"}),
    "compact": (lambda backend: backend.compact(NO_BACKUP, CancelToken()), "replace", BEFORE),
    "replace": (replace_all, "replace", NEW),
}


def wait_until_it_waits(lock_file: Path) -> None:
    """Wait until a program waits for a lock of the file; elsewhere than on Linux for a while."""
    end, inode = time.monotonic() + 3, f":{lock_file.stat().st_ino} "
    while time.monotonic() < end:
        time.sleep(0.02)
        locks = Path("/proc/locks")
        if locks.exists() and any("->" in line and inode in line for line in locks.read_text().splitlines()):
            return


@pytest.mark.parametrize("has_lock_file", [True, False])
@pytest.mark.parametrize("transactions", [1, 2, 3, 4])
@pytest.mark.parametrize("work", WORKS)
def test_who_waits_meanwhile_and_writes_then_loses_nothing(
    tmp_path: Path, work: str, transactions: int, *, has_lock_file: bool
) -> None:
    path = made(tmp_path, transactions)
    lock_file = path.with_name("test.mdb-lock")
    if not has_lock_file:
        lock_file.unlink()
    do, moment, after = WORKS[work]
    with OtherProgram() as other:
        code = f"import lmdb; e = lmdb.open({str(path)!r}, subdir=False, map_size=1 << 22); {WRITE.format(b'theirs')}"
        started: list[str] = []

        def come(operation: str) -> None:
            if not started and operation == (moment or "fsync_folder"):
                started.append(other.start(code))
                wait_until_it_waits(lock_file)

        with opened(path, FailingOperations(before=come)) as backend:
            do(backend)

        assert started
        assert other.answer() == "done"
        with lmdb.open(str(path), subdir=False, map_size=1 << 22) as third, third.begin(write=True) as transaction:
            transaction.put(b"third", b"")
        assert other.run(f"{WRITE.format(b'theirs too')}; e.close()") == "done"
    assert as_lmdb_reads(path) == after | {b"theirs": b"", b"third": b"", b"theirs too": b""}
    with opened(path) as backend:
        assert [problem.message for problem in backend.check(CancelToken())] == []


@pytest.mark.parametrize("transactions", [1, 2, 3, 4])
def test_who_trusts_the_old_lock_file_after_a_death_sees_what_was_compacted(tmp_path: Path, transactions: int) -> None:
    path = made(tmp_path, transactions)
    before = parse_meta(meta_pages(path))

    with opened(path, FailingOperations()) as backend:
        assert backend.compact(NO_BACKUP, CancelToken()).bytes_after < 20_000

    after = parse_meta(pages := meta_pages(path))
    assert before is not None
    assert after is not None
    assert after.transaction == before.transaction
    either, other = pages[16:144], pages[4096 + 16 : 4096 + 144]
    assert either == other


@pytest.mark.parametrize(("theirs", "ours", "number"), [(1, 3, 3), (2, 3, 4), (9, 3, 9), (8, 3, 8)])
def test_a_new_file_never_goes_back_behind_its_own_number(tmp_path: Path, theirs: int, ours: int, number: int) -> None:
    for name, transactions in (("old", theirs), ("new", ours)):
        with lmdb.open(str(tmp_path / name), subdir=False, lock=False) as environment:
            for count in range(transactions):
                with environment.begin(write=True) as transaction:
                    transaction.put(b"%d" % count, bytes(5000))

    take_number(FileOperations(), tmp_path / "new", tmp_path / "old")

    meta = parse_meta(meta_pages(tmp_path / "new"))
    assert meta is not None
    assert meta.transaction == number
    assert as_lmdb_reads(tmp_path / "new").keys() == {b"%d" % count for count in range(ours)}
    (tmp_path / "old").write_bytes(b"something else")
    take_number(FileOperations(), tmp_path / "new", tmp_path / "old")
    assert parse_meta(meta_pages(tmp_path / "new")) == meta


def test_the_lock_file_of_a_folder_is_the_one_that_is_written(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path), map_size=1 << 20) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"a", b"1")
    (tmp_path / "lock.mdb").unlink()

    with opened(tmp_path / "data.mdb") as backend:
        save(backend, Replace(0, b"2"))

    assert {file.name for file in tmp_path.iterdir()} == {"data.mdb", "lock.mdb"}
    assert (tmp_path / "lock.mdb").stat().st_mode == (tmp_path / "data.mdb").stat().st_mode
    with lmdb.open(str(tmp_path), map_size=1 << 20) as environment, environment.begin() as transaction:
        assert transaction.get(b"a") == b"2"


@pytest.mark.parametrize("more", [1000, 5001, 60_001])
def test_a_save_that_the_disk_refuses_leaves_the_file_as_it_was(tmp_path: Path, more: int) -> None:
    path = made(tmp_path, 1)
    before = without_locks(tmp_path)
    changes = [Insert(b"large %d" % number, bytes(90_000)) for number in range(3)]
    with (
        opened(path) as backend,
        no_file_above(path.stat().st_size + more),
        pytest.raises(SaveFailed, match=r"^test\.mdb was not changed: .* may be full\."),
    ):
        save(backend, *changes)

    assert without_locks(tmp_path).keys() == before.keys()
    assert path.stat().st_size == len(before["test.mdb"].content)
    assert as_lmdb_reads(path) == BEFORE
    with opened(path) as backend:
        save(backend, Insert(b"x", b""))


@pytest.mark.parametrize("replaces", [True, False])
def test_a_new_database_that_the_disk_refuses_is_named_as_it_was_asked_for(tmp_path: Path, *, replaces: bool) -> None:
    path = made(tmp_path, 1) if replaces else tmp_path / "test.mdb"
    before = without_locks(tmp_path)
    records = PairRecords([(b"large", bytes(900_000))])

    with (
        no_file_above(300_000),
        pytest.raises(SaveFailed, match=r"^test\.mdb was not (changed|made): .* may be full\."),
    ):
        create_database(new_writer("lmdb", CreateOptions()), path, records, CancelToken(), replaces=replaces)

    assert without_locks(tmp_path).keys() == before.keys()


def test_a_part_of_a_page_behind_the_last_one_is_no_damage(tmp_path: Path) -> None:
    path = made(tmp_path, 1)
    with path.open("ab") as file:
        file.write(bytes(100))

    with opened(path) as backend:
        assert list(backend.check(CancelToken())) == []
        save(backend, Insert(b"x", b""))
    assert as_lmdb_reads(path) == BEFORE | {b"x": b""}


@pytest.mark.parametrize("sizes", [(20_000, 5000), (50_000, None)])
def test_room_that_a_transaction_took_and_did_not_need_is_no_damage(
    tmp_path: Path, sizes: tuple[int, int | None]
) -> None:
    path = tmp_path / "test.mdb"
    large, small = sizes
    with lmdb.open(str(path), subdir=False, map_size=1 << 22) as environment:
        for number in range(3):
            with environment.begin(write=True) as transaction:
                transaction.put(b"%d" % number, b"")
        with environment.begin(write=True) as transaction:
            transaction.put(b"k", bytes(large))
            if small is None:
                transaction.delete(b"k")
            else:
                transaction.put(b"k", bytes(small))

    with opened(path) as backend:
        assert [problem.message for problem in backend.check(CancelToken())] == []
        save(backend, Insert(b"x", b""))
    assert as_lmdb_reads(path).keys() >= {b"0", b"x"}
