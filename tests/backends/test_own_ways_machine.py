"""dumb, sqlite3 and lmdb save each in a way of their own: any series of what can be done to one, against a dict."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.backends.base import Backend, SaveOptions
from app.backends.create import create_database
from app.backends.key_index import KeyIndex
from app.backends.records import StoredRecords
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from tests.backends.listing import changes_to, entries_of, expected_of, ids_by_key, index_of
from tests.backends.toy_format import PairRecords

FORMATS = ("dumb", "sqlite3", "lmdb")
KEYS = st.binary(min_size=1, max_size=3)
VALUES = st.binary(max_size=1500) | st.integers(5_000, 40_000).map(bytes)
NO_BACKUP = SaveOptions(backup=False)


class OneDatabase(RuleBasedStateMachine):
    """A database that is saved into, compacted, converted and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model: dict[bytes, bytes] = {}
        self.made = 0
        self.backend: Backend | None = None

    @initialize(format_id=st.sampled_from(FORMATS))
    def start(self, format_id: str) -> None:
        self.create(format_id, KeyIndex())

    def create(self, format_id: str, index: KeyIndex) -> None:
        """Make a database of what the present one holds, and go on with that."""
        self.made += 1
        base = Path(self.folder.name, f"made {self.made}")
        writer = new_writer(format_id, CreateOptions())
        records = PairRecords([]) if self.backend is None else StoredRecords(self.backend, index)
        create_database(writer, base, records, CancelToken())
        self.close()
        self.backend = writer.open(base)

    @property
    def open(self) -> Backend:
        assert self.backend is not None
        return self.backend

    @rule(new=st.dictionaries(KEYS, VALUES, max_size=4), removed=st.sets(KEYS, max_size=3))
    def save(self, new: dict[bytes, bytes], removed: set[bytes]) -> None:
        expected = expected_of(self.open)
        changes = changes_to(ids_by_key(expected), new, removed)
        self.open.apply(changes, expected, NO_BACKUP, CancelToken())
        kept = {key: value for key, value in self.model.items() if key not in removed}
        added = {key: value for key, value in new.items() if key not in removed or key not in self.model}
        self.model = kept | added
        self.reopen()

    @rule()
    def compact(self) -> None:
        index_of(self.open)
        report = self.open.compact(NO_BACKUP, CancelToken())
        assert report.bytes_after <= report.bytes_before
        self.reopen()

    @rule(format_id=st.sampled_from(FORMATS))
    def convert(self, format_id: str) -> None:
        self.create(format_id, index_of(self.open))

    @rule()
    def reopen(self) -> None:
        path = self.open.match.base if self.open.format_id == "dumb" else self.open.match.path
        self.close()
        self.backend = open_database(path)

    @invariant()
    def holds_what_a_dict_would(self) -> None:
        if self.backend is not None:
            assert sorted(entries_of(self.backend)) == sorted(self.model.items())
            assert self.backend.problems == []
            assert list(self.backend.check_structure(CancelToken())) == []

    def close(self) -> None:
        if self.backend is not None:
            self.backend.close()

    def teardown(self) -> None:
        self.close()
        self.folder.cleanup()


TestOneDatabase = OneDatabase.TestCase
TestOneDatabase.settings = settings(stateful_step_count=12)
