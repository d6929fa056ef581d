"""Going through a whole database once gives what listing it and then reading its values gives, damaged or not."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend
from app.backends.berkeley.btree_write import FLAG_DUPLICATES, BtreeSettings
from app.backends.bulk_keys import Numbers, copies_at
from app.backends.fingerprint import fingerprint_of
from app.backends.gdbm import bulk
from app.backends.gdbm.image import BULK_ENTRIES
from app.backends.key_index import IndexChunk
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.errors import AppError
from tests import corpus
from tests.backends import test_bdb_btree_bulk, test_bdb_btree_write, test_bdb_hash_bulk, test_bdb_hash_write
from tests.backends.damaging import damaged_somehow
from tests.backends.gdbm_files import written
from tests.backends.test_gdbm_bulk import everything_in_bulk

CopyCase = Callable[[str], Path]
Pair = tuple[bytes, bytes]
Scan = Iterable[tuple[IndexChunk, Iterable[bytes]]]

ROOT = Path(__file__).parents[2]
FORMATS = ("gdbm", "bdb-hash", "bdb-btree")
CASES = corpus.databases(*FORMATS)
FUZZED = [case for case in CASES if not case.corrupt and case.count]
LARGE_VALUE = bytes(5 << 20)
IN_BULK: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "gdbm": everything_in_bulk,
    "bdb-hash": test_bdb_hash_bulk.everything_is_large,
    "bdb-btree": test_bdb_btree_bulk.everything_is_large,
}


class Seen(NamedTuple):
    """What going through a database tells: each chunk with its values, then what is said of it."""

    chunks: list[tuple[IndexChunk, list[bytes | str]]]
    problems: list[tuple[str, int]]
    notes: list[str]


def at_once(backend: Backend) -> Scan:
    return backend.scan(CancelToken())


def by_seeking(backend: Backend) -> Scan:
    """List each chunk and then have its values found again."""
    return Backend.scan(backend, CancelToken())


def seen_in(backend: Backend, scan: Callable[[Backend], Scan]) -> Seen:
    chunks = [(chunk, readable(values)) for chunk, values in scan(backend)]
    problems = [(problem.message, problem.offset or 0) for problem in backend.problems]
    return Seen(chunks, problems, list(backend.notes))


def readable(values: Iterable[bytes]) -> list[bytes | str]:
    """Return values up to the first that cannot be read, and what is said of that."""
    found: list[bytes | str] = []
    try:
        for value in values:
            assert type(value) is bytes
            found.append(value)
    except AppError as error:
        found.append(error.message)
    return found


def seen_or_why_not(path: Path, scan: Callable[[Backend], Scan]) -> Seen | str:
    try:
        with open_database(path) as backend:
            return seen_in(backend, scan)
    except AppError as error:
        return error.message


def assert_same_either_way(path: Path) -> None:
    assert seen_or_why_not(path, at_once) == seen_or_why_not(path, by_seeking)


def watch(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will tell of how many entries at a time the values were sought."""
    counts: list[int] = []
    seek = backend.values

    def watched(chunk: IndexChunk) -> Iterator[bytes]:
        counts.append(len(chunk))
        return seek(chunk)

    monkeypatch.setattr(backend, "values", watched)
    return counts


def pairs_of_all_kinds(count: int, *, repeats: bool) -> list[Pair]:
    """Return small entries, some with values that no page holds and, with ``repeats``, some that come again."""
    pairs = [(b"key %06d" % number, b"%d " % number * (number % 20)) for number in range(count)]
    pairs[100::5000] = [(key, bytes(9000) + key) for key, _value in pairs[100::5000]]
    again = [(key, b"again %d" % number) for key, _value in pairs[::5000] for number in range(2)]
    often = [(pairs[7][0], b"often %d" % number + bytes(40)) for number in range(300)]
    return pairs + again + often if repeats else pairs


def large_gdbm(folder: Path) -> Path:
    pairs = pairs_of_all_kinds(3 * BULK_ENTRIES, repeats=False)
    return written(folder / "x", [*pairs, (b"large", LARGE_VALUE)])


def large_hash(folder: Path) -> Path:
    pairs = pairs_of_all_kinds(80_000, repeats=True)
    return test_bdb_hash_write.write(folder / "x.db", pairs, duplicates="unsorted")


def large_btree(folder: Path) -> Path:
    pairs = pairs_of_all_kinds(80_000, repeats=True)
    return test_bdb_btree_write.write(folder / "x.db", pairs, BtreeSettings(flags=FLAG_DUPLICATES))


LARGE = {"gdbm": large_gdbm, "bdb-hash": large_hash, "bdb-btree": large_btree}


@pytest.fixture(scope="module", params=FORMATS)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return LARGE[request.param](tmp_path_factory.mktemp("large"))


@pytest.mark.parametrize("quickly", [False, True], ids=["singly", "in bulk"])
@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_a_case_of_the_corpus_reads_the_same(
    database_case: CopyCase, case: corpus.DatabaseCase, *, quickly: bool
) -> None:
    path = database_case(case.name)

    with IN_BULK[case.format or ""]() if quickly else nullcontext():
        assert_same_either_way(path)


@given(data=st.data())
def test_a_damaged_file_reads_the_same(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = damaged_somehow(FUZZED, tmp_path_factory.mktemp("damaged"), data, magic_end=96)

    for in_bulk in IN_BULK.values():
        with in_bulk():
            assert_same_either_way(path)


@pytest.mark.parametrize("case", FUZZED, ids=corpus.name_of)
def test_a_header_that_leads_to_no_page_reads_the_same(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)
    content = bytearray(path.read_bytes())
    content[98:114] = bytes(16)  # of a Berkeley DB hash where its buckets lie
    path.write_bytes(content)

    for in_bulk in IN_BULK.values():
        with in_bulk():
            assert_same_either_way(path)


def test_a_large_file_reads_the_same_with_few_entries_sought(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_database(large) as backend:
        sought = seen_in(backend, by_seeking)
        counts = watch(backend, monkeypatch)

        found = seen_in(backend, at_once)

    total = sum(len(values) for _chunk, values in found.chunks)
    assert found == sought
    assert (found.problems, found.notes) == ([], [])
    assert total >= 80_000
    assert 0 < sum(counts) < total // 4


def test_listing_a_large_file_takes_no_values(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Numbers] = []

    def watched(_buffer: bytes, starts: Numbers, _sizes: Numbers) -> Iterator[bytes]:
        taken.append(starts)
        return iter(())

    for taker in ("gdbm.bulk.copies_at", "berkeley.hash_bulk.values_at", "berkeley.btree_bulk.values_at"):
        monkeypatch.setattr(f"app.backends.{taker}", watched)
    with open_database(large) as backend:
        listed = sum(map(len, backend.index(CancelToken())))

    assert (listed >= 80_000, taken) == (True, [])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="nothing tells of threads here")
def test_numpy_starts_no_threads() -> None:
    code = "import app, numpy, os; print(len(os.listdir('/proc/self/task')))"
    unset = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}

    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT, env=unset)

    assert int(told.stdout) == 1


def test_fingerprint_and_check_seek_few_entries(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_database(large) as backend:
        total = sum(map(len, backend.index(CancelToken())))
        counts = watch(backend, monkeypatch)

        made = fingerprint_of(backend, total, CancelToken())
        problems = list(backend.check(CancelToken()))

    assert (made.count, problems) == (total, [])
    assert sum(counts) < total // 2


def test_values_of_gdbm_are_held_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "x", [(b"key %06d" % number, bytes(700) + b"%d" % number) for number in range(60_000)])
    held: list[int] = []

    def watched(buffer: bytes, starts: Numbers, sizes: Numbers) -> Iterator[bytes]:
        held.append(int(sizes.sum()))
        return copies_at(buffer, starts, sizes)

    monkeypatch.setattr("app.backends.gdbm.bulk.copies_at", watched)
    with everything_in_bulk(), open_database(path) as backend:
        found = seen_in(backend, at_once)

    values = {chunk.key(row): value for chunk, taken in found.chunks for row, value in enumerate(taken)}
    assert values == {b"key %06d" % number: bytes(700) + b"%d" % number for number in range(60_000)}
    assert sum(held) > 60_000 * 600
    assert max(held) <= bulk._VALUE_BYTES
