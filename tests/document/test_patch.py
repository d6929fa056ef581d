"""Differences that are too large for memory go to a private file, and come back from it."""

import os
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.document import patch
from app.document.document import Document
from app.document.history import EntryRef
from app.document.journals import Journals
from app.document.patch import KEPT_BYTES, Patch, Spill, SpilledPatch
from app.errors import DocumentError
from tests.document.databases import opened, run, shown
from tests.engine.shelves import make_sqlite

MEGABYTE = 1 << 20


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    document = opened(make_sqlite(tmp_path / "x.db", {b"a": b"one", b"b": b"two"}), Journals(tmp_path / "state"))
    yield document
    document.close()


def test_a_spilled_patch_is_the_same_patch(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    patches = [Patch(number, b"r" * number, b"i" * (2 * number)) for number in range(20)]

    kept = [spill.keep(patch) for patch in patches]

    assert all(isinstance(patch, SpilledPatch) for patch in kept)
    assert [patch.load() for patch in reversed(kept)] == patches[::-1]
    spill.close()


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20), st.booleans()), max_size=30), st.randoms())
def test_whatever_was_spilled_comes_back_in_any_order_and_while_more_is_written(
    parts: list[tuple[bytes, bytes, bool]], order: Random
) -> None:
    made, kept = [], []

    with closing(Spill()) as spill, pytest.MonkeyPatch.context() as changed:
        changed.setattr(patch, "_BLOCK", 16)
        for number, (removed, inserted, is_read) in enumerate(parts):
            made.append(Patch(number, removed, inserted))
            kept.append(spill.keep(made[-1]))
            if is_read:
                place = order.randrange(len(kept))
                assert kept[place].load() == made[place]
        places = order.sample(range(len(kept)), len(kept))
        found = [kept[place].load() for place in places]

    assert found == [made[place] for place in places]


@pytest.mark.parametrize("step", [1, -1], ids=["doing again", "undoing"])
def test_many_small_differences_are_read_a_block_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    spill = Spill(tmp_path)
    kept = [spill.keep(Patch(number, b"r" * 50, b"i" * 50)) for number in range(10_000)]
    read_file, sizes = Spill._read_file, []

    def noted(spill: Spill, place: int, size: int) -> bytes:
        sizes.append(size)
        return read_file(spill, place, size)

    monkeypatch.setattr(Spill, "_read_file", noted)
    for one in kept[::step]:
        one.load()

    assert len(sizes) < 20
    assert sum(sizes) < 2 * spill.size
    spill.close()


def test_what_cannot_be_spilled_stays_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    patch = Patch(0, b"", bytes(MEGABYTE))

    assert Spill(tmp_path / "file" / "folder").keep(patch) is patch


def test_a_closed_spill_says_so(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    kept = spill.keep(Patch(0, b"", b"x"))
    spill.close()

    with pytest.raises(DocumentError, match="temporary file"):
        kept.load()


@pytest.mark.skipif(sys.platform != "linux", reason="Only here /proc tells of open files.")
def test_large_edits_are_in_a_file_that_nobody_else_can_open(document: Document, tmp_path: Path) -> None:
    run(document.set_bytes_job(0, os.urandom(MEGABYTE)))
    document.flush_journal()

    links = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert any(link.startswith(str(tmp_path / "state")) and link.endswith("(deleted)") for link in links)
    assert not [path.name for path in (tmp_path / "state").iterdir() if path.suffix != ".journal"]


def test_a_hundred_megabytes_of_edits_cost_few_in_memory(document: Document) -> None:
    tracemalloc.start()
    for number in range(50):
        run(document.set_bytes_job(0, bytes([number]) * MEGABYTE))
        document.flush_journal()
    used, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 8 * MEGABYTE
    assert document._spill.size > 50 * MEGABYTE
    for _ in range(50):
        run(document.undo_job())
    assert dict(shown(document)) == {b"a": b"one", b"b": b"two"}
    for _ in range(50):
        run(document.redo_job())
    assert dict(shown(document))[b"a"] == bytes([49]) * MEGABYTE


def test_small_edits_stay_in_memory(document: Document) -> None:
    run(document.set_bytes_job(0, bytes(KEPT_BYTES - 10)))

    assert document._spill.size == 0


def test_small_edits_go_to_the_file_once_they_are_very_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "KEPT_IN_ALL", 10_000)
    document = opened(make_sqlite(tmp_path / "x.db", {b"a": b"one"}), Journals(tmp_path / "state"))

    for number in range(40):
        run(document.set_bytes_job(0, bytes([number]) * 1_000))

    held = sum(step.patch.size for step in document.history.steps_back(EntryRef(b"a")) if isinstance(step.patch, Patch))
    assert held <= 10_000
    assert document._spill.size >= 40 * 2_000 - 1_000 - held
    for _ in range(40):
        run(document.undo_job())
    assert dict(shown(document)) == {b"a": b"one"}
    document.close()


def test_what_is_pending_is_held_once(document: Document) -> None:
    tracemalloc.start()
    for number in range(20):
        run(document.add_job(b"new %d" % number, os.urandom(MEGABYTE)))
        document.flush_journal()
    used, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 26 * MEGABYTE


@given(st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=60))
@example(b"aaaa", b"a", b"aa", b"aaaa")
@example(b"", b"", b"", b"")
def test_a_difference_is_found_in_steps_and_is_as_small_as_can_be(
    before: bytes, old: bytes, new: bytes, after: bytes
) -> None:
    left, right = before + old + after, before + new + after

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(patch, "_STEP", 4)
        found = Patch.between(left, right)

    assert found.apply(left) == right
    assert found.reversed().apply(right) == left
    assert found.removed[:1] != found.inserted[:1] or not (found.removed and found.inserted)
    assert found.removed[-1:] != found.inserted[-1:] or not (found.removed and found.inserted)
