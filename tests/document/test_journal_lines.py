"""The lines of a journal: one that is damaged costs its own change, and none holds up other threads."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from app.document.document import Document, PendingKind
from app.document.history import EntryRef
from app.document.journal_lines import change_in, change_of, entry_line, header_of, line_of, record_of
from app.document.journals import Journals
from app.document.pending_change import PendingChange
from tests.document.databases import run
from tests.document.journaled import edit_three, left_by_a_crash


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_costs_only_its_change(document: Document, path: Path, journals: Journals, cut: int) -> None:
    edit_three(document)

    left_by_a_crash(document, journals, cut=cut)

    [left] = journals.found(path)
    assert [(change.ref.key, change.kind) for change in left.changes] == [
        (b"a", PendingKind.CHANGED),
        (b"new", PendingKind.ADDED),
    ]
    assert left.damaged == 1


def test_a_damaged_line_costs_only_its_change(document: Document, path: Path, journals: Journals) -> None:
    edit_three(document)
    file = left_by_a_crash(document, journals)
    lines = file.read_bytes().splitlines(keepends=True)

    file.write_bytes(b"".join([*lines[:2], lines[2][:-9] + b"}}}}}}}}\n", *lines[3:]]))

    [left] = journals.found(path)
    assert [change.ref.key for change in left.changes] == [b"new", b"c"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"junk\n", line_of({"shelfscope": 99, "path": "/x"}), line_of({"shelfscope": 1, "path": 5})],
)
def test_what_is_no_journal_is_passed_over(journals: Journals, content: bytes) -> None:
    journals.folder.mkdir(parents=True)
    (journals.folder / "odd.journal").write_bytes(content)

    assert journals.all() == []


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"key": 5, "nth": 0},
        {"key": "!", "nth": 0, "kind": "changed"},
        {"key": "YQ==", "nth": "x", "kind": "stored"},
    ],
)
def test_odd_records_are_counted_as_damaged(journals: Journals, path: Path, record: dict[str, object]) -> None:
    journals.folder.mkdir(parents=True)
    (journals.folder / "odd.journal").write_bytes(2 * line_of(header_of(path, "sqlite3")) + line_of(record))

    [left] = journals.found(path)

    assert (left.changes, left.damaged) == ((), 1)


def test_a_record_reads_back_or_is_damaged() -> None:
    line = line_of({"key": "ä"})

    assert record_of(line) == {"key": "ä"}
    for place in range(len(line)):
        assert record_of(line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]) is None
        assert record_of(line[:place]) is None


@pytest.mark.parametrize("size", [0, 1, 3 << 18, (3 << 18) + 1, 2_500_000])
def test_a_large_value_is_written_in_steps_and_comes_back(size: int) -> None:
    change = PendingChange(EntryRef(b"key", 2), Random(size).randbytes(size), bytes(32))

    line = entry_line(change)

    assert max(map(len, line)) <= 1 << 20  # more at once would hold up the window's thread
    record = record_of(b"".join(line))
    assert record is not None
    assert change_of(record) == change
    assert change_in(b"".join(line)) == change


@pytest.mark.parametrize("place", [0, 8, 9, 40, 1_500_000, -4, -2, -1])
def test_a_large_line_that_was_damaged_gives_no_change(place: int) -> None:
    line = bytearray(b"".join(entry_line(PendingChange(EntryRef(b"key"), Random(1).randbytes(2_500_000), bytes(32)))))
    assert change_in(line) is not None

    line[place] ^= 1

    assert change_in(line) is None
    assert change_in(line[:-200_000]) is None


def longest_share(work: Callable[[], None]) -> float:
    """Return the longest time for which work in a thread holds this one up, beyond 0.1 s, as a share of it all."""
    worker = Thread(target=work)
    beats = [time.monotonic()]
    worker.start()
    while worker.is_alive():
        time.sleep(0.002)
        beats.append(time.monotonic())
    longest = max(after - before for before, after in pairwise(beats))
    return max(0.0, longest - 0.1) / (beats[-1] - beats[0])


@pytest.mark.alone
def test_reading_a_large_value_back_holds_up_no_other_thread(
    document: Document, journals: Journals, path: Path
) -> None:
    value = Random(1).randbytes(64 << 20)
    run(document.set_bytes_job(0, value))
    left_by_a_crash(document, journals)
    read: list[bytes] = []

    def found() -> None:
        [left] = journals.found(path)
        read.append(left.changes[0].value)

    # A step that holds other threads up does so in every reading; what else the machine does falls into some.
    quietest = min(longest_share(found) for _ in range(5))

    assert read == [value] * 5
    assert quietest < 0.1, "no step takes longer than a tenth of it all"
