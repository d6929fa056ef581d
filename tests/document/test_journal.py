"""The journal: nobody else can read it, it does not grow without end, and it goes when it is not needed."""

import os
import stat
import sys
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from app.document import journals as journals_module
from app.document.document import Document
from app.document.history import EntryRef
from app.document.journal import Journal
from app.document.journal_lines import header_of
from app.document.journals import Journals, default_folder
from app.document.pending_change import PendingChange
from tests.document.databases import ENTRIES, id_of, opened, run, shown
from tests.document.journaled import edit_three, files, left_by_a_crash

WAIT = 30.0
"""Seconds that the slow disk takes at most."""


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
