"""Elements of arrays are edited like numbers and texts anywhere else, and stay in their range."""

import array
import pickle
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.editing import CTRL, Key, go, line, press, reason, type_text, wait_for_focus
from tests.ui.fixtures import opened


@pytest.mark.parametrize(
    ("values", "typed", "wanted"),
    [
        (array.array("h", [1, 2, 3]), "-7", array.array("h", [1, -7, 3])),
        (array.array("d", [1, 2, 3]), "0.1", array.array("d", [1, 0.1, 3])),
        (array.array("u", "abc"), "z", array.array("u", "azc")),
    ],
)
def test_an_element_is_edited_and_saved(
    qtbot: QtBot,
    local_window: MainWindow,
    tmp_path: Path,
    values: "array.array[int]",
    typed: str,
    wanted: "array.array[int]",
) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps(values, 4)})
    tab = opened(qtbot, local_window, path)

    go(qtbot, tab, "[1]")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, typed)
    press(qtbot, tab, Key.Key_Return)
    press(qtbot, tab, Key.Key_S, CTRL)

    loaded = pickle.loads(read_sqlite(path)[b"a"])
    assert (loaded.typecode, loaded) == (wanted.typecode, wanted)


def test_a_number_that_has_no_room_is_refused_with_the_range(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps(array.array("h", [1, 2]), 4)})
    tab = opened(qtbot, local_window, path)

    go(qtbot, tab, "[1]")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "40000")
    press(qtbot, tab, Key.Key_Return)

    assert "from -32,768 to 32,767" in reason(tab).text()
    assert line(tab).text() == "40000"
    press(qtbot, tab, Key.Key_Escape)
