"""Saving one change in a large database takes little memory, and tells how far it is."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.backends.saving_variants import WRITABLE

ROOT = Path(__file__).parents[2]
MB = 1 << 20
ALLOWED = 64 * MB
"""Bytes beyond the key index."""
INDEX_BYTES = 24
"""Bytes that the key index takes for an entry, beyond its key."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the data of a process")

QUICK = {"gdbm", "dumb", "sqlite3"}
"""Formats that are tried every time: one that is written anew, one that grows, one with transactions."""
LARGE = [format_id for format_id in WRITABLE if format_id != "sdbm"]
"""Formats that hold values of any size."""
ONE_IN_MEMORY = {"pickle-file", "marshal-file", "lmdb"}
"""Formats that need the largest value in memory: to see where a pickle ends, or to hand it to LMDB's library."""


def each(format_ids: Iterable[str]) -> pytest.MarkDecorator:
    """Give a test every format, those that are not quick only when slow tests are asked for."""
    slow = pytest.mark.slow
    cases = [pytest.param(one, id=one, marks=() if one in QUICK else slow) for one in format_ids]
    return pytest.mark.parametrize("format_id", cases)


def save_one_change(format_id: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Make a database and save one change; fail when that takes more memory than is allowed."""
    index = count * (INDEX_BYTES + len(str(count)))
    numbers = [str(number) for number in (count, size, ALLOWED + index)]
    command = [sys.executable, "-m", "tests.backends.memory_use", format_id, str(folder), *numbers]
    alone = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    told = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=os.environ | alone)
    assert told.returncode == 0, told.stderr[-3000:]
    answer: dict[str, Any] = json.loads(told.stdout)
    assert answer["found"] == count + 1
    return answer


def check_progress(steps: list[list[int]]) -> None:
    """Progress goes up, and its total is known from some moment on."""
    known = [(done, total) for done, total in steps if total]
    assert len({done for done, _ in known}) > 2
    assert all(done <= total for done, total in known)


@each(LARGE)
def test_values_are_never_all_in_memory(format_id: str, tmp_path: Path) -> None:
    answer = save_one_change(format_id, tmp_path, 96, MB)

    check_progress(answer["steps"])


@each(LARGE)
def test_a_large_value_is_never_whole_in_memory(format_id: str, tmp_path: Path) -> None:
    save_one_change(format_id, tmp_path, 1, (20 if format_id in ONE_IN_MEMORY else 80) * MB)


@each(WRITABLE)
def test_many_small_entries_take_little_beyond_the_index(format_id: str, tmp_path: Path) -> None:
    answer = save_one_change(format_id, tmp_path, 30_000, 20)

    check_progress(answer["steps"])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("count", "size"), [(1000, MB), (3, 340 * MB)], ids=["1,000 x 1 MB", "3 x 340 MB"])
@pytest.mark.parametrize("format_id", ["gdbm", "bdb-hash", "bdb-btree", "cdb", "dumb"])
def test_one_change_in_a_gigabyte(format_id: str, tmp_path: Path, count: int, size: int) -> None:
    save_one_change(format_id, tmp_path, count, size)
