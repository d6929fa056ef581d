"""Undo and redo, and the differences they are stored as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.history import Edit, EntryRef, History, Step
from app.document.patch import Patch
from app.errors import DocumentError

VALUES = st.binary(max_size=40) | st.text("ab", max_size=12).map(str.encode)


@given(VALUES, VALUES)
def test_a_patch_turns_one_value_into_the_other_and_back(before: bytes, after: bytes) -> None:
    patch = Patch.between(before, after)

    assert patch.apply(before) == after
    assert patch.reversed().apply(after) == before


@given(st.binary(), st.binary(), st.binary(), st.binary())
def test_a_patch_holds_no_more_than_what_differs(start: bytes, old: bytes, new: bytes, end: bytes) -> None:
    patch = Patch.between(start + old + end, start + new + end)

    assert len(patch.removed) <= len(old)
    assert len(patch.inserted) <= len(new)


def test_a_patch_refuses_another_value() -> None:
    with pytest.raises(DocumentError, match="no longer fits"):
        Patch.between(b"one", b"two").apply(b"six")


def edit(title: str, key: bytes = b"k") -> Edit:
    return Edit(title, (Step(EntryRef(key), Patch(0, b"", b"x"), b"before", b"after"),))


def test_undo_and_redo_follow_the_order_of_the_edits() -> None:
    history = History()
    first, second = edit("first"), edit("second")
    history.push(first)
    history.push(second)

    history.mark_undone()

    assert history.next_undo is first
    assert history.next_redo is second
    history.mark_redone()
    assert history.next_undo is second
    assert history.next_redo is None


def test_a_new_edit_forgets_what_was_undone() -> None:
    history = History()
    history.push(edit("first"))
    history.mark_undone()

    history.push(edit("other"))

    assert history.next_redo is None


def test_edits_of_entries_that_are_gone_can_be_dropped() -> None:
    history = History()
    history.push(edit("kept", b"a"))
    history.push(edit("dropped", b"b"))

    assert history.drop(frozenset({EntryRef(b"b")})) == 1

    assert history.next_undo is not None
    assert history.next_undo.title == "kept"
