"""Another program moves the values of a file whose keys are places: edits follow the values that they are of."""

import pickle
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from app.document.document import Document
from app.document.journals import Journals
from app.errors import ChangedOnDisk
from tests.document.databases import id_of, opened, outcome, pairs_of, reload, run, shown
from tests.document.journaled import left_by_a_crash

Edit = Callable[[Document], None]


def write_values(path: Path, values: Sequence[object]) -> Path:
    path.write_bytes(b"".join(pickle.dumps(value, 4) for value in values))
    return path


def loaded(values: Sequence[tuple[bytes, bytes]]) -> list[object]:
    return [pickle.loads(value) for _key, value in values]


def add(document: Document) -> None:
    run(document.add_job(outcome(document.free_key_job(b"")), pickle.dumps("mine", 4)))


def delete(place: bytes) -> Edit:
    return lambda document: run(document.delete_job([id_of(document, place)]))


def change(place: bytes) -> Edit:
    return lambda document: run(document.set_bytes_job(id_of(document, place), pickle.dumps("mine", 4)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_values(tmp_path / "x.pickle", [0, 1, 2])


@pytest.mark.parametrize(
    ("edits", "theirs", "saved", "undone"),
    [
        ([add], [0, 1, 2, "theirs"], [0, 1, 2, "theirs", "mine"], [0, 1, 2, "theirs"]),
        ([add], [0, 1, 2, "one", "two"], [0, 1, 2, "one", "two", "mine"], [0, 1, 2, "one", "two"]),
        ([add], [0, 2], [0, 2, "mine"], [0, 2]),
        ([add, add], [2], [2, "mine", "mine"], [2]),
        ([delete(b"1")], [1, 2], [2], [2, 1]),
        ([delete(b"2")], ["new", 0, 1, 2], ["new", 0, 1], ["new", 0, 1, 2]),
        ([change(b"2")], [1, 2], [1, "mine"], [1, 2]),
        ([change(b"0")], ["new", 0, 1, 2], ["new", "mine", 1, 2], ["new", 0, 1, 2]),
        ([delete(b"0"), add], [0, 1, 2, "theirs"], [1, 2, "theirs", "mine"], [1, 2, "theirs", 0]),
        ([delete(b"0"), change(b"2"), add], [2, 1, 0], [1, "mine", "mine"], None),
    ],
)
def test_edits_follow_the_values_that_they_are_of(
    path: Path, edits: Sequence[Edit], theirs: Sequence[object], saved: list[object], undone: list[object] | None
) -> None:
    with closing(opened(path)) as document:
        for edit in edits:
            edit(document)
        write_values(path, theirs)
        reload(document)

        assert outcome(document.conflicts_job()) == []
        run(document.save_job(backup=False))
        reload(document)

        assert sorted(loaded(pairs_of(path)), key=str) == sorted(saved, key=str)
        for _ in edits:
            run(document.undo_job())
        if undone is not None:
            assert sorted(loaded(shown(document)), key=str) == sorted(undone, key=str)


@pytest.mark.parametrize("edit", [add, delete(b"1"), change(b"1")])
def test_a_save_over_moved_values_writes_nothing_before_they_were_read_again(path: Path, edit: Edit) -> None:
    with closing(opened(path)) as document:
        edit(document)
        write_values(path, [0, "theirs"] if edit is add else ["theirs", 0, 1, 2])

        with pytest.raises(ChangedOnDisk, match="changed by another program"):
            run(document.save_job(backup=False))

        assert "theirs" in loaded(pairs_of(path))
        reload(document)
        run(document.save_job(backup=False))
        assert "theirs" in loaded(pairs_of(path))


def test_a_value_that_another_program_changed_is_a_conflict(path: Path) -> None:
    with closing(opened(path)) as document:
        change(b"1")(document)
        write_values(path, [0, "theirs", 2])
        reload(document)

        [conflict] = outcome(document.conflicts_job())

        assert conflict.key == b"1"


def test_a_deletion_of_what_is_gone_is_settled(path: Path) -> None:
    with closing(opened(path)) as document:
        delete(b"2")(document)
        write_values(path, [0, 1])
        reload(document)

        assert document.pending_changes == []


@pytest.mark.parametrize("theirs", [[], ["theirs"]])
def test_what_is_restored_comes_behind_what_is_there_and_what_was_added_since(
    path: Path, journals: Journals, theirs: list[object]
) -> None:
    document = opened(path, journals)
    add(document)
    left_by_a_crash(document, journals)
    write_values(path, [0, 1, 2, *theirs])

    with closing(opened(path, journals)) as again:
        add(again)
        run(again.restore_job(journals.found(path)[0]))

        assert loaded(shown(again)) == [0, 1, 2, *theirs, "mine", "mine"]
        run(again.save_job(backup=False))
    assert loaded(pairs_of(path)) == [0, 1, 2, *theirs, "mine", "mine"]
