"""Entries compared as one stream: equal exactly when they are the same in the same order."""

from pathlib import Path
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.packing import PackedWatch
from app.cancel import CancelToken
from app.errors import Cancelled
from tests.backends.dumb_files import scratch
from tests.backends.toy_format import PairRecords, toy, written

Pair = tuple[bytes, bytes]

LENGTHS = Struct("<HI")
PAIRS = st.lists(st.tuples(st.sampled_from([b"", b"a", b"ab"]), st.sampled_from([b"", b"b", b"cb"])), max_size=6)


def watched(pairs: list[Pair], token: CancelToken | None = None) -> PackedWatch:
    return PackedWatch(PairRecords(pairs), LENGTHS, token or CancelToken())


@given(one=PAIRS, other=PAIRS)
def test_fingerprints_are_equal_when_the_entries_are_the_same_in_order(one: list[Pair], other: list[Pair]) -> None:
    assert (watched(one).fingerprint() == watched(other).fingerprint()) == (one == other)


@given(pairs=PAIRS, other=PAIRS)
def test_what_a_database_lists_has_the_fingerprint_of_what_was_written(pairs: list[Pair], other: list[Pair]) -> None:
    with scratch() as folder, toy(written(folder / "x", pairs), duplicates=True) as backend:
        assert watched(pairs).fingerprint_in(backend) == watched(pairs).fingerprint()
        assert (watched(other).fingerprint() == watched(pairs).fingerprint_in(backend)) == (pairs == other)


@given(pairs=PAIRS, data=st.data())
def test_a_fingerprint_is_the_same_whatever_was_read_before(pairs: list[Pair], data: st.DataObject) -> None:
    records = watched(pairs)
    start = data.draw(st.integers(0, len(pairs)), label="start")

    for lengths, first in ((Struct("<QQ"), 0), (LENGTHS, start)):
        for _piece in records.packed(first, len(pairs), lengths):
            pass
    next(records.packed(0, len(pairs), LENGTHS), None)

    assert records.fingerprint() == watched(pairs).fingerprint()


def test_only_what_the_writer_was_given_first_counts() -> None:
    pairs = [(b"k", b"old")]
    records = watched(pairs)

    first = b"".join(records.packed(0, 1, LENGTHS))
    pairs[0] = b"k", b"new"
    second = b"".join(records.packed(0, 1, LENGTHS))

    assert (first[-3:], second[-3:]) == (b"old", b"new")
    assert records.fingerprint() == watched([(b"k", b"old")]).fingerprint()


def test_writing_and_reading_back_are_each_half_of_the_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    pairs = [(b"%d" % number, bytes(40_000)) for number in range(10)]
    token = CancelToken()
    records = watched(pairs, token)

    records.fingerprint()
    assert (token.done, token.total) == (10, 20)

    with toy(written(tmp_path / "x", pairs)) as backend:
        records.fingerprint_in(backend)
        assert (token.done, token.total) == (20, 20)
        token.cancel()
        with pytest.raises(Cancelled):
            records.fingerprint_in(backend)
    with pytest.raises(Cancelled):
        watched(pairs, token).fingerprint()
