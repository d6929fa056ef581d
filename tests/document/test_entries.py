"""Adding, renaming, duplicating, deleting and pasting entries, each one edit that can be undone."""

import pickle
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.codecs.edits import Copied, RawBytes, ReplaceNode, Written
from app.document.document import Document, PendingKind
from app.document.entry_ids import FIRST_ADDED
from app.document.history import EntryRef
from app.errors import ChangedOnDisk, DocumentError, EncodeError
from tests.document.databases import id_of, ids, make, opened, pairs_of, reload, run, shown, value_of
from tests.engine.shelves import make_sqlite, read_sqlite

VALUES: dict[bytes, object] = {b"a": [1, 2], b"b": "text", b"c": 3}
STORED = {key: pickle.dumps(value) for key, value in VALUES.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", STORED)


class Heard:
    """What a document said of its rows."""

    def __init__(self, document: Document) -> None:
        self.rows = ids(document)
        document.entries_added.connect(lambda first, count: self.rows.extend(range(first, first + count)))
        document.entries_removed.connect(self.forget)
        document.reloading.connect(self.rows.clear)

    def forget(self, gone: list[int]) -> None:
        self.rows = [entry_id for entry_id in self.rows if entry_id not in gone]


def loaded(document: Document) -> dict[bytes, object]:
    return {key: pickle.loads(value) for key, value in shown(document)}


# ---- adding


def test_an_added_entry_is_behind_the_stored_ones_until_it_is_saved(document: Document, path: Path) -> None:
    heard = Heard(document)

    run(document.add_job(b"new", Written("{'x': (1, 2)}")))

    assert len(document) == 4
    assert heard.rows == ids(document) == [0, 1, 2, FIRST_ADDED]
    pending = document.pending(FIRST_ADDED)
    assert pending is not None
    assert (pending.kind, document.key(FIRST_ADDED)) == (PendingKind.ADDED, b"new")
    assert document.size(FIRST_ADDED) == len(value_of(document, FIRST_ADDED))
    assert loaded(document) == {**VALUES, b"new": {"x": (1, 2)}}
    run(document.save_job())
    reload(document)
    stored = read_sqlite(path)
    assert pickle.loads(stored.pop(b"new")) == {"x": (1, 2)}
    assert stored == STORED
    assert document.pending_changes == []
    assert len(document) == len(document.index) == 4


def test_an_added_entry_keeps_its_id_when_it_goes_and_comes_again(document: Document) -> None:
    heard = Heard(document)
    run(document.add_job(b"one", b"1"))
    run(document.add_job(b"two", b"2"))

    run(document.delete_job([FIRST_ADDED]))
    assert ids(document) == sorted(heard.rows) == [0, 1, 2, FIRST_ADDED + 1]
    run(document.undo_job())

    assert ids(document) == sorted(heard.rows) == [0, 1, 2, FIRST_ADDED, FIRST_ADDED + 1]
    assert document.key(FIRST_ADDED) == b"one"


def test_an_entry_can_be_added_while_the_keys_are_read(document: Document) -> None:
    steps = document.index_job()
    chunks = list(steps.steps(CancelToken()))

    run(document.add_job(b"new", b"added"))
    assert ids(document) == [FIRST_ADDED]
    for chunk in chunks:
        steps.item(chunk)
    steps.done()

    assert ids(document) == [0, 1, 2, FIRST_ADDED]
    assert dict(shown(document)) == {**STORED, b"new": b"added"}


def test_an_entry_added_while_its_key_was_not_read_yet_is_one_entry_and_a_conflict(document: Document) -> None:
    steps = document.index_job()
    chunks = list(steps.steps(CancelToken()))
    run(document.add_job(b"a", b"added"))

    for chunk in chunks:
        steps.item(chunk)
    steps.done()

    assert ids(document) == [0, 1, 2]
    assert value_of(document, 0) == b"added"
    with pytest.raises(ChangedOnDisk, match="'a'"):
        run(document.save_job())


def test_a_key_that_is_there_is_refused(document: Document) -> None:
    for key in (b"a", b"b"):
        with pytest.raises(DocumentError, match=r"has '[ab]' already"):
            run(document.add_job(key, b"v"))
    run(document.add_job(b"new", b"v"))

    with pytest.raises(DocumentError, match="has 'new' already"):
        run(document.add_job(b"new", b"w"))

    assert len(document.pending_changes) == 1


def test_a_key_that_is_there_is_replaced_where_that_is_wanted(document: Document) -> None:
    run(document.add_job(b"a", b"v", replaces=True))

    pending = document.pending(0)
    assert pending is not None
    assert pending.kind is PendingKind.CHANGED
    assert dict(shown(document))[b"a"] == b"v"


def test_the_key_of_a_deleted_entry_can_be_used_again(document: Document, path: Path) -> None:
    run(document.delete_job([0]))

    run(document.add_job(b"a", b"v"))

    assert ids(document) == [0, 1, 2]
    run(document.save_job())
    assert read_sqlite(path)[b"a"] == b"v"


@pytest.mark.parametrize(
    ("new", "value"),
    [
        (Written("b'x'"), b"x"),
        (Written("'ä'"), "ä"),
        (Written("[1]", "json"), [1]),
        (RawBytes(b"\0\xff"), b"\0\xff"),
        (Copied(STORED[b"a"], "[1]"), 2),
    ],
)
def test_a_new_value_of_a_shelf_is_a_pickle(document: Document, new: Written, value: object) -> None:
    run(document.add_job(b"new", new))

    assert loaded(document)[b"new"] == value


@pytest.mark.parametrize(
    ("new", "value"),
    [
        (Written("b'x'"), b"x"),
        (Written("'ä'"), "ä".encode()),
        (RawBytes(b"\0\xff"), b"\0\xff"),
        (Copied(b"raw"), b"raw"),
        (b"file", b"file"),
    ],
)
def test_a_new_value_elsewhere_is_a_text_or_bytes(tmp_path: Path, new: Written, value: bytes) -> None:
    document = opened(make_sqlite(tmp_path / "plain.db", {b"k": b"plain text"}))

    run(document.add_job(b"new", new))

    assert dict(shown(document))[b"new"] == value
    document.close()


def test_what_is_neither_needs_to_be_a_pickle_elsewhere(tmp_path: Path) -> None:
    document = opened(make_sqlite(tmp_path / "plain.db", {b"k": b"plain text"}))

    for new in (Written("[1]"), Written("[1]", "json")):
        with pytest.raises(EncodeError, match="as a pickle"):
            run(document.add_job(b"new", new))
    run(document.add_job(b"new", Written("[1]"), as_pickle=True))

    assert pickle.loads(dict(shown(document))[b"new"]) == [1]
    document.close()


# ---- renaming, duplicating, pasting


def test_a_rename_is_one_edit_of_two_entries_that_know_each_other(document: Document, path: Path) -> None:
    run(document.rename_job(1, b"B"))

    old, new = document.pending(1), document.pending(FIRST_ADDED)
    assert old is not None
    assert new is not None
    assert (old.kind, new.kind) == (PendingKind.DELETED, PendingKind.ADDED)
    assert (document.renamed_to(old), document.renamed_from(new)) == (EntryRef(b"B"), EntryRef(b"b"))
    assert document.history.next_undo is not None
    assert document.history.next_undo.title == "Rename of 'b' to 'B'"
    run(document.save_job())
    assert {key: pickle.loads(value) for key, value in read_sqlite(path).items()} == {
        b"a": [1, 2], b"c": 3, b"B": "text",
    }  # fmt: skip
    reload(document)
    run(document.undo_job())
    assert loaded(document) == VALUES
    renamed = next(change for change in document.pending_changes if not change.is_deleted)
    assert document.renamed_from(renamed) == EntryRef(b"B")


def test_an_edit_of_a_renamed_entry_keeps_where_it_came_from(document: Document) -> None:
    run(document.rename_job(1, b"B"))

    run(document.literal_job(FIRST_ADDED, "", "'edited'"))
    run(document.rename_job(FIRST_ADDED, b"BB"))

    new, old = document.pending(FIRST_ADDED + 1), document.pending(1)
    assert new is not None
    assert old is not None
    assert (document.renamed_from(new), document.renamed_to(old)) == (EntryRef(b"b"), EntryRef(b"BB"))
    assert loaded(document) == {b"a": [1, 2], b"c": 3, b"BB": "edited"}
    run(document.undo_job())
    assert document.renamed_to(old) == EntryRef(b"B")


@pytest.mark.parametrize("row", [1, FIRST_ADDED])
def test_reverting_either_half_of_a_rename_reverts_both(document: Document, row: int) -> None:
    run(document.rename_job(1, b"B"))

    run(document.revert_job(row))

    assert document.pending_changes == []
    assert loaded(document) == VALUES
    run(document.undo_job())
    assert b"B" in loaded(document)


def test_a_rename_to_a_key_that_is_there_is_refused_and_to_its_own_is_nothing(document: Document) -> None:
    with pytest.raises(DocumentError, match="has 'a' already"):
        run(document.rename_job(1, b"a"))
    run(document.rename_job(1, b"b"))

    assert document.pending_changes == []
    assert document.history.is_empty


def test_renaming_back_leaves_nothing_pending(document: Document) -> None:
    run(document.rename_job(1, b"B"))

    run(document.rename_job(FIRST_ADDED, b"b"))

    assert document.pending_changes == []
    assert ids(document) == [0, 1, 2]


def test_a_copy_has_the_value_as_it_is_now(document: Document) -> None:
    run(document.literal_job(2, "", "4"))

    run(document.duplicate_job(2, b"copy"))

    assert loaded(document) == {**VALUES, b"c": 4, b"copy": 4}


def test_pasted_entries_are_one_edit(document: Document) -> None:
    run(document.paste_job([(b"x", b"1"), (b"y", b"2")]))
    assert [row for row in ids(document) if row >= FIRST_ADDED] == [FIRST_ADDED, FIRST_ADDED + 1]

    with pytest.raises(DocumentError, match="has 'x' already"):
        run(document.paste_job([(b"z", b"1"), (b"x", b"2")]))
    with pytest.raises(DocumentError, match="'z' would come twice"):
        run(document.paste_job([(b"z", b"1"), (b"z", b"2")]))
    run(document.undo_job())

    assert loaded(document) == VALUES


# ---- deleting and reverting


def test_deleted_entries_stay_in_sight_until_the_save(document: Document, path: Path) -> None:
    run(document.delete_job([0, 2]))

    assert len(document) == 3
    assert [change.kind for change in document.pending_changes] == [PendingKind.DELETED] * 2
    assert document.source(0) == 0  # what it was can still be looked at
    assert loaded(document) == {b"b": "text"}
    run(document.save_job())
    reload(document)
    assert read_sqlite(path) == {b"b": STORED[b"b"]}
    run(document.undo_job())
    assert loaded(document) == VALUES
    run(document.save_job())
    assert read_sqlite(path) == STORED


def test_a_deleted_entry_cannot_be_edited(document: Document) -> None:
    run(document.delete_job([0]))

    for make_job in (
        lambda: document.literal_job(0, "[0]", "5"),
        lambda: document.rename_job(0, b"x"),
        lambda: document.duplicate_job(0, b"x"),
    ):
        with pytest.raises(DocumentError, match="'a' is deleted"):
            make_job()


def test_an_entry_that_goes_before_its_turn_is_not_edited(document: Document) -> None:
    run(document.add_job(b"new", b"v"))
    jobs = [
        document.set_bytes_job(FIRST_ADDED, b"w"),
        document.duplicate_job(FIRST_ADDED, b"copy"),
        document.rename_job(FIRST_ADDED, b"renamed"),
    ]
    run(document.undo_job())

    for job in jobs:
        with pytest.raises(DocumentError, match="'new' is not there any more"):
            run(job)

    assert document.pending_changes == []


def test_all_changes_are_reverted_in_one_edit(document: Document) -> None:
    run(document.rename_job(1, b"B"))
    run(document.add_job(b"new", b"v"))
    run(document.literal_job(0, "[0]", "5"))
    before = dict(shown(document))

    run(document.revert_all_job())
    assert loaded(document) == VALUES
    assert document.revert_all_job() is None
    run(document.undo_job())

    assert dict(shown(document)) == before


def test_an_edit_of_a_node_has_its_title_and_path(document: Document) -> None:
    run(document.edit_job(0, ReplaceNode("[1]", Written("'two'"), any_type=True), "Change of type"))

    edit = document.history.next_undo
    assert edit is not None
    assert (edit.title, edit.path, edit.ref) == ("Change of type", "[1]", EntryRef(b"a"))
    assert loaded(document)[b"a"] == [1, "two"]


def test_bytes_are_set_as_they_are(document: Document) -> None:
    run(document.set_bytes_job(0, b"\x80\x04N."))

    assert loaded(document)[b"a"] is None


def test_nothing_is_exported_of_deleted_entries(document: Document, tmp_path: Path) -> None:
    run(document.delete_job([0]))
    run(document.add_job(b"new", Written("7")))

    run(document.export_job(None, tmp_path / "all.jsonl", lines=True))
    run(document.export_job([0, 1, FIRST_ADDED], tmp_path / "some.jsonl", lines=True))

    assert (tmp_path / "all.jsonl").read_text("utf-8").splitlines() == [
        '{"key": "b", "value": "text"}', '{"key": "c", "value": 3}', '{"key": "new", "value": 7}',
    ]  # fmt: skip
    assert len((tmp_path / "some.jsonl").read_text("utf-8").splitlines()) == 2


# ---- keys that repeat, and keys that are numbers


def test_equal_keys_are_entries_of_their_own_where_the_format_has_them(tmp_path: Path) -> None:
    path = make(tmp_path / "x.db", "cdb")
    document = opened(path)
    run(document.paste_job([(b"k", b"1"), (b"k", b"2"), (b"k", b"3")]))
    run(document.save_job())
    reload(document)

    run(document.delete_job([id_of(document, b"k", 1)]))
    run(document.save_job())
    reload(document)
    assert pairs_of(path) == [(b"k", b"1"), (b"k", b"3")]
    run(document.set_bytes_job(id_of(document, b"k", 1), b"three"))
    run(document.undo_job())
    run(document.undo_job())

    assert sorted(shown(document)) == [(b"k", b"1"), (b"k", b"2"), (b"k", b"3")]
    document.close()


def test_entries_of_a_value_file_close_up_and_their_history_follows(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"".join(pickle.dumps(number, 4) for number in range(4)))
    document = opened(path)
    run(document.literal_job(3, "", "33"))
    run(document.delete_job([1]))
    run(document.save_job())
    reload(document)
    assert loaded(document) == {b"0": 0, b"1": 2, b"2": 33}

    run(document.undo_job())
    run(document.undo_job())

    assert loaded(document) == {b"0": 0, b"1": 2, b"2": 3, b"3": 1}
    run(document.save_job())
    assert [pickle.loads(value) for _key, value in pairs_of(path)] == [0, 2, 3, 1]
    document.close()


def test_a_rename_counts_as_one_change_and_a_deletion_too(document: Document) -> None:
    run(document.rename_job(id_of(document, b"a"), b"new"))
    assert document.change_count == 1
    assert [change.ref.key for change in document.first_changes(10)] == [b"new"]

    run(document.delete_job([id_of(document, b"b")]))
    assert document.change_count == 2
    assert [change.ref.key for change in document.first_changes(10)] == [b"new", b"b"]

    run(document.delete_job([id_of(document, b"new")]))
    assert document.change_count == 2, "two entries are deleted: nothing is renamed any more"
    assert [change.ref.key for change in document.first_changes(10)] == [b"a", b"b"]

    run(document.revert_all_job())
    assert document.change_count == 0
