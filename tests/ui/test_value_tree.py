"""The value tree: pages on demand, paths, cycles, rows that fail."""

import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.modeltest import ModelTester

from app.document.document import Document
from app.document.job import run_now
from app.engine.local import LocalEngine
from app.engine.value_calls import ValueInfo
from app.errors import AppError
from app.ui.models import roles
from app.ui.models.value_tree import PAGE, Column, ValueTreeModel
from tests.engine.shelves import make_sqlite

DEEP = 60


class Shown:
    """A model fed from a real document at once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.model = ValueTreeModel()
        self.asked: list[tuple[int, int, int]] = []
        self.model.needs_rows.connect(self._on_needs_rows)

    def show(self, entry_id: int, *, can_edit: bool = True) -> QModelIndex:
        job = self.document.decode_job(entry_id)
        job.done = partial(self._on_decoded, can_edit)
        self._entry_id = entry_id
        run_now(job)
        return self.model.index(0, 0)

    def _on_decoded(self, can_edit: bool, info: ValueInfo) -> None:
        self.model.show_value(info.root, can_edit=can_edit)

    def _on_needs_rows(self, slot: int, start: int, count: int) -> None:
        self.asked.append((slot, start, count))
        job = self.document.rows_job(self._entry_id, self.model.node_of(slot), start, count)
        job.done = partial(self.model.add_rows, slot, start)
        run_now(job)

    def open(self, index: QModelIndex) -> list[QModelIndex]:
        if self.model.canFetchMore(index):
            self.model.fetchMore(index)
        return [self.model.index(row, 0, index) for row in range(self.model.rowCount(index))]


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    cyclic: list[object] = [1]
    cyclic.append(cyclic)
    values = {
        b"order": pickle.dumps({"id": 7, "tags": ["a", "b"], 3: (None, True)}),
        b"numbers": pickle.dumps(list(range(2_500))),
        b"cyclic": pickle.dumps(cyclic),
        b"text": pickle.dumps("alone"),
    }
    document = Document(LocalEngine(), make_sqlite(tmp_path / "x.db", values))
    run_now(document.open_job())
    run_now(document.index_job())
    yield Shown(document)
    document.close()


def test_rows_come_when_they_are_asked_for(shown: Shown, qtmodeltester: ModelTester) -> None:
    root = shown.show(0)
    assert shown.model.hasChildren(root)
    assert shown.model.rowCount(root) == 0
    assert shown.asked == []

    children = shown.open(root)
    qtmodeltester.check(shown.model)

    types = [child.siblingAtColumn(Column.TYPE).data() for child in children]
    values = [child.siblingAtColumn(Column.VALUE).data() for child in children]
    assert types == ["int", "list", "tuple"]
    assert values[0] == "7"


def test_a_row_knows_its_path(shown: Shown) -> None:
    root = shown.show(0)
    ident, tags, pair = shown.open(root)

    paths = [shown.model.path(index) for index in (root, ident, *shown.open(tags), *shown.open(pair))]

    assert paths == ["", "['id']", "['tags'][0]", "['tags'][1]", "[3][0]", "[3][1]"]


def test_a_long_list_comes_in_pages(shown: Shown, qtmodeltester: ModelTester) -> None:
    root = shown.show(1)
    qtmodeltester.check(shown.model)
    shown.open(root)
    assert shown.model.rowCount(root) == PAGE
    assert not shown.model.canFetchMore(root)

    shown.model.fetch_page(root)
    shown.model.fetch_page(root)
    shown.model.fetch_page(root)

    assert [asked[1:] for asked in shown.asked] == [(0, 1_000), (1_000, 1_000), (2_000, 500)]
    assert shown.model.rowCount(root) == 2_500
    assert shown.model.index(2_499, Column.VALUE, root).data() == "2499"
    assert not shown.model.has_more(root)


def test_a_value_that_contains_itself_opens_again_and_again(shown: Shown) -> None:
    index = shown.show(2)

    for _ in range(DEEP):
        index = shown.open(index)[1]

    assert shown.model.path(index) == "[1]" * DEEP
    assert shown.model.depth(index) == DEEP


def test_only_scalars_can_be_edited_and_only_in_the_value_column(shown: Shown) -> None:
    root = shown.show(0)
    ident, tags, _pair = shown.open(root)

    assert ident.siblingAtColumn(Column.VALUE).flags() & Qt.ItemFlag.ItemIsEditable
    assert not ident.flags() & Qt.ItemFlag.ItemIsEditable
    assert not tags.siblingAtColumn(Column.VALUE).flags() & Qt.ItemFlag.ItemIsEditable


def test_nothing_can_be_edited_in_a_read_only_database(shown: Shown) -> None:
    root = shown.show(0, can_edit=False)

    ident = shown.open(root)[0]

    assert not ident.siblingAtColumn(Column.VALUE).flags() & Qt.ItemFlag.ItemIsEditable


def test_a_failure_is_a_row_in_place_of_the_missing_ones(shown: Shown, qtmodeltester: ModelTester) -> None:
    root = shown.show(1)
    qtmodeltester.check(shown.model)
    shown.open(root)

    shown.model.fail_rows(shown.model.slot_number(root), PAGE, AppError("The process is gone.").message)

    last = shown.model.index(PAGE, Column.VALUE, root)
    assert last.data() == "The process is gone."
    assert last.data(roles.PROBLEM) == "The process is gone."
    assert not shown.model.has_more(root)


def test_rows_that_come_twice_are_taken_once(shown: Shown) -> None:
    root = shown.show(0)
    shown.open(root)
    rows = [shown.model.node_row(child) for child in shown.open(root)]

    shown.model.add_rows(shown.model.slot_number(root), 0, rows)

    assert shown.model.rowCount(root) == 3


def test_a_message_stands_in_for_a_value(shown: Shown, qtmodeltester: ModelTester) -> None:
    shown.show(0)

    shown.model.show_message("This took too long.")
    qtmodeltester.check(shown.model)

    assert shown.model.rowCount() == 1
    assert shown.model.index(0, Column.VALUE).data() == "This took too long."


def test_a_new_value_and_none_at_all_replace_the_old(shown: Shown, qtmodeltester: ModelTester) -> None:
    shown.open(shown.show(0))

    shown.show(3)
    qtmodeltester.check(shown.model)
    assert shown.model.index(0, Column.VALUE).data() == "'alone'"
    assert not shown.model.hasChildren(shown.model.index(0, 0))

    shown.model.clear()
    assert shown.model.rowCount() == 0
