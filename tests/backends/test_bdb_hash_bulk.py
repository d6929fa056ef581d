"""Large hash files read the same with numpy where they are special; see `test_bdb_bulk` for what is true of all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends import key_index
from app.backends.berkeley import hash as bdb_hash
from app.backends.berkeley.hash import BdbHashBackend
from app.backends.berkeley.hash_bulk import hashes_of
from app.backends.berkeley.meta import key_hash
from app.backends.key_index import ChunkBuilder
from tests.backends.reading_in_bulk import BothWays
from tests.backends.test_bdb_hash_write import DUPLICATES, many, write

CONTENT = st.binary(max_size=20) | st.binary(min_size=126, max_size=130)


@contextmanager
def everything_is_large() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bdb_hash, "_BULK_BYTES", 0)
        patch.setattr(bdb_hash, "_BULK_VALUES", 1)
        patch.setattr(key_index, "FIRST_CHUNK", 1)
        yield


WAYS = BothWays(BdbHashBackend, everything_is_large)


@given(pairs=st.dictionaries(CONTENT, CONTENT, max_size=200), size=st.sampled_from([512, 4096]))
def test_any_entries_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", list(pairs.items()), size, "big")

    entries, problems, notes = WAYS.see_the_same(path)

    assert (dict(entries), problems, notes) == (pairs, [], [])


@given(pairs=DUPLICATES)
def test_duplicates_read_the_same(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[bytes, bytes]]) -> None:
    more = [(b"%d" % number, b"") for number in range(200)]
    path = write(tmp_path_factory.mktemp("any") / "x.db", [*pairs, *more], 512, duplicates="unsorted")

    assert len(WAYS.see_the_same(path)[0]) == len(pairs) + 200


@pytest.mark.parametrize("page_size", [512, 65536])
def test_a_file_of_several_batches_reads_the_same(tmp_path: Path, page_size: int) -> None:
    path = write(tmp_path / "x.db", many(9000), page_size)

    assert len(WAYS.see_the_same(path)[0]) == len(many(9000))


def test_hashes_are_those_of_single_keys() -> None:
    chance = Random(7)
    builder = ChunkBuilder()
    for size in (*range(140), 5000, 0, 3):
        builder.add(chance.randbytes(size), 0, 0)
    chunk = builder.take()

    assert hashes_of(chunk).tolist() == [key_hash(chunk.key(row)) for row in range(len(chunk))]
