"""Large GDBM files are listed and read with numpy: with the same result, and the same word on all damage."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import perf_counter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends import key_index
from app.backends.base import Problem
from app.backends.gdbm import backend as gdbm
from app.backends.gdbm.image import BULK_ENTRIES, Shape
from app.backends.gdbm.layout import key_hashes
from app.backends.key_index import CHUNK, FIRST_CHUNK
from app.cancel import CancelToken
from app.errors import AppError, StaleIndex
from tests import corpus
from tests.backends.damaging import with_noise
from tests.backends.gdbm_files import NATIVE, SHAPES, opened, written
from tests.backends.native import native_gdbm

CopyCase = Callable[[str], Path]
PAIRS = st.dictionaries(st.binary(max_size=40), st.binary(max_size=60), min_size=20, max_size=200)
CASES = [case for case in corpus.databases("gdbm", corrupt=False) if (case.count or 0) > 60]
ANY_SHAPE = st.sampled_from(list(SHAPES.values()))


class Seen(NamedTuple):
    """All that listing and reading tell."""

    entries: list[tuple[bytes, int, int]]
    values: list[bytes]
    problems: list[Problem]
    signed: bool


@contextmanager
def everything_in_bulk() -> Iterator[None]:
    """Let numpy do all but the first bucket of however small a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gdbm, "BULK_ENTRIES", 0)
        patch.setattr(key_index, "FIRST_CHUNK", 1)
        yield


def seen(path: Path) -> Seen:
    with opened(path) as backend:
        chunks = list(backend.index(CancelToken()))
        entries = [
            (chunk.key(row), chunk.locators[row], chunk.sizes[row]) for chunk in chunks for row in range(len(chunk))
        ]
        values = [value for chunk in chunks for value in backend.values(chunk)]
        assert values == [backend.read(*entry) for entry in entries]
        problems = sorted(backend.problems, key=repr)  # what is wrong with the directory may come before the rest
        return Seen(entries, values, problems, backend.shape.signed)


@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_files_of_any_writer_give_the_same(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    singly = seen(path)

    with everything_in_bulk():
        assert seen(path) == singly


@given(shape=ANY_SHAPE, pairs=PAIRS)
def test_files_of_any_layout_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape, pairs: dict[bytes, bytes]
) -> None:
    path = written(tmp_path_factory.mktemp("any") / "x", pairs.items(), shape)
    singly = seen(path)

    with everything_in_bulk():
        assert seen(path) == singly
    assert {key: value for (key, _, _), value in zip(singly.entries, singly.values, strict=True)} == pairs


@given(data=st.data())
def test_damaged_files_give_the_same(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = with_noise(data.draw(st.sampled_from(CASES)), tmp_path_factory.mktemp("noise"), data)
    try:
        singly = seen(path)
    except AppError:
        return

    with everything_in_bulk():
        assert seen(path) == singly


def test_an_entry_that_was_deleted_meanwhile_is_stale(database_case: CopyCase) -> None:
    path = database_case("gdbm-python-n150")
    with native_gdbm() as library, everything_in_bulk(), opened(path) as backend:
        chunk = list(backend.index(CancelToken()))[-1]
        library("open", path, "w")
        library("delete", path, chunk.key(len(chunk) - 1))
        library("close", path)

        with pytest.raises(StaleIndex):
            list(backend.values(chunk))


def test_a_large_file_is_listed_soon_and_whole(tmp_path: Path) -> None:
    sizes = Random(1)
    pairs = {b"key %07d %s" % (n, b"\xe9" * (n % 3)): b"v" * sizes.randrange(120) for n in range(3 * BULK_ENTRIES)}
    path = written(tmp_path / "x", pairs.items(), NATIVE)

    with opened(path) as backend:
        start = perf_counter()
        chunks = backend.index(CancelToken())
        first = next(chunks)
        seconds = perf_counter() - start
        listed = [first, *chunks]
        found = {chunk.key(row): value for chunk in listed for row, value in enumerate(backend.values(chunk))}
        assert backend.problems == []

    assert seconds < 0.1
    assert FIRST_CHUNK <= len(first) < 2 * FIRST_CHUNK
    assert max(map(len, listed)) <= CHUNK
    assert found == pairs
    assert all(len(set(key_hashes(key))) == 1 + (b"\xe9" in key) for key in list(pairs)[:10])
