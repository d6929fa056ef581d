"""Journals in a folder that other windows, a full disk and anybody else write to."""

import errno
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from app.backends.base import Insert
from app.document.document import Document
from app.document.journal_lines import header_of, line_of
from app.document.journals import Journals, Left
from app.errors import DocumentError
from tests.document.databases import ENTRIES, id_of, make, opened, run, shown, write
from tests.document.journaled import edit_three, files, left_by_a_crash

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither of these.")
CHANGE = {"key": "YQ==", "nth": 0, "kind": "changed", "digest": None, "value": "YQ=="}
"""The record of a change that can be read."""
SAVE = {"kind": "save", "count": 0, "by_place": False, "before": [], "gained": [], "lost": [], "order": ["", ""]}
"""The note of a save of nothing."""


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# ---- other windows


def test_two_who_look_at_once_both_see_what_was_left(document: Document, path: Path, journals: Journals) -> None:
    fcntl = pytest.importorskip("fcntl", reason="Windows has no lock that several can share.")
    edit_three(document)
    left = left_by_a_crash(document, journals)

    with left.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)

        assert len(journals.found(path)) == len(journals.kept()) == 1


def test_what_is_being_restored_is_neither_offered_nor_restored_again(
    document: Document, path: Path, journals: Journals
) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)
    [left] = journals.found(path)

    claim = left.claim()

    assert journals.found(path) == []
    with closing(opened(path, journals)) as another:
        with pytest.raises(DocumentError, match="in use by another window"):
            run(another.restore_job(left))
        assert another.pending_changes == []
        claim.release()
        assert len(journals.found(path)) == 1


def test_what_another_window_restored_is_not_restored_again(document: Document, path: Path, journals: Journals) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)
    [left] = journals.found(path)

    with closing(opened(path, journals)) as first, closing(opened(path, journals)) as second:
        run(first.restore_job(left))
        first.flush_journal()

        with pytest.raises(DocumentError, match="restored or discarded in another window"):
            run(second.restore_job(left))
        assert second.pending_changes == []


def test_nobody_finds_a_journal_while_it_is_written_anew(
    document: Document, path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_three(document)
    document.flush_journal()
    found: list[object] = []
    replace = Path.replace

    def looked_at(beside: Path, target: Path) -> Path:
        found.append(journals.found(path))
        replaced = replace(beside, target)
        found.append(journals.found(path))
        return replaced

    monkeypatch.setattr(Path, "replace", looked_at)
    for number in range(8):
        run(document.set_bytes_job(0, bytes([number]) * 500_000))
        document.flush_journal()

    assert len(found) >= 2
    assert not any(found)


def test_a_journal_that_cannot_be_removed_once_it_was_restored_is_told_of(
    document: Document, path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_three(document)
    left = left_by_a_crash(document, journals)

    with closing(opened(path, journals)) as again:
        said: list[str] = []
        again.notice.connect(said.append)
        monkeypatch.setattr(Left, "discard", Mock(side_effect=DocumentError(f"{left} could not be removed: Busy.")))
        run(again.restore_job(journals.found(path)[0]))
        again.flush_journal()

        assert f"{left} could not be removed: Busy." in said
        assert dict(shown(again))[b"a"] == b"changed"


def test_what_was_changed_here_before_is_said_and_comes_back_by_undo(
    document: Document, path: Path, journals: Journals
) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)

    with closing(opened(path, journals)) as again:
        said: list[str] = []
        again.notice.connect(said.append)
        run(again.set_bytes_job(id_of(again, b"a"), b"newer"))
        run(again.restore_job(journals.found(path)[0]))

        assert "What was changed here in 'a' was replaced; Undo brings that back." in said[-1]
        assert dict(shown(again))[b"a"] == b"changed"
        run(again.undo_job())
        assert dict(shown(again)) == ENTRIES | {b"a": b"newer"}


# ---- damage


def test_a_value_that_cannot_be_read_keeps_no_change_from_being_restored(tmp_path: Path, journals: Journals) -> None:
    path = make(tmp_path / "x.db", "bdb-hash")
    write(path, [Insert(b"a", b"A" * 3_000), Insert(b"b", b"B" * 3_000), Insert(b"c", b"C" * 50_000)])
    document = opened(path, journals)
    for key in (b"a", b"b", b"c"):
        run(document.set_bytes_job(id_of(document, key), b"mine " + key))
    left_by_a_crash(document, journals)
    path.write_bytes(path.read_bytes()[:-100])

    with closing(opened(path, journals)) as again:
        said: list[str] = []
        again.notice.connect(said.append)
        run(again.restore_job(journals.found(path)[0]))

        assert {change.value for change in again.pending_changes} == {b"mine a", b"mine b", b"mine c"}
        assert "cannot be read: save as another file." in said[-1]


@pytest.mark.parametrize("damaged", [0, 1])
def test_a_damaged_header_costs_nothing(document: Document, path: Path, journals: Journals, damaged: int) -> None:
    edit_three(document)
    file = left_by_a_crash(document, journals)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[damaged] = b"x" * (len(lines[damaged]) - 1) + b"\n"
    file.write_bytes(b"".join(lines))

    [left] = journals.found(path)

    assert (left.count, left.damaged) == (3, 0)


def test_what_could_not_be_read_is_kept_under_another_name_once_the_rest_is_restored(
    document: Document, path: Path, journals: Journals
) -> None:
    edit_three(document)
    file = left_by_a_crash(document, journals, cut=5)
    content = file.read_bytes()

    with closing(opened(path, journals)) as again:
        said: list[str] = []
        again.notice.connect(said.append)
        run(again.restore_job(journals.found(path)[0]))
        again.flush_journal()

    assert said[-1].startswith("2 changes of the session before were restored. One change could not be read any more")
    assert journals.found(path) == []
    [kept] = files(journals)
    assert str(kept) in said[-1]
    assert kept.read_bytes() == content


def test_where_all_is_damaged_nothing_is_said_to_be_saved(path: Path, journals: Journals) -> None:
    journals.folder.mkdir(parents=True)
    (journals.folder / "odd.journal").write_bytes(2 * line_of(header_of(path, "sqlite3")) + b"damaged\n")

    with closing(opened(path, journals)) as document:
        said: list[str] = []
        document.notice.connect(said.append)
        run(document.restore_job(journals.found(path)[0]))

    assert said[-1].startswith("One change could not be read any more")


# ---- what anybody may have put there


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_folder(path: Path) -> None:
    path.mkdir()


@POSIX
@pytest.mark.parametrize("make_odd", [make_fifo, make_link, make_folder])
def test_what_is_no_plain_file_is_passed_over(
    document: Document, path: Path, journals: Journals, make_odd: Callable[[Path], None]
) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)

    make_odd(journals.folder / "a.journal")

    assert len(journals.found(path)) == len(journals.kept()) == 1


@pytest.mark.parametrize(
    "record",
    [
        {**CHANGE, "nth": float("inf")},
        {**CHANGE, "from": "YQ==", "from_nth": float("inf")},
        {**SAVE, "count": float("inf")},
    ],
)
def test_a_number_without_end_costs_its_own_line(path: Path, journals: Journals, record: dict[str, object]) -> None:
    journals.folder.mkdir(parents=True)
    header = 2 * line_of(header_of(path, "sqlite3"))
    (journals.folder / "odd.journal").write_bytes(header + line_of(record) + line_of(CHANGE))

    [left] = journals.found(path)

    assert (len(left.changes), left.damaged) == (1, 1)


def test_a_name_that_no_file_can_have_is_passed_over(path: Path, journals: Journals) -> None:
    journals.folder.mkdir(parents=True)
    header = line_of({"shelfscope": 1, "path": "/x\0y", "format": "sqlite3"})
    (journals.folder / "odd.journal").write_bytes(2 * header + line_of(CHANGE))

    assert journals.found(path) == []


@POSIX
def test_a_database_is_the_same_by_whatever_link_it_is_opened(
    document: Document, path: Path, journals: Journals, tmp_path: Path
) -> None:
    edit_three(document)
    left_by_a_crash(document, journals)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)

    assert len(journals.found(tmp_path / "link" / path.name)) == 1


# ---- a full disk


def test_what_waits_for_a_write_that_failed_is_done_after_the_next_one(
    document: Document, path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_three(document)
    left = left_by_a_crash(document, journals)
    with closing(opened(path, journals)) as again:
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", refuse)
            run(again.restore_job(journals.found(path)[0]))
            again.flush_journal()
        assert left.exists(), "it is the only one on the disk"
        assert files(journals) == [left], "nothing is left of what could not be written"

        run(again.set_bytes_job(id_of(again, b"b"), b"more"))
        again.flush_journal()

        assert not left.exists()
        assert len(files(journals)) == 1


def test_a_journal_that_could_not_be_written_further_is_not_offered_while_its_program_runs(
    document: Document, path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(document.set_bytes_job(0, b"mine"))
    document.flush_journal()
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        run(document.set_bytes_job(0, b"mine too"))
        document.flush_journal()

    assert journals.found(path) == []

    run(document.set_bytes_job(1, b"more"))
    left_by_a_crash(document, journals)
    [left] = journals.found(path)
    assert {change.value for change in left.changes} == {b"mine too", b"more"}


def test_what_was_begun_and_never_became_a_journal_is_swept_after_a_day(journals: Journals) -> None:
    journals.folder.mkdir(parents=True)
    old, new = journals.folder / "1.new", journals.folder / "2.new"
    old.write_bytes(b"private")
    new.write_bytes(b"private")
    os.utime(old, (time.time() - 90_000,) * 2)

    journals.kept()

    assert files(journals) == [new]
