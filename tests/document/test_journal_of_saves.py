"""The note of a begun save outlives every rewriting of the journal: a crash behind its commit doubles nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.document.document import Document
from app.document.history import EntryRef
from app.document.journal_lines import header_of
from app.document.journals import Journals
from app.document.pending_change import PendingChange
from tests.document.databases import id_of, make, opened, pairs_of, run, shown
from tests.document.journaled import files

SAVE = {"kind": "save", "count": 0, "by_place": False, "before": [], "gained": [], "lost": [], "order": ["", ""]}
"""The note of a save of nothing."""
LARGE = 400_000
"""Bytes of which a few make a journal worth writing anew."""


def saved_and_killed(document: Document, journals: Journals, then: Callable[[], None] | None = None) -> None:
    """Save, with the program gone right behind the commit; ``then`` is done before that."""
    job = document.save_job()
    job.done = lambda _report: None
    run(job)
    if then is not None:
        then()
        document.flush_journal()
    [file] = files(journals)
    content = file.read_bytes()
    document.close()
    (journals.folder / "left.journal").write_bytes(content)


@pytest.mark.parametrize("edits", range(1, 7))
def test_nothing_is_there_twice_after_a_crash_behind_the_commit(tmp_path: Path, edits: int) -> None:
    journals = Journals(tmp_path / "state")
    path = make(tmp_path / "x.db", "bdb-btree", duplicates="unsorted")
    document = opened(path, journals)
    run(document.add_job(b"k", b"0" * LARGE))
    for number in range(1, edits):
        run(document.set_bytes_job(id_of(document, b"k"), b"%d" % number * LARGE))
    saved_and_killed(document, journals)
    again = opened(path, journals)

    run(again.restore_job(journals.found(path)[0]))

    assert shown(again) == pairs_of(path)
    assert len(shown(again)) == 1
    again.close()


def test_a_journal_written_anew_keeps_apart_what_was_done_before_and_after_a_save_began(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    path = tmp_path / "x.db"
    journal, header = journals.new(), header_of(path, "bdb-btree")
    saved = [PendingChange(EntryRef(key), b"saved", None) for key in (b"same", b"changed", b"reverted")]
    journal.note(header, saved)
    journal.note_save(SAVE)

    later = [PendingChange(EntryRef(b"reverted"), b"", None, is_stored=True)]
    later += [PendingChange(EntryRef(b"changed"), bytes([number]) * LARGE, None) for number in range(20)]
    for change in later:
        journal.note(header, [change])
        journal.flush()

    assert journal.path.stat().st_size < 10 * LARGE
    journal.close(keeps_changes=True)
    [left] = journals.found(path)
    assert left.begun is not None
    assert list(left.begun.changes) == saved
    assert {change.ref.key: change.value for change in left.changes} == {b"same": b"saved", b"changed": later[-1].value}
    assert not left.damaged


def test_a_save_that_is_over_is_not_told_of_any_more(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    path = tmp_path / "x.db"
    journal, header = journals.new(), header_of(path, "bdb-btree")
    change = PendingChange(EntryRef(b"k"), b"value", None)
    journal.note(header, [change])
    journal.note_save(SAVE)

    journal.restart(header, [change])

    journal.flush()
    journal.close(keeps_changes=True)
    [left] = journals.found(path)
    assert left.begun is None
    assert list(left.changes) == [change]
