"""The entry table: rows for entries, filtered, streamed, reloaded, marked; never a read in `data`."""

import pickle
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.document.job import run_now
from app.engine.local import LocalEngine
from app.ui.models import roles
from app.ui.models.entry_table import KEY_BYTES, Column, EntryTableModel, short_key_text
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import VALUES

pytestmark = pytest.mark.usefixtures("qapp")  # the model has a timer

MANY = 17_000


@pytest.fixture
def document(shelf: Path) -> Iterator[Document]:
    document = Document(LocalEngine(), shelf)
    yield document
    document.close()


def index(document: Document) -> None:
    run_now(document.open_job())
    run_now(document.index_job())


def texts(model: EntryTableModel, row: int) -> list[object]:
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_the_keys_of_a_database_are_its_rows(document: Document, qtmodeltester: ModelTester) -> None:
    model = EntryTableModel(document)
    qtmodeltester.check(model)

    index(document)

    assert [texts(model, row)[0] for row in range(model.rowCount())] == [
        "order:1", "order:2", "numbers", "käse", r"b'\xff\xfe'",
    ]  # fmt: skip


def test_rows_are_announced_as_chunks_stream_in(tmp_path: Path, qtmodeltester: ModelTester) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"key %d" % number: b"" for number in range(MANY)})
    document = Document(LocalEngine(), path)
    model = EntryTableModel(document)
    qtmodeltester.check(model)
    announced: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _parent, first, last: announced.append((first, last)))

    index(document)

    assert model.rowCount() == MANY
    assert announced[0][0] == 0
    assert announced[-1][1] == MANY - 1
    assert all(before[1] + 1 == after[0] for before, after in pairwise(announced))
    document.close()


def test_summaries_are_asked_for_and_then_shown(document: Document, qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)
    assert texts(model, 3)[Column.VALUE] == "…"

    with qtbot.waitSignal(model.wanted) as asked:
        model.want(-20, 500)
    assert asked.args == [[0, 1, 2, 3, 4]]
    with qtbot.waitSignal(model.dataChanged):
        run_now(document.summaries_job([3]))

    assert texts(model, 3) == ["käse", "str", "'Gouda'", f"{len(pickle.dumps('Gouda', 4)):,}"]


def test_what_is_known_is_not_asked_for_again(document: Document, qtbot: QtBot) -> None:
    index(document)
    model = EntryTableModel(document)
    run_now(document.summaries_job(range(len(VALUES))))

    with qtbot.assertNotEmitted(model.wanted):
        model.want(0, 100)


def test_a_filter_leaves_some_rows_and_finds_them_by_entry(document: Document, qtmodeltester: ModelTester) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)

    model.show_matches([1])
    model.add_matches([3, 4])
    model.show_growth()

    assert [texts(model, row)[0] for row in range(model.rowCount())] == ["order:2", "käse", r"b'\xff\xfe'"]
    assert [model.row_of(entry_id) for entry_id in range(5)] == [None, 0, None, 1, 2]
    assert model.shown_entries() is not None
    model.show_all()
    assert model.rowCount() == len(VALUES)
    assert model.shown_entries() is None


@pytest.mark.parametrize("is_filtered", [False, True])
def test_a_reload_starts_with_no_rows(document: Document, qtmodeltester: ModelTester, is_filtered: bool) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)
    if is_filtered:
        model.show_matches([0, 2])
    counts: list[int] = []
    model.modelReset.connect(lambda: counts.append(model.rowCount()))

    run_now(document.index_job())

    assert counts == [0]
    assert model.rowCount() == (0 if is_filtered else len(VALUES))
    assert model.is_filtered == is_filtered


def test_a_pending_change_is_marked_and_its_size_is_the_new_one(document: Document) -> None:
    index(document)
    model = EntryTableModel(document)

    run_now(document.literal_job(3, "", "'Gruyère'"))

    cell = model.index(3, Column.KEY)
    assert cell.data(roles.IS_PENDING) is True
    assert "not saved" in str(cell.data(roles.TOOL_TIP))
    assert cell.data(roles.ACCESSIBLE_TEXT) == "käse, changed, not saved"
    assert model.index(2, Column.KEY).data(roles.IS_PENDING) is False
    assert texts(model, 3)[Column.SIZE] == f"{len(pickle.dumps('Gruyère', 4))}"


def kinds(model: EntryTableModel) -> dict[object, object]:
    return {texts(model, row)[0]: model.index(row, 0).data(roles.PENDING_KIND) for row in range(model.rowCount())}


def test_entries_that_are_added_deleted_and_renamed_are_marked(document: Document, qtmodeltester: ModelTester) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)

    run_now(document.add_job(b"new", b"value"))
    run_now(document.delete_job([0]))
    run_now(document.rename_job(3, b"cheese"))

    assert kinds(model) == {
        "order:1": "deleted", "order:2": "", "numbers": "", "käse": "deleted", r"b'\xff\xfe'": "",
        "new": "added", "cheese": "added",
    }  # fmt: skip
    tips = [str(model.index(row, Column.KEY).data(roles.TOOL_TIP)) for row in (0, 3, 5, 6)]
    assert "Deleted, not saved yet" in tips[0]
    assert "Deleted (renamed to cheese), not saved yet" in tips[1]
    assert "Added, not saved yet" in tips[2]
    assert "Added (renamed from käse), not saved yet" in tips[3]
    assert texts(model, 5)[Column.SIZE] == "5"


def test_added_entries_come_and_go_as_rows(document: Document, qtmodeltester: ModelTester) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)
    run_now(document.paste_job([(b"new %d" % number, b"") for number in range(5)]))
    assert model.rowCount() == len(VALUES) + 5

    run_now(document.delete_job([model.entry_id(row) for row in (6, 8)]))
    assert [texts(model, row)[0] for row in range(5, model.rowCount())] == ["new 0", "new 2", "new 4"]
    undo = document.undo_job()
    assert undo is not None
    run_now(undo)

    assert [texts(model, row)[0] for row in range(5, model.rowCount())] == [f"new {number}" for number in range(5)]
    assert [model.row_of(model.entry_id(row)) for row in range(model.rowCount())] == list(range(model.rowCount()))


def test_a_filter_lets_added_entries_through_by_their_keys(document: Document, qtmodeltester: ModelTester) -> None:
    index(document)
    run_now(document.paste_job([(b"order:3", b""), (b"other", b"")]))
    model = EntryTableModel(document)
    qtmodeltester.check(model)

    model.show_matches([0], [document.added_entries[0]])
    model.add_matches([1])
    model.show_growth()
    assert [texts(model, row)[0] for row in range(model.rowCount())] == ["order:1", "order:2", "order:3"]
    run_now(document.add_job(b"just made", b""))

    assert texts(model, 3)[0] == "just made"
    assert model.row_of(document.added_entries[1]) is None
    assert list(model.shown_entries() or ()) == [0, 1, document.added_entries[0], document.added_entries[2]]


def test_saved_additions_are_rows_like_all_others(document: Document, qtmodeltester: ModelTester) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)
    run_now(document.rename_job(3, b"cheese"))

    run_now(document.save_job())
    assert model.rowCount() == 0
    run_now(document.index_job())

    assert kinds(model) == {"order:1": "", "order:2": "", "numbers": "", r"b'\xff\xfe'": "", "cheese": ""}


def test_a_tooltip_is_never_rich_text_of_a_file(tmp_path: Path) -> None:
    document = Document(LocalEngine(), make_sqlite(tmp_path / "x.db", {b"<b>bold</b> & <img src='x'>": b"v"}))
    index(document)
    model = EntryTableModel(document)

    tip = str(model.index(0, Column.KEY).data(roles.TOOL_TIP))

    assert "&lt;b&gt;bold" in tip
    assert "<img" not in tip
    document.close()


def test_an_index_that_is_not_there_has_no_data(document: Document) -> None:
    index(document)
    model = EntryTableModel(document)

    assert model.data(QModelIndex()) is None
    assert not model.index(len(VALUES), 0).isValid()


def test_a_huge_key_is_cut_between_characters() -> None:
    shown = short_key_text(b"x" + "ä".encode() * 1_000)

    assert shown == "x" + "ä" * ((KEY_BYTES - 1) // 2) + "…"


def test_many_added_rows_go_at_once_and_those_between_stay(document: Document, qtmodeltester: ModelTester) -> None:
    index(document)
    model = EntryTableModel(document)
    qtmodeltester.check(model)
    run_now(document.paste_job([(b"new %d" % number, b"N.") for number in range(600)]))
    kept = model.entry_id(len(VALUES) + 300)
    removed: list[tuple[int, int]] = []
    model.rowsRemoved.connect(lambda _parent, first, last: removed.append((first, last)))

    run_now(document.delete_job([id_ for id_ in document.added_entries if id_ != kept]))

    assert removed == [(len(VALUES) + 301, len(VALUES) + 599), (len(VALUES), len(VALUES) + 299)]
    assert model.entry_ids(0, model.rowCount() - 1) == [*range(len(VALUES)), kept]
    assert texts(model, len(VALUES))[0] == "new 300"


def test_changed_entries_are_announced_also_where_a_filter_hides_some(document: Document) -> None:
    index(document)
    model = EntryTableModel(document)
    model.show_matches([1, 3])
    announced: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, _roles: announced.append((first.row(), last.row())))

    for changed in ([1], [0, 2], [2, 3, 4], [4], []):
        document.entries_changed.emit(changed)

    assert announced == [(0, 0), (0, 0), (1, 1)]
    assert model.entry_ids(0, 1) == [1, 3]
