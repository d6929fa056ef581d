"""The filter finds what a plain search in every key finds."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.key_index import ChunkBuilder, IndexChunk
from app.cancel import CancelToken
from app.document.filter import KeyFilter, matching_entries
from app.errors import Cancelled


def chunk_of(keys: Sequence[bytes]) -> IndexChunk:
    builder = ChunkBuilder()
    for key in keys:
        builder.add(key, 0, 0)
    return builder.take()


KEYS = st.lists(st.text("aBé", max_size=4).map(str.encode), max_size=12)


@given(st.lists(KEYS, max_size=3), st.text("abé", min_size=1, max_size=3))
def test_matches_are_those_of_a_search_in_every_key(parts: list[list[bytes]], text: str) -> None:
    chunks = [chunk_of(part) for part in parts]
    keys = [key for part in parts for key in part]
    wanted = [row for row, key in enumerate(keys) if text.encode().lower() in key.lower()]

    found = [row for rows in matching_entries(KeyFilter(text), chunks, CancelToken()) for row in rows]

    assert found == wanted


def test_a_text_that_runs_over_two_keys_hides_no_match() -> None:
    chunk = chunk_of([b"a", b"aa", b"ba"])

    assert list(KeyFilter("aa").rows(chunk, CancelToken())) == [1]


def test_matches_across_search_slices_are_found() -> None:
    long = b"x" * (256 * 1024 - 2) + b"needle" + b"x" * 300_000

    assert list(KeyFilter("NEEDLE").rows(chunk_of([b"a", long, b"needle"]), CancelToken())) == [1, 2]


def test_filtering_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        list(KeyFilter("a").rows(chunk_of([b"a"]), token))
