"""Compacting LMDB environments, and what is wrong with their pages."""

import random
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import lmdb
import pytest

from app.backends.base import Insert, SaveOptions
from app.backends.binary import MappedFile
from app.backends.lmdb.check import free_pages
from app.backends.lmdb.pages import Pages, parse_meta
from app.cancel import CancelToken
from app.errors import ReadOnlyDatabase, SaveFailed
from tests import corpus
from tests.backends.failing_files import Died, FailingOperations, WindowsOperations
from tests.backends.listing import index_of, without_locks
from tests.backends.lmdb_files import as_lmdb_reads, opened, save, with_waste, written
from tests.backends.native_neighbours import neighbour_tool

PAGE = 4096
BEFORE = {b"a": b"1", b"b": b"2" * 9000, b"c": b"3"}


def checked(path: Path) -> list[str]:
    with opened(path) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


def test_compacting_gives_free_pages_back(tmp_path: Path) -> None:
    path = with_waste(tmp_path, BEFORE)
    old = path.read_bytes()
    with opened(path, WindowsOperations()) as backend:
        index_of(backend)

        report = backend.compact(SaveOptions(), CancelToken())

    assert as_lmdb_reads(path) == BEFORE
    assert checked(path) == []
    assert report.backups[0].read_bytes() == old
    assert (report.bytes_before, report.bytes_after) == (len(old), path.stat().st_size)
    assert report.bytes_after < report.bytes_before // 4
    assert without_locks(tmp_path).keys() == {path.name, report.backups[0].name}
    with opened(path) as backend:
        index_of(backend)
        assert backend.compact(SaveOptions(), CancelToken()).backups == ()


@pytest.mark.parametrize("dies", [True, False])
def test_a_failure_anywhere_while_compacting_leaves_the_entries(tmp_path: Path, *, dies: bool) -> None:
    (tmp_path / "counted").mkdir()
    with opened(with_waste(tmp_path / "counted", BEFORE), counting := FailingOperations()) as backend:
        index_of(backend)
        backend.compact(SaveOptions(), CancelToken())
    for number in range(counting.done):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = with_waste(folder, BEFORE)
        with opened(path, FailingOperations(number, dies=dies)) as backend:
            index_of(backend)
            try:
                backend.compact(SaveOptions(), CancelToken())
            except (Died, SaveFailed):
                assert as_lmdb_reads(path) == BEFORE
        assert as_lmdb_reads(path) == BEFORE
        assert checked(path) == []


@pytest.mark.parametrize("case", corpus.databases("lmdb", corrupt=False), ids=corpus.name_of)
def test_nothing_is_wrong_with_an_intact_file(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    assert checked(case.copy_to(tmp_path)) == []


def test_nothing_is_wrong_after_thousands_of_random_transactions_of_the_library(tmp_path: Path) -> None:
    chosen = random.Random(3)
    path = written(tmp_path, {}, map_size=1 << 26)
    with lmdb.open(str(path), subdir=False, lock=False, map_size=1 << 26) as environment:
        for _ in range(600):
            with environment.begin(write=True) as transaction:
                for _ in range(chosen.randrange(8)):
                    key = b"%d" % chosen.randrange(900)
                    if chosen.random() < 0.4:
                        transaction.delete(key)
                    else:
                        transaction.put(key, bytes(chosen.randrange(12_000)))

    assert checked(path) == []


def free_list_leaf(content: bytearray) -> int:
    """Return where the node data of the first list of free pages begins (bytes)."""
    newest = max((0, PAGE), key=lambda page: struct.unpack_from("<Q", content, page + 144)[0])
    root: int = struct.unpack_from("<Q", content, newest + 80)[0]
    slot: int = struct.unpack_from("<H", content, root * PAGE + 16)[0]
    return root * PAGE + slot + 8 + 8


@pytest.mark.parametrize(
    ("word", "number", "sentence"),
    [
        (1, 1 << 40, "listed as free, but the file has no such page"),
        (0, 1 << 40, "wrong length"),
    ],
)
def test_a_wrong_list_of_free_pages_is_told_and_nothing_is_saved(
    tmp_path: Path, word: int, number: int, sentence: str
) -> None:
    path = with_waste(tmp_path, BEFORE)
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, free_list_leaf(content) + 8 * word, number)
    path.write_bytes(content)

    assert any(sentence in one for one in checked(path))
    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match="damaged"):
        save(backend, Insert(b"new", b""))
    assert path.read_bytes() == content


def test_pages_in_use_that_are_listed_as_free_and_pages_of_nobody_are_told(tmp_path: Path) -> None:
    path = with_waste(tmp_path, BEFORE)
    content = bytearray(path.read_bytes())
    newest = max((0, PAGE), key=lambda page: struct.unpack_from("<Q", content, page + 144)[0])
    root = struct.unpack_from("<Q", content, newest + 128)[0]
    place = free_list_leaf(content) + 8
    freed = struct.unpack_from("<Q", content, place)[0]
    struct.pack_into("<Q", content, place, root)
    path.write_bytes(content)

    sentences = checked(path)

    assert any(f"Page {root} is listed as free and is in use" in sentence for sentence in sentences)
    assert any("1 page is neither in use nor free" in sentence for sentence in sentences)
    assert freed != root


def test_as_many_pages_are_free_as_its_own_tool_says(tmp_path: Path) -> None:
    path = with_waste(tmp_path, BEFORE)
    command = [neighbour_tool("mdb_stat", "lmdb-utils"), "-n", "-e", "-f", str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with closing(MappedFile(path, sys.byteorder)) as file:
        meta = parse_meta(file.buffer[: 2 * PAGE])
        assert meta is not None
        pages = Pages(file, meta)
        with opened(path) as backend:
            free = list(free_pages(pages, backend._leaves(meta.free.root, CancelToken()), CancelToken()))

    assert f"Free pages: {len(free)}" in told
    assert len(free) == len(set(free)) > 30
