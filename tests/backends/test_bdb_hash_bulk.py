"""Large hash files are read with numpy, and read the same: entries, problems and errors."""

from collections.abc import Callable, Iterator
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
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import AppError, StaleIndex
from tests import corpus
from tests.backends.damaging import with_noise, with_one_byte_changed
from tests.backends.test_bdb_hash_write import DUPLICATES, many, write

CopyCase = Callable[[str], Path]
CASES = corpus.databases("bdb-hash")
FUZZED = [case for case in CASES if not case.corrupt and case.count]
CONTENT = st.binary(max_size=20) | st.binary(min_size=126, max_size=130)

Seen = tuple[list[tuple[bytes, bytes | str]], list[tuple[str, int]], list[str]]


@contextmanager
def everything_is_large() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bdb_hash, "_BULK_BYTES", 0)
        patch.setattr(bdb_hash, "_BULK_VALUES", 1)
        patch.setattr(key_index, "FIRST_CHUNK", 1)
        yield


def seen_in(path: Path) -> Seen:
    """Return all entries, with what is said of unreadable ones, problems (in no order) and notes."""
    try:
        with BdbHashBackend(whichdb(path)[0]) as backend:
            entries = [entry for chunk in backend.index(CancelToken()) for entry in entries_of(backend, chunk)]
            problems = sorted((problem.message, problem.offset or 0) for problem in backend.problems)
            return entries, problems, list(backend.notes)
    except AppError as error:
        return [], [(error.message, error.offset or 0)], []


def entries_of(backend: BdbHashBackend, chunk: IndexChunk) -> list[tuple[bytes, bytes | str]]:
    keys = list(map(chunk.key, range(len(chunk))))
    try:
        return list(zip(keys, backend.values(chunk), strict=True))
    except AppError:
        return [(key, value_or_why(backend, chunk, row)) for row, key in enumerate(keys)]


def value_or_why(backend: BdbHashBackend, chunk: IndexChunk, row: int) -> bytes | str:
    try:
        return backend.read(chunk.key(row), chunk.locators[row], chunk.sizes[row])
    except AppError as error:
        return error.message


def assert_both_see_the_same(path: Path) -> Seen:
    one_by_one = seen_in(path)
    with everything_is_large():
        assert seen_in(path) == one_by_one
    return one_by_one


@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_a_case_of_the_corpus_reads_the_same(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    assert_both_see_the_same(database_case(case.name))


@given(data=st.data())
def test_a_damaged_file_reads_the_same(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from(FUZZED), label="case")
    folder = tmp_path_factory.mktemp("damaged")
    if data.draw(st.booleans(), label="noise"):
        assert_both_see_the_same(with_noise(case, folder, data))
    else:
        assert_both_see_the_same(with_one_byte_changed(case, folder, data, magic_end=96))


@given(pairs=st.dictionaries(CONTENT, CONTENT, max_size=200), size=st.sampled_from([512, 4096]))
def test_any_entries_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], size: int
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.db", list(pairs.items()), size, "big")

    entries, problems, notes = assert_both_see_the_same(path)

    assert (dict(entries), problems, notes) == (pairs, [], [])


@given(pairs=DUPLICATES)
def test_duplicates_read_the_same(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[bytes, bytes]]) -> None:
    more = [(b"%d" % number, b"") for number in range(200)]
    path = write(tmp_path_factory.mktemp("any") / "x.db", [*pairs, *more], 512, duplicates="unsorted")

    assert len(assert_both_see_the_same(path)[0]) == len(pairs) + 200


@pytest.mark.parametrize("page_size", [512, 65536])
def test_a_file_of_several_batches_reads_the_same(tmp_path: Path, page_size: int) -> None:
    path = write(tmp_path / "x.db", many(9000), page_size)

    assert len(assert_both_see_the_same(path)[0]) == len(many(9000))


def test_a_value_that_moved_is_not_believed(tmp_path: Path) -> None:
    pairs = [(b"key %05d" % number, b"value %d" % number) for number in range(300)]
    path = write(tmp_path / "x.db", pairs, 1024)

    with everything_is_large(), BdbHashBackend(whichdb(path)[0]) as backend:
        chunks = list(backend.index(CancelToken()))
        content = path.read_bytes()
        path.write_bytes(content.replace(chunks[-1].key(0), b"x" * 9))

        with pytest.raises(StaleIndex):
            list(backend.values(chunks[-1]))


def test_hashes_are_those_of_single_keys() -> None:
    chance = Random(7)
    builder = ChunkBuilder()
    for size in (*range(140), 5000, 0, 3):
        builder.add(chance.randbytes(size), 0, 0)
    chunk = builder.take()

    assert hashes_of(chunk).tolist() == [key_hash(chunk.key(row)) for row in range(len(chunk))]
