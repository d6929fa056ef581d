"""The whole program, editing and saving by keys until somebody kills it.

``python -m tests.end_to_end.killed_program FILE SEED`` says on its output what it has done: ``edited N`` once step N is
in the journal, ``saving N`` and ``saved N`` around a save of what step N left.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPlainTextEdit, QWidget

from app.document.document import PendingKind
from app.ui.app import run_window
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.ui.making import part

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier

START: dict[bytes, object] = {b"counter": 0, **{b"entry %d" % number: ["kept", number] for number in range(2_000)}}
"""Enough for a save to take a while."""
SAVED_EVERY = 3
_SECONDS = 15
"""How long one thing may take before this gives up."""


@dataclass(frozen=True, slots=True)
class Step:
    """An edit of one entry, and what all entries are after it."""

    kind: str
    key: bytes
    new: str
    after: dict[bytes, object]


def steps(seed: int) -> Iterator[Step]:
    """Yield what the program does, the same for every process that asks."""
    random, now = Random(seed), dict(START)
    for number in count(1):
        added = sorted(key for key in now if key.startswith(b"new"))
        kind = random.choice(["change", "add", "rename", "delete"] if len(added) > 1 else ["change", "add"])
        key, new = (random.choice(added), f"new name {number}") if kind in ("rename", "delete") else (b"counter", "")
        match kind:
            case "change":
                new = str(number * 10 ** (number % 60))
                now[key] = int(new)
            case "add":
                key, new = b"new %d" % number, f"[{number}]"
                now[key] = [number]
            case "rename":
                now[new.encode()] = now.pop(key)
            case _:
                del now[key]
        yield Step(kind, key, new, dict(now))


class Typist:
    """Does steps in the window of the program by its keyboard."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        tab = window.area.current
        assert tab is not None
        self._tab: DatabaseTab = tab

    def work(self, seed: int) -> None:
        self._settle()
        say("ready")
        for number, step in enumerate(steps(seed), 1):
            getattr(self, f"_{step.kind}")(step)
            self._settle()
            self._tab.document.flush_journal()
            say(f"edited {number}")
            if number % SAVED_EVERY == 0:
                say(f"saving {number}")
                self._focus_table()
                self._press(self._tab.entries.view, Key.Key_S, CTRL)
                assert not self._tab.document.pending_changes, self._tab.notices.sentence
                say(f"saved {number}")

    def _change(self, step: Step) -> None:
        tree = self._tab.value.tree
        self._go(step.key)
        tree.setFocus()
        tree.setCurrentIndex(self._tab.value.model.index(0, 0))
        self._press(tree, Key.Key_F2)
        self._wait(lambda: tree.editor is not None)
        assert tree.editor is not None
        self._type_over(tree.editor, step.new)

    def _add(self, step: Step) -> None:
        self._go(step.key)
        self._press(self._tab.entries.view, Key.Key_N, CTRL | SHIFT)
        self._wait(lambda: self._window.findChild(QDialog, "new-entry") is not None)
        asked = self._window.findChild(QDialog, "new-entry")
        assert asked is not None
        key, value = part(asked, QLineEdit, "entry-key"), part(asked, QPlainTextEdit, "entry-value")
        QTest.keyClicks(value, step.new)
        self._type_over(key, step.key.decode())
        self._wait(lambda: self._window.findChild(QDialog, "new-entry") is None)

    def _rename(self, step: Step) -> None:
        view = self._tab.entries.view
        self._go(step.key)
        self._press(view, Key.Key_F2)
        self._wait(lambda: view.editing.editor is not None)
        assert view.editing.editor is not None
        self._type_over(view.editing.editor, step.new)

    def _delete(self, step: Step) -> None:
        self._go(step.key)
        self._press(self._tab.entries.view, Key.Key_Delete)

    def _go(self, key: bytes) -> None:
        """Make the entry of that key that is not deleted current; the table gets the focus."""
        document, model, view = self._tab.document, self._tab.entries.model, self._tab.entries.view
        for entry_id in map(model.entry_id, reversed(range(model.rowCount()))):
            pending = document.pending(entry_id)
            if document.key(entry_id) == key and (pending is None or pending.kind is not PendingKind.DELETED):
                view.select_entry(entry_id)
        self._focus_table()
        self._settle()

    def _focus_table(self) -> None:
        self._window.activateWindow()  # as a window manager does when a dialog is closed
        self._wait(self._window.isActiveWindow)
        self._tab.entries.view.setFocus()
        self._wait(self._tab.entries.view.hasFocus)

    def _type_over(self, field: QWidget, text: str) -> None:
        QTest.keyClick(field, Key.Key_A, CTRL)
        QTest.keyClicks(field, text)
        self._press(field, Key.Key_Return)

    def _press(
        self, widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        QTest.keyClick(widget, key, modifiers)
        self._settle()

    def _settle(self) -> None:
        self._wait(lambda: self._tab.document.is_indexed and self._tab.runner.is_idle)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        late = time.monotonic() + _SECONDS
        while not is_so():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)
            assert time.monotonic() < late, self._tab.notices.sentence


def say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def type_in_the_program(seed: int) -> None:
    """Find its window and work in it; ends the program when something goes wrong."""
    try:
        [window] = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow)]
        Typist(window).work(seed)
    except BaseException:  # noqa: BLE001 - whatever it is is told, and the program ends
        traceback.print_exc()
    finally:
        os._exit(3)  # also where nobody listens any more


def main(path: Path, seed: int) -> None:
    application = QApplication(["shelfscope"])
    QTimer.singleShot(0, application, partial(type_in_the_program, seed))
    run_window([path], read_only=False, screenshot=None, select=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
