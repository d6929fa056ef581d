"""The document against a dict of objects; every file that was saved is read by its format's own library.

Changes are laid over a copy here, as those of thousands of entries at once are.
"""

import dbm.dumb
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from app.document import entries, opening
from tests.backends.native import bdb_dump, bdb_tool, native_gdbm
from tests.document.databases import id_of, run, value_of
from tests.document.test_machine import KEYS, DocumentMachine
from tests.engine.shelves import read_sqlite


class Read(Protocol):
    """Returns all entries of a file, read by the library of its format."""

    def __call__(self, path: Path) -> dict[bytes, bytes]: ...


class ObjectMachine(DocumentMachine):
    """Values are pickles; what an edit makes of one is what Python makes of the object."""

    read: ClassVar[Read]

    def first_value(self, start: bytes) -> bytes:
        return self.new_value(start)

    def new_value(self, start: bytes) -> bytes:
        self.number += 1
        return pickle.dumps({"start": start, "n": self.number, "list": [1, (start, None)]}, self.number % 6)

    @rule(key=st.sampled_from(KEYS))
    def edit_an_object(self, key: bytes) -> None:
        if key in self.current:
            self.number += 1
            self.edit(key, "['n']", str(self.number), {"n": self.number})

    @rule(key=st.sampled_from(KEYS))
    def replace_an_item(self, key: bytes) -> None:
        if key in self.current:
            self.number += 1
            self.edit(key, "['list'][0]", str(self.number), {"list": [self.number, self.object(key)["list"][1]]})

    def object(self, key: bytes) -> dict[str, Any]:
        found: dict[str, Any] = pickle.loads(self.current[key])
        return found

    def edit(self, key: bytes, path: str, literal: str, changed: dict[str, Any]) -> None:
        wanted = {**self.object(key), **changed}
        run(self.document.literal_job(id_of(self.document, key), path, literal))
        after = value_of(self.document, id_of(self.document, key))
        assert repr(pickle.loads(after)) == repr(wanted)
        self.note({key: (self.current[key], after)})

    def judge(self) -> None:
        found = type(self).read(self.path)
        assert {key: repr(pickle.loads(value)) for key, value in found.items()} == {
            key: repr(pickle.loads(value)) for key, value in self.stored.items()
        }
        assert found == self.stored


@contextmanager
def library(format_id: str) -> Iterator[Read]:
    """Yield what reads files of a format as Python programs do; skips where that is not installed."""
    match format_id:
        case "sqlite3":
            yield read_sqlite
        case "dumb":
            yield read_dumb
        case "gdbm":
            with native_gdbm() as native:
                yield lambda path: dict(native.pairs(path))
        case _:
            bdb_tool("dump")
            yield lambda path: dict(bdb_dump(path))


def read_dumb(path: Path) -> dict[bytes, bytes]:
    with dbm.dumb.open(str(path.with_suffix("")), "r") as database:
        return {bytes(key): database[key] for key in database.keys()}  # type: ignore[arg-type]  # a dumb one has bytes


@pytest.mark.parametrize("format_id", ["sqlite3", "dumb", "gdbm", "bdb-hash"])
def test_a_document_holds_the_objects_that_a_dict_would(format_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (entries, opening):
        monkeypatch.setattr(module, "FEW", 0)
    with library(format_id) as read:
        machine = type("Machine", (ObjectMachine,), {"format_id": format_id, "read": staticmethod(read)})

        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=settings().max_examples // 2,
                stateful_step_count=25,
                suppress_health_check=list(HealthCheck),
            ),
        )
