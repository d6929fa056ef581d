"""The entries of a database that is to be written, with changes laid over them."""

from pathlib import Path
from struct import Struct
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from app.backends.changes import Plan
from app.backends.key_index import IndexChunk, KeyIndex
from app.backends.records import (
    PIECE_BYTES,
    ChangedRecords,
    Records,
    SelectedRecords,
    StoredRecords,
    batches,
    pieces_of,
)
from app.cancel import CancelToken
from tests.backends.toy_format import PairRecords, toy, written

Pairs = list[tuple[bytes, bytes]]

LENGTHS = Struct(">HI")
PAIRS = st.lists(st.tuples(st.binary(max_size=4), st.binary(max_size=6)), max_size=12)


class Changed(NamedTuple):
    """Entries before and after, and the plan between them."""

    before: Pairs
    plan: Plan
    after: Pairs


@st.composite
def changes(draw: st.DrawFn) -> Changed:
    before = draw(PAIRS)
    rows = st.sampled_from(range(len(before))) if before else st.nothing()
    removed = draw(st.sets(rows))
    replaced = draw(st.dictionaries(rows.filter(lambda row: row not in removed), st.binary(max_size=6)))
    inserted = draw(PAIRS)
    kept = [(key, replaced.get(row, value)) for row, (key, value) in enumerate(before) if row not in removed]
    return Changed(before, Plan(replaced, removed, inserted), kept + inserted)


def pairs_of(records: Records) -> Pairs:
    return [(records.key(row), b"".join(records.pieces(row))) for row in range(len(records))]


def keys_and_sizes(chunks: list[IndexChunk]) -> list[tuple[bytes, int]]:
    return [(chunk.key(row), chunk.sizes[row]) for chunk in chunks for row in range(len(chunk))]


def packed(pair: tuple[bytes, bytes]) -> bytes:
    key, value = pair
    return LENGTHS.pack(len(key), len(value)) + key + value


def check_all_views(records: Records, expected: Pairs) -> None:
    """Every way to ask for the entries gives the same ones."""
    assert len(records) == len(expected)
    assert pairs_of(records) == expected
    assert [records.value(row) for row in range(len(records))] == [value for _, value in expected]
    sizes = [(key, len(value)) for key, value in expected]
    assert [(records.key(row), records.size(row)) for row in range(len(records))] == sizes
    assert keys_and_sizes(list(records.chunks())) == sizes
    assert keys_and_sizes(list(records.chunks())) == sizes  # gone through as often as needed
    ends = range(0, len(expected) + 1, 1 + len(expected) // (20 if len(expected) < 1000 else 5))
    for start in ends:
        for end in (*ends[ends.index(start) :], len(expected)):
            assert list(records.keys(start, end)) == [key for key, _ in expected[start:end]]
            assert list(records.values(start, end)) == [value for _, value in expected[start:end]]
            assert b"".join(records.packed(start, end, LENGTHS)) == b"".join(map(packed, expected[start:end]))


@given(changed=changes())
def test_a_plan_laid_over_records_gives_what_a_list_would(changed: Changed) -> None:
    records = ChangedRecords(PairRecords(changed.before), changed.plan)

    check_all_views(records, changed.after)


@given(changed=changes(), data=st.data())
def test_selected_records_are_the_others_in_their_order(changed: Changed, data: st.DataObject) -> None:
    records = ChangedRecords(PairRecords(changed.before), changed.plan)
    left_out = data.draw(st.sets(st.sampled_from(range(len(records)))) if len(records) else st.just(set()))

    selected = SelectedRecords(records, sorted(left_out))

    check_all_views(selected, [pair for row, pair in enumerate(changed.after) if row not in left_out])


def test_changes_are_found_behind_the_first_chunk() -> None:
    before = [(b"%d" % number, b"old") for number in range(40_000)]
    plan = Plan({255: b"", 256: b"first", 39_999: b"last"}, {0, 257, 16_640, 39_998}, [(b"new", b"value")])

    records = ChangedRecords(PairRecords(before), plan)

    expected = [(key, plan.replaced.get(row, value)) for row, (key, value) in enumerate(before)]
    expected = [pair for row, pair in enumerate(expected) if row not in plan.removed] + plan.inserted
    assert keys_and_sizes(list(records.chunks())) == [(key, len(value)) for key, value in expected]
    assert list(records.values(200, 39_997)) == [value for _key, value in expected[200:]]
    assert [records.key(row) for row in (0, 255, 256, 16_638, 39_995, 39_996)] == [
        expected[row][0] for row in (0, 255, 256, 16_638, 39_995, 39_996)
    ]


def test_records_say_whether_keys_can_come_again() -> None:
    once = PairRecords([(b"a", b"1")], may_repeat=False)

    assert not ChangedRecords(once, Plan()).may_repeat
    assert not SelectedRecords(once, []).may_repeat
    assert ChangedRecords(PairRecords([]), Plan()).may_repeat


def test_stored_records_are_those_of_the_backend(tmp_path: Path) -> None:
    pairs = [(b"a", b"1"), (b"", b""), (b"a", b"two" * 1000)]
    index = KeyIndex()
    with toy(written(tmp_path / "x", pairs), duplicates=True) as backend:
        for chunk in backend.index(CancelToken()):
            index.append(chunk)

        records = StoredRecords(backend, index)

        check_all_views(records, pairs)
        assert records.may_repeat


@given(pieces=st.lists(st.binary(max_size=3)), large=st.integers(0, 2))
def test_batches_join_small_pieces_and_change_no_byte(pieces: list[bytes], large: int) -> None:
    pieces = [*pieces, *([b"x" * (PIECE_BYTES - 1)] * large), *pieces]

    joined = list(batches(pieces))

    assert b"".join(joined) == b"".join(pieces)
    assert all(len(batch) >= PIECE_BYTES for batch in joined[:-1])


def test_a_large_value_comes_in_pieces() -> None:
    value = bytes(range(256)) * (PIECE_BYTES // 100)

    pieces = list(pieces_of(value))

    assert b"".join(pieces) == value
    assert max(map(len, pieces)) == PIECE_BYTES
    assert list(pieces_of(b"")) == []
