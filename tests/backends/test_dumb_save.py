"""``dbm.dumb``: saved so that no moment shows anything but the old or the new database."""

import ast
import dbm.dumb
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Change, Expected, Insert, Remove, Replace, SaveOptions, SaveReport
from app.backends.changes import key_text
from app.backends.dumb.backend import DumbBackend
from app.backends.dumb.index import MAX_LINE, parse_line
from app.cancel import CancelToken
from app.errors import (
    Cancelled,
    ChangedOnDisk,
    DatabaseLocked,
    KeyRejected,
    ReadOnlyDatabase,
    SaveFailed,
)
from tests.backends.dumb_files import (
    DATABASES,
    KEYS,
    NO_BACKUP,
    as_python_reads,
    opened,
    save,
    scratch,
    written,
)
from tests.backends.failing_files import Died, FailingOperations, LyingOperations, WindowsOperations
from tests.backends.listing import (
    changes_to,
    dictionary_after,
    entries_of,
    expected_of,
    folder_state,
    ids_by_key,
    index_of,
)
from tests.backends.other_program import run_with_python2


@given(before=DATABASES, new=DATABASES, removed=st.sets(KEYS))
def test_saving_leaves_what_a_dict_would(
    before: dict[bytes, bytes], new: dict[bytes, bytes], removed: set[bytes]
) -> None:
    with scratch() as folder:
        base = written(folder, before)
        with opened(base) as backend:
            ids = ids_by_key(expected_of(backend))

            save(backend, *changes_to(ids, new, removed))

            dictionary = dictionary_after(before, new, removed)
            assert entries_of(backend) == list(dictionary.items())
        assert list(as_python_reads(base).items()) == list(dictionary.items())


def test_all_other_entries_keep_their_lines_and_bytes(database_case: Callable[[str], Path]) -> None:
    path = database_case("dumb-py27-odd")
    base = path.with_suffix("")
    lines = base.with_suffix(".dir").read_bytes().splitlines(keepends=True)
    data = path.read_bytes()
    with opened(base) as backend:
        first = index_of(backend).key(0)

        save(backend, Replace(0, b"changed"), Insert(b"caf\xe9 2", b"x"))

    after = base.with_suffix(".dir").read_bytes().splitlines(keepends=True)
    assert after[1:-1] == lines[1:]
    assert parse_line(after[0]) == (first, 7680, 7)
    assert after[-1] == b"'caf\\xe9 2', (8192, 1)\n"  # escaped as Python 2 does, like the rest of this file
    assert path.read_bytes()[: len(data)] == data
    assert base.with_suffix(".bak").read_bytes() == b"".join(lines)


def test_python_2_reads_what_was_saved(database_case: Callable[[str], Path]) -> None:
    path = database_case("dumb-py27-odd")
    base = path.with_suffix("")
    with opened(base) as backend:
        save(backend, Replace(0, b"changed"), Insert(b"caf\xe9 2", b"x"))
        entries = entries_of(backend)

    read = "import dumbdbm, sys\nd = dumbdbm.open(sys.argv[1], 'r')\nprint([(k, d[k]) for k in sorted(d.keys())])"
    listed = ast.literal_eval(run_with_python2(read, str(base)))
    assert [tuple(cell.encode("latin-1") for cell in entry) for entry in listed] == sorted(entries)


def test_removing_and_inserting_the_same_key_moves_it_to_the_end(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1", b"b": b"2"})

    with opened(base) as backend:
        save(backend, Remove(0), Insert(b"a", b"new"))

        assert entries_of(backend) == [(b"b", b"2"), (b"a", b"new")]


def test_windows_line_ends_and_a_missing_last_one_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_bytes(b"onetwo")
    (tmp_path / "d.dir").write_bytes(b"'a', (0, 3)\r\n'b', (3, 3)")

    with opened(tmp_path / "d") as backend:
        save(backend, Insert(b"c", b"three"))

    assert (tmp_path / "d.dir").read_bytes() == b"'a', (0, 3)\r\n'b', (3, 3)\n'c', (512, 5)\n"


def test_the_backup_is_the_whole_old_database_and_never_overwrites_one(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1", b"b": b"2" * 700})
    old = folder_state(tmp_path)
    with opened(base) as backend:
        reports = [save(backend, Replace(0, b"new"), options=SaveOptions()) for _ in range(3)]

    assert len({path for report in reports for path in report.backups}) == 9
    dat, index, older = reports[0].backups
    assert dat.read_bytes() == old["shelf.v1.dat"].content
    assert index.read_bytes() == old["shelf.v1.dir"].content
    assert older.read_bytes() == old["shelf.v1.bak"].content
    assert dat.name.startswith("shelf.v1.dat.shelfscope-backup-")
    assert dat.stat().st_mode == old["shelf.v1.dat"].mode
    restored = tmp_path / "restored"
    dat.rename(restored.with_suffix(".dat"))
    index.rename(restored.with_suffix(".dir"))
    assert as_python_reads(restored) == {b"a": b"1", b"b": b"2" * 700}


def test_a_save_warns_of_programs_that_have_the_database_open(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1"})

    with opened(base) as backend:
        assert "overwrite this save" in save(backend, Replace(0, b"2")).warnings[0]


@pytest.mark.parametrize(
    ("meanwhile", "change", "keys"),
    [
        ({b"a": b"other"}, Replace(0, b"mine"), (b"a",)),
        ({b"a": b"other"}, Remove(0), (b"a",)),
        ({b"a": None}, Replace(0, b"mine"), (b"a",)),
        ({b"new": b"other"}, Insert(b"new", b"mine"), (b"new",)),
        ({b"new": b"mine"}, Insert(b"new", b"mine"), (b"new",)),
    ],
)
def test_a_conflict_is_named_and_nothing_is_written(
    tmp_path: Path, meanwhile: dict[bytes, bytes | None], change: Change, keys: tuple[bytes, ...]
) -> None:
    base = written(tmp_path, {b"a": b"1", b"b": b"2"})
    with opened(base) as backend:
        expected = expected_of(backend)
        with dbm.dumb.open(str(base), "w") as database:
            for key, value in meanwhile.items():
                if value is None:
                    del database[key]
                else:
                    database[key] = value
        before = folder_state(tmp_path)

        with pytest.raises(ChangedOnDisk) as caught:
            backend.apply([change], expected, SaveOptions(), CancelToken())

    assert caught.value.keys == keys
    assert key_text(keys[0]) in caught.value.message
    assert folder_state(tmp_path) == before


def test_what_others_changed_in_other_entries_is_kept(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1", b"b": b"2", b"gone": b"3"})
    with opened(base) as backend:
        expected = expected_of(backend)
        with dbm.dumb.open(str(base), "w") as database:
            del database[b"gone"]
            database[b"b"] = b"theirs"
            database[b"c"] = b"theirs too"

        backend.apply([Replace(0, b"mine")], expected, NO_BACKUP, CancelToken())

        assert entries_of(backend) == [(b"a", b"mine"), (b"b", b"theirs"), (b"c", b"theirs too")]


def test_two_saves_at_once_exclude_each_other(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1"})
    refused: list[str] = []

    def save_too(operation: str) -> None:
        if operation == "replace":
            with opened(base) as other, pytest.raises(DatabaseLocked, match="another program") as caught:
                save(other, Replace(0, b"2"))
            refused.append(caught.value.message)

    with opened(base, FailingOperations(before=save_too)) as backend:
        save(backend, Replace(0, b"3"))
        assert entries_of(backend) == [(b"a", b"3")]
    assert refused


@pytest.mark.parametrize("moment", ["write", "fsync", "copy_access"])
def test_a_writer_during_the_save_is_noticed_and_loses_nothing(tmp_path: Path, moment: str) -> None:
    base = written(tmp_path, {b"a": b"1"})
    theirs = {b"theirs": b"x" * 2000, b"more": b"y" * 700}

    def write_too(operation: str) -> None:
        if operation == moment and theirs.keys() - as_python_reads(base).keys():
            with dbm.dumb.open(str(base), "w") as database:
                for key, value in theirs.items():
                    database[key] = value

    with opened(base, FailingOperations(before=write_too)) as backend:
        with pytest.raises(ChangedOnDisk, match="try again"):
            save(backend, Replace(0, b"2" * 3000))

        assert dict(entries_of(backend)) == {b"a": b"1"} | theirs


def test_a_key_too_long_for_a_line_is_rejected(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1"})
    before = folder_state(tmp_path)

    with opened(base) as backend, pytest.raises(KeyRejected, match="too long"):
        save(backend, Insert(b"k" * MAX_LINE, b""))

    assert folder_state(tmp_path) == before


def test_links_lead_to_the_files_that_are_saved(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    base = written(real, {b"a": b"1"})
    for suffix in (".dat", ".dir"):
        (tmp_path / f"link{suffix}").symlink_to(base.with_name(base.name + suffix))

    with opened(tmp_path / "link") as backend:
        save(backend, Replace(0, b"2"))

    assert (tmp_path / "link.dir").is_symlink()
    assert as_python_reads(base) == {b"a": b"2"}


def test_hard_links_are_refused(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1"})
    os.link(tmp_path / "shelf.v1.dir", tmp_path / "second name")
    before = folder_state(tmp_path)

    with opened(base) as backend, pytest.raises(ReadOnlyDatabase, match=r"hard links.*copy of it"):
        save(backend, Replace(0, b"2"))

    assert folder_state(tmp_path) == before


CHANGES = (Replace(0, b"new" * 500), Remove(1), Insert(b"caf\xe9", b"added"))


BEFORE = {b"a": b"1", b"b": b"2" * 600, b"c": b"3"}


AFTER = {b"a": b"new" * 500, b"c": b"3", b"caf\xe9": b"added"}


def operations_of_a_save() -> list[str]:
    with scratch() as folder, opened(written(folder, BEFORE), counting := FailingOperations()) as backend:
        save(backend, *CHANGES, options=SaveOptions())
        return counting.names


def test_a_program_that_dies_anywhere_in_a_save_leaves_the_old_or_the_new_database(tmp_path: Path) -> None:
    seen = set()
    names = operations_of_a_save()
    for number in range(len(names)):
        folder = tmp_path / str(number)
        folder.mkdir()
        base = written(folder, BEFORE)
        with opened(base, FailingOperations(number, dies=True)) as backend, pytest.raises(Died):
            save(backend, *CHANGES, options=SaveOptions())

        left = as_python_reads(base)
        assert left in (BEFORE, AFTER), f"died at operation {number}, {names[number]}"
        with opened(base) as backend:
            assert dict(entries_of(backend)) == left
            assert not backend.problems
        seen.add(left == AFTER)
    assert seen == {False, True}


def test_a_disk_that_fails_anywhere_in_a_save_leaves_the_old_files_or_the_new_database(tmp_path: Path) -> None:
    names = operations_of_a_save()
    commit = len(names) - 1 - names[::-1].index("replace")
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        folder.mkdir()
        base = written(folder, BEFORE)
        files = folder_state(folder)
        with opened(base, FailingOperations(number)) as backend:
            if number <= commit:
                with pytest.raises(SaveFailed, match="save it as another file"):
                    save(backend, *CHANGES, options=SaveOptions())
                bak = folder / "shelf.v1.bak"
                bak.unlink(missing_ok=True)  # replaced just before the commit, with what the index still says
                content = {key: state.content for key, state in files.items() if not key.endswith(".bak")}
                assert {key: state.content for key, state in folder_state(folder).items()} == content, name
            else:
                warning = save(backend, *CHANGES, options=SaveOptions()).warnings[-1]
                assert ("power cut" in warning) == (name == "fsync_folder")
            assert as_python_reads(base) == (BEFORE if number <= commit else AFTER)


def test_a_disk_that_writes_something_else_is_found_out(tmp_path: Path) -> None:
    base = written(tmp_path, BEFORE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with opened(base, LyingOperations()) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        save(backend, *CHANGES, options=SaveOptions())

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_file_of_ours_is_open_when_windows_would_mind(tmp_path: Path) -> None:
    base = written(tmp_path, BEFORE)

    with opened(base, WindowsOperations()) as backend:
        save(backend, *CHANGES, options=SaveOptions())

    assert as_python_reads(base) == AFTER


def test_a_cancelled_save_changes_nothing(tmp_path: Path) -> None:
    base = written(tmp_path, BEFORE)
    before = folder_state(tmp_path)
    token = CancelToken()
    token.cancel()

    with opened(base) as backend, pytest.raises(Cancelled):
        backend.apply([Insert(b"new", b"")], {}, SaveOptions(), token)

    assert folder_state(tmp_path) == before


def test_expectations_find_an_entry_by_its_digest(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1"})

    wrong = {0: Expected(b"a", 0, sha256(b"not 1").digest())}

    with opened(base) as backend, pytest.raises(ChangedOnDisk):
        backend.apply([Remove(0)], wrong, NO_BACKUP, CancelToken())


@pytest.mark.parametrize(
    "work",
    [
        lambda backend, expected: backend.apply([Insert(b"new", b"")], expected, SaveOptions(), CancelToken()),
        lambda backend, _: backend.compact(SaveOptions(), CancelToken()),
    ],
    ids=["save", "compact"],
)
def test_an_index_that_a_crash_empties_after_opening_is_refused(
    tmp_path: Path, work: Callable[[DumbBackend, dict[int, Expected]], SaveReport]
) -> None:
    base = written(tmp_path, {b"%d" % number: b"value" for number in range(10)})
    with opened(base) as backend:
        expected = expected_of(backend)
        base.with_name("shelf.v1.dir").replace(base.with_name("shelf.v1.bak"))
        base.with_name("shelf.v1.dir").touch()
        before = folder_state(tmp_path)

        with pytest.raises(ReadOnlyDatabase, match="damaged"):
            work(backend, expected)

    assert folder_state(tmp_path) == before


def test_a_failed_save_leaves_what_another_program_wrote_behind_its_values(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1"})
    dat = base.with_name("shelf.v1.dat")
    writes = 0

    def fail_behind_another(operation: str) -> None:
        nonlocal writes
        writes += operation == "write"
        if operation == "write" and writes == 2:  # the first took half of the value
            with dat.open("ab") as file:
                file.write(b"theirs")
            raise OSError(28, "No space left on device")

    with opened(base, FailingOperations(before=fail_behind_another)) as backend, pytest.raises(SaveFailed):
        save(backend, Insert(b"b", b"2" * 2000))

    assert dat.read_bytes().endswith(b"theirs")
    assert as_python_reads(base) == {b"a": b"1"}


def test_the_older_index_comes_beside_the_index_that_a_link_leads_to(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    base = written(real, {b"a": b"1"})
    base.with_name("shelf.v1.bak").unlink()
    for suffix in (".dat", ".dir"):
        (tmp_path / f"shelf.v1{suffix}").symlink_to(base.with_name(f"shelf.v1{suffix}"))

    with opened(tmp_path / "shelf.v1") as backend:
        save(backend, Insert(b"b", b"2"))

    assert sorted(path.name for path in real.iterdir()) == ["shelf.v1.bak", "shelf.v1.dat", "shelf.v1.dir"]
    assert not (tmp_path / "shelf.v1.bak").exists()
