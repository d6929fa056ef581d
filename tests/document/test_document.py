"""Pending changes, undo, redo, revert and save, over real databases and a real engine."""

import json
import pickle
from pathlib import Path

import pytest

from app.document.document import Document
from app.errors import ChangedOnDisk, DocumentError, EncodeError
from tests.document.databases import opened, reload, run
from tests.engine.shelves import make_sqlite, read_sqlite

ORDER: dict[str, object] = {"id": 7, "tags": ["a", "b"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shelf.db", {b"order": pickle.dumps(ORDER), b"other": pickle.dumps("kept")})


def current(document: Document, entry_id: int = 0) -> object:
    source = document.source(entry_id)
    return pickle.loads(source if isinstance(source, bytes) else read_sqlite(document.path)[document.key(entry_id)])


def test_opening_tells_what_there_is(document: Document) -> None:
    assert len(document) == 2
    assert document.is_indexed
    assert document.is_shelf
    assert document.why_read_only == ""


def test_an_edit_is_pending_until_it_is_saved(document: Document, path: Path) -> None:
    before = read_sqlite(path)

    run(document.literal_job(0, "['tags'][1]", "'changed'"))

    assert current(document) == {"id": 7, "tags": ["a", "changed"]}
    assert read_sqlite(path) == before
    assert [change.ref.key for change in document.pending_changes] == [b"order"]


def test_a_wrong_literal_changes_nothing(document: Document) -> None:
    with pytest.raises(EncodeError):
        run(document.literal_job(0, "['id']", "'text'"))

    assert document.pending_changes == []
    assert document.history.next_undo is None


def test_an_edit_to_the_same_value_is_no_edit(document: Document) -> None:
    run(document.literal_job(0, "['id']", "7"))

    assert document.pending_changes == []
    assert document.history.next_undo is None


def test_undo_and_redo_walk_through_all_edits(document: Document) -> None:
    for number in (8, 9):
        run(document.literal_job(0, "['id']", str(number)))

    run(document.undo_job())
    assert current(document) == {**ORDER, "id": 8}
    run(document.undo_job())
    assert document.pending_changes == []
    run(document.redo_job())
    run(document.redo_job())
    assert current(document) == {**ORDER, "id": 9}
    assert document.redo_job() is None


def test_revert_is_an_edit_that_can_be_undone(document: Document) -> None:
    run(document.literal_job(0, "['id']", "8"))

    run(document.revert_job(0))
    assert document.pending_changes == []

    run(document.undo_job())
    assert current(document) == {**ORDER, "id": 8}


def test_save_writes_the_change_and_nothing_else(document: Document, path: Path) -> None:
    other = read_sqlite(path)[b"other"]
    reports: list[object] = []
    document.saved.connect(reports.append)
    run(document.literal_job(0, "['id']", "8"))

    run(document.save_job())

    assert pickle.loads(read_sqlite(path)[b"order"]) == {**ORDER, "id": 8}
    assert read_sqlite(path)[b"other"] == other
    assert document.pending_changes == []
    assert len(reports) == 1


def test_undo_after_a_save_makes_a_new_pending_change(document: Document) -> None:
    run(document.literal_job(0, "['id']", "8"))
    run(document.save_job())
    reload(document)

    run(document.undo_job())

    assert current(document) == ORDER
    assert len(document.pending_changes) == 1


def test_only_the_first_save_makes_a_backup(document: Document, path: Path) -> None:
    for number in (8, 9):
        run(document.literal_job(0, "['id']", str(number)))
        run(document.save_job())
        reload(document)

    backups = [file for file in path.parent.iterdir() if file != path]
    assert len(backups) == 1
    assert pickle.loads(read_sqlite(backups[0])[b"order"]) == ORDER


def test_a_change_by_somebody_else_is_a_conflict_and_loses_nothing(document: Document, path: Path) -> None:
    run(document.literal_job(0, "['id']", "8"))
    path.unlink()
    make_sqlite(path, {b"order": pickle.dumps("theirs"), b"other": pickle.dumps("kept")})

    with pytest.raises(ChangedOnDisk, match="order"):
        run(document.save_job())

    assert pickle.loads(read_sqlite(path)[b"order"]) == "theirs"
    assert current(document) == {**ORDER, "id": 8}


def test_other_peoples_changes_to_other_keys_are_kept(document: Document, path: Path) -> None:
    run(document.literal_job(0, "['id']", "8"))
    path.unlink()
    make_sqlite(path, {b"order": pickle.dumps(ORDER), b"other": pickle.dumps("theirs"), b"new": b"N."})

    run(document.save_job())

    assert {key: pickle.loads(value) for key, value in read_sqlite(path).items()} == {
        b"order": {**ORDER, "id": 8},
        b"other": "theirs",
        b"new": None,
    }


def test_reloading_keeps_pending_changes_on_their_entries(document: Document) -> None:
    run(document.literal_job(1, "", "'edited'"))

    reload(document)

    assert document.pending(0) is None
    assert current(document, 1) == "edited"


def test_a_read_only_document_says_why(path: Path) -> None:
    document = opened(path, read_only=True)

    with pytest.raises(DocumentError, match="opened read-only"):
        document.save_job()

    document.close()


def test_an_export_holds_pending_changes(document: Document, tmp_path: Path) -> None:
    run(document.literal_job(0, "['id']", "8"))
    target = tmp_path / "out.json"

    run(document.export_job(None, target, lines=False))

    assert json.loads(target.read_text("utf-8")) == {"order": {**ORDER, "id": 8}, "other": "kept"}


def test_signals_name_the_rows_that_changed(document: Document) -> None:
    changed: list[list[int]] = []
    document.entries_changed.connect(changed.append)

    run(document.summaries_job([0, 1]))
    run(document.literal_job(1, "", "'x'"))

    assert changed == [[0, 1], [1]]
    assert document.size(1) == len(pickle.dumps("x"))
