"""The document of a file of values, whose keys are their places, against a list: what goes lets others close up."""

import pickle
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from app.document.copies import convert_job
from app.document.document import Document
from app.document.journals import Left
from app.document.rescuing import kept_job
from app.engine.base import NewDatabase
from app.engine.local import LocalEngine
from tests.document.databases import id_of, ids, opened, outcome, pairs_of, reload, run, shown
from tests.document.machine_runs import SECONDS, CountingMachine, run_machine

FORMAT = "pickle-file"
OPERATIONS = [
    "change",
    "addition",
    "deletion",
    "deletion in the middle",
    "undo",
    "undo across a save",
    "redo",
    "save",
    "reload",
    "save as",
    "save as with an edit meanwhile",
    "addition by another program",
    "removal by another program",
]


class ValuesMachine(CountingMachine):
    """No two values are ever equal, so that each is known by itself; places may be others after an undo."""

    @initialize(count=st.integers(1, 5))
    def begin(self, count: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "x.pickle"
        self.made = 0
        self.current = [self.new_value() for _ in range(count)]
        self.path.write_bytes(b"".join(self.current))
        self.done: list[list[bytes]] = []
        self.undone: list[list[bytes]] = []
        self.saved_edits = self.copies = 0
        self.document: Document = opened(self.path)

    def teardown(self) -> None:
        if hasattr(self, "document"):
            self.document.close()
            rmtree(self.folder)

    def new_value(self) -> bytes:
        self.made += 1
        return pickle.dumps(f"value {self.made}", 4)

    def take(self, values: list[bytes]) -> None:
        self.done.append(self.current)
        self.undone.clear()
        self.saved_edits = min(self.saved_edits, len(self.done) - 1)
        self.current = values

    def there(self) -> list[int]:
        """Return the ids of the entries that are not deleted."""
        found = [(entry_id, self.document.pending(entry_id)) for entry_id in ids(self.document)]
        return [entry_id for entry_id, change in found if change is None or not change.is_deleted]

    def values(self) -> list[bytes]:
        return [value for _key, value in shown(self.document)]

    # ---- edits

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.current) - 1))
        self.edit(place)
        self.happened["change"] += 1

    def edit(self, place: int) -> None:
        values, new = self.values(), self.new_value()
        run(self.document.set_bytes_job(self.there()[place], new))
        self.take([*values[:place], new, *values[place + 1 :]])

    @rule()
    def add(self) -> None:
        key, new = outcome(self.document.free_key_job(b"")), self.new_value()
        values = self.values()
        run(self.document.add_job(key, new))
        self.take([*values, new])
        self.happened["addition"] += 1

    @precondition(lambda self: len(self.current) > 1)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        places = data.draw(st.sets(st.integers(0, len(self.current) - 1), min_size=1, max_size=len(self.current) - 1))
        there, values = self.there(), self.values()
        run(self.document.delete_job([there[place] for place in places]))
        self.take([value for place, value in enumerate(values) if place not in places])
        self.happened["deletion"] += 1
        self.happened["deletion in the middle"] += min(places) < len(values) - len(places)

    @precondition(lambda self: self.done)
    @rule()
    def undo(self) -> None:
        run(self.document.undo_job())
        self.happened["undo"] += 1
        self.happened["undo across a save"] += len(self.done) <= self.saved_edits
        self.undone.append(self.current)
        self.current = self.done.pop()
        self.saved_edits = min(self.saved_edits, len(self.done))

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        run(self.document.redo_job())
        self.happened["redo"] += 1
        self.done.append(self.current)
        self.current = self.undone.pop()

    # ---- files

    @rule()
    def save(self) -> None:
        run(self.document.save_job(backup=False))
        reload(self.document)
        assert Counter(value for _key, value in pairs_of(self.document.path)) == Counter(self.current)
        self.saved_edits = len(self.done)
        self.happened["save"] += 1

    @rule()
    def read_again(self) -> None:
        reload(self.document)
        self.happened["reload"] += 1

    @rule(is_edited=st.booleans())
    def save_as(self, is_edited: bool) -> None:
        self.copies += 1
        target = self.folder / f"{self.copies}.pickle"
        begun = self.document.begin_copy(FORMAT)
        job = convert_job(self.document, NewDatabase(str(target), FORMAT), LocalEngine)
        if is_edited:
            self.edit(0)
            self.happened["save as with an edit meanwhile"] += 1
        outcome(job)
        self.document.continue_as(target, begun)
        run(self.document.open_job())
        reload(self.document)
        self.saved_edits = len(self.done)
        self.happened["save as"] += 1

    @rule(data=st.data())
    def another_program(self, data: st.DataObject) -> None:
        """Another program puts a value in, or takes out one that nothing is pending for."""
        stored = [value for _key, value in pairs_of(self.document.path)]
        untouched = [value for value in stored if value in self.current]
        if untouched and min(len(stored), len(self.current)) > 1 and data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(untouched))
            stored.remove(gone)
            self.current = [value for value in self.current if value != gone]
            self.happened["removal by another program"] += 1
        else:
            new = self.new_value()
            stored.insert(data.draw(st.integers(0, len(stored))), new)
            self.current = [*self.current, new]
            self.happened["addition by another program"] += 1
        self.document.path.write_bytes(b"".join(stored))
        reload(self.document)
        assert outcome(self.document.conflicts_job()) == []
        self.done, self.undone, self.saved_edits = [], [], 0  # what can still be undone is tested elsewhere

    @invariant()
    def holds_the_values(self) -> None:
        if hasattr(self, "document"):
            assert Counter(self.values()) == Counter(self.current)


def test_an_addition_that_is_taken_out_leaves_no_gap_for_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "x.pickle"
    path.write_bytes(pickle.dumps("stored"))
    with closing(opened(path)) as document:
        for text in ("out", "in"):
            run(document.add_job(outcome(document.free_key_job(b"")), pickle.dumps(text)))
        run(document.delete_job([id_of(document, b"1")]))

        run(document.save_job())
        reload(document)
        run(document.undo_job())
        texts = [pickle.loads(value) for _key, value in shown(document)]

    assert [pickle.loads(value) for _key, value in pairs_of(path)] == ["stored", "in"]
    assert texts == ["stored", "in", "out"]


def test_entries_deleted_by_two_saves_both_come_back(tmp_path: Path) -> None:
    path = tmp_path / "x.pickle"
    path.write_bytes(b"".join(map(pickle.dumps, range(4))))
    with closing(opened(path)) as document:
        for key in (b"1", b"0"):
            run(document.delete_job([id_of(document, key)]))
            run(document.save_job())
            reload(document)

        run(document.undo_job())
        run(document.undo_job())
        run(document.save_job())

    assert [pickle.loads(value) for _key, value in pairs_of(path)] == [2, 3, 0, 1]


def test_what_a_crash_left_of_a_lost_file_makes_a_file_again(tmp_path: Path) -> None:
    path, target = tmp_path / "x.pickle", tmp_path / "copy.pickle"
    path.write_bytes(b"".join(map(pickle.dumps, ["one", "two", "three"])))
    with closing(opened(path)) as document:
        run(document.set_bytes_job(id_of(document, b"2"), pickle.dumps("other")))
        run(document.add_job(b"3", pickle.dumps("new")))
        changes = document.pending_changes

    run(
        kept_job(
            Left(tmp_path / "journal", path, FORMAT, tuple(changes)), NewDatabase(str(target), FORMAT), LocalEngine
        )
    )

    assert [pickle.loads(value) for _key, value in pairs_of(target)] == ["other", "new"]


@pytest.mark.hypothesis
@pytest.mark.timeout(SECONDS)
def test_a_document_of_a_file_of_values_holds_what_a_list_would() -> None:
    run_machine(ValuesMachine, "values in a pickle file", OPERATIONS)
