"""New ``dbm.dumb`` databases: what every Python that reads them makes of them, and what they take the place of."""

import ast
import contextlib
import dbm.dumb
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import SaveOptions
from app.backends.create import CreateReport, create_database
from app.backends.dumb.backend import DumbBackend
from app.backends.dumb.index import MAX_LINE, IndexStyle, style_of
from app.backends.dumb.write import DumbWriter
from app.backends.records import PIECE_BYTES
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import ChangedOnDisk, OptionRejected, SaveFailed
from tests.backends import creating
from tests.backends.dumb_files import DATABASES, as_python_reads, opened, scratch, written
from tests.backends.failing_files import FailingOperations
from tests.backends.listing import entries_of, index_of
from tests.backends.other_program import installed_pythons, run_with_python, run_with_python2
from tests.backends.toy_format import PairRecords

NATIVE_CHANGES = 300
"""Keys that the native writer adds, and as many that it changes or deletes."""

created = partial(creating.created, "dumb")


@given(entries=DATABASES)
def test_what_is_written_reads_back_by_us_and_by_python(entries: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        created(folder / "new.v1", entries)

        assert sorted(path.name for path in folder.iterdir()) == ["new.v1.dat", "new.v1.dir"]
        assert list(as_python_reads(folder / "new.v1").items()) == list(entries.items())
        with open_database(folder / "new.v1") as backend:
            assert entries_of(backend) == list(entries.items())
            assert backend.problems == []


@given(entries=DATABASES)
def test_the_files_are_byte_for_byte_those_of_python(entries: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        native = written(folder, entries)
        created(folder / "new", entries)

        assert (folder / "new.dir").read_bytes() == native.with_name(native.name + ".dir").read_bytes()
        assert (folder / "new.dat").read_bytes() == native.with_name(native.name + ".dat").read_bytes()


def many_entries() -> dict[bytes, bytes]:
    return {b"key %d \xe9" % number: b"value %d " % number * (number % 90) for number in range(3000)}


CHANGE_NATIVELY = f"""
import dbm.dumb, sys
with dbm.dumb.open(sys.argv[1], "w") as database:
    assert len(database) == 3000
    for number in range({NATIVE_CHANGES}):
        database[b"native %d" % number] = b"x" * number
        if number % 2:
            del database[b"key %d \\xe9" % number]
        else:
            database[b"key %d \\xe9" % number] = b"changed" * number
"""


def natively_changed() -> dict[bytes, bytes]:
    entries = many_entries()
    for number in range(NATIVE_CHANGES):
        entries[b"native %d" % number] = b"x" * number
        if number % 2:
            del entries[b"key %d \xe9" % number]
        else:
            entries[b"key %d \xe9" % number] = b"changed" * number
    return entries


@pytest.mark.parametrize("python", installed_pythons("import dbm.dumb"))
def test_every_python_goes_on_writing_into_it(tmp_path: Path, python: str) -> None:
    base = tmp_path / "new"
    created(base, many_entries())

    run_with_python(python, CHANGE_NATIVELY, str(base))

    with opened(base) as backend:
        assert dict(entries_of(backend)) == natively_changed()
        assert list(backend.check(CancelToken())) == []


def test_python_2_reads_what_is_written_in_its_style(tmp_path: Path) -> None:
    entries = {b"caf\xe9": b"1", b"it's": b"2", b'"': b"3", b"\0\n": b"4" * 700}
    writer = DumbWriter(DumbBackend, style=IndexStyle(python2=True))
    create_database(writer, tmp_path / "new", PairRecords(list(entries.items())), CancelToken())

    read = "import dumbdbm, sys\nd = dumbdbm.open(sys.argv[1], 'r')\nprint([(k, d[k]) for k in sorted(d.keys())])"
    listed = ast.literal_eval(run_with_python2(read, str(tmp_path / "new")))
    assert [tuple(cell.encode("latin-1") for cell in entry) for entry in listed] == sorted(entries.items())


def test_large_values_are_written_in_pieces(tmp_path: Path) -> None:
    entries = {b"large": b"ab" * PIECE_BYTES, b"small": b"c", b"larger": b"d" * (3 * PIECE_BYTES + 1)}
    created(tmp_path / "new", entries)

    assert as_python_reads(tmp_path / "new") == entries


def test_a_writer_of_an_open_database_keeps_its_style(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_bytes(b"one")
    (tmp_path / "d.dir").write_bytes(b"'caf\\xe9', (0, 3)\r\n")
    with opened(tmp_path / "d") as backend:
        index_of(backend)
        writer = backend.writer()

    create_database(writer, tmp_path / "e", PairRecords([(b"\xe9", b"")]), CancelToken())

    assert (tmp_path / "e.dir").read_bytes() == b"'\\xe9', (0, 0)\r\n"


def test_a_key_too_long_for_a_line_and_a_key_that_repeats_are_refused() -> None:
    records = PairRecords([(b"k", b"1"), (b"\x80" * (MAX_LINE // 4), b""), (b"a" * (MAX_LINE // 2), b""), (b"k", b"2")])

    refusals = list(new_writer("dumb", CreateOptions()).refusals(records, CancelToken()))

    assert [refusal.row for refusal in refusals] == [1, 3]
    assert "too long" in refusals[0].reason
    assert "only once" in refusals[1].reason


def test_options_that_mean_nothing_are_rejected() -> None:
    with pytest.raises(OptionRejected, match="page size"):
        new_writer("dumb", CreateOptions(page_size=512))


@pytest.mark.parametrize("suffix", [".dat", ".dir", ".bak"])
def test_files_that_are_there_are_left_alone(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"new{suffix}").write_bytes(b"mine")

    with pytest.raises(SaveFailed, match=f"new{suffix} is there already"):
        created(tmp_path / "new", {b"a": b"1"})

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


OLD = {b"a": b"old" * 700, b"b": b"2" * 600, b"gone": b"3"}
NEW = {b"a": b"new" * 300, b"c": b"", b"d": b"4" * 3000}


@pytest.mark.parametrize("new", [NEW, {}, {b"large": b"x" * 9000}], ids=["some", "none", "larger"])
def test_an_old_database_is_backed_up_and_replaced(tmp_path: Path, new: dict[bytes, bytes]) -> None:
    base = written(tmp_path, OLD)
    with dbm.dumb.open(str(base), "w") as database:
        database[b"more"] = b"so that there is a .bak"

    report = created(base, new, replaces=True)

    assert as_python_reads(base) == new
    with opened(base) as backend:
        assert entries_of(backend) == list(new.items())
        assert list(backend.check(CancelToken())) == []
    assert len(report.backups) == 3
    for backup, suffix in zip(report.backups, (".dat", ".dir", ".bak"), strict=True):
        backup.rename(tmp_path / f"restored{suffix}")
    assert as_python_reads(tmp_path / "restored") == OLD | {b"more": b"so that there is a .bak"}


def test_an_old_index_without_values_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "new.bak").write_bytes(b"'a', (0, 3)\n'b', (0, 3)\n")
    (tmp_path / "new.dat").write_bytes(b"old")

    created(tmp_path / "new", {}, replaces=True)

    with opened(tmp_path / "new") as backend:
        assert entries_of(backend) == []
        assert backend.problems == []


@given(entries=st.dictionaries(st.binary(max_size=3), st.binary(max_size=1200), max_size=5), new=DATABASES)
def test_replacing_leaves_exactly_the_new_entries(entries: dict[bytes, bytes], new: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        base = written(folder, entries)

        created(base, new, replaces=True)

        assert list(as_python_reads(base).items()) == list(new.items())
        with opened(base) as backend:
            assert backend.compact(SaveOptions(), CancelToken()).backups == ()


def test_a_disk_that_refuses_while_replacing_keeps_the_backup_of_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "counted").mkdir()
    created(written(tmp_path / "counted", OLD), NEW, counting := FailingOperations(), replaces=True)
    for number, name in enumerate(counting.names):
        folder = tmp_path / str(number)
        folder.mkdir()
        base = written(folder, OLD)
        with contextlib.suppress(SaveFailed):
            created(base, NEW, FailingOperations(number), replaces=True)

        left, files = as_python_reads(base), {path.name for path in folder.iterdir()}
        assert left in (OLD, NEW), f"failed at operation {number}, {name}"
        assert any("backup" in file for file in files) == (left == NEW)
        assert name == "unlink" or not any("shelfscope-new" in file for file in files)


def test_a_failed_replacement_of_what_a_crash_left_as_bak_alone_changes_nothing(tmp_path: Path) -> None:
    def start(name: str) -> Path:
        (tmp_path / name).mkdir()
        base = written(tmp_path / name, OLD)
        base.with_name("shelf.v1.dir").replace(base.with_name("shelf.v1.bak"))
        return base

    created(start("counted"), NEW, counting := FailingOperations(), replaces=True)
    for number, name in enumerate(counting.names):
        base = start(str(number))
        with contextlib.suppress(SaveFailed):
            created(base, NEW, FailingOperations(number), replaces=True)

        with opened(base) as backend:
            assert dict(entries_of(backend)) in (OLD, NEW), f"failed at operation {number}, {name}"


def test_a_writer_between_backup_and_replacement_is_noticed(tmp_path: Path) -> None:
    base = written(tmp_path, OLD)
    theirs = OLD | {b"late": b"value"}

    def write_too(operation: str) -> None:
        if operation == "fsync_folder" and as_python_reads(base) == OLD:
            with dbm.dumb.open(str(base), "w") as database:
                database[b"late"] = b"value"

    with pytest.raises(ChangedOnDisk, match="nothing was replaced"):
        created(base, NEW, FailingOperations(before=write_too), replaces=True)

    assert as_python_reads(base) == theirs
    assert not [path for path in tmp_path.iterdir() if "shelfscope" in path.name]


@pytest.mark.parametrize(
    ("old", "new"), [("sdbm", "dumb"), ("gdbm-ndbm", "dumb"), ("dumb", "sdbm"), ("dumb", "gdbm-ndbm")]
)
def test_files_of_the_other_family_are_backed_up_and_go(tmp_path: Path, old: str, new: str) -> None:
    def make(format_id: str, entries: dict[bytes, bytes], *, replaces: bool) -> CreateReport:
        records = PairRecords(list(entries.items()), may_repeat=False)
        writer = new_writer(format_id, CreateOptions())
        return create_database(writer, tmp_path / "x", records, CancelToken(), replaces=replaces)

    files = make(old, {b"a": b"old"}, replaces=False).files
    with pytest.raises(SaveFailed, match="is there already"):
        make(new, {b"b": b"new"}, replaces=False)

    report = make(new, {b"b": b"new"}, replaces=True)

    assert {path.name.split(".shelfscope")[0] for path in report.backups} == {path.name for path in files}
    assert {path for path in tmp_path.iterdir() if "backup" not in path.name} == set(report.files)
    with open_database(tmp_path / "x") as backend:
        assert backend.format_id == new
        assert entries_of(backend) == [(b"b", b"new")]


def test_values_that_are_no_part_of_a_database_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_bytes(b"mine")
    writer = new_writer("sdbm", CreateOptions())

    create_database(writer, tmp_path / "x", PairRecords([(b"a", b"1")]), CancelToken(), replaces=True)

    assert (tmp_path / "x.dat").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("keys", "python2"),
    [
        ((b"\xa1", b"\\xa1"), False),  # a backslash and three letters, as Python 3 writes them beside a high byte
        ((b"\\xa1",), False),
        ((b"caf\xe9",), True),
        ((b"caf\xe9", b"\\\\xa1"), True),
        ((b"plain",), False),
    ],
)
def test_the_python_that_wrote_an_index_is_told_by_its_escapes(
    tmp_path: Path, keys: tuple[bytes, ...], *, python2: bool
) -> None:
    lines = (IndexStyle(python2=python2).line(key, 0, 0) for key in keys)
    path = tmp_path / "x.dir"
    path.write_bytes(b"".join(lines))

    assert style_of(path) == IndexStyle(python2=python2)
