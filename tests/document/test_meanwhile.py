"""What a person does while the keys are being read is kept, and what both did alike is no conflict."""

from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.document.document import Document, PendingKind
from app.errors import ChangedOnDisk
from tests.document.databases import ENTRIES, id_of, opened, outcome, reload, run, shown, store
from tests.engine.shelves import read_sqlite


def test_an_entry_that_is_added_again_while_the_keys_are_read_stays(document: Document, path: Path) -> None:
    run(document.delete_job([id_of(document, b"b")]))
    store(path, b"b", None)

    job = document.index_job()
    for chunk in job.steps(CancelToken()):
        job.item(chunk)
        run(document.add_job(b"b", b"again"))
    job.done()

    [change] = document.pending_changes
    assert (change.ref.key, change.current) == (b"b", b"again")
    assert dict(shown(document)) == {**ENTRIES, b"b": b"again"}


def test_a_change_that_another_program_made_alike_needs_no_decision(document: Document, path: Path) -> None:
    run(document.set_bytes_job(id_of(document, b"a"), b"alike"))
    run(document.add_job(b"new", b"alike as well"))
    run(document.set_bytes_job(id_of(document, b"c"), b"mine"))
    for key, value in ((b"a", b"alike"), (b"new", b"alike as well")):
        store(path, key, value)
    with pytest.raises(ChangedOnDisk):
        run(document.save_job())

    reload(document)

    assert outcome(document.conflicts_job()) == []
    [change] = document.pending_changes
    assert (change.ref.key, change.kind) == (b"c", PendingKind.CHANGED)
    run(document.save_job())
    assert read_sqlite(path) == {**ENTRIES, b"a": b"alike", b"new": b"alike as well", b"c": b"mine"}


def test_what_was_made_alike_can_still_be_undone(document: Document, path: Path) -> None:
    run(document.set_bytes_job(id_of(document, b"a"), b"alike"))
    store(path, b"a", b"alike")
    reload(document)

    run(document.undo_job())

    [change] = document.pending_changes
    assert (change.ref.key, change.current, change.kind) == (b"a", b"one", PendingKind.CHANGED)


def test_a_file_of_values_gets_the_number_behind_all_that_were_added(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"".join(b"I%d\n." % number for number in range(3)))
    document = opened(path)
    run(document.paste_job([(b"", b"I7\n."), (b"", b"I8\n.")]))
    run(document.delete_job([id_of(document, b"3")]))

    run(document.paste_job([(b"", b"I9\n.")]))

    assert [value for _key, value in shown(document)][-2:] == [b"I8\n.", b"I9\n."]
    document.close()
