"""The key index against plain lists."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.key_index import CHUNK, FIRST_CHUNK, ChunkBuilder, KeyIndex

KEYS = st.lists(st.binary(max_size=3), max_size=60)
ENTRIES = st.lists(st.tuples(st.binary(max_size=3), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1)))


def built(entries: list[tuple[bytes, int, int]], cuts: set[int]) -> KeyIndex:
    """Build an index whose chunks end at ``cuts`` (and where they are full)."""
    index = KeyIndex()
    builder = ChunkBuilder()
    for position, (key, locator, size) in enumerate(entries):
        if builder.add(key, locator, size) or position in cuts:
            index.append(builder.take())
    if len(builder):
        index.append(builder.take())
    return index


@given(entries=ENTRIES, cuts=st.sets(st.integers(0, 60)))
def test_every_entry_comes_back(entries: list[tuple[bytes, int, int]], cuts: set[int]) -> None:
    index = built(entries, cuts)

    assert len(index) == len(entries)
    assert [(index.key(i), index.locator(i), index.size(i)) for i in range(len(index))] == entries


@given(entries=ENTRIES, cuts=st.sets(st.integers(0, 60)), data=st.data())
def test_slices_give_successive_entries(
    entries: list[tuple[bytes, int, int]], cuts: set[int], data: st.DataObject
) -> None:
    index = built(entries, cuts)
    start = data.draw(st.integers(0, len(entries)))
    end = data.draw(st.integers(start, len(entries)))

    slices = list(index.slices(start, end))

    assert all(len(chunk) for chunk in slices)
    assert [
        (chunk.key(row), chunk.locators[row], chunk.sizes[row]) for chunk in slices for row in range(len(chunk))
    ] == entries[start:end]


@given(keys=KEYS, cuts=st.sets(st.integers(0, 60)), wanted=st.binary(max_size=3))
def test_find_gives_exactly_the_equal_keys_in_order(keys: list[bytes], cuts: set[int], wanted: bytes) -> None:
    index = built([(key, 0, 0) for key in keys], cuts)

    for key in {wanted, *keys}:
        assert list(index.find(key)) == [position for position, other in enumerate(keys) if other == key]


@given(keys=KEYS, cuts=st.sets(st.integers(0, 60)))
def test_nth_counts_equal_keys_before(keys: list[bytes], cuts: set[int]) -> None:
    index = built([(key, 0, 0) for key in keys], cuts)

    assert [index.nth(position) for position in range(len(keys))] == [
        keys[:position].count(key) for position, key in enumerate(keys)
    ]


def test_the_first_chunk_is_small_and_the_others_are_large() -> None:
    count = FIRST_CHUNK + CHUNK + 5

    index = built([(b"%d" % number, number, 0) for number in range(count)], set())

    assert [len(chunk) for chunk in index.chunks] == [FIRST_CHUNK, CHUNK, 5]
    assert [index.first_of(number) for number in range(3)] == [0, FIRST_CHUNK, FIRST_CHUNK + CHUNK]
    assert index.key(count - 1) == b"%d" % (count - 1)


@pytest.mark.parametrize("entry_id", [-1, 3, 1 << 70])
def test_an_id_that_is_none_is_an_error(entry_id: int) -> None:
    index = built([(b"a", 0, 0)] * 3, set())

    with pytest.raises(IndexError):
        index.key(entry_id)


def test_an_entry_takes_24_bytes_beyond_its_key() -> None:
    chunk = built([(b"key", 1, 2)] * 100, set()).chunks[0]

    columns = chunk.ends, chunk.locators, chunk.sizes
    assert sum(column.itemsize * len(column) for column in columns) == 24 * len(chunk)


@pytest.mark.parametrize("sought", [b"5", b"", b"1500", b"55555555555555555555", b"5555555555555555555x", b"none"])
def test_a_key_is_found_among_many_that_have_its_bytes(sought: bytes) -> None:
    keys = [b"%d" % (5 * number) for number in range(1_000)]
    keys += [b"55555555555555555555", b"", b"5", b"5" * 30, b"", b"5555555555555555555y", b"1500"]

    index = built([(key, 0, 0) for key in keys], set())

    assert list(index.find(sought)) == [position for position, key in enumerate(keys) if key == sought]


def test_a_key_whose_bytes_most_keys_have_is_found_as_quickly_as_another() -> None:
    index = built([(b"%015d" % number, 0, 0) for number in range(200_000)], set())
    list(index.find(b"0"))  # numpy is imported

    rare, common = (
        min(timeit.repeat("list(index.find(key))", globals={"index": index, "key": key}, number=1))
        for key in (b"199999", b"0")
    )

    assert common < 20 * rare + 0.005
