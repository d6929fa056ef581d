"""The engine is lost in a save, before or after the commit: no entry is saved twice, and none is lost."""

import os
import pickle
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.base import Change, Expected, Insert, Remove, SaveOptions, SaveReport
from app.cancel import CancelToken
from app.document.document import Document
from app.document.job import run_now
from app.engine.base import Engine, NewDatabase
from app.engine.child import ChildEngine
from app.engine.local import LocalEngine
from app.errors import DocumentError, EngineStopped
from tests.document.databases import id_of, make, outcome, pairs_of, reload, run, shown, write
from tests.engine.lost_engine import LostEngine

REPEATING: list[tuple[str, dict[str, str]]] = [
    ("cdb", {}),
    ("bdb-btree", {"duplicates": "unsorted"}),
    ("bdb-hash", {"duplicates": "sorted"}),
]
SINGLE: list[tuple[str, dict[str, str]]] = [("gdbm", {}), ("sqlite3", {}), ("bdb-btree", {})]


def opened(path: Path, engine: Engine) -> Document:
    document = Document(engine, path)
    run_now(document.open_job())
    reload(document)
    return document


def lose_a_save(document: Document) -> None:
    with pytest.raises(EngineStopped):
        run(document.save_job(backup=False))


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize(("format_id", "options"), REPEATING)
def test_trying_again_adds_no_entry_twice(
    tmp_path: Path, format_id: str, options: dict[str, str], *, commits: bool
) -> None:
    path = make(tmp_path / "x", format_id, **options)
    write(path, [Insert(b"a", b"one"), Insert(b"a", b"two"), Insert(b"b", b"three")])
    with closing(opened(path, LostEngine(commits=commits))) as document:
        run(document.add_job(b"a", b"new"))
        run(document.add_job(b"c", b"other"))
        run(document.delete_job([id_of(document, b"b")]))
        wanted = sorted(shown(document))

        lose_a_save(document)
        with pytest.raises(DocumentError, match="known once its keys are read again"):
            document.save_job()
        reload(document)

        assert sorted(shown(document)) == wanted
        assert bool(document.pending_changes) is not commits
        if document.pending_changes:
            run(document.save_job(backup=False))
            reload(document)
        assert sorted(pairs_of(path)) == wanted
        assert sorted(shown(document)) == wanted


def test_an_entry_that_was_there_alike_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"same")])
    with closing(opened(path, LostEngine(commits=False))) as document:
        run(document.add_job(b"a", b"same"))

        lose_a_save(document)
        reload(document)
        run(document.save_job(backup=False))

    assert pairs_of(path) == [(b"a", b"same")] * 2


def test_what_another_program_added_meanwhile_does_not_hide_that_the_save_was_done(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"one")])
    with closing(opened(path, LostEngine(commits=True))) as document:
        run(document.add_job(b"a", b"new"))

        lose_a_save(document)
        write(path, [Insert(b"a", b"theirs")])
        reload(document)

        assert not document.pending_changes
    assert pairs_of(path) == [(b"a", b"one"), (b"a", b"new"), (b"a", b"theirs")]


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize(("format_id", "options"), SINGLE)
def test_edits_can_be_undone_after_a_save_that_nobody_saw_the_end_of(
    tmp_path: Path, format_id: str, options: dict[str, str], *, commits: bool
) -> None:
    path = make(tmp_path / "x", format_id, **options)
    before = [(b"a", b"one"), (b"b", b"two")]
    write(path, [Insert(*pair) for pair in before])
    with closing(opened(path, LostEngine(commits=commits))) as document:
        run(document.set_bytes_job(id_of(document, b"a"), b"changed"))
        run(document.rename_job(id_of(document, b"b"), b"c"))

        lose_a_save(document)
        reload(document)
        assert sorted(shown(document)) == [(b"a", b"changed"), (b"c", b"two")]
        assert len(document.pending_changes) == (0 if commits else 3)
        run(document.undo_job())
        run(document.undo_job())
        assert sorted(shown(document)) == before
        if document.pending_changes:
            run(document.save_job(backup=False))

    assert sorted(pairs_of(path)) == before


@pytest.mark.parametrize("commits", [True, False])
def test_no_further_value_of_a_numbered_file_is_deleted(tmp_path: Path, *, commits: bool) -> None:
    path = tmp_path / "values.pkl"
    value, other = pickle.dumps("same", 4), pickle.dumps("other", 4)
    path.write_bytes(value * 3 + other)
    with closing(opened(path, LostEngine(commits=commits))) as document:
        run(document.delete_job([1]))

        lose_a_save(document)
        reload(document)

        assert [content for _key, content in shown(document)] == [value, value, other]
        if document.pending_changes:
            run(document.save_job(backup=False))
            reload(document)
        assert path.read_bytes() == value * 2 + other
        run(document.undo_job())
        assert sorted(content for _key, content in shown(document)) == sorted([value] * 3 + [other])


def test_an_edit_made_after_the_lost_save_lies_over_what_was_saved(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"one"), Insert(b"b", b"two")])
    with closing(opened(path, LostEngine(commits=True))) as document:
        run(document.add_job(b"a", b"new"))
        lose_a_save(document)
        run(document.set_bytes_job(document.added_entries[0], b"newer"))

        reload(document)
        [change] = document.pending_changes
        assert change.current == b"newer"
        run(document.save_job(backup=False))

    assert pairs_of(path) == [(b"a", b"one"), (b"b", b"two"), (b"a", b"newer")]


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")
@pytest.mark.parametrize("commits", [True, False])
def test_a_killed_process_costs_no_entry_and_doubles_none(tmp_path: Path, *, commits: bool) -> None:
    class KilledEngine(ChildEngine):
        saves = 0

        def apply(
            self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
        ) -> SaveReport:
            self.saves += 1
            if self.saves == 1:
                if commits:
                    super().apply(changes, expected, options, token)
                assert self.process_id is not None
                os.kill(self.process_id, signal.SIGKILL)
                if commits:
                    return super().compact(options, token)  # the first call that finds nobody there
            return super().apply(changes, expected, options, token)

    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"one"), Insert(b"b", b"two")])
    with closing(opened(path, KilledEngine())) as document:
        run(document.add_job(b"a", b"new"))

        lose_a_save(document)
        reload(document)
        if document.pending_changes:
            run(document.save_job(backup=False))

    assert sorted(pairs_of(path)) == [(b"a", b"new"), (b"a", b"one"), (b"b", b"two")]


def test_a_copy_under_another_name_can_be_saved_at_once(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"one")])
    with closing(opened(path, LostEngine(commits=True))) as document:
        run(document.add_job(b"a", b"new"))
        lose_a_save(document)
        saved, copy = document.pending_changes, document.begin_copy("sqlite3")
        with closing(LocalEngine()) as engine:
            engine.open(str(make(tmp_path / "empty", "cdb")), CancelToken())
            inserts = [Insert(change.ref.key, change.value) for change in saved]
            engine.convert(NewDatabase(str(tmp_path / "copy"), "cdb"), inserts, CancelToken(), leaves_out=False)
        document.continue_as(tmp_path / "copy", copy)
        run(document.open_job())
        reload(document)
        run(document.add_job(b"b", b"later"))

        assert not outcome(document.changed_on_disk_job()).is_changed
        run(document.save_job(backup=False))

    assert pairs_of(tmp_path / "copy") == [(b"a", b"new"), (b"b", b"later")]


def test_removed_duplicates_are_told_from_those_that_stay(tmp_path: Path) -> None:
    path = make(tmp_path / "x", "cdb")
    write(path, [Insert(b"a", b"same"), Insert(b"a", b"same"), Insert(b"b", b"two")])
    with closing(opened(path, LostEngine(commits=True))) as document:
        run(document.delete_job([id_of(document, b"a")]))

        lose_a_save(document)
        reload(document)

        assert not document.pending_changes
        write(path, [Remove(0)])
    assert pairs_of(path) == [(b"b", b"two")]
