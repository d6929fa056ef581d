"""Locks of other programs, of the kind that belongs to a process: APR takes them on .dir, sendmail's makemap on .db.

They are no hindrance to those that a save takes itself, so that each kind must be asked for.
"""

import os
import sys
from pathlib import Path

import pytest

from app.backends.base import Replace, SaveOptions
from app.backends.file_operations import FileOperations
from app.backends.locks import holder
from app.cancel import CancelToken
from app.errors import DatabaseLocked
from tests.backends.failing_files import FailingOperations
from tests.backends.listing import entries_of, expected_of, folder_state
from tests.backends.other_program import OtherProgram
from tests.backends.saving_variants import DEFAULTS, NO_BACKUP, Variant, opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the two kinds of locks are one")

WITH_OWN_LOCKS = {"sqlite3", "lmdb"}
REPLACED_FILES = [
    pytest.param(variant, suffix, id=f"{variant.name} {suffix}")
    for variant in DEFAULTS
    if variant.format_id not in WITH_OWN_LOCKS
    for suffix in variant.writer().suffixes
    if (variant.format_id, suffix) not in {("dumb", ".dir"), ("gdbm-ndbm", ".dir")}  # a save locks the other file
]


def locking(path: Path, kind: str = "LOCK_EX") -> str:
    return f"import fcntl; f = open({str(path)!r}, 'r+b'); fcntl.lockf(f, fcntl.{kind})"


@pytest.mark.parametrize("kind", ["LOCK_EX", "LOCK_SH"])
def test_a_lock_that_belongs_to_a_process_is_respected_and_not_kept(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    operations = FileOperations()
    fd = operations.open(path, os.O_RDWR)
    try:
        with OtherProgram() as other:
            assert other.run(locking(path, kind)) == "done"
            assert not operations.lock(fd)
            other.run("fcntl.lockf(f, fcntl.LOCK_UN)")
            assert operations.lock(fd)

            assert other.run("fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)") == "done"
            assert not operations.lock(fd)
    finally:
        operations.close(fd)


@pytest.mark.parametrize(("variant", "suffix"), REPLACED_FILES)
def test_a_file_that_another_program_locked_is_shown_and_not_replaced(
    variant: Variant, suffix: str, tmp_path: Path
) -> None:
    path = variant.make(tmp_path, variant.storable([(b"a", b"old")]))
    locked = variant.base(tmp_path).with_name(variant.base(tmp_path).name + suffix)
    change = Replace(0, variant.stored(b"new"))
    before = folder_state(tmp_path)

    with opened(path) as backend, OtherProgram() as owner:
        expected = expected_of(backend)
        assert backend.lock_seen == ""
        assert owner.run(locking(locked)) == "done"
        assert f"{locked.name} open for writing" in backend.lock_seen
        with pytest.raises(DatabaseLocked, match=locked.name):
            backend.apply([change], expected, SaveOptions(), CancelToken())
        assert folder_state(tmp_path) == before

        owner.run("f.close()")
        backend.apply([change], expected, NO_BACKUP, CancelToken())

    with opened(path) as backend:
        assert [value for _, value in entries_of(backend)] == [variant.stored(b"new")]


def test_a_program_that_comes_while_a_save_writes_keeps_its_file(tmp_path: Path) -> None:
    variant = Variant("sdbm")
    path = variant.make(tmp_path, [(b"a", b"old")])
    directory = variant.base(tmp_path).with_name(variant.base(tmp_path).name + ".dir")
    before = folder_state(tmp_path)

    with OtherProgram() as owner:

        def come(operation: str) -> None:
            if operation == "fsync_folder":  # the backup is made, the commit is still to come
                assert owner.run(locking(directory)) == "done"

        with opened(path, FailingOperations(before=come)) as backend:
            expected = expected_of(backend)
            with pytest.raises(DatabaseLocked, match=directory.name):
                backend.apply([Replace(0, b"new")], expected, SaveOptions(), CancelToken())

    assert folder_state(tmp_path) == before


@pytest.mark.parametrize(
    "lock",
    [
        pytest.param("import fcntl; f = open({!r}, 'r+b'); fcntl.flock(f, fcntl.LOCK_EX)", id="flock"),
        pytest.param("import fcntl; f = open({!r}, 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX)", id="lockf"),
    ],
)
def test_who_holds_a_lock_is_named_by_process_and_program(tmp_path: Path, lock: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    with OtherProgram() as other:
        other.run(lock.format(str(path)))
        other.run(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))")

        named = holder(tmp_path / "absent", path)

    process = (tmp_path / "pid").read_text()
    assert named.startswith(f"another program (process {process}, py")
    assert holder(path) == "another program"


@pytest.mark.parametrize("kind", ["flock", "lockf"])
@pytest.mark.parametrize("format_id", ["dumb", "gdbm", "bdb-hash", "sqlite3"])
def test_a_save_that_a_lock_forbids_names_who_holds_it(tmp_path: Path, format_id: str, kind: str) -> None:
    variant = next(variant for variant in DEFAULTS if variant.format_id == format_id)
    path = variant.make(tmp_path, [(b"a", b"old")])
    locked = variant.base(tmp_path).with_name(variant.base(tmp_path).name + variant.writer().suffixes[0])
    lock = f"import fcntl; f = open({str(locked)!r}, 'r+b'); fcntl.{kind}(f, fcntl.LOCK_EX)"
    if format_id == "sqlite3":
        lock = f"c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute('BEGIN IMMEDIATE')"

    with opened(path) as backend, OtherProgram() as owner:
        expected = expected_of(backend)
        assert owner.run(lock) == "done"
        owner.run(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))")
        process = (tmp_path / "pid").read_text()
        with pytest.raises(DatabaseLocked, match=rf"another program \(process {process}, py[\w.]+\)"):
            backend.apply([Replace(0, b"new")], expected, NO_BACKUP, CancelToken())
