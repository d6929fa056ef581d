"""Finding entries again in a database that others changed meanwhile."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.backends.changes import Candidate, agree, changed_on_disk, digest, key_text, keys_of_interest, plan, rejected
from app.errors import ChangedOnDisk

PATH = Path("shelf.db")
ONE, TWO = digest(b"1"), digest(b"2")


def there(*digests: bytes) -> dict[bytes, list[Candidate]]:
    """Return entries of the key ``k`` with handles from 100 on."""
    return {b"k": [Candidate(100 + number, value) for number, value in enumerate(digests)]}


@pytest.mark.parametrize(
    ("nth", "now", "handle"),
    [
        (0, (ONE,), 100),
        (1, (TWO, ONE), 101),
        (0, (TWO, ONE), 101),  # another one moved before it
        (5, (TWO, ONE), 101),  # others before it are gone
        (1, (ONE, ONE, TWO), 101),  # equal ones: the nth
        (2, (ONE, ONE, TWO), 100),  # the nth is another now: any equal one will do
    ],
)
def test_a_duplicate_is_found_by_digest_then_nth(nth: int, now: tuple[bytes, ...], handle: int) -> None:
    made = plan([Replace(7, b"new")], {7: Expected(b"k", nth, ONE)}, there(*now), PATH)

    assert made.replaced == {handle: b"new"}


@pytest.mark.parametrize(
    ("changes", "conflict"),
    [
        ((Remove(7), Insert(b"k", b"v")), False),
        ((Insert(b"k", b"v"),), True),
        ((Insert(b"other", b"v"), Insert(b"other", b"w")), True),
        ((Remove(7), Remove(7)), True),
        ((Remove(7), Replace(7, b"v")), True),
        ((Replace(7, b"v"), Remove(7)), False),
        ((Replace(7, b"v"), Replace(7, b"w")), False),
    ],
)
def test_changes_count_in_their_order(changes: tuple[Change, ...], *, conflict: bool) -> None:
    expected = {7: Expected(b"k", 0, ONE)}
    if not conflict:
        made = plan(changes, expected, there(ONE), PATH)
        assert not made.removed & made.replaced.keys()
        return

    with pytest.raises(ChangedOnDisk):
        plan(changes, expected, there(ONE), PATH)


def test_all_conflicts_are_named_at_once() -> None:
    changes: list[Change] = [Replace(1, b""), Insert(b"new", b""), Remove(2)]
    expected = {1: Expected(b"gone", 0, ONE), 2: Expected(b"k", 0, ONE)}

    with pytest.raises(ChangedOnDisk, match=r"shelf\.db") as caught:
        plan(changes, expected, there(TWO), PATH)

    assert caught.value.keys == (b"gone", b"k")
    assert keys_of_interest(changes, expected) == {b"gone", b"k", b"new"}


def test_many_keys_are_counted_and_long_ones_shortened() -> None:
    error = changed_on_disk(PATH, [b"%d" % number for number in range(1234)] + [b"0"])

    assert "'0', '1', '2' and 1,231 more" in error.message
    assert len(error.keys) == 1234
    assert len(key_text(b"\xff" * 1000)) < 300


@pytest.mark.parametrize(
    ("one", "other", "same"), [("", "", True), ("ab", "ab", True), ("ab", "abc", False), ("ab", "ac", False)]
)
def test_agreement_needs_equal_number(one: str, other: str, *, same: bool) -> None:
    assert agree(iter(one), iter(other)) is same
    assert agree(iter(other), iter(one)) is same


Entry = tuple[bytes, bytes]

ENTRIES = st.lists(st.tuples(st.sampled_from([b"k", b"l"]), st.sampled_from([b"1", b"2", b"3"])), max_size=8)


def candidates_of(entries: list[Entry]) -> dict[bytes, list[Candidate]]:
    """Return the entries of each key; handles are positions from 100 on."""
    found: dict[bytes, list[Candidate]] = {}
    for position, (key, value) in enumerate(entries):
        found.setdefault(key, []).append(Candidate(100 + position, digest(value)))
    return found


def expected_of(entries: list[Entry]) -> dict[int, Expected]:
    keys = [key for key, _ in entries]
    return {row: Expected(key, keys[:row].count(key), digest(value)) for row, (key, value) in enumerate(entries)}


@given(entries=ENTRIES, data=st.data())
def test_in_an_unchanged_database_every_entry_is_itself(entries: list[Entry], data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.sampled_from(range(len(entries))), unique=True) if entries else st.just([]))
    replaced = {row: b"%d" % row for row in ids if data.draw(st.booleans(), label=f"replace {row}")}
    changes: list[Change] = [Replace(row, replaced[row]) if row in replaced else Remove(row) for row in ids]

    made = plan(changes, expected_of(entries), candidates_of(entries), PATH, duplicates=True)

    assert made.replaced == {100 + row: value for row, value in replaced.items()}
    assert made.removed == {100 + row for row in ids if row not in replaced}


@given(before=ENTRIES, now=ENTRIES, data=st.data())
def test_entries_are_found_again_exactly_as_long_as_there_are_enough_equal_ones(
    before: list[Entry], now: list[Entry], data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.sampled_from(range(len(before))), unique=True) if before else st.just([]))
    missing = Counter(before[row] for row in ids) - Counter(now)

    try:
        made = plan([Remove(row) for row in ids], expected_of(before), candidates_of(now), PATH, duplicates=True)
    except ChangedOnDisk as error:
        assert set(error.keys) == {key for key, _ in missing}  # noqa: PT017 - either is right, and never both
    else:
        assert not missing
        assert Counter(now[handle - 100] for handle in made.removed) == Counter(before[row] for row in ids)


@pytest.mark.parametrize("duplicates", [True, False])
def test_an_inserted_key_may_be_there_only_where_keys_can_come_again(*, duplicates: bool) -> None:
    changes = [Insert(b"k", b"1"), Insert(b"k", b"1"), Insert(b"new", b"")]
    if not duplicates:
        with pytest.raises(ChangedOnDisk) as caught:
            plan(changes, {}, there(ONE), PATH)
        assert caught.value.keys == (b"k",)
        return

    made = plan(changes, {}, there(ONE), PATH, duplicates=True)

    assert made.inserted == [(b"k", b"1"), (b"k", b"1"), (b"new", b"")]


def test_a_key_is_free_again_only_when_all_its_entries_go() -> None:
    expected = {1: Expected(b"k", 0, ONE), 2: Expected(b"k", 1, TWO)}

    made = plan([Remove(1), Remove(2), Insert(b"k", b"3")], expected, there(ONE, TWO), PATH)
    with pytest.raises(ChangedOnDisk):
        plan([Remove(1), Insert(b"k", b"3")], expected, there(ONE, TWO), PATH)

    assert (made.removed, made.inserted) == ({100, 101}, [(b"k", b"3")])


def test_a_replaced_entry_that_is_removed_then_is_gone() -> None:
    made = plan([Replace(7, b"new"), Remove(7)], {7: Expected(b"k", 0, ONE)}, there(ONE), PATH)

    assert (made.replaced, made.removed) == ({}, {100})


def test_a_value_that_cannot_be_stored_is_named_with_its_key() -> None:
    assert rejected(PATH, b"k", "it is too large").message == (
        "'k' cannot be stored in shelf.db: it is too large. Nothing was saved."
    )
