"""The journal: what a crash leaves can be got back, nobody else can read it, and it goes when it is not needed."""

import os
import pickle
import signal
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count, pairwise
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any
from unittest.mock import Mock

import pytest

from app.backends.base import Insert
from app.document import journals as journals_module
from app.document.document import Document, PendingKind
from app.document.history import EntryRef
from app.document.journal import Journal
from app.document.journal_lines import change_in, change_of, entry_line, header_of, line_of, record_of
from app.document.journals import Journals, default_folder
from app.document.pending_change import PendingChange
from app.engine.local import LocalEngine
from app.errors import DocumentError
from tests.document.databases import id_of, make, opened, outcome, pairs_of, reload, run, shown, write
from tests.engine.shelves import make_sqlite

WAIT = 30.0
"""Seconds that the slow disk takes at most."""
ENTRIES = {b"a": b"one", b"b": b"two", b"c": b"three"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", ENTRIES)


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "state" / "journals")


@pytest.fixture
def document(path: Path, journals: Journals) -> Iterator[Document]:
    document = opened(path, journals)
    yield document
    document.close()


def files(journals: Journals) -> list[Path]:
    return sorted(journals.folder.iterdir()) if journals.folder.exists() else []


def left_by_a_crash(document: Document, journals: Journals, *, cut: int = 0) -> Path:
    """Close a document, and leave the journal that a crash would have left, without its last bytes."""
    document.flush_journal()
    [file] = files(journals)
    content = file.read_bytes()
    document.close()
    left = journals.folder / "left.journal"
    left.write_bytes(content[: len(content) - cut])
    return left


def edit_three(document: Document) -> None:
    run(document.set_bytes_job(id_of(document, b"a"), b"changed"))
    run(document.add_job(b"new", b"added"))
    run(document.delete_job([id_of(document, b"c")]))


def test_nothing_is_written_before_an_edit_and_nothing_stays_after_a_save(
    document: Document, journals: Journals
) -> None:
    assert files(journals) == []

    edit_three(document)
    document.flush_journal()
    assert len(files(journals)) == 1

    run(document.save_job())
    document.flush_journal()
    assert files(journals) == []


def test_the_journal_goes_when_all_is_undone(document: Document, journals: Journals) -> None:
    edit_three(document)

    for _ in range(3):
        run(document.undo_job())
    document.flush_journal()

    assert files(journals) == []


def test_what_is_overtaken_while_the_disk_is_slow_is_not_written(
    document: Document, path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_quick, fsync = Event(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (is_quick.wait(WAIT), fsync(file))[1])
    values = [bytes([number]) * 10_000 for number in range(100)]

    for value in values:
        run(document.set_bytes_job(id_of(document, b"a"), value))
    run(document.delete_job([id_of(document, b"b")]))
    for _ in range(40):
        run(document.undo_job())
    is_quick.set()
    left = left_by_a_crash(document, journals)

    assert left.stat().st_size < 5 * len(values[0])
    with closing(opened(path, journals)) as again:
        run(again.restore_job(journals.found(path)[0]))
        assert dict(shown(again)) == ENTRIES | {b"a": values[60]}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions.")
def test_nobody_else_can_read_it(document: Document, journals: Journals) -> None:
    before = os.umask(0)
    try:
        edit_three(document)
        document.flush_journal()
    finally:
        os.umask(before)

    [file] = files(journals)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(journals.folder.stat().st_mode) == 0o700


def test_what_a_running_program_writes_is_not_offered(document: Document, path: Path, journals: Journals) -> None:
    edit_three(document)
    document.flush_journal()

    assert len(files(journals)) == 1
    assert journals.all() == []


def test_two_programs_on_one_database_keep_a_journal_each(document: Document, path: Path, journals: Journals) -> None:
    other = opened(path, journals)
    edit_three(document)
    edit_three(other)
    document.flush_journal()
    other.flush_journal()

    assert len(files(journals)) == 2
    other.close()
    assert len(files(journals)) == 1


def test_a_crash_is_got_over(document: Document, path: Path, journals: Journals) -> None:
    edit_three(document)
    run(document.rename_job(id_of(document, b"b"), b"B"))
    left_by_a_crash(document, journals)
    again = opened(path, journals)

    [left] = journals.found(path)
    notices: list[str] = []
    again.notice.connect(notices.append)
    run(again.restore_job(left))

    assert dict(shown(again)) == {b"a": b"changed", b"new": b"added", b"B": b"two"}
    assert left.database == path
    assert left.format == "sqlite3"
    assert again.renamed_from(again.pending_changes[-1]) == EntryRef(b"b")
    assert notices == ["4 changes of the session before were restored."]
    again.flush_journal()
    assert journals.found(path) == []
    assert len(files(journals)) == 1  # its own
    run(again.undo_job())
    assert dict(shown(again)) == ENTRIES
    again.close()


def test_what_another_program_changed_meanwhile_is_a_conflict(
    document: Document, path: Path, journals: Journals
) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)
    path.unlink()
    make_sqlite(path, {**ENTRIES, b"a": b"theirs"})
    again = opened(path, journals)
    notices: list[str] = []
    again.notice.connect(notices.append)

    run(again.restore_job(journals.found(path)[0]))

    assert "'a'" in notices[0]
    [conflict] = outcome(again.conflicts_job())
    assert (conflict.key, conflict.mine.value) == (b"a", b"changed")
    assert dict(pairs_of(path))[b"a"] == b"theirs"
    again.close()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_costs_only_its_change(document: Document, path: Path, journals: Journals, cut: int) -> None:
    edit_three(document)

    left_by_a_crash(document, journals, cut=cut)

    [left] = journals.found(path)
    assert [(change.ref.key, change.kind) for change in left.changes] == [
        (b"a", PendingKind.CHANGED),
        (b"new", PendingKind.ADDED),
    ]
    assert left.damaged == 1


def test_a_damaged_line_costs_only_its_change(document: Document, path: Path, journals: Journals) -> None:
    edit_three(document)
    file = left_by_a_crash(document, journals)
    lines = file.read_bytes().splitlines(keepends=True)

    file.write_bytes(b"".join([*lines[:2], lines[2][:-9] + b"}}}}}}}}\n", *lines[3:]]))

    [left] = journals.found(path)
    assert [change.ref.key for change in left.changes] == [b"new", b"c"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"junk\n", line_of({"shelfscope": 99, "path": "/x"}), line_of({"shelfscope": 1, "path": 5})],
)
def test_what_is_no_journal_is_passed_over(journals: Journals, content: bytes) -> None:
    journals.folder.mkdir(parents=True)
    (journals.folder / "odd.journal").write_bytes(content)

    assert journals.all() == []


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"key": 5, "nth": 0},
        {"key": "!", "nth": 0, "kind": "changed"},
        {"key": "YQ==", "nth": "x", "kind": "stored"},
    ],
)
def test_odd_records_are_counted_as_damaged(journals: Journals, path: Path, record: dict[str, object]) -> None:
    journals.folder.mkdir(parents=True)
    (journals.folder / "odd.journal").write_bytes(2 * line_of(header_of(path, "sqlite3")) + line_of(record))

    [left] = journals.found(path)

    assert (left.changes, left.damaged) == ((), 1)


def test_a_record_reads_back_or_is_damaged() -> None:
    line = line_of({"key": "ä"})

    assert record_of(line) == {"key": "ä"}
    for place in range(len(line)):
        assert record_of(line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]) is None
        assert record_of(line[:place]) is None


def test_what_was_given_up_is_discarded(document: Document, path: Path, journals: Journals) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)

    journals.found(path)[0].discard()

    assert files(journals) == []


def test_a_journal_does_not_grow_with_every_edit(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "x.journal")
    header = header_of(tmp_path / "x.db", "sqlite3")
    longest = 0
    for number in range(40):
        value = b"%d" % number + bytes(200_000)
        journal.note(header, [PendingChange(EntryRef(b"k"), value, b"old")])
        journal.flush()
        longest = max(longest, journal.path.stat().st_size)

    assert longest < 2_000_000
    journal.close()
    assert not journal.path.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="Root may write anywhere.")
def test_a_folder_that_cannot_be_written_is_said_once(path: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    document = opened(path, Journals(tmp_path / "closed" / "journals"))
    check_that_it_is_said_once(document)


def test_a_folder_that_cannot_be_made_is_said_once(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    document = opened(path, Journals(tmp_path / "file" / "journals"))
    check_that_it_is_said_once(document)


def check_that_it_is_said_once(document: Document) -> None:
    notices: list[str] = []
    document.notice.connect(notices.append)
    for number in range(4):
        run(document.set_bytes_job(0, b"%d" % number))
        document.flush_journal()

    assert len([said for said in notices if "would not survive a crash" in said]) == 1
    assert dict(shown(document))[b"a"] == b"3"
    document.close()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_STATE_HOME": "/state"}, Path("/state/shelfscope/journals")),
        ({"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/shelfscope/journals"),
        ({}, Path.home() / ".local/state/shelfscope/journals"),
    ],
)
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="These have folders of their own.")
def test_journals_are_in_the_state_folder(environment: dict[str, str], folder: Path) -> None:
    assert default_folder(environment) == folder


def test_changes_that_were_saved_before_the_crash_are_not_made_again(
    document: Document, path: Path, journals: Journals
) -> None:
    edit_three(document)
    document.flush_journal()
    content = files(journals)[0].read_bytes()
    run(document.save_job())
    document.close()
    (journals.folder / "left.journal").write_bytes(content)
    again = opened(path, journals)
    notices: list[str] = []
    again.notice.connect(notices.append)

    run(again.restore_job(journals.found(path)[0]))

    assert again.pending_changes == []
    assert "nothing to restore" in notices[0]
    again.flush_journal()
    assert files(journals) == []
    again.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no quick way to start a program here.")
class Crash(Exception):
    """The program ends here."""


def crash_in_a_save(document: Document, journals: Journals, monkeypatch: pytest.MonkeyPatch, *, commits: bool) -> None:
    """Leave what is on the disk when a program ends before or behind the commit of a save."""
    apply = LocalEngine.apply

    def crash(*given: Any) -> None:
        if commits:
            apply(*given)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(LocalEngine, "apply", crash)
        with pytest.raises(Crash):
            run(document.save_job(backup=False))
    left_by_a_crash(document, journals)


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize(("format_id", "options"), [("cdb", {}), ("bdb-btree", {"duplicates": "unsorted"})])
def test_a_crash_right_behind_the_commit_doubles_no_entry(
    tmp_path: Path,
    journals: Journals,
    monkeypatch: pytest.MonkeyPatch,
    format_id: str,
    options: dict[str, str],
    *,
    commits: bool,
) -> None:
    path = make(tmp_path / "x", format_id, **options)
    write(path, [Insert(b"a", b"one"), Insert(b"b", b"two"), Insert(b"b", b"two")])
    document = opened(path, journals)
    run(document.add_job(b"a", b"new"))
    run(document.delete_job([id_of(document, b"b")]))
    crash_in_a_save(document, journals, monkeypatch, commits=commits)

    with closing(opened(path, journals)) as document:
        [left] = journals.found(path)
        said: list[str] = []
        document.notice.connect(said.append)
        run(document.restore_job(left))

        assert left.damaged == 0
        assert len(document.pending_changes) == (0 if commits else 2)
        assert said[0].startswith("All changes of the session before were saved" if commits else "2 changes")
        if not commits:
            run(document.save_job(backup=False))
    assert sorted(pairs_of(path)) == [(b"a", b"new"), (b"a", b"one"), (b"b", b"two")]


@pytest.mark.parametrize("commits", [True, False])
def test_a_crash_right_behind_the_commit_deletes_no_further_value_of_a_numbered_file(
    tmp_path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch, *, commits: bool
) -> None:
    path = tmp_path / "values.pkl"
    value = pickle.dumps("same", 4)
    path.write_bytes(value * 3)
    document = opened(path, journals)
    run(document.delete_job([1]))
    crash_in_a_save(document, journals, monkeypatch, commits=commits)

    with closing(opened(path, journals)) as document:
        run(document.restore_job(journals.found(path)[-1]))
        if document.pending_changes:
            run(document.save_job(backup=False))
    assert path.read_bytes() == value * 2


def test_edits_after_a_save_that_failed_are_restored_with_the_others(
    tmp_path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"one")])
    document = opened(path, journals)
    run(document.add_job(b"a", b"two"))
    with monkeypatch.context() as patch:
        patch.setattr(LocalEngine, "apply", Mock(side_effect=DocumentError("The disk is full.")))
        with pytest.raises(DocumentError, match="disk is full"):
            run(document.save_job(backup=False))
    run(document.add_job(b"a", b"three"))
    left_by_a_crash(document, journals)

    with closing(opened(path, journals)) as document:
        run(document.restore_job(journals.found(path)[-1]))
        run(document.save_job(backup=False))
    assert pairs_of(path) == [(b"a", b"one"), (b"a", b"two"), (b"a", b"three")]


def test_whatever_was_written_down_survives_a_kill_at_any_moment(path: Path, journals: Journals) -> None:
    random = Random(5)
    for _round in range(50):
        known = killed_while_writing(path, journals, random.uniform(0.0, 0.04), saves=False)
        [left] = journals.found(path)
        document = opened(path)
        run(document.restore_job(left))
        found = dict(shown(document))
        reached = int(found[b"a"].split()[0])

        assert known <= reached <= known + 1
        assert found[b"a"] == b"%d " % reached * (1 + reached % 400)
        assert {b"new %d" % number for number in range(3, known + 1, 3)} <= found.keys()
        assert dict(pairs_of(path)) == ENTRIES
        assert not document.is_indexed or found.keys() >= ENTRIES.keys()
        document.close()
        left.discard()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no quick way to start a program here.")
@pytest.mark.parametrize("format_id", ["sqlite3", "gdbm"])
def test_whatever_was_written_down_survives_a_kill_while_saving(
    tmp_path: Path, journals: Journals, format_id: str
) -> None:
    random = Random(6)
    path = make(tmp_path / "saved.db", format_id)
    write(path, [Insert(key, value) for key, value in ENTRIES.items()])
    for _round in range(25):
        before = dict(pairs_of(path))
        known = killed_while_writing(path, journals, random.uniform(0.0, 0.08), saves=True)
        if format_id == "sqlite3":
            recover(path)
        document = opened(path, journals)
        for left in journals.found(path):
            run(document.restore_job(left))
        assert outcome(document.conflicts_job()) == []
        found = dict(shown(document))

        assert known <= int(found[b"a"].split()[0]) <= known + 1
        assert {b"new %d" % number for number in range(3, known + 1, 3)} <= found.keys()
        assert before.keys() <= found.keys()
        run(document.save_job())
        assert dict(pairs_of(path)) == found
        document.close()


def recover(path: Path) -> None:
    """Let SQLite take back what a program wrote that was killed; until then the database is read-only for us."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM Dict").fetchall()


def killed_while_writing(path: Path, journals: Journals, seconds: float, *, saves: bool) -> int:
    """Let a program edit, kill it, and return the number of the last edit that it said was written down."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            edit_for_ever(path, journals, writing, saves=saves)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        said.readline()
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return int((said.read().split() or [b"1"])[-1])


def edit_for_ever(path: Path, journals: Journals, writing: int, *, saves: bool) -> None:
    document = opened(path, journals)
    for number in count(1):
        run(document.set_bytes_job(id_of(document, b"a"), b"%d " % number * (1 + number % 400)))
        if number % 3 == 0:
            run(document.add_job(b"new %d" % number, b"value %d" % number, replaces=True))
        document.flush_journal()
        if saves and number % 2 == 0:
            run(document.save_job(backup=False))
            reload(document)
        os.write(writing, b"%d\n" % number)


@pytest.mark.parametrize("size", [0, 1, 3 << 18, (3 << 18) + 1, 2_500_000])
def test_a_large_value_is_written_in_steps_and_comes_back(size: int) -> None:
    change = PendingChange(EntryRef(b"key", 2), Random(size).randbytes(size), bytes(32))

    line = entry_line(change)

    assert max(map(len, line)) <= 1 << 20  # more at once would hold up the window's thread
    record = record_of(b"".join(line))
    assert record is not None
    assert change_of(record) == change
    assert change_in(b"".join(line)) == change


@pytest.mark.parametrize("place", [0, 8, 9, 40, 1_500_000, -4, -2, -1])
def test_a_large_line_that_was_damaged_gives_no_change(place: int) -> None:
    line = bytearray(b"".join(entry_line(PendingChange(EntryRef(b"key"), Random(1).randbytes(2_500_000), bytes(32)))))
    assert change_in(line) is not None

    line[place] ^= 1

    assert change_in(line) is None
    assert change_in(line[:-200_000]) is None


@pytest.mark.alone
def test_reading_a_large_value_back_holds_up_no_other_thread(
    document: Document, journals: Journals, path: Path
) -> None:
    value = Random(1).randbytes(64 << 20)
    run(document.set_bytes_job(0, value))
    left_by_a_crash(document, journals)
    read: list[bytes] = []

    def found() -> None:
        [left] = journals.found(path)
        read.append(left.changes[0].value)

    reader = Thread(target=found)
    beats = [time.monotonic()]
    reader.start()
    while reader.is_alive():
        time.sleep(0.002)
        beats.append(time.monotonic())
    longest = max(after - before for before, after in pairwise(beats))

    assert read == [value]
    assert longest < 0.1 + (beats[-1] - beats[0]) / 10, "no step takes longer than a tenth of it all"


def test_nothing_but_the_first_line_is_read_of_journals_of_other_databases(
    document: Document, journals: Journals, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(document.set_bytes_job(0, b"first"))
    left_by_a_crash(document, journals)
    read: list[bytes] = []

    def take(line: bytes, _changes: object, *, keeps_value: bool) -> bool:
        assert keeps_value
        read.append(line)
        return True

    monkeypatch.setattr(journals_module, "_take", take)

    assert journals.found(path.with_name("other.db")) == []
    assert read == []
    journals.found(path)
    assert len(read) == 1
