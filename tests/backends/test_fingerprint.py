"""Fingerprints: equal exactly when two databases hold the same entries."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.fingerprint import Fingerprint, Occurrences, WatchedRecords, digest_of, fingerprint_of, occurrences_in
from app.backends.records import PIECE_BYTES
from app.cancel import CancelToken
from app.errors import Cancelled
from tests.backends.dumb_files import scratch
from tests.backends.toy_format import PairRecords, toy, written

Pair = tuple[bytes, bytes]

FEW_KEYS = st.sampled_from([b"", b"a", b"b", b"ab"])
PAIRS = st.lists(st.tuples(FEW_KEYS, st.binary(max_size=2)), max_size=10)


def of(pairs: list[Pair], *, in_order: bool = True, may_repeat: bool = True) -> Fingerprint:
    records = PairRecords(pairs, may_repeat=may_repeat)
    return WatchedRecords(records, CancelToken(), in_order=in_order).fingerprint()


def by_key(pairs: list[Pair]) -> dict[bytes, list[bytes]]:
    """Return what counts: the values of each key in their order."""
    return {key: [value for other, value in pairs if other == key] for key, _ in pairs}


@given(one=PAIRS, other=PAIRS | st.none(), data=st.data())
def test_fingerprints_are_equal_when_each_key_has_the_same_values_in_order(
    one: list[Pair], other: list[Pair] | None, data: st.DataObject
) -> None:
    other = data.draw(st.permutations(one)) if other is None else other

    assert (of(one) == of(other)) == (by_key(one) == by_key(other))
    assert (of(one, in_order=False) == of(other, in_order=False)) == (Counter(one) == Counter(other))


@given(pairs=PAIRS)
def test_what_is_read_back_has_the_fingerprint_of_what_was_written(pairs: list[Pair]) -> None:
    with scratch() as folder, toy(written(folder / "x", pairs), duplicates=True) as backend:
        assert fingerprint_of(backend, len(pairs), CancelToken()) == of(pairs)


def test_borders_between_key_and_value_count() -> None:
    assert of([(b"ab", b"c")]) != of([(b"a", b"bc")])
    assert of([(b"a", b"1"), (b"b", b"2")]) != of([(b"a", b"2"), (b"b", b"1")])
    assert of([]) != of([(b"", b"")])


@given(pairs=PAIRS, data=st.data())
def test_a_fingerprint_is_the_same_however_the_rows_were_read(pairs: list[Pair], data: st.DataObject) -> None:
    watched = WatchedRecords(PairRecords(pairs), CancelToken())
    reads = st.tuples(st.sampled_from(range(len(pairs))), st.sampled_from(["value", "pieces", "start", "values"]))
    for row, how in data.draw(st.lists(reads, max_size=20) if pairs else st.just([])):
        if how == "value":
            assert watched.value(row) == pairs[row][1]
        elif how == "pieces":
            assert b"".join(watched.pieces(row)) == pairs[row][1]
        elif how == "values":
            assert list(watched.values(row, len(pairs))) == [value for _key, value in pairs[row:]]
            assert list(watched.keys(row, len(pairs))) == [key for key, _value in pairs[row:]]
        else:
            next(watched.pieces(row), None)

    assert watched.fingerprint() == of(pairs)


class ChangingRecords(PairRecords):
    """A file that somebody writes while it is copied."""

    def pieces(self, row: int) -> Iterator[bytes]:
        value = self._pairs[row][1]
        self._pairs = [(b"k", b"changed")]
        yield value


def test_only_what_the_writer_was_given_first_counts() -> None:
    watched = WatchedRecords(ChangingRecords([(b"k", b"old")]), CancelToken())

    assert list(watched.pieces(0)) == [b"old"]
    assert list(watched.pieces(0)) == [b"changed"]

    assert watched.fingerprint() == of([(b"k", b"old")])


@given(keys=st.lists(FEW_KEYS | st.binary(max_size=3), max_size=60), chance=st.booleans())
def test_occurrences_count_every_key(keys: list[bytes], chance: bool) -> None:
    records = PairRecords([(key, b"") for key in keys])
    occurrences = occurrences_in(records, CancelToken()) if chance else Occurrences(records.chunks(), 0, CancelToken())

    counted = [occurrences.next(key) for key in keys]

    assert counted == [keys[:row].count(key) for row, key in enumerate(keys)]


def test_large_values_are_digested_in_pieces() -> None:
    value = b"x" * (2 * PIECE_BYTES + 1)
    records = PairRecords([(b"k", value)])

    assert digest_of(records, 0) == sha256(value).digest()
    assert of([(b"k", value)]) != of([(b"k", value[:-1] + b"y")])


def test_reading_and_reading_back_are_cancelled_and_each_half_of_the_progress(tmp_path: Path) -> None:
    pairs = [(b"%d" % number, b"") for number in range(10)]
    token = CancelToken()
    watched = WatchedRecords(PairRecords(pairs), token)

    watched.fingerprint()
    assert (token.done, token.total) == (10, 20)

    with toy(written(tmp_path / "x", pairs)) as backend:
        fingerprint_of(backend, len(pairs), token)
        assert (token.done, token.total) == (20, 20)
        token.cancel()
        with pytest.raises(Cancelled):
            fingerprint_of(backend, len(pairs), token)
    with pytest.raises(Cancelled):
        list(WatchedRecords(PairRecords([(b"k", b"v")], may_repeat=False), token).pieces(0))
