"""The document of a format whose keys repeat, against a list: entries are told apart by what they hold."""

import tempfile
from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.backends.base import Insert, Remove
from app.document import entries, opening
from app.document.document import Document
from tests.document.databases import Pair, ids, make, opened, pairs_of, reload, run, value_of, write

KEYS = st.sampled_from([b"a", b"b", b"c"])
FORMATS = [("cdb", None, 0), ("bdb-btree", "sorted", entries.FEW), ("bdb-hash", "unsorted", 0)]
"""Format, order of equal keys, and how many changes are laid over at once: more are laid over a copy."""


class RepeatingMachine(RuleBasedStateMachine):
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

    def chosen(self, data: st.DataObject) -> int | None:
        return data.draw(st.sampled_from(sorted(self.current))) if self.current else None

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        name = self.chosen(data)
        if name is not None:
            old = self.current[name]
            new = (old[0], self.new_value())
            run(self.document.set_bytes_job(self.id_of(old), new[1]))
            self.note({name: (old, new)})

    @rule(key=KEYS)
    def add(self, key: bytes) -> None:
        pair = (key, self.new_value())
        run(self.document.add_job(*pair))
        self.note({self.new_name(): (None, pair)})

    @rule(data=st.data(), key=KEYS)
    def rename(self, data: st.DataObject, key: bytes) -> None:
        name = self.chosen(data)
        if name is not None and self.current[name][0] != key:
            old = self.current[name]
            run(self.document.rename_job(self.id_of(old), key))
            self.note({name: (old, None), self.new_name(): (None, (key, old[1]))})

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.current:
            names = data.draw(st.sets(st.sampled_from(sorted(self.current)), min_size=1))
            run(self.document.delete_job([self.id_of(self.current[name]) for name in sorted(names)]))
            self.note({name: (self.current[name], None) for name in names})

    @rule(data=st.data())
    def undo_or_redo(self, data: st.DataObject) -> None:
        is_undo = data.draw(st.booleans())
        stack, other = (self.done, self.undone) if is_undo else (self.undone, self.done)
        job = self.document.undo_job() if is_undo else self.document.redo_job()
        assert (job is None) == (not stack)
        if job is not None:
            run(job)
            made = stack.pop()
            other.append(made)
            self.apply({name: pair[0] if is_undo else pair[1] for name, pair in made.items()})

    @rule()
    def save(self) -> None:
        if self.document.pending_changes:
            run(self.document.save_job())
            self.stored = list(self.current.values())
            reload(self.document)

    @rule()
    def reload(self) -> None:
        reload(self.document)

    @rule(key=KEYS)
    def addition_by_another_program(self, key: bytes) -> None:
        pair = (key, self.new_value())
        write(self.path, [Insert(*pair)])
        self.stored.append(pair)
        self.current[self.new_name()] = pair
        reload(self.document)

    @rule()
    def removal_by_another_program(self) -> None:
        pending = [change.ref.key for change in self.document.pending_changes]
        touched = {pair for made in (*self.done, *self.undone) for both in made.values() for pair in both}
        for row, pair in enumerate(pairs_of(self.path)):
            if pair not in touched and pair[0] not in pending:
                write(self.path, [Remove(row)])
                self.stored.remove(pair)
                self.current = {name: kept for name, kept in self.current.items() if kept != pair}
                reload(self.document)
                return

    @invariant()
    def the_document_shows_what_it_must(self) -> None:
        if hasattr(self, "document"):
            document = self.document
            pairs = [(document.key(id_), value_of(document, id_)) for id_ in ids(document) if not self.is_deleted(id_)]
            assert Counter(pairs) == Counter(self.current.values())

    @invariant()
    def the_file_has_what_was_saved(self) -> None:
        if hasattr(self, "document"):
            assert Counter(pairs_of(self.path)) == Counter(self.stored)


@pytest.mark.parametrize(("format_id", "duplicates", "few"), FORMATS)
def test_a_document_of_repeating_keys_holds_what_a_list_would(
    format_id: str, duplicates: str | None, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (entries, opening):
        monkeypatch.setattr(module, "FEW", few)
    machine = type("Machine", (RepeatingMachine,), {"format_id": format_id, "duplicates": duplicates})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings().max_examples // 2,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
