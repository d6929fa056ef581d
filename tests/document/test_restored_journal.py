"""What a crash leaves can be got back, once, and beside what other programs did."""

import pickle
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from app.backends.base import Insert
from app.document.document import Document
from app.document.history import EntryRef
from app.document.journals import Journals
from app.engine.local import LocalEngine
from app.errors import DocumentError
from tests.document.databases import ENTRIES, id_of, make, opened, outcome, pairs_of, run, shown, write
from tests.document.journaled import edit_three, files, left_by_a_crash
from tests.engine.shelves import make_sqlite


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


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("appended", [b"", pickle.dumps("theirs", 4)])
def test_a_crash_right_behind_the_commit_renames_no_further_value_of_a_numbered_file(
    tmp_path: Path, journals: Journals, monkeypatch: pytest.MonkeyPatch, appended: bytes, *, commits: bool
) -> None:
    path = tmp_path / "values.pkl"
    one, two, three = (pickle.dumps(number, 4) for number in range(3))
    path.write_bytes(one + two + three)
    document = opened(path, journals)
    run(document.rename_job(0, b"3"))
    crash_in_a_save(document, journals, monkeypatch, commits=commits)
    path.write_bytes(path.read_bytes() + (appended if commits else b""))

    with closing(opened(path, journals)) as document:
        run(document.restore_job(journals.found(path)[-1]))
        if document.pending_changes:
            run(document.save_job(backup=False))
    assert path.read_bytes() == two + three + one + (appended if commits else b"")


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
