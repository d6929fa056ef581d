"""Renames: both halves are one change, and stay so over undo, redo, saves, rereads and the journal."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.document.document import Document
from app.document.history import EntryRef
from app.document.journals import Journals
from app.document.pending_change import PendingChange, count_of
from app.errors import AppError
from tests.document.databases import ENTRIES, id_of, ids, opened, reload, run, store
from tests.engine.shelves import make_sqlite

Links = dict[bytes, bytes]
KEYS = (b"a", b"b", b"c", b"x", b"y")


def links(document: Document) -> Links:
    """Return the old names by the new ones of what is shown as renamed."""
    found = {}
    for change in document.pending_changes:
        old = document.renamed_from(change)
        if old is not None:
            found[change.ref.key] = old.key
            assert document.renamed_to(change_of(document, old)) == change.ref
    return found


def change_of(document: Document, ref: EntryRef) -> PendingChange:
    return next(change for change in document.pending_changes if change.ref == ref)


def state(document: Document) -> dict[str, object]:
    """Return all that a person sees of what is pending."""
    changes = {change.ref.key: (change.kind, change.current) for change in document.pending_changes}
    return {"changes": changes, "links": links(document), "count": document.change_count}


def rename(document: Document, old: bytes, new: bytes, *, replaces: bool = False) -> None:
    run(document.rename_job(id_of(document, old), new, replaces=replaces))


def delete(document: Document, key: bytes) -> None:
    run(document.delete_job([id_of(document, key)]))


def edit(document: Document, key: bytes) -> None:
    run(document.set_bytes_job(id_of(document, key), b"edited"))


def revert(document: Document, key: bytes) -> None:
    run(document.revert_job(id_of(document, key)))


TAKEN_AWAY: dict[str, Callable[[Document], None]] = {
    "deleted": lambda document: delete(document, b"new"),
    "reverted": lambda document: revert(document, b"new"),
    "all reverted": lambda document: run(document.revert_all_job()),
    "renamed again": lambda document: rename(document, b"new", b"newer"),
    "renamed back": lambda document: rename(document, b"new", b"a"),
    "edited": lambda document: edit(document, b"new"),
    "old name given to another": lambda document: rename(document, b"c", b"a"),
    "old name added": lambda document: run(document.add_job(b"a", b"another")),
    "replaced": lambda document: rename(document, b"c", b"new", replaces=True),
}


@pytest.mark.parametrize("name", TAKEN_AWAY)
def test_undo_gives_a_rename_back_as_one_change(document: Document, name: str) -> None:
    rename(document, b"a", b"new")
    before = state(document)
    assert (before["links"], before["count"]) == ({b"new": b"a"}, 1)

    TAKEN_AWAY[name](document)
    after = state(document)
    run(document.undo_job())

    assert state(document) == before
    run(document.redo_job())
    assert state(document) == after
    run(document.undo_job())
    assert state(document) == before


def test_a_rename_that_came_back_is_reverted_as_a_whole(document: Document) -> None:
    rename(document, b"a", b"new")
    delete(document, b"new")
    run(document.undo_job())

    revert(document, b"new")

    assert not document.pending_changes
    run(document.undo_job())
    assert links(document) == {b"new": b"a"}


def test_a_rename_that_came_back_is_one_change_after_a_reread(document: Document) -> None:
    rename(document, b"a", b"new")
    delete(document, b"new")
    run(document.undo_job())
    before = state(document)

    reload(document)

    assert state(document) == before


def test_a_rename_that_came_back_is_one_change_of_the_journal(path: Path, tmp_path: Path) -> None:
    document = opened(path, Journals(tmp_path / "journals"))
    rename(document, b"a", b"new")
    delete(document, b"new")
    run(document.undo_job())
    before = state(document)
    document.close(keeps_changes=True)

    journals = Journals(tmp_path / "journals")
    again = opened(path, journals)
    [left] = journals.found(path)
    assert left.count == 1
    run(again.restore_job(left))

    assert state(again) == before
    run(again.undo_job())
    assert not again.pending_changes
    run(again.redo_job())
    assert state(again) == before


def test_undoing_a_rename_that_was_saved_is_a_rename_back(document: Document) -> None:
    rename(document, b"a", b"new")
    rename(document, b"new", b"newer")
    run(document.save_job())
    reload(document)

    run(document.undo_job())

    assert (links(document), document.change_count) == ({b"new": b"newer"}, 1)
    run(document.undo_job())
    assert (links(document), document.change_count) == ({b"a": b"newer"}, 1)
    before = state(document)
    run(document.redo_job())
    assert (links(document), document.change_count) == ({b"new": b"newer"}, 1)
    run(document.undo_job())
    assert state(document) == before


def test_undoing_an_addition_whose_rename_was_saved_is_redone_as_a_rename(document: Document) -> None:
    run(document.add_job(b"x", b"added"))
    rename(document, b"x", b"y")
    run(document.save_job())
    reload(document)
    run(document.undo_job())
    before = state(document)
    assert before["links"] == {b"x": b"y"}

    run(document.undo_job())
    run(document.redo_job())

    assert state(document) == before


def test_two_names_never_count_as_renames_of_one_entry(document: Document) -> None:
    rename(document, b"a", b"x")
    run(document.add_job(b"a", b"another"))

    rename(document, b"a", b"y")

    assert links(document) == {b"x": b"a"}
    assert document.change_count == count_of(document.pending_changes) == 2


def test_an_entry_deleted_under_its_new_name_is_no_rename_of_what_came_in_the_place_of_the_old(
    document: Document,
) -> None:
    rename(document, b"a", b"b", replaces=True)
    run(document.add_job(b"a", b"another"))

    delete(document, b"b")

    assert links(document) == {}
    assert document.change_count == count_of(document.pending_changes) == 2


# ---- whatever is done


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["rename", "rename", "delete", "add", "edit", "revert", "undo", "redo", "save", "reread"]),
        st.sampled_from(KEYS),
        st.sampled_from(KEYS),
    ),
    max_size=14,
)


def done(document: Document, what: str, key: bytes, other: bytes) -> bool:
    """Do a step, and tell whether it is a new edit; what cannot be done is refused, and changes nothing."""
    edits = {
        "rename": lambda: rename(document, key, other, replaces=True),
        "delete": lambda: delete(document, key),
        "add": lambda: run(document.add_job(key, b"added under " + other, replaces=True)),
        "edit": lambda: run(document.set_bytes_job(id_of(document, key), b"edited for " + other)),
        "revert": lambda: run(document.revert_job(any_id(document, key))),
    }
    last = document.history.next_undo
    try:
        if what in edits:
            edits[what]()
        elif what in ("undo", "redo"):
            run(document.undo_job() if what == "undo" else document.redo_job())
        elif what == "save" and document.pending_changes:
            run(document.save_job(backup=False))
            reload(document)
        elif what == "reread":
            reload(document)
    except (AppError, AssertionError, IndexError, StopIteration):
        return False
    return what in edits and document.history.next_undo is not last


def any_id(document: Document, key: bytes) -> int:
    return next(entry_id for entry_id in reversed(ids(document)) if document.key(entry_id) == key)


@given(steps=STEPS)
@settings(deadline=None)
def test_undo_and_redo_give_back_what_was_renamed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes, bytes]]
) -> None:
    document = opened(make_sqlite(tmp_path_factory.mktemp("renames") / "x.db", ENTRIES))
    try:
        for what, key, other in steps:
            before = state(document)
            is_edit = done(document, what, key, other)
            after = state(document)
            assert document.change_count == count_of(document.pending_changes)
            if is_edit:
                run(document.undo_job())
                assert state(document) == before
                run(document.redo_job())
                assert state(document) == after
    finally:
        document.close()


def test_a_rename_that_another_program_made_too_is_undone_as_a_rename(document: Document, path: Path) -> None:
    rename(document, b"a", b"new")
    store(path, b"a", None)
    store(path, b"new", ENTRIES[b"a"])
    reload(document)
    assert not document.pending_changes

    run(document.undo_job())

    assert (links(document), document.change_count) == ({b"a": b"new"}, 1)
