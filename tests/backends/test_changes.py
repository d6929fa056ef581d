"""Finding entries again in a database that others changed meanwhile."""

from pathlib import Path

import pytest

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.backends.changes import Candidate, agree, changed_on_disk, digest, key_text, keys_of_interest, plan
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
