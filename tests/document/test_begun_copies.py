"""Going on with a copy (*Save as*): what is edited, taken back or renamed while it is written lies over it."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.base import Insert
from app.document.copies import convert_job
from app.document.document import Document
from app.document.merging import Choice
from app.engine.base import NewDatabase
from app.engine.local import LocalEngine
from tests.document.databases import ENTRIES, id_of, make, opened, outcome, pairs_of, reload, run, shown, store, write
from tests.engine.shelves import make_sqlite

Edit = Callable[[Document], None]


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    with closing(opened(make_sqlite(tmp_path / "x.db", ENTRIES))) as document:
        yield document


def go_on(document: Document, target: Path, meanwhile: Edit, format_id: str = "sqlite3") -> list[str]:
    """Go on with a copy; ``meanwhile`` is done while it is written. Return the notices."""
    notices: list[str] = []
    document.notice.connect(notices.append)
    begun = document.begin_copy(format_id)
    job = convert_job(document, NewDatabase(str(target), format_id), LocalEngine)
    meanwhile(document)
    made = outcome(job)
    assert not begun.is_overtaken
    document.continue_as(Path(made.files[0]), begun)
    run(document.open_job())
    reload(document)
    return notices


def undo_all(document: Document) -> None:
    while document.history.next_undo is not None:
        run(document.undo_job())


def changed(document: Document) -> None:
    run(document.set_bytes_job(id_of(document, b"a"), b"wrong"))


def deleted(document: Document) -> None:
    run(document.delete_job([id_of(document, b"b")]))


def added(document: Document) -> None:
    run(document.add_job(b"new", b"secret"))


def renamed(document: Document) -> None:
    run(document.rename_job(id_of(document, b"a"), b"A"))


def all_of_it(document: Document) -> None:
    for edit in (renamed, deleted, added):
        edit(document)


def undone(document: Document) -> None:
    undo_all(document)


def reverted(document: Document) -> None:
    run(document.revert_all_job())


def undone_and_forgotten(document: Document) -> None:
    """Undo everything, and make an edit that is behind nothing any more."""
    undo_all(document)
    run(document.set_bytes_job(id_of(document, b"c"), b"other"))


@pytest.mark.parametrize("back", [undone, reverted, undone_and_forgotten])
@pytest.mark.parametrize("edit", [changed, deleted, added, renamed, all_of_it])
def test_what_is_taken_back_meanwhile_is_pending_over_the_copy(
    document: Document, tmp_path: Path, edit: Edit, back: Edit
) -> None:
    edit(document)
    notices = go_on(document, tmp_path / "copy.db", back)

    wanted = ENTRIES | ({b"c": b"other"} if back is undone_and_forgotten else {})
    assert dict(shown(document)) == wanted
    assert notices == []
    run(document.save_job())
    assert dict(pairs_of(tmp_path / "copy.db")) == wanted
    reload(document)
    undo_all(document)
    assert notices == []


def test_what_is_taken_back_and_done_again_meanwhile_is_not_pending(document: Document, tmp_path: Path) -> None:
    def back_and_forth(document: Document) -> None:
        run(document.undo_job())
        run(document.redo_job())

    changed(document)
    notices = go_on(document, tmp_path / "copy.db", back_and_forth)

    assert not document.pending_changes
    undo_all(document)
    assert dict(shown(document)) == ENTRIES
    assert notices == []


def test_an_entry_renamed_again_meanwhile_has_its_last_name_alone(document: Document, tmp_path: Path) -> None:
    renamed(document)
    go_on(document, tmp_path / "copy.db", lambda document: run(document.rename_job(id_of(document, b"A"), b"Z")))

    assert dict(shown(document)) == {b"Z": b"one", b"b": b"two", b"c": b"three"}
    assert document.change_count == 1
    undo_all(document)
    assert dict(shown(document)) == ENTRIES
    run(document.save_job())
    assert dict(pairs_of(tmp_path / "copy.db")) == ENTRIES


def test_a_rename_undone_meanwhile_is_one_change(document: Document, tmp_path: Path) -> None:
    renamed(document)
    go_on(document, tmp_path / "copy.db", undone)

    assert document.change_count == 1


def test_theirs_chosen_meanwhile_is_pending_over_the_copy(document: Document, tmp_path: Path) -> None:
    def merge(document: Document) -> None:
        store(tmp_path / "x.db", b"a", b"theirs")
        reload(document)
        [conflict] = outcome(document.conflicts_job())
        run(document.resolve_job(conflict, Choice.THEIRS))

    changed(document)
    begun = document.begin_copy("sqlite3")
    made = outcome(convert_job(document, NewDatabase(str(tmp_path / "copy.db"), "sqlite3"), LocalEngine))
    merge(document)
    document.continue_as(Path(made.files[0]), begun)
    run(document.open_job())
    reload(document)

    assert dict(shown(document)) == {**ENTRIES, b"a": b"theirs"}


def test_an_edit_that_another_program_made_too_stays_over_the_copy(document: Document, tmp_path: Path) -> None:
    changed(document)
    begun = document.begin_copy("sqlite3")
    made = outcome(convert_job(document, NewDatabase(str(tmp_path / "copy.db"), "sqlite3"), LocalEngine))
    run(document.set_bytes_job(id_of(document, b"a"), b"right"))
    store(tmp_path / "x.db", b"a", b"right")
    reload(document)
    assert not document.pending_changes

    document.continue_as(Path(made.files[0]), begun)
    run(document.open_job())
    reload(document)

    assert dict(shown(document)) == {**ENTRIES, b"a": b"right"}


def test_a_document_that_was_saved_meanwhile_does_not_go_on_with_the_copy(document: Document) -> None:
    changed(document)
    begun = document.begin_copy("sqlite3")

    run(document.save_job())

    assert begun.is_overtaken


# ---- where keys repeat


def test_entries_of_one_key_are_told_apart_when_all_is_taken_back(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    entries = [(b"k", b"one"), (b"k", b"two"), (b"k", b"three")]
    write(path, [Insert(*entry) for entry in entries])
    with closing(opened(path)) as document:
        run(document.delete_job([id_of(document, b"k", 0)]))
        run(document.set_bytes_job(id_of(document, b"k", 1), b"3"))
        run(document.add_job(b"k", b"four"))
        notices = go_on(document, tmp_path / "copy", undone, "cdb")

        assert sorted(shown(document)) == sorted(entries)
        run(document.save_job())
        assert sorted(pairs_of(tmp_path / "copy")) == sorted(entries)
        assert notices == []


def test_an_edit_goes_on_into_a_format_where_keys_come_once(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(key, value) for key, value in ENTRIES.items()])
    with closing(opened(path)) as document:
        added(document)
        notices = go_on(
            document, tmp_path / "copy.db", lambda document: run(document.set_bytes_job(id_of(document, b"new"), b"2"))
        )

        assert dict(shown(document)) == {**ENTRIES, b"new": b"2"}
        undo_all(document)
        assert dict(shown(document)) == ENTRIES
        run(document.save_job())
        assert dict(pairs_of(tmp_path / "copy.db")) == ENTRIES
        assert notices == []


# ---- where keys are places


def pickled(*values: object) -> list[bytes]:
    return [pickle.dumps(value, 4) for value in values]


@pytest.fixture
def numbered(tmp_path: Path) -> Iterator[Document]:
    """A file of four pickles of which the last was edited and the second deleted."""
    path = tmp_path / "x.pkl"
    path.write_bytes(b"".join(pickled("v0", "v1", "v2", "v3")))
    with closing(opened(path)) as document:
        run(document.set_bytes_job(id_of(document, b"3"), pickled("edited")[0]))
        run(document.delete_job([id_of(document, b"1")]))
        yield document


def edit_the_last(document: Document) -> None:
    run(document.set_bytes_job(id_of(document, b"3"), pickled("again")[0]))


def test_an_edit_made_meanwhile_lies_over_its_own_value(numbered: Document, tmp_path: Path) -> None:
    notices = go_on(numbered, tmp_path / "copy", edit_the_last)

    assert sorted(value for _key, value in shown(numbered)) == sorted(pickled("v0", "v2", "again"))
    run(numbered.save_job())
    assert sorted(value for _key, value in pairs_of(tmp_path / "copy")) == sorted(pickled("v0", "v2", "again"))
    reload(numbered)
    undo_all(numbered)
    assert sorted(value for _key, value in shown(numbered)) == sorted(pickled("v0", "v1", "v2", "v3"))
    assert notices == []


def test_values_taken_back_meanwhile_are_all_there(numbered: Document, tmp_path: Path) -> None:
    notices = go_on(numbered, tmp_path / "copy", undone)

    assert sorted(value for _key, value in shown(numbered)) == sorted(pickled("v0", "v1", "v2", "v3"))
    run(numbered.save_job())
    assert sorted(value for _key, value in pairs_of(tmp_path / "copy")) == sorted(pickled("v0", "v1", "v2", "v3"))
    assert notices == []


def test_a_deletion_at_the_end_taken_back_meanwhile_is_a_value_more(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"".join(pickled("v0", "v1", "v2")))
    with closing(opened(path)) as document:
        run(document.delete_job([id_of(document, b"2")]))
        notices = go_on(document, tmp_path / "copy.pkl", undone, "pickle-file")

        assert [value for _key, value in shown(document)] == pickled("v0", "v1", "v2")
        run(document.save_job())
        assert [value for _key, value in pairs_of(tmp_path / "copy.pkl")] == pickled("v0", "v1", "v2")
        assert notices == []


# ---- files of values, whose keys are their places


def nothing(_document: Document) -> None:
    pass


def deletion_undone(document: Document) -> None:
    run(document.undo_job())


def last_changed(document: Document) -> None:
    run(document.set_bytes_job(id_of(document, b"3"), pickle.dumps("new")))


def first_deleted(document: Document) -> None:
    run(document.delete_job([id_of(document, b"0")]))


@pytest.mark.parametrize(
    ("meanwhile", "values"),
    [
        (nothing, [0, 2, 3]),
        (deletion_undone, [0, 2, 3, 1]),
        (last_changed, [0, 2, "new"]),
        (first_deleted, [2, 3]),
    ],
)
def test_a_copy_of_a_file_of_values_closes_up_behind_what_was_deleted(
    meanwhile: Edit, values: list[object], tmp_path: Path
) -> None:
    source = tmp_path / "some.pickle"
    source.write_bytes(b"".join(map(pickle.dumps, range(4))))
    target = tmp_path / "copy.pickle"
    with closing(opened(source)) as document:
        run(document.delete_job([id_of(document, b"1")]))

        go_on(document, target, meanwhile, "pickle-file")

        assert [pickle.loads(value) for _key, value in shown(document)] == values
        if document.change_count:
            run(document.save_job())
            reload(document)
        assert [pickle.loads(value) for _key, value in shown(document)] == values
        undo_all(document)
        assert sorted(pickle.loads(value) for _key, value in shown(document)) == [0, 1, 2, 3]
