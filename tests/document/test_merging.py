"""What another program did meanwhile: seen, shown key by key, decided on, and nobody's other entries are lost."""

import pickle
from pathlib import Path

import pytest

from app.backends.base import Insert, Remove, Replace
from app.document.document import Document, PendingKind
from app.document.merging import Choice, Conflict
from app.errors import ChangedOnDisk, DocumentError
from tests.document.databases import ENTRIES, id_of, make, opened, outcome, pairs_of, reload, run, shown, store, write
from tests.engine.shelves import make_sqlite, read_sqlite


def conflicts(document: Document) -> dict[bytes, Conflict]:
    """Let a save fail, read the keys again and return what is in conflict."""
    with pytest.raises(ChangedOnDisk) as caught:
        run(document.save_job())
    reload(document)
    found = {conflict.key: conflict for conflict in outcome(document.conflicts_job())}
    assert set(caught.value.keys) == found.keys()
    return found


def test_a_conflict_tells_what_it_was_what_is_stored_and_what_is_mine(document: Document, path: Path) -> None:
    run(document.set_bytes_job(0, b"first"))
    run(document.set_bytes_job(0, b"mine"))
    store(path, b"a", b"theirs")
    store(path, b"b", b"their other one")

    [conflict] = conflicts(document).values()

    assert (conflict.key, conflict.was, conflict.mine.value) == (b"a", b"one", b"mine")
    assert conflict.is_was_known
    assert conflict.theirs is not None
    assert document.index.key(conflict.theirs) == b"a"
    assert dict(shown(document)) == {**ENTRIES, b"a": b"mine", b"b": b"their other one"}


def test_mine_replaces_theirs_once_that_is_decided(document: Document, path: Path) -> None:
    run(document.set_bytes_job(0, b"mine"))
    store(path, b"a", b"theirs")
    [conflict] = conflicts(document).values()

    run(document.resolve_job(conflict, Choice.MINE))
    run(document.save_job())

    assert read_sqlite(path) == {**ENTRIES, b"a": b"mine"}


def test_theirs_stays_once_that_is_decided_and_undo_brings_mine_back(document: Document, path: Path) -> None:
    run(document.set_bytes_job(0, b"mine"))
    run(document.set_bytes_job(1, b"my other one"))
    store(path, b"a", b"theirs")
    [conflict] = conflicts(document).values()

    run(document.resolve_job(conflict, Choice.THEIRS))
    assert dict(shown(document))[b"a"] == b"theirs"
    run(document.undo_job())
    assert dict(shown(document))[b"a"] == b"mine"
    run(document.redo_job())
    run(document.save_job())

    assert read_sqlite(path) == {**ENTRIES, b"a": b"theirs", b"b": b"my other one"}


@pytest.mark.parametrize("choice", [Choice.MINE, Choice.THEIRS])
def test_undo_after_a_merge_leads_to_what_the_other_program_wrote(
    document: Document, path: Path, choice: Choice
) -> None:
    """Not to what was there before: saving that would take away what it changed, and what it added."""
    run(document.set_bytes_job(0, b"mine"))
    run(document.set_bytes_job(0, b"mine again"))
    run(document.add_job(b"new", b"mine"))
    store(path, b"a", b"theirs")
    store(path, b"new", b"theirs")
    before = read_sqlite(path)
    run(document.resolve_all_job([(conflict, choice) for conflict in conflicts(document).values()]))
    decided = dict(shown(document))

    run(document.undo_job())
    mine, theirs = {b"a": b"mine again", b"new": b"mine"}, {b"a": b"theirs", b"new": b"theirs"}
    assert dict(shown(document)) == {**ENTRIES, **(theirs if choice is Choice.MINE else mine)}
    assert document.undo_job() is None
    run(document.redo_job())
    assert dict(shown(document)) == decided
    run(document.undo_job())
    assert bool(document.pending_count) == (choice is Choice.THEIRS)
    assert read_sqlite(path) == before


@pytest.mark.parametrize(
    ("choice", "stored"), [(Choice.MINE, {b"a": b"mine", b"c": b"three"}), (Choice.THEIRS, {b"b": b"theirs"})]
)
def test_entries_that_came_or_went_are_decided_on_too(
    document: Document, path: Path, choice: Choice, stored: dict[bytes, bytes]
) -> None:
    run(document.set_bytes_job(0, b"mine"))
    run(document.delete_job([1]))
    run(document.add_job(b"new", b"my new one"))
    store(path, b"a", None)
    store(path, b"b", b"theirs")
    store(path, b"new", b"their new one")
    found = conflicts(document)

    assert {key: (conflict.mine.kind, conflict.theirs is not None) for key, conflict in found.items()} == {
        b"a": (PendingKind.CHANGED, False),
        b"b": (PendingKind.DELETED, True),
        b"new": (PendingKind.ADDED, True),
    }
    for conflict in found.values():
        run(document.resolve_job(conflict, choice))
    if document.pending_changes:
        run(document.save_job())

    new = {b"new": b"my new one" if choice is Choice.MINE else b"their new one"}
    assert read_sqlite(path) == {b"c": b"three", **stored, **new}


def test_a_decision_on_what_was_edited_since_is_refused(document: Document, path: Path) -> None:
    run(document.set_bytes_job(0, b"mine"))
    store(path, b"a", b"theirs")
    [conflict] = conflicts(document).values()
    run(document.set_bytes_job(id_of(document, b"a"), b"mine again"))

    with pytest.raises(DocumentError, match="look at the conflicts again"):
        run(document.resolve_job(conflict, Choice.MINE))


def test_both_delete_and_nothing_is_left_to_do(document: Document, path: Path) -> None:
    run(document.delete_job([0]))
    store(path, b"a", None)

    reload(document)

    assert document.pending_changes == []
    assert dict(shown(document)) == {b"b": b"two", b"c": b"three"}


def test_what_another_program_changed_cannot_be_undone_and_that_is_said(document: Document, path: Path) -> None:
    notices: list[str] = []
    document.notice.connect(notices.append)
    run(document.set_bytes_job(0, b"mine"))
    run(document.set_bytes_job(1, b"my other one"))
    run(document.save_job())
    store(path, b"a", b"theirs")
    reload(document)

    assert notices == ["One edit can no longer be undone: another program changed the entries."]
    run(document.undo_job())
    assert document.undo_job() is None
    assert dict(shown(document)) == {b"a": b"theirs", b"b": b"two", b"c": b"three"}


def test_an_edit_that_no_longer_fits_is_left_out_and_the_others_are_undone(document: Document, path: Path) -> None:
    notices: list[str] = []
    document.notice.connect(notices.append)
    run(document.set_bytes_job(1, b"earlier"))
    run(document.paste_job([(b"x", b"1"), (b"y", b"2")]))
    run(document.save_job())
    reload(document)
    store(path, b"x", b"theirs")
    run(document.index_job())
    run(document.undo_job())

    assert dict(shown(document)) == {**ENTRIES, b"b": b"earlier", b"x": b"theirs"}
    assert any("another program" in said for said in notices)
    run(document.undo_job())
    assert dict(shown(document)) == {**ENTRIES, b"x": b"theirs"}


@pytest.mark.parametrize("format_id", ["sqlite3", "gdbm", "dumb", "cdb", "bdb-hash"])
def test_a_change_on_disk_is_seen(tmp_path: Path, format_id: str) -> None:
    path = make(tmp_path / "x.db", format_id)
    write(path, [Insert(key, value) for key, value in ENTRIES.items()])
    document = opened(path)
    run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
    assert not outcome(document.changed_on_disk_job()).is_changed

    rows = {key: row for row, (key, _value) in enumerate(pairs_of(path))}
    write(path, [Replace(rows[b"b"], b"theirs" * 100)])
    assert outcome(document.changed_on_disk_job()).is_changed
    reload(document)
    assert not outcome(document.changed_on_disk_job()).is_changed
    assert dict(shown(document)) == {**ENTRIES, b"a": b"mine", b"b": b"theirs" * 100}
    rows = {key: row for row, (key, _value) in enumerate(pairs_of(path))}
    write(path, [Remove(rows[b"a"])])
    reload(document)

    assert [conflict.key for conflict in outcome(document.conflicts_job())] == [b"a"]
    document.close()


def test_going_on_with_a_copy_keeps_history_and_later_changes(document: Document, tmp_path: Path) -> None:
    run(document.set_bytes_job(0, b"mine"))
    run(document.delete_job([1]))
    run(document.add_job(b"new", b"added"))
    begun = document.begin_copy("sqlite3")
    run(document.set_bytes_job(0, b"later"))
    copy = make_sqlite(tmp_path / "copy.db", {b"a": b"mine", b"c": b"three", b"new": b"added"})

    document.continue_as(copy, begun)
    run(document.open_job())
    reload(document)

    assert [change.ref.key for change in document.pending_changes] == [b"a"]
    for _ in range(4):
        run(document.undo_job())
    assert dict(shown(document)) == ENTRIES
    run(document.save_job())
    assert read_sqlite(copy) == ENTRIES


def test_an_edit_made_for_keys_that_were_read_again_is_refused(document: Document) -> None:
    job = document.set_bytes_job(0, pickle.dumps("late"))
    reload(document)

    with pytest.raises(DocumentError, match="read again meanwhile"):
        run(job)

    assert dict(shown(document)) == ENTRIES


def test_two_undos_asked_for_at_once_undo_two_edits(document: Document) -> None:
    for value in (b"x", b"y"):
        run(document.set_bytes_job(0, value))

    first, second, third = document.undo_job(), document.undo_job(), document.undo_job()
    for job in (first, second, third):
        run(job)

    assert dict(shown(document)) == ENTRIES
    assert document.history.next_undo is None


def test_nothing_is_undone_while_the_keys_are_read(document: Document) -> None:
    run(document.set_bytes_job(0, b"x"))
    document.index_job()

    with pytest.raises(DocumentError, match="still being read"):
        document.undo_job()


def test_a_redo_over_what_another_program_stored_meanwhile_is_left_out(document: Document, path: Path) -> None:
    notices: list[str] = []
    document.notice.connect(notices.append)
    run(document.paste_job([(b"new", b"mine"), (b"other", b"mine too")]))
    store(path, b"new", b"theirs")
    reload(document)
    run(document.undo_job())
    assert dict(shown(document)) == {**ENTRIES, b"new": b"theirs"}

    run(document.redo_job())

    assert dict(shown(document)) == {**ENTRIES, b"new": b"theirs", b"other": b"mine too"}
    assert "no longer fits and was left out" in notices[-1]
    run(document.undo_job())
    assert dict(shown(document)) == {**ENTRIES, b"new": b"theirs"}


def test_a_conflict_of_an_earlier_reading_is_not_decided_on(document: Document, path: Path) -> None:
    run(document.set_bytes_job(2, b"mine"))
    store(path, b"c", b"theirs")
    [conflict] = conflicts(document).values()
    store(path, b"a", None)  # the ids are others now
    reload(document)

    with pytest.raises(DocumentError, match="look at the conflicts again"):
        run(document.resolve_job(conflict, Choice.THEIRS))

    assert dict(shown(document)) == {b"b": b"two", b"c": b"mine"}
