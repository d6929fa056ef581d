"""Many keys are sought among all of an index at once: every place of every one of them is found, and nothing else."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.key_index import ChunkBuilder, KeyIndex

SHORT = st.binary(max_size=3)
ALIKE = st.builds(lambda head, tail: head + b"in the middle" + tail, SHORT, SHORT)


def indexed(keys: Sequence[bytes]) -> KeyIndex:
    index, builder = KeyIndex(), ChunkBuilder()
    for row, key in enumerate(keys):
        if builder.add(key, row, 0):
            index.append(builder.take())
    if len(builder):
        index.append(builder.take())
    return index


def places(keys: Sequence[bytes]) -> dict[bytes, list[int]]:
    found = defaultdict(list)
    for row, key in enumerate(keys):
        found[key].append(row)
    return found


@given(st.lists(SHORT | ALIKE, max_size=60), st.sets(SHORT | ALIKE, max_size=80))
def test_all_places_of_keys_of_any_length_are_found(some: list[bytes], strangers: set[bytes]) -> None:
    keys = some * 10  # more than the first chunk holds
    wanted = {*strangers, *some, *(b"number %d" % number for number in range(40))}

    found = indexed(keys).find_all(wanted)

    there = places(keys)
    assert found == {key: there.get(key, []) for key in wanted}


@pytest.mark.parametrize(
    "form", [b"key:%07d", b"%07d: all end alike", b"%d", b"all begin and end alike %07d so they do"]
)
def test_keys_are_found_among_many_that_are_like_them(form: bytes) -> None:
    keys = [form % number for number in range(40_000)]

    found = indexed(keys).find_all([form % number for number in range(0, 50_000, 999)])

    assert found == {form % number: [number] if number < 40_000 else [] for number in range(0, 50_000, 999)}
