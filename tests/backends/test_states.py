"""Series of saves, compactions, conversions and reopenings, against a list of entries, for every writable format."""

import tempfile
from itertools import count
from pathlib import Path
from typing import ClassVar

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

from app.backends.base import Backend, Change, Insert, Remove, Replace
from app.backends.create import create_database
from app.backends.key_index import KeyIndex
from app.backends.records import Records, SelectedRecords, StoredRecords
from app.cancel import CancelToken
from tests.backends.failing_files import QuickOperations
from tests.backends.listing import entries_of, expected_of, index_of
from tests.backends.saving_variants import (
    DEFAULTS,
    NO_BACKUP,
    NUMBERED,
    VARIANTS,
    Pair,
    Variant,
    complaints,
    each_variant,
    opened,
)

STEPS = 8
KEYS = st.sampled_from([b"", b"\0", b"a", b"a\0", b"\xff\xfe", b"k" * 300]) | st.binary(max_size=3)
VALUES = st.binary(max_size=8) | st.builds(
    lambda byte, size: byte * size, st.sampled_from([b"\0", b"x", b"'"]), st.sampled_from([500, 5000, 40_000])
)
NEW_PAIRS = st.lists(st.tuples(KEYS, VALUES), max_size=6)


class Database(RuleBasedStateMachine):
    """One database of a variant and the entries that must be in it, in the order in which it lists them."""

    variant: ClassVar[Variant]

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._numbers = count()
        self._listed: list[Pair] = []
        self._path = Path()
        self._backend: Backend | None = None

    @initialize(pairs=NEW_PAIRS)
    def make(self, pairs: list[Pair]) -> None:
        pairs = self.variant.storable(pairs)
        if self.variant.is_never_empty and not pairs:
            pairs = self.variant.storable([(b"", b"at least one")])
        self._use(self.variant.make(self._new_folder(), pairs), pairs)

    def _new_folder(self) -> Path:
        return Path(self._folder.name, f"{next(self._numbers)}")

    def _use(self, path: Path, pairs: list[Pair]) -> None:
        """Go on with the database at a path, which must hold these entries."""
        self._close()
        self._path = path
        self._backend = opened(path, QuickOperations())
        self._check(pairs)

    def _check(self, pairs: list[Pair]) -> None:
        self._listed = entries_of(self._open)
        assert self._open.problems == []
        assert self.variant.same(self._listed, pairs)

    @property
    def _open(self) -> Backend:
        assert self._backend
        return self._backend

    def _close(self) -> None:
        if self._backend:
            self._backend.close()

    @rule(data=st.data())
    def save(self, data: st.DataObject) -> None:
        rows = range(len(self._listed))
        removed = data.draw(st.sets(st.sampled_from(rows)) if rows else st.just(set()), label="removed")
        replaced = data.draw(
            st.dictionaries(st.sampled_from(rows), VALUES, max_size=4) if rows else st.just({}), label="replaced"
        )
        if self.variant.is_never_empty:
            removed -= {0}
        writer = self.variant.writer()
        kept: list[Pair] = []
        changes: list[Change] = [Remove(row) for row in removed]
        for row, (key, value) in enumerate(self._listed):
            if row in replaced and row not in removed and not writer.why_refused(key, len(replaced[row])):
                value = self.variant.stored(replaced[row])  # noqa: PLW2901 - the entry's new value
                changes.append(Replace(row, value))
            if row not in removed:
                kept.append((key, value))
        inserted = self._insertable(kept, data.draw(NEW_PAIRS, label="inserted"))
        changes += [Insert(*pair) for pair in inserted]
        self._apply(changes, kept + inserted)

    def _insertable(self, kept: list[Pair], pairs: list[Pair]) -> list[Pair]:
        """Return the pairs that can be added to those that are kept, as the format wants them."""
        if self.variant.format_id in NUMBERED:
            return [(b"%d" % (len(kept) + row), self.variant.stored(value)) for row, (_, value) in enumerate(pairs)]
        taken = {key for key, _ in kept}
        storable = self.variant.storable(pairs)
        if self.variant.writer().sorts_duplicates:
            return sorted(set(storable) - set(kept))
        return [pair for pair in storable if self.variant.repeats or pair[0] not in taken]

    def _apply(self, changes: list[Change], pairs: list[Pair]) -> None:
        if self.variant.writer().sorts_duplicates and len(set(pairs)) < len(pairs):
            return  # a value replaced by that of another entry of its key: such a format has no room for it
        self._open.apply(changes, expected_of(self._open), NO_BACKUP, CancelToken())
        self._reopen(pairs)

    def _reopen(self, pairs: list[Pair]) -> None:
        self._use(self._path, pairs)

    @rule()
    def compact(self) -> None:
        self._open.compact(NO_BACKUP, CancelToken())
        self._reopen(self._listed)

    @rule()
    def open_again(self) -> None:
        self._reopen(self._listed)

    @precondition(lambda self: self.variant.format_id not in NUMBERED)
    @rule(other=st.sampled_from([variant for variant in DEFAULTS if variant.format_id not in NUMBERED]))
    def convert_and_go_on_with_what_comes_back(self, other: Variant) -> None:
        """Make a database of another format of this one, and one of this format of that."""
        there, pairs = self._converted(self._open, self._listed, other)
        with opened(there) as backend:
            back, pairs = self._converted(backend, pairs, self.variant)
        if pairs or not self.variant.is_never_empty:
            self._use(back, pairs)

    def _converted(self, source: Backend, pairs: list[Pair], target: Variant) -> tuple[Path, list[Pair]]:
        """Copy a backend into a new database; return it with the entries that it can hold."""
        index = index_of(source)
        records = StoredRecords(source, index)
        refused = {refusal.row for refusal in target.writer().refusals(records, CancelToken())}
        kept = [pair for row, pair in enumerate(pairs_by_row(index, pairs)) if row not in refused]
        assert all(target.writer().why_refused(key, len(value)) == "" for key, value in kept)
        chosen: Records = SelectedRecords(records, sorted(refused))
        base = target.base(self._new_folder())
        base.parent.mkdir()
        files = create_database(target.writer(), base, chosen, CancelToken(), operations=QuickOperations()).files
        assert complaints(files[0]) == []
        return files[0], kept

    @invariant()
    def check_says_nothing(self) -> None:
        if self._backend:
            assert list(self._backend.check(CancelToken())) == []

    def teardown(self) -> None:
        self._close()
        self._folder.cleanup()


def pairs_by_row(index: KeyIndex, pairs: list[Pair]) -> list[Pair]:
    """Return entries in the order of an index that lists them perhaps differently."""
    values: dict[bytes, list[bytes]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return [(index.key(row), values[index.key(row)].pop(0)) for row in range(len(index))]


@each_variant
def test_a_database_holds_what_a_list_would_whatever_is_done_to_it(variant: Variant) -> None:
    machine = type("Machine", (Database,), {"variant": variant})
    thorough = settings().max_examples > 100
    examples = (24 if variant in DEFAULTS else 6) * (5 if thorough else 1)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )


def test_every_layout_is_tried() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS) > len(DEFAULTS)


pytestmark = pytest.mark.timeout(300)
