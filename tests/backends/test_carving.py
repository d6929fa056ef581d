"""Values found by how they begin: all that lie in the ranges, nothing else, in bounded time."""

import pickle
import struct
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Sliceable, ValueEnd
from app.backends.carving import ValueSearch, unclaimed
from app.backends.salvage import Origin, Salvage
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from app.errors import Cancelled
from tests.backends.listing import pickle_end
from tests.backends.reading import SECONDS

PICKLES = st.builds(
    pickle.dumps,
    st.recursive(st.integers() | st.text(max_size=300) | st.none(), lambda inner: st.lists(inner, max_size=5)),
    st.integers(2, 5),
)
RUBBISH = st.binary(max_size=40).filter(lambda content: b"\x80" not in content)


def search(end_of: ValueEnd = value_end, token: CancelToken | None = None) -> tuple[ValueSearch, list[str]]:
    """Return a search, and the sentences that it is going to report."""
    said: list[str] = []
    path = Path("x")
    salvage = Salvage(path, path, False, end_of, lambda message, _offset: said.append(message), token or CancelToken())
    return ValueSearch(salvage), said


def carved(content: bytes, *ranges: tuple[int, int]) -> list[tuple[int, bytes]]:
    found = list(search()[0].carve(content, ranges or [(0, len(content))]))
    assert all((one.key, one.origin) == (None, Origin.LOST) for one in found)
    return [(one.offset, one.value) for one in found]


@given(parts=st.lists(st.tuples(RUBBISH, PICKLES), max_size=8), end=RUBBISH)
def test_every_value_between_other_bytes_is_found_where_it_is(parts: list[tuple[bytes, bytes]], end: bytes) -> None:
    content, there = b"", []
    for rubbish, value in parts:
        there.append((len(content) + len(rubbish), value))
        content += rubbish + value

    assert carved(content + end) == there


def test_a_value_longer_than_what_is_searched_at_once_is_found() -> None:
    value = pickle.dumps([bytes([number % 128]) * 700_000 for number in range(7)])
    content = bytes((1 << 20) - 1) + value + b"rest"

    assert carved(content) == [((1 << 20) - 1, value)]


def test_a_value_that_reaches_out_of_its_range_is_none() -> None:
    value = pickle.dumps("text" * 10)
    content = b"??" + value + value

    assert carved(content, (0, len(value) + 1), (len(value) + 2, len(content))) == [(len(value) + 2, value)]
    assert carved(content, (3, len(value))) == []


def test_values_of_deleted_entries_are_called_so() -> None:
    value = pickle.dumps({"a": 1})

    found = list(search()[0].carve(value, [(0, len(value))], origin=Origin.DELETED))

    assert [one.origin for one in found] == [Origin.DELETED]


def test_a_whole_value_behind_the_beginning_of_another_is_found() -> None:
    whole = pickle.dumps(["still", "here"], 4)
    cut = pickle.dumps("x" * 500, 4)[:80]

    assert carved(cut + whole + b"\x80\x04") == [(len(cut), whole)]


@pytest.mark.parametrize(
    "unit",
    [
        b"\x80\x02",
        b"\x80\x02(",
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 40),
        b"\x80\x03B" + struct.pack("<I", 1 << 30),
        b"\x80\x02]q\x00(",
    ],
)
def test_bytes_that_only_look_like_values_take_bounded_time(unit: bytes) -> None:
    content = unit * (250_000 // len(unit))
    start = process_time()

    assert carved(content) == []
    assert process_time() - start < SECONDS


@pytest.mark.parametrize("size", [1000, 100_000, 1_000_000])
def test_the_bytes_that_are_looked_at_in_vain_grow_with_the_ranges_only(size: int) -> None:
    looked_at = 0

    def looking(buffer: Sliceable, start: int) -> None:
        nonlocal looked_at
        looked_at += len(buffer[start : start + (1 << 16)])

    searched, said = search(looking)
    assert list(searched.carve(b"\x80\x02" * (size // 2), [(0, size)])) == []
    assert looked_at <= 8 * size + (1 << 18) + (1 << 16)
    assert said == (
        [] if size == 1000 else ["Too much here only looks like values: some of it was not searched for them."]
    )


def test_many_ranges_have_one_allowance_together() -> None:
    looked_at, content = 0, b"\x80\x02" * 500_000

    def looking(buffer: Sliceable, start: int) -> None:
        nonlocal looked_at
        looked_at += len(buffer[start : start + (1 << 16)])

    searched, said = search(looking)
    for start in range(0, len(content), 1000):
        assert list(searched.carve(content, [(start, start + 1000)])) == []

    assert looked_at <= 8 * len(content) + (1 << 18) + 1000
    assert len(said) == 1


def test_carving_can_be_cancelled() -> None:
    token = CancelToken()
    value = pickle.dumps(1)
    found = search(token=token)[0].carve(value * 3, [(0, 3 * len(value))])
    next(found)
    token.cancel()

    with pytest.raises(Cancelled):
        next(found)


@pytest.mark.parametrize("wrong", [-1, 0, 10**9])
def test_an_end_that_cannot_be_is_not_believed(wrong: int) -> None:
    assert list(search(lambda _buffer, _start: wrong)[0].carve(b"\x80\x02N.", [(0, 4)])) == []


def test_any_reader_of_slices_can_tell_the_end() -> None:
    value = pickle.dumps((1, "a"), 2)

    assert [one.value for one in search(pickle_end)[0].carve(b"--" + value + b"--", [(0, 100)])] == [value]


RANGES = st.binary(min_size=2, max_size=2).map(lambda pair: (min(pair) % 61, min(pair) % 61 + max(pair) % 61))


@given(claims=st.lists(RANGES, max_size=8), bounds=RANGES)
def test_what_is_unclaimed_is_all_that_no_claim_covers(claims: list[tuple[int, int]], bounds: tuple[int, int]) -> None:
    start, end = bounds

    free = list(unclaimed(claims, start, end))

    covered = {place for first, last in claims for place in range(first, last)}
    assert [place for first, last in free for place in range(first, last)] == [
        place for place in range(start, end) if place not in covered
    ]
    assert all(first < last for first, last in free)
    assert all(one[1] < other[0] for one, other in pairwise(free))
