"""An edit is undone whose entry another program changed meanwhile: that is said, and nothing is overwritten."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.base import Insert, Replace
from app.document.document import Document
from tests.document.databases import id_of, make, opened, pairs_of, reload, run, shown, write

ENTRIES = {b"a": b"one", b"b": b"two", b"c": b"three"}


@pytest.fixture(params=["sqlite3", "gdbm", "bdb-btree", "dumb"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = make(tmp_path / "x", request.param)
    write(path, [Insert(key, value) for key, value in ENTRIES.items()])
    return path


@pytest.fixture
def document(path: Path) -> Iterator[Document]:
    with closing(opened(path)) as document:
        yield document


def heard(document: Document) -> list[str]:
    notices: list[str] = []
    document.notice.connect(notices.append)
    return notices


def theirs(path: Path, key: bytes, value: bytes) -> None:
    """Change an entry as another program would."""
    row = [key for key, _value in pairs_of(path)].index(key)
    write(path, [Replace(row, value)])


@pytest.mark.parametrize("value", [b"eno", b"theirs"])
def test_an_undone_edit_leaves_what_another_program_wrote_and_says_so(
    document: Document, path: Path, value: bytes
) -> None:
    notices = heard(document)
    run(document.set_bytes_job(id_of(document, b"b"), b"kept"))
    run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
    theirs(path, b"a", value)
    reload(document)

    run(document.undo_job())

    assert notices[-1].startswith("'a' was changed by another program since.")
    assert dict(shown(document)) == {**ENTRIES, b"a": value, b"b": b"kept"}
    assert [change.ref.key for change in document.pending_changes] == [b"b"]
    run(document.save_job(backup=False))
    assert dict(pairs_of(path)) == {**ENTRIES, b"a": value, b"b": b"kept"}


def test_before_the_keys_are_read_again_it_is_left_alone_too(document: Document, path: Path) -> None:
    run(document.set_bytes_job(id_of(document, b"b"), b"kept"))
    run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
    theirs(path, b"a", b"theirs")

    run(document.undo_job())
    run(document.save_job(backup=False))
    reload(document)

    assert dict(pairs_of(path)) == dict(shown(document)) == {**ENTRIES, b"a": b"theirs", b"b": b"kept"}


def test_an_addition_that_another_program_made_too_is_not_taken_from_it(document: Document, path: Path) -> None:
    notices = heard(document)
    run(document.add_job(b"new", b"mine"))
    write(path, [Insert(b"new", b"theirs")])
    reload(document)

    run(document.undo_job())

    assert notices[-1].startswith("'new' was changed by another program since.")
    assert not document.pending_changes
    assert dict(shown(document)) == dict(pairs_of(path)) == {**ENTRIES, b"new": b"theirs"}


def test_redoing_it_then_is_refused_with_a_reason(document: Document, path: Path) -> None:
    notices = heard(document)
    run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
    theirs(path, b"a", b"theirs")
    reload(document)
    run(document.undo_job())

    run(document.redo_job())

    assert "no longer fits and was left out" in notices[-1]
    assert not document.pending_changes
    assert dict(shown(document)) == {**ENTRIES, b"a": b"theirs"}


def test_nothing_is_said_where_nobody_else_wrote(document: Document) -> None:
    notices = heard(document)
    run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
    run(document.add_job(b"new", b"mine"))
    run(document.delete_job([id_of(document, b"c")]))

    for _ in range(3):
        run(document.undo_job())

    assert notices == []
    assert dict(shown(document)) == ENTRIES
