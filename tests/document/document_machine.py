"""A document and the dicts that say what it must hold, while others write its file, and over crashes."""

from collections.abc import Mapping, Sequence
from time import sleep

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.document.merging import Choice
from app.errors import ChangedOnDisk
from tests.document.databases import opened, outcome, reload, run
from tests.document.edited_document import EDITS, KEYS, EditedDocument

OPERATIONS = [
    *EDITS,
    "save",
    "reload",
    "change by another program",
    "change meanwhile",
    "merge at a save",
    "conflict at a save",
    "mine",
    "theirs",
    "reopening",
    "restored changes",
]

CLOCK_TICK = 0.01
"""Seconds after which a file that is written again has another time of change."""


class DocumentMachine(EditedDocument):
    """An edited document that is saved, merged with what others wrote, and opened again."""

    # ---- the file

    @precondition(lambda self: self.pending)
    @rule(undone=st.integers(0, 2))
    def save(self, undone: int) -> None:
        """Save, and go back behind that."""
        self.save_or_meet_conflicts()
        self.the_file_has_what_was_saved()
        self.go_back(undone)

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), is_met=st.booleans())
    def save_over_what_nobody_saw(self, data: st.DataObject, is_met: bool) -> None:
        """Let another program write, what is pending or other entries, and save before anything tells the document."""
        others = [key for key in KEYS if key not in self.pending]
        self.change_from_outside(data, self.pending if is_met else others or KEYS)
        is_conflict = self.save_or_meet_conflicts()
        self.happened["conflict at a save" if is_conflict else "merge at a save"] += 1
        self.the_document_shows_what_it_must()
        self.merge_or_put_it_off(data)

    def save_or_meet_conflicts(self) -> bool:
        """Save, and read the keys again; tell whether entries were in conflict, so that nothing was written."""
        pending = self.pending
        conflicts = self.model.conflicts(pending)
        if conflicts:
            with pytest.raises(ChangedOnDisk) as caught:
                run(self.document.save_job())
            assert set(caught.value.keys) == conflicts
        else:
            run(self.document.save_job())
            self.model.save(pending)
            self.judge()
            self.happened["save"] += 1
        self.read_again()
        return bool(conflicts)

    def judge(self) -> None:
        """Look at a file that was saved: the library of its format finds just what was meant."""
        assert self.other.read(self.path) == self.model.stored

    @rule()
    def reload(self) -> None:
        self.read_again()
        self.happened["reload"] += 1

    def read_again(self) -> None:
        pending = self.pending
        reload(self.document)
        self.model.reload(pending)

    @rule(data=st.data())
    def change_by_another_program(self, data: st.DataObject) -> None:
        self.change_from_outside(data, KEYS)
        assert outcome(self.document.changed_on_disk_job()).is_changed
        self.read_again()
        self.happened["change by another program"] += 1
        self.the_document_shows_what_it_must()
        self.merge_or_put_it_off(data)

    def change_from_outside(self, data: st.DataObject, among: Sequence[bytes]) -> None:
        """Let another program change, add and take away some entries, at times just as it is done here too."""
        keys = sorted(data.draw(st.sets(st.sampled_from(among), min_size=1)))
        values: dict[bytes, bytes] = {}
        removed: list[bytes] = []
        for key in keys:
            kinds = ["new", *(["removed"] if key in self.model.stored else []), *self.alike(key)]
            kind = data.draw(st.sampled_from(kinds))
            if kind == "removed":
                removed.append(key)
            else:
                values[key] = self.new_value(b"theirs") if kind == "new" else self.model.current[key]
        self.let_other_change(values, removed)

    def alike(self, key: bytes) -> list[str]:
        """Return the kind of change that a person made here too, where there is such."""
        value = self.model.current.get(key)
        return ["alike"] if value is not None and value != self.model.stored.get(key) else []

    def let_other_change(self, values: Mapping[bytes, bytes], removed: list[bytes]) -> None:
        sleep(CLOCK_TICK)
        self.other.change(self.path, values, removed)
        for key in removed:
            self.model.stored.pop(key)
        self.model.stored.update(values)
        self.happened["change meanwhile"] += bool(self.model.conflicts(self.pending))

    def merge_or_put_it_off(self, data: st.DataObject) -> None:
        if self.model.conflicts(self.pending) and data.draw(st.sampled_from([True, True, True, False])):
            self.merge(data)

    @precondition(lambda self: self.model.conflicts(self.pending))
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        conflicts = outcome(self.document.conflicts_job())
        assert {conflict.key for conflict in conflicts} == self.model.conflicts(self.pending)
        for conflict in conflicts:
            if conflict.is_was_known:
                assert conflict.was == self.model.base.get(conflict.key)
            choice = data.draw(st.sampled_from(Choice))
            run(self.document.resolve_job(conflict, choice))
            self.model.resolve(conflict.key, is_mine=choice is Choice.MINE)
            self.happened[choice.value] += 1

    # ---- another start

    @precondition(lambda self: not self.model.conflicts(self.pending))
    @rule()
    def save_and_reopen(self) -> None:
        if self.pending:
            self.save_or_meet_conflicts()
        self.document.close()
        self.document = opened(self.path, self.journals)
        self.model.forget_edits()
        self.happened["reopening"] += 1

    @precondition(lambda self: self.pending)
    @rule()
    def crash(self) -> None:
        """Let the program end at once, and restore what its journal has."""
        pending = self.pending
        self.document.flush_journal()
        kept = [path.read_bytes() for path in self.journals.folder.glob("*.journal")]
        assert len(kept) == 1
        self.document.close()
        for content in kept:
            (self.journals.folder / "left.journal").write_bytes(content)
        self.document = opened(self.path, self.journals)
        self.restore(pending)
        self.happened["restored changes"] += 1

    def restore(self, pending: list[bytes]) -> None:
        left = self.journals.found(self.path)
        assert {change.ref.key for found in left for change in found.changes} == set(pending)
        for found in left:
            run(self.document.restore_job(found))
        self.document.flush_journal()
        assert not self.journals.found(self.path)
        self.model.restore(pending)
