"""The document against a dict: whatever is edited, undone, saved, merged or read again, nothing is lost or made up."""

import tempfile
from collections import Counter
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.backends.base import Change, Insert, Remove, Replace
from app.document.document import Document, PendingKind
from app.document.history import EntryRef
from app.document.journals import Journals
from app.document.merging import Choice
from app.document.transfer import Clash
from app.errors import ChangedOnDisk, DocumentError
from tests.document.databases import id_of, make, opened, outcome, pairs_of, reload, run, shown, write

KEYS = [b"a", b"b", b"c", b"long key", b"\xff"]
FORMATS = ["sqlite3", "dumb", "gdbm", "bdb-hash"]

State = bytes | None
Made = dict[bytes, tuple[State, State]]
"""An edit of databases whose keys come once: the value of each key before and after."""


class DocumentMachine(RuleBasedStateMachine):
    """A document of a format whose keys come once, and what it must hold."""

    format_id = "sqlite3"

    @initialize(start=st.dictionaries(st.sampled_from(KEYS), st.binary(max_size=9), max_size=4))
    def begin(self, start: dict[bytes, bytes]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = make(self.folder / "x.db", self.format_id)
        self.number = 0
        start = {key: self.first_value(value) for key, value in start.items()}
        if start:
            write(self.path, [Insert(key, value) for key, value in start.items()])
        self.stored: dict[bytes, bytes] = dict(start)
        self.base: dict[bytes, bytes] = dict(start)
        """What the document knows to be stored."""
        self.current: dict[bytes, bytes] = dict(start)
        self.done: list[Made] = []
        self.undone: list[Made] = []
        self.journals = Journals(self.folder / "journals")
        self.document: Document = opened(self.path, self.journals)

    def teardown(self) -> None:
        if hasattr(self, "document"):
            self.document.close()
            rmtree(self.folder)

    def first_value(self, start: bytes) -> bytes:
        return start

    def judge(self) -> None:
        """Look at a file that was saved; what machines of certain formats do more thoroughly."""

    def new_value(self, start: bytes) -> bytes:
        self.number += 1
        return start + b"%d" % self.number

    def note(self, made: Made) -> None:
        made = {key: (before, after) for key, (before, after) in made.items() if before != after}
        self.apply({key: after for key, (_before, after) in made.items()})
        if made:
            self.done.append(made)
            self.undone.clear()

    def apply(self, values: dict[bytes, State]) -> None:
        for key, value in values.items():
            self.current.pop(key, None)
            if value is not None:
                self.current[key] = value
            self.settle(key)

    def settle(self, key: bytes) -> None:
        """What nothing is pending for is what is stored, also where that is not what the edits began with."""
        if self.current.get(key) in (self.base.get(key), self.stored.get(key)):
            for values in (self.current, self.base):
                values.pop(key, None)
                values.update(self.only({key}))

    # ---- edits

    @rule(key=st.sampled_from(KEYS), start=st.binary(max_size=5_000))
    def change(self, key: bytes, start: bytes) -> None:
        if key in self.current:
            value = self.new_value(start)
            run(self.document.set_bytes_job(id_of(self.document, key), value))
            self.note({key: (self.current[key], value)})

    @rule(key=st.sampled_from(KEYS), start=st.binary(max_size=9), replaces=st.booleans())
    def add(self, key: bytes, start: bytes, replaces: bool) -> None:
        value = self.new_value(start)
        job = self.document.add_job(key, value, replaces=replaces)
        if key in self.current and not replaces:
            with pytest.raises(DocumentError, match="already"):
                run(job)
        else:
            run(job)
            self.note({key: (self.current.get(key), value)})

    @rule(keys=st.sets(st.sampled_from(KEYS), min_size=1))
    def paste(self, keys: set[bytes]) -> None:
        entries = [(key, self.new_value(b"pasted")) for key in sorted(keys)]
        run(self.document.paste_job(entries, Clash.REPLACE))
        self.note({key: (self.current.get(key), value) for key, value in entries})

    @rule(key=st.sampled_from(KEYS), new=st.sampled_from(KEYS))
    def rename(self, key: bytes, new: bytes) -> None:
        if key not in self.current or key == new:
            return
        job = self.document.rename_job(id_of(self.document, key), new)
        if new in self.current:
            with pytest.raises(DocumentError, match="already"):
                run(job)
        else:
            run(job)
            self.note({key: (self.current[key], None), new: (None, self.current[key])})

    @rule(key=st.sampled_from(KEYS), new=st.sampled_from(KEYS))
    def duplicate(self, key: bytes, new: bytes) -> None:
        if key in self.current and new not in self.current:
            run(self.document.duplicate_job(id_of(self.document, key), new))
            self.note({new: (None, self.current[key])})

    @rule(keys=st.sets(st.sampled_from(KEYS)))
    def delete(self, keys: set[bytes]) -> None:
        there = sorted(keys & self.current.keys())
        run(self.document.delete_job([id_of(self.document, key) for key in there]))
        self.note({key: (self.current[key], None) for key in there})

    @rule()
    def revert_all(self) -> None:
        pending = {change.ref.key for change in self.document.pending_changes}
        job = self.document.revert_all_job()
        if job is None:
            assert not pending
            return
        run(job)
        self.note({key: (self.current.get(key), self.stored.get(key)) for key in pending})

    def only(self, keys: set[bytes]) -> dict[bytes, bytes]:
        return {key: value for key, value in self.stored.items() if key in keys}

    # ---- back and forth

    @rule()
    def undo(self) -> None:
        job = self.document.undo_job()
        assert (job is None) == (not self.done)
        if job is not None:
            run(job)
            made = self.done.pop()
            self.undone.append(made)
            self.step({key: (after, before) for key, (before, after) in made.items()})

    @rule()
    def redo(self) -> None:
        job = self.document.redo_job()
        assert (job is None) == (not self.undone)
        if job is not None:
            run(job)
            made = self.undone.pop()
            self.done.append(made)
            self.step(made)

    def step(self, made: Made) -> None:
        unfit = {key for key, (before, _after) in made.items() if self.current.get(key) != before}
        self.apply({key: after for key, (_before, after) in made.items() if key not in unfit})
        self.drop(unfit)

    def drop(self, keys: set[bytes]) -> None:
        for stack in (self.done, self.undone):
            stack[:] = [left for made in stack if (left := {key: made[key] for key in made.keys() - keys})]

    # ---- the file

    @rule()
    def save(self) -> None:
        pending = {change.ref.key for change in self.document.pending_changes}
        conflicts = {key for key in pending if self.stored.get(key) != self.base.get(key)}
        if conflicts:
            with pytest.raises(ChangedOnDisk) as caught:
                run(self.document.save_job())
            assert set(caught.value.keys) == conflicts
            return
        if not pending:
            return
        run(self.document.save_job())
        self.stored = {key: value for key, value in self.stored.items() if key not in pending}
        self.stored |= {key: self.current[key] for key in pending & self.current.keys()}
        self.judge()
        self.reload()

    @rule()
    def reload(self) -> None:
        pending = {change.ref.key for change in self.document.pending_changes}
        reload(self.document)
        gone = {key for key in pending if key not in self.current and key not in self.stored}  # deleted by both
        for key in (self.stored.keys() | self.base.keys() | self.touched()) - (pending - gone):
            if self.stored.get(key) != self.left_by_edits(key):
                self.drop({key})
            self.apply({key: self.stored.get(key)})
        kept = pending - gone
        self.base = {key: value for key, value in self.base.items() if key in kept}
        self.base |= {key: value for key, value in self.stored.items() if key not in kept}

    def left_by_edits(self, key: bytes) -> State:
        """Return the value that a key has when all edits that are done, and no others, were made to it."""
        done = [made[key][1] for made in self.done if key in made]
        undone = [made[key][0] for made in self.undone if key in made]
        return done[-1] if done else undone[-1] if undone else self.stored.get(key)

    def touched(self) -> set[bytes]:
        return {key for made in (*self.done, *self.undone) for key in made}

    @rule(keys=st.sets(st.sampled_from(KEYS), min_size=1), removes=st.booleans())
    def change_by_another_program(self, keys: set[bytes], removes: bool) -> None:
        rows = {key: row for row, (key, _value) in enumerate(pairs_of(self.path))}
        changes: list[Change] = []
        for key in sorted(keys):
            if removes and key in rows:
                changes.append(Remove(rows[key]))
                self.stored.pop(key)
            elif not removes:
                value = self.new_value(b"theirs")
                changes.append(Replace(rows[key], value) if key in rows else Insert(key, value))
                self.stored[key] = value
        if changes:
            write(self.path, changes)
            assert outcome(self.document.changed_on_disk_job()).is_changed
        self.reload()

    @precondition(lambda self: self.document.pending_changes)
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        conflicts = outcome(self.document.conflicts_job())
        pending = {change.ref.key for change in self.document.pending_changes}
        assert {conflict.key for conflict in conflicts} == {
            key for key in pending if self.stored.get(key) != self.base.get(key)
        }
        for conflict in conflicts:
            key = conflict.key
            if conflict.is_was_known:
                assert conflict.was == self.base.get(key)
            choice = data.draw(st.sampled_from(Choice))
            run(self.document.resolve_job(conflict, choice))
            if choice is Choice.THEIRS:
                self.note({key: (self.current.get(key), self.stored.get(key))})
            self.base.pop(key, None)
            self.base |= self.only({key})

    @rule()
    def reopen(self) -> None:
        if self.document.pending_changes:
            return
        self.document.close()
        self.document = opened(self.path, self.journals)
        self.done, self.undone = [], []
        self.current, self.base = dict(self.stored), dict(self.stored)

    @rule()
    def crash(self) -> None:
        """Let the program end at once, and restore what its journal has."""
        pending = {change.ref.key for change in self.document.pending_changes}
        self.document.flush_journal()
        kept = [path.read_bytes() for path in self.journals.folder.glob("*.journal")]
        assert len(kept) == bool(pending)
        self.document.close()
        for content in kept:
            (self.journals.folder / "left.journal").write_bytes(content)

        self.document = opened(self.path, self.journals)
        left = self.journals.found(self.path)
        assert {change.ref.key for found in left for change in found.changes} == pending
        for found in left:
            run(self.document.restore_job(found))
        self.document.flush_journal()

        assert not self.journals.found(self.path)
        wanted = {key: self.current.get(key) for key in pending}
        self.current = dict(self.stored)
        self.done, self.undone = [], []
        self.note({key: (self.stored.get(key), value) for key, value in wanted.items()})
        kept_keys = {key for key in pending if wanted[key] != self.stored.get(key)}
        self.base = {key: value for key, value in self.base.items() if key in kept_keys}
        self.base |= {key: value for key, value in self.stored.items() if key not in kept_keys}

    # ---- what always holds

    @invariant()
    def the_document_shows_what_it_must(self) -> None:
        if hasattr(self, "document"):
            assert Counter(shown(self.document)) == Counter(self.current.items())
            assert len(shown(self.document)) == len(self.document) - sum(
                change.kind is PendingKind.DELETED for change in self.document.pending_entries.values()
            )

    @invariant()
    def the_file_has_what_was_saved(self) -> None:
        if hasattr(self, "document"):
            assert Counter(pairs_of(self.path)) == Counter(self.stored.items())

    @invariant()
    def pending_is_what_differs(self) -> None:
        if hasattr(self, "document"):
            pending = {change.ref: change for change in self.document.pending_changes}
            for key in self.current.keys() | self.base.keys():
                value, base = self.current.get(key), self.base.get(key)
                if value != base and self.stored.get(key) == base:
                    assert EntryRef(key) in pending, key
                elif value == base:
                    assert EntryRef(key) not in pending, key


@pytest.mark.parametrize("format_id", FORMATS)
def test_a_document_holds_what_a_dict_would(format_id: str) -> None:
    machine = type("Machine", (DocumentMachine,), {"format_id": format_id})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings().max_examples // 2,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
