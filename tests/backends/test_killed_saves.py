"""A program that dies, or a disk that refuses, at every operation of a save, a compaction and a creation.

For every writable format: what is read then is the old database or the new one.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from app.backends.base import Change, Insert, Remove, Replace, SaveOptions
from app.backends.create import create_database
from app.backends.file_operations import FileOperations
from app.cancel import CancelToken
from app.errors import AppError, SaveFailed
from tests.backends.failing_files import Died, FailingOperations, StrictWindows, held_in
from tests.backends.listing import entries_of, expected_of
from tests.backends.saving_variants import (
    NUMBERED,
    Pair,
    Variant,
    complaints,
    contents,
    each_format,
    entries,
    opened,
)
from tests.backends.toy_format import PairRecords

ROOT = Path(__file__).parents[2]

OLD: list[Pair] = [(b"%d" % number, b"old value %d" % number) for number in range(6)]

Work = Callable[[Variant, Path, FileOperations], None]
"""What is done to the database of ``OLD`` that a folder holds."""


@cache
def old_entries(variant: Variant) -> list[Pair]:
    """Return what a format can hold of `OLD`."""
    return variant.storable(OLD)


@cache
def old_files(variant: Variant) -> dict[str, bytes]:
    """Return the files of a database of the old entries; each death needs them anew."""
    with tempfile.TemporaryDirectory() as folder:
        variant.make(Path(folder), old_entries(variant))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@cache
def new_entries(variant: Variant) -> list[Pair]:
    """Return what `save_changes` makes of the old entries."""
    value = variant.stored(b"new")
    old = old_entries(variant)
    numbers = {b"0", b"6"} if variant.format_id in NUMBERED else {b"0"}
    return [(key, value if key == b"1" else kept) for key, kept in old if key not in numbers] + [(b"6", value)]


def save_changes(variant: Variant, folder: Path, operations: FileOperations) -> None:
    value = variant.stored(b"new")
    with opened(path_in(variant, folder), operations) as backend:
        expected = expected_of(backend)
        ids = {known.key: row for row, known in expected.items()}
        changes: list[Change] = [Remove(ids[b"0"]), Replace(ids[b"1"], value), Insert(b"6", value)]
        backend.apply(changes, expected, SaveOptions(), CancelToken())


def compact(variant: Variant, folder: Path, operations: FileOperations) -> None:
    with opened(path_in(variant, folder), operations) as backend:
        backend.compact(SaveOptions(), CancelToken())


def replace_by_new(variant: Variant, folder: Path, operations: FileOperations) -> None:
    create(variant, folder, operations, replaces=True)


def create_new(variant: Variant, folder: Path, operations: FileOperations) -> None:
    create(variant, folder, operations, replaces=False)


def create(variant: Variant, folder: Path, operations: FileOperations, *, replaces: bool) -> None:
    records = PairRecords(variant.in_order(new_entries(variant)), may_repeat=False)
    base, token = variant.base(folder), CancelToken()
    create_database(variant.writer(), base, records, token, replaces=replaces, operations=operations)


def path_in(variant: Variant, folder: Path) -> Path:
    return variant.writer().paths(variant.base(folder))[0]


WORKS: dict[str, tuple[Work, bool]] = {
    "save": (save_changes, True),
    "compact": (compact, True),
    "create": (create_new, False),
    "replace": (replace_by_new, True),
}
"""What is done, and whether the old database is there before."""

each_work = pytest.mark.parametrize("work", WORKS)


def prepare(variant: Variant, folder: Path, work: str) -> dict[str, tuple[bytes, int]]:
    folder.mkdir(exist_ok=True)
    for name, content in old_files(variant).items() if WORKS[work][1] else ():
        (folder / name).write_bytes(content)
    return contents(folder)


def operations_of(variant: Variant, folder: Path, work: str) -> FailingOperations:
    """Do the work without a failure, and return the operations that it took."""
    prepare(variant, folder, work)
    steps = FailingOperations()
    WORKS[work][0](variant, folder, steps)
    return steps


def what_is_read(variant: Variant, folder: Path, work: str) -> str:
    """Return ``old`` or ``new``; anything else fails."""
    old, new = old_entries(variant), new_entries(variant)
    if work == "compact":
        new = old
    try:
        with opened(path_in(variant, folder)) as backend:
            found = entries_of(backend)
    except AppError:
        assert not WORKS[work][1]  # only where there was nothing before
        return "old"
    if variant.same(found, new):
        return "new"
    assert WORKS[work][1], f"neither nothing nor the new database: {found}"
    assert variant.same(found, old), f"neither old nor new: {found}"
    return "old"


@each_work
@each_format
def test_a_program_that_dies_leaves_the_old_or_the_new_database(variant: Variant, tmp_path: Path, work: str) -> None:
    steps = operations_of(variant, tmp_path / "whole", work)

    for number in range(steps.done):
        folder = tmp_path / f"{number}"
        prepare(variant, folder, work)
        with contextlib.suppress(Died):
            WORKS[work][0](variant, folder, FailingOperations(number, dies=True))
        what_is_read(variant, folder, work)

    assert what_is_read(variant, tmp_path / "whole", work) == "new"


@each_work
@each_format
def test_a_disk_that_refuses_leaves_the_old_database_and_nothing_else(
    variant: Variant, tmp_path: Path, work: str
) -> None:
    steps = operations_of(variant, tmp_path / "whole", work)

    for number in range(steps.done):
        folder = tmp_path / f"{number}"
        before = prepare(variant, folder, work)
        operations = FailingOperations(number)
        try:
            WORKS[work][0](variant, folder, operations)
        except SaveFailed:
            if operations.names[number] != "unlink":  # what cannot be taken away stays
                assert without_set_aside(variant, contents(folder)) == before, (number, operations.names[number])
            if WORKS[work][1] and work != "compact":  # which makes no difference to read
                assert what_is_read(variant, folder, work) == "old"
        else:
            assert what_is_read(variant, folder, work) == "new"
            litter = [name for name in contents(folder) if ".shelfscope-new-" in name]
            assert not litter or operations.names[number] == "unlink", (number, operations.names[number])


@each_work
@each_format
def test_windows_is_given_no_open_file_to_replace(variant: Variant, tmp_path: Path, work: str) -> None:
    prepare(variant, tmp_path, work)

    WORKS[work][0](variant, tmp_path, StrictWindows())

    assert what_is_read(variant, tmp_path, work) == "new"
    assert not held_in(tmp_path)


def without_set_aside(variant: Variant, files: dict[str, tuple[bytes, int]]) -> dict[str, tuple[bytes, int]]:
    """Leave out what the format itself keeps beside a database: the old index, the file of LMDB's locks."""
    if variant.format_id == "lmdb":
        return {name: state for name, state in files.items() if not name.endswith("-lock")}
    if variant.format_id != "dumb" or "shelf.v1.bak" not in files:
        return files
    assert files["shelf.v1.bak"] == files["shelf.v1.dir"]
    return {name: state for name, state in files.items() if name != "shelf.v1.bak"}


@each_format
def test_after_a_death_the_next_save_works_or_says_what_to_do(variant: Variant, tmp_path: Path) -> None:
    """Nothing that a dead program leaves behind stands in the way of the next save for ever."""
    steps = operations_of(variant, tmp_path / "whole", "save")
    refused = 0
    for number in range(steps.done):
        folder = tmp_path / f"{number}"
        prepare(variant, folder, "save")
        with contextlib.suppress(Died):
            save_changes(variant, folder, FailingOperations(number, dies=True))
        if what_is_read(variant, folder, "save") == "new":
            continue
        try:
            save_changes(variant, folder, FileOperations())
        except AppError as error:
            refused += 1
            assert "salvage" in error.message.lower()  # noqa: PT017 - both are right
        else:
            assert variant.same(entries(path_in(variant, folder)), new_entries(variant))
            assert complaints(path_in(variant, folder)) == []
    assert refused == 0 or len(variant.writer().suffixes) > 1


@pytest.fixture(scope="module")
def killing() -> Iterator["subprocess.Popen[str]"]:
    """A process that saves in forks of its own, which are killed."""
    command = [sys.executable, "-m", "tests.backends.killed_saves"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@each_format
def test_a_save_that_the_system_kills_leaves_the_old_or_the_new_database(
    killing: "subprocess.Popen[str]", variant: Variant, tmp_path: Path
) -> None:
    """SIGKILL before every operation, and at moments in between, which reach into SQLite's and LMDB's own commits."""
    assert killing.stdin is not None
    assert killing.stdout is not None

    killing.stdin.write(json.dumps([variant.format_id, str(tmp_path)]) + "\n")
    killing.stdin.flush()
    read: list[str] = json.loads(killing.stdout.readline())

    assert set(read) == {"old", "new"}
