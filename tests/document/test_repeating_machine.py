"""The document of a format whose keys repeat, against a list: entries are told apart by what they hold."""

import tempfile
from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from app.backends.base import Insert, Remove
from app.document import entries, opening
from app.document.document import Document
from tests.document.databases import Pair, ids, make, opened, pairs_of, reload, run, shown, value_of, write
from tests.document.machine_runs import SECONDS, CountingMachine, run_machine

KEYS = st.sampled_from([b"a", b"b", b"c"])
FORMATS = [("cdb", None, 0), ("bdb-btree", "sorted", entries.FEW), ("bdb-hash", "unsorted", 0)]
"""Format, order of equal keys, and how many changes are laid over at once: more are laid over a copy."""
OPERATIONS = [
    "change",
    "addition",
    "rename",
    "deletion",
    "undo",
    "undo across a save",
    "redo",
    "save",
    "reload",
    "addition from outside",
    "removal from outside",
]


class RepeatingMachine(CountingMachine):
    """Entries are known by numbers of their own here; no two ever hold the same."""

    format_id = "cdb"
    duplicates: str | None = None

    @initialize(keys=st.lists(KEYS, max_size=5))
    def begin(self, keys: list[bytes]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        options = {"duplicates": self.duplicates} if self.duplicates else {}
        self.path = make(self.folder / "x.db", self.format_id, **options)
        self.values = 0
        self.current: dict[int, Pair] = {number: (key, self.new_value()) for number, key in enumerate(keys)}
        self.names = len(keys)
        if keys:
            write(self.path, [Insert(key, value) for key, value in self.current.values()])
        self.stored = list(self.current.values())
        self.done: list[dict[int, tuple[Pair | None, Pair | None]]] = []
        self.undone: list[dict[int, tuple[Pair | None, Pair | None]]] = []
        self.saved_edits = 0
        self.document: Document = opened(self.path)

    def teardown(self) -> None:
        if hasattr(self, "document"):
            self.document.close()
            rmtree(self.folder)

    def new_value(self) -> bytes:
        self.values += 1
        return b"value %d" % self.values

    def new_name(self) -> int:
        self.names += 1
        return self.names

    def id_of(self, pair: Pair) -> int:
        document = self.document
        [found] = [
            entry_id
            for entry_id in ids(document)
            if (document.key(entry_id), value_of(document, entry_id)) == pair and not self.is_deleted(entry_id)
        ]
        return found

    def is_deleted(self, entry_id: int) -> bool:
        pending = self.document.pending(entry_id)
        return pending is not None and pending.is_deleted

    def note(self, made: dict[int, tuple[Pair | None, Pair | None]]) -> None:
        self.apply({name: after for name, (_before, after) in made.items()})
        self.done.append(made)
        self.undone.clear()

    def apply(self, pairs: dict[int, Pair | None]) -> None:
        for name, pair in pairs.items():
            self.current.pop(name, None)
            if pair is not None:
                self.current[name] = pair

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.current)))
        old = self.current[name]
        new = (old[0], self.new_value())
        run(self.document.set_bytes_job(self.id_of(old), new[1]))
        self.note({name: (old, new)})
        self.happened["change"] += 1

    @rule(key=KEYS)
    def add(self, key: bytes) -> None:
        pair = (key, self.new_value())
        run(self.document.add_job(*pair))
        self.note({self.new_name(): (None, pair)})
        self.happened["addition"] += 1

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.current)))
        old = self.current[name]
        key = data.draw(KEYS.filter(lambda key: key != old[0]))
        run(self.document.rename_job(self.id_of(old), key))
        self.note({name: (old, None), self.new_name(): (None, (key, old[1]))})
        self.happened["rename"] += 1

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        names = data.draw(st.sets(st.sampled_from(sorted(self.current)), min_size=1, max_size=3))
        run(self.document.delete_job([self.id_of(self.current[name]) for name in sorted(names)]))
        self.note({name: (self.current[name], None) for name in names})
        self.happened["deletion"] += 1

    @precondition(lambda self: self.done)
    @rule(redoes=st.booleans())
    def undo(self, redoes: bool) -> None:
        self.go_back()
        if redoes:
            self.redo()

    def go_back(self) -> None:
        self.happened["undo across a save" if len(self.done) <= self.saved_edits else "undo"] += 1
        run(self.document.undo_job())
        made = self.done.pop()
        self.undone.append(made)
        self.apply({name: before for name, (before, _after) in made.items()})
        self.the_document_shows_what_it_must()

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        run(self.document.redo_job())
        made = self.undone.pop()
        self.done.append(made)
        self.apply({name: after for name, (_before, after) in made.items()})
        self.happened["redo"] += 1

    @precondition(lambda self: self.document.pending_changes)
    @rule(undoes=st.booleans())
    def save(self, undoes: bool) -> None:
        run(self.document.save_job())
        self.stored = list(self.current.values())
        self.saved_edits = len(self.done)
        self.happened["save"] += 1
        reload(self.document)
        self.the_file_has_what_was_saved()
        if undoes and self.done:
            self.go_back()

    @rule()
    def reload(self) -> None:
        reload(self.document)
        self.happened["reload"] += 1

    @rule(key=KEYS)
    def addition_by_another_program(self, key: bytes) -> None:
        pair = (key, self.new_value())
        write(self.path, [Insert(*pair)])
        self.stored.append(pair)
        self.current[self.new_name()] = pair
        reload(self.document)
        self.happened["addition from outside"] += 1

    @precondition(lambda self: self.untouched)
    @rule(data=st.data())
    def removal_by_another_program(self, data: st.DataObject) -> None:
        pair = data.draw(st.sampled_from(self.untouched))
        write(self.path, [Remove(pairs_of(self.path).index(pair))])
        self.stored.remove(pair)
        self.current = {name: kept for name, kept in self.current.items() if kept != pair}
        reload(self.document)
        self.happened["removal from outside"] += 1

    @property
    def untouched(self) -> list[Pair]:
        """Entries that were not edited here, of keys for which nothing is pending."""
        pending = {change.ref.key for change in self.document.pending_changes}
        touched = {pair for made in (*self.done, *self.undone) for both in made.values() for pair in both}
        return sorted(pair for pair in self.stored if pair not in touched and pair[0] not in pending)

    @invariant()
    def the_document_shows_what_it_must(self) -> None:
        assert Counter(shown(self.document)) == Counter(self.current.values())

    @invariant()
    def the_file_has_what_was_saved(self) -> None:
        assert Counter(pairs_of(self.path)) == Counter(self.stored)


@pytest.mark.hypothesis
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize(("format_id", "duplicates", "few"), FORMATS)
def test_a_document_of_repeating_keys_holds_what_a_list_would(
    format_id: str, duplicates: str | None, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (entries, opening):
        monkeypatch.setattr(module, "FEW", few)
    machine = type("Machine", (RepeatingMachine,), {"format_id": format_id, "duplicates": duplicates})

    run_machine(machine, f"{duplicates} in {format_id}", OPERATIONS)
