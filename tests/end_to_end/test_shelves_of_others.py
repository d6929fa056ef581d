"""Shelves that other Pythons wrote are edited by keys and mouse, and load there as exactly the objects intended."""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models import roles
from tests.backends.native import bdb_dump, bdb_load, python_with_gdbm
from tests.backends.native_bdb import bdb_verify
from tests.codecs.interpreters import run
from tests.ui.editing import ALT, CTRL, LEFT, SHIFT, Key, current_path, go, line, press, type_text, wait_for_focus
from tests.ui.entries import keys
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)

BEFORE = """{
    'order': {'id': 7, 'customer': u'Ada', 'placed': {'on': date(2026, 1, 2)}, 'total': Decimal('12.50'),
              'lines': [u'a', u'b', u'c']},
    'note': u'kept', 'gone': ['x'], 'old name': {'deep': (1, None)},
}"""
AFTER = """{
    'order': {'id': 2 ** 70, 'customer': u'Ada L\\xf6velace', 'placed': {'on': date(2027, 3, 4)},
              'total': Decimal('2.500'), 'lines': [u'b', u'a', u'c']},
    'note': u'kept', 'added': {'a': (1, 2.5)}, 'new name': {'deep': (1, None)},
}"""
"""Objects as every Python writes them."""

SAME = """
import base64, json, shelve, sys
from datetime import date
from decimal import Decimal

def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = [(key, twin) for key in one for twin in other if same(key, twin)]
        return len(one) == len(other) == len(pairs) and all(same(one[key], other[twin]) for key, twin in pairs)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other

asked = json.load(sys.stdin)
"""
MAKE_GDBM = """
import dbm.gnu
with shelve.Shelf(dbm.gnu.open(asked["path"], "n")) as shelf:
    shelf.update(eval(asked["objects"]))
print("{}")
"""
LOAD_GDBM = """
import dbm.gnu
with shelve.Shelf(dbm.gnu.open(asked["path"], "r")) as shelf:
    found = dict(shelf)
print(json.dumps({"same": same(found, eval(asked["objects"])), "found": repr(found)}))
"""
MAKE_PYTHON_2 = """
pairs = {}
shelve.Shelf(pairs, protocol=2).update(eval(asked["objects"]))
print(json.dumps([[base64.b64encode(half) for half in pair] for pair in pairs.items()]))
"""
LOAD_PYTHON_2 = """
try:
    import dbhash
    pairs = dbhash.open(asked["path"].encode("utf-8"), "r")
except ImportError:  # built without Berkeley DB
    pairs = dict([base64.b64decode(half) for half in pair] for pair in asked["pairs"])
found = dict(shelve.Shelf(pairs))
print(json.dumps({"same": same(found, eval(asked["objects"])), "found": repr(found)}))
"""


def in_debian(script: str, path: Path, objects: str) -> Mapping[str, Any]:
    """Run a script in a Python that has GDBM's own library."""
    asked = json.dumps({"path": str(path), "objects": objects})
    done = subprocess.run(
        [python_with_gdbm(), "-c", SAME + script], input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told


def in_python_2(script: str, path: Path, objects: str, pairs: Sequence[tuple[bytes, bytes]] = ()) -> Any:
    packed = [[base64.b64encode(half).decode() for half in pair] for pair in pairs]
    return run("2.7", SAME + script, {"path": str(path), "objects": objects, "pairs": packed})


def type_over(qtbot: QtBot, tab: DatabaseTab, path: str, text: str) -> None:
    open_editor(qtbot, tab, path)
    type_text(qtbot, tab, text)
    press(qtbot, tab, Key.Key_Return)


def paste_over(qtbot: QtBot, tab: DatabaseTab, path: str, text: str) -> None:
    open_editor(qtbot, tab, path)
    QGuiApplication.clipboard().setText(text)
    press(qtbot, tab, Key.Key_A, CTRL)
    press(qtbot, tab, Key.Key_V, CTRL)
    press(qtbot, tab, Key.Key_Return)


def open_editor(qtbot: QtBot, tab: DatabaseTab, path: str) -> None:
    go(qtbot, tab, path)
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))


def click_key(qtbot: QtBot, tab: DatabaseTab, key: bytes) -> None:
    view = tab.entries.view
    place = view.visualRect(tab.entries.model.index(keys(tab).index(key), 0)).center()
    qtbot.mouseClick(view.viewport(), LEFT, pos=place)
    settle(qtbot, tab)
    tab.window().activateWindow()  # as a window manager does when a dialog is closed
    qtbot.waitUntil(view.hasFocus, timeout=WAIT)


def add(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, key: str, literal: str) -> None:
    press(qtbot, tab, Key.Key_N, CTRL | SHIFT)
    asked = part(window, QDialog, "new-entry")
    line_of_key = part(asked, QLineEdit, "entry-key")
    qtbot.keyClick(line_of_key, Key.Key_A, CTRL)
    qtbot.keyClicks(line_of_key, key)
    assert part(asked, QComboBox, "entry-form").currentIndex() == 0
    qtbot.keyClicks(part(asked, QPlainTextEdit, "entry-value"), literal)
    qtbot.keyClick(line_of_key, Key.Key_Return)
    settle(qtbot, tab)


def rename(qtbot: QtBot, tab: DatabaseTab, old: bytes, new: str) -> None:
    click_key(qtbot, tab, old)
    press(qtbot, tab, Key.Key_F2)
    editor = tab.entries.view.editing.editor
    assert editor is not None
    wait_for_focus(qtbot, editor)
    type_text(qtbot, tab, new)
    press(qtbot, tab, Key.Key_Return)


def edit_everything(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Make of `BEFORE` what `AFTER` is, with a change of mind in between, and save."""
    tab = opened(qtbot, window, path)
    click_key(qtbot, tab, b"order")
    type_over(qtbot, tab, "['id']", str(2**70))
    paste_over(qtbot, tab, "['customer']", "Ada Lövelace")
    type_over(qtbot, tab, "['placed']['on']", "2027-03-04")
    type_over(qtbot, tab, "['total']", "2.500")
    go(qtbot, tab, "['lines'][0]")
    press(qtbot, tab, Key.Key_Down, ALT)
    assert current_path(tab) == "['lines'][1]"

    click_key(qtbot, tab, b"note")
    add(qtbot, window, tab, "added", "{'a': (1, 2.5)}")
    rename(qtbot, tab, b"old name", "new name")
    click_key(qtbot, tab, b"gone")
    press(qtbot, tab, Key.Key_Delete)
    for _ in range(9):
        press(qtbot, tab, Key.Key_Z, CTRL)
    assert not tab.document.pending_changes
    for _ in range(8):
        press(qtbot, tab, Key.Key_Z, CTRL | SHIFT)
    assert states(tab) == {b"order": "changed", b"added": "added", b"old name": "deleted", b"new name": "added", **GONE}

    press(qtbot, tab, Key.Key_S, CTRL)
    assert "Saved" in tab.notices.sentence
    assert sorted(keys(tab)) == [b"added", b"new name", b"note", b"order"]


GONE = {b"gone": "deleted"}


def states(tab: DatabaseTab) -> dict[bytes, str]:
    """Return what the table says of the entries that are not as they are stored."""
    model = tab.entries.model
    said = {key: str(model.index(row, 0).data(roles.PENDING_KIND)) for row, key in enumerate(keys(tab))}
    return {key: kind for key, kind in said.items() if kind}


def test_a_shelf_of_gdbm_is_edited_for_the_python_that_wrote_it(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "shop.gdbm"
    in_debian(MAKE_GDBM, path, BEFORE)

    edit_everything(qtbot, child_window, path)

    told = in_debian(LOAD_GDBM, path, AFTER)
    assert told["same"], told["found"]


def test_a_shelf_of_python_2_is_edited_for_python_2(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    pairs = in_python_2(MAKE_PYTHON_2, path, BEFORE)
    bdb_load(path, [(base64.b64decode(key), base64.b64decode(value)) for key, value in pairs], "hash")

    edit_everything(qtbot, child_window, path)

    bdb_verify(path)
    told = in_python_2(LOAD_PYTHON_2, path, AFTER, bdb_dump(path))
    assert told["same"], told["found"]
