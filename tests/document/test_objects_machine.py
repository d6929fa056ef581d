"""The document against a dict of objects; every file is read, and changed meanwhile, by its format's own library.

Changes are laid over a copy here, as those of thousands of entries at once are.
"""

import pickle
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.document import entries, opening
from tests.document.databases import run, value_of
from tests.document.document_machine import OPERATIONS, DocumentMachine
from tests.document.machine_runs import SECONDS, run_machine
from tests.document.object_edits import KINDS, Object, possible
from tests.document.other_programs import native_program


class ObjectMachine(DocumentMachine):
    """Values are pickles; what an edit makes of one is what Python makes of the object."""

    def new_value(self, start: bytes) -> bytes:
        self.number += 1
        return pickle.dumps({"start": start, "n": self.number, "list": [1, (start, None)]}, self.number % 6)

    def object(self, key: bytes) -> Object:
        found: Object = pickle.loads(self.model.current[key])
        return found

    @precondition(lambda self: self.has_entries)
    @rule(data=st.data())
    def change_a_number(self, data: st.DataObject) -> None:
        key = self.a_key(data)
        self.number += 1
        wanted = {**self.object(key), "n": self.number}
        run(self.document.literal_job(self.id_of(key), "['n']", str(self.number)))
        self.take(key, wanted)
        self.happened["number"] += 1

    @precondition(lambda self: self.has_entries)
    @rule(data=st.data(), count=st.integers(1, 4))
    def edit_an_object(self, data: st.DataObject, count: int) -> None:
        """Make some edits of an object, one after the other."""
        key = self.a_key(data)
        for _ in range(count):
            self.number += 1
            kind = data.draw(st.sampled_from(possible(self.object(key))))
            edit, wanted = KINDS[kind](self.object(key), self.number, data.draw)
            run(self.document.edit_job(self.id_of(key), edit, kind))
            self.take(key, wanted)
            self.happened[kind] += 1

    def take(self, key: bytes, wanted: dict[str, Any]) -> None:
        """Take over an object that was edited, once it is what Python makes of it, in the same order."""
        value = value_of(self.document, self.id_of(key))
        assert repr(pickle.loads(value)) == repr(wanted)
        self.model.put({key: value})


@pytest.mark.hypothesis
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("format_id", ["sqlite3", "dumb", "gdbm", "bdb-hash"])
def test_a_document_holds_the_objects_that_a_dict_would(format_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (entries, opening):
        monkeypatch.setattr(module, "FEW", 0)
    with native_program(format_id) as program:
        machine = type("Machine", (ObjectMachine,), {"format_id": format_id, "other": program})

        run_machine(machine, f"objects in {format_id}", [*OPERATIONS, "number", *KINDS])
