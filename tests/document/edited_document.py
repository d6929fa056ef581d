"""A document and the dicts that say what it must hold: the edits that are made to both, back and forth."""

import tempfile
from collections import Counter
from pathlib import Path
from shutil import rmtree
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from app.backends.base import Insert
from app.document.document import Document, PendingKind
from app.document.history import EntryRef
from app.document.journals import Journals
from app.document.transfer import Clash
from app.errors import DocumentError
from tests.document.databases import id_of, make, opened, pairs_of, run, shown, write
from tests.document.dict_model import DictModel
from tests.document.machine_runs import CountingMachine
from tests.document.other_programs import OtherProgram

KEYS = [b"a", b"b", b"c", b"long key", b"\xff"]
SOME_KEYS = st.sets(st.sampled_from(KEYS), min_size=1)
VALUES = st.binary(max_size=9)
EDITS = [
    "change",
    "addition",
    "refused addition",
    "replacement",
    "paste",
    "rename",
    "refused rename",
    "duplicate",
    "deletion",
    "revert",
    "revert of all",
    "undo",
    "undo across a save",
    "redo",
]


class EditedDocument(CountingMachine):
    """A document of a format whose keys come once, edited in each way, back and forth."""

    format_id: ClassVar[str]
    other: ClassVar[OtherProgram]

    @initialize(start=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
    def begin(self, start: dict[bytes, bytes]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = make(self.folder / "x.db", self.format_id)
        self.number = 0
        start = {key: self.new_value(value) for key, value in start.items()}
        if start:
            write(self.path, [Insert(key, value) for key, value in start.items()])
        self.model = DictModel(start)
        self.journals = Journals(self.folder / "journals")
        self.document: Document = opened(self.path, self.journals)

    def teardown(self) -> None:
        if hasattr(self, "document"):
            self.document.close()
            rmtree(self.folder)

    def new_value(self, start: bytes) -> bytes:
        """Return a value that no entry has yet."""
        self.number += 1
        return start + b"%d" % self.number

    def a_key(self, data: st.DataObject) -> bytes:
        return data.draw(st.sampled_from(sorted(self.model.current)))

    def a_free_key(self, data: st.DataObject) -> bytes:
        return data.draw(st.sampled_from([key for key in KEYS if key not in self.model.current]))

    @property
    def has_entries(self) -> bool:
        return bool(self.model.current)

    @property
    def has_both(self) -> bool:
        """Whether there are entries and free keys."""
        return 0 < len(self.model.current) < len(KEYS)

    @property
    def pending(self) -> list[bytes]:
        return sorted({change.ref.key for change in self.document.pending_changes})

    def id_of(self, key: bytes) -> int:
        return id_of(self.document, key)

    # ---- edits

    @precondition(lambda self: self.has_entries)
    @rule(data=st.data(), start=st.binary(max_size=5_000))
    def change(self, data: st.DataObject, start: bytes) -> None:
        key, value = self.a_key(data), self.new_value(start)
        run(self.document.set_bytes_job(self.id_of(key), value))
        self.model.put({key: value})
        self.happened["change"] += 1

    @precondition(lambda self: len(self.model.current) < len(KEYS))
    @rule(data=st.data(), start=VALUES)
    def add(self, data: st.DataObject, start: bytes) -> None:
        key, value = self.a_free_key(data), self.new_value(start)
        run(self.document.add_job(key, value))
        self.model.put({key: value})
        self.happened["addition"] += 1

    @precondition(lambda self: self.has_entries)
    @rule(data=st.data(), start=VALUES, replaces=st.booleans())
    def add_what_is_there(self, data: st.DataObject, start: bytes, replaces: bool) -> None:
        key, value = self.a_key(data), self.new_value(start)
        job = self.document.add_job(key, value, replaces=replaces)
        if replaces:
            run(job)
            self.model.put({key: value})
        else:
            with pytest.raises(DocumentError, match="already"):
                run(job)
        self.happened["replacement" if replaces else "refused addition"] += 1

    @rule(keys=SOME_KEYS)
    def paste(self, keys: set[bytes]) -> None:
        entries = {key: self.new_value(b"pasted") for key in sorted(keys)}
        run(self.document.paste_job(list(entries.items()), Clash.REPLACE))
        self.model.put(entries)
        self.happened["paste"] += 1

    @precondition(lambda self: self.has_both)
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        key, new = self.a_key(data), self.a_free_key(data)
        for taken in self.model.current.keys() - {key}:
            with pytest.raises(DocumentError, match="already"):
                run(self.document.rename_job(self.id_of(key), taken))
            self.happened["refused rename"] += 1
        run(self.document.rename_job(self.id_of(key), new))
        self.model.put({key: None, new: self.model.current[key]})
        self.happened["rename"] += 1

    @precondition(lambda self: self.has_both)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        key, new = self.a_key(data), self.a_free_key(data)
        run(self.document.duplicate_job(self.id_of(key), new))
        self.model.put({new: self.model.current[key]})
        self.happened["duplicate"] += 1

    @precondition(lambda self: self.has_entries)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        keys = sorted(data.draw(st.sets(st.sampled_from(sorted(self.model.current)), min_size=1, max_size=3)))
        run(self.document.delete_job([self.id_of(key) for key in keys]))
        self.model.put(dict.fromkeys(keys))
        self.happened["deletion"] += 1

    @precondition(lambda self: self.document.pending_entries)
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        """Take a change back; of a rename both halves."""
        entry_id = data.draw(st.sampled_from(sorted(self.document.pending_entries)))
        change = self.document.pending_entries[entry_id]
        halves = (change.ref, self.document.renamed_from(change), self.document.renamed_to(change))
        run(self.document.revert_job(entry_id))
        self.model.revert({ref.key for ref in halves if ref is not None})
        self.happened["revert"] += 1

    @precondition(lambda self: self.pending)
    @rule()
    def revert_all(self) -> None:
        pending = self.pending
        run(self.document.revert_all_job())
        self.model.revert(pending)
        self.happened["revert of all"] += 1

    # ---- back and forth

    @precondition(lambda self: self.model.done)
    @rule(count=st.integers(1, 3), redone=st.integers(0, 3))
    def undo(self, count: int, redone: int) -> None:
        """Go back some edits, and forth again as many or fewer."""
        self.go_back(count)
        while redone and self.model.undone:
            self.redo()
            self.the_document_shows_what_it_must()
            redone -= 1

    def go_back(self, count: int) -> None:
        while count and self.model.done:
            self.happened["undo across a save" if len(self.model.done) <= self.model.saved_edits else "undo"] += 1
            run(self.document.undo_job())
            self.model.undo()
            self.the_document_shows_what_it_must()
            count -= 1

    @precondition(lambda self: self.model.undone)
    @rule()
    def redo(self) -> None:
        run(self.document.redo_job())
        self.model.redo()
        self.happened["redo"] += 1

    # ---- what always holds

    @invariant()
    def the_document_shows_what_it_must(self) -> None:
        entries = shown(self.document)
        assert Counter(entries) == Counter(self.model.current.items())
        assert len(entries) == len(self.document) - sum(
            change.kind is PendingKind.DELETED for change in self.document.pending_entries.values()
        )

    @invariant()
    def the_document_can_go_as_far_back_and_forth_as_it_must(self) -> None:
        assert (self.document.history.next_undo is None) == (not self.model.done)
        assert (self.document.history.next_redo is None) == (not self.model.undone)

    @invariant()
    def the_file_has_what_was_saved(self) -> None:
        assert Counter(pairs_of(self.path)) == Counter(self.model.stored.items())

    @invariant()
    def pending_is_what_differs(self) -> None:
        model, pending = self.model, {change.ref for change in self.document.pending_changes}
        for key in model.current.keys() | model.base.keys():
            value, base = model.current.get(key), model.base.get(key)
            if value != base and model.stored.get(key) == base:
                assert EntryRef(key) in pending, key
            elif value == base:
                assert EntryRef(key) not in pending, key
