"""A field and a list, over the window, in which any command is found by its name and run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QFocusEvent, QKeyEvent, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QHeaderView,
    QLineEdit,
    QMenuBar,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.ui.theme import GAP, PADDING, colours_of, row_height
from app.ui.views.text_table import TextTable

_WIDTH = 520
_ROWS = 12
"""Rows of the list; more are scrolled to."""
_STEPS: dict[int, int] = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -_ROWS, Qt.Key.Key_PageDown: _ROWS}
_RUN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_COMES_BACK = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
_NO_MATCH = "No command has such a name."


@dataclass(frozen=True, slots=True)
class Command:
    """An action of a menu, named with the menus that it is in."""

    title: str
    action: QAction

    @property
    def shortcut(self) -> str:
        return self.action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def commands_of(bar: QMenuBar, *, without: QAction) -> list[Command]:
    """Return the enabled actions of all menus, in their order, except one."""
    return [command for command in _commands(bar.actions(), ()) if command.action is not without]


def _commands(actions: Iterable[QAction], menus: tuple[str, ...]) -> Iterator[Command]:
    for action in actions:
        names = (*menus, _plain(action.text()))
        menu = action.menu()
        if isinstance(menu, QWidget):
            yield from _commands(menu.actions(), names)
        elif action.isEnabled() and action.isVisible() and not action.isSeparator():
            yield Command(": ".join(names), action)


def _plain(text: str) -> str:
    """Return a menu's text without the marks of its access key and of a dialog to come."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").removesuffix("…")


def matching(text: str, commands: Sequence[Command]) -> list[Command]:
    """Return the commands whose titles have all words of ``text``, or else its letters in this order; best first."""
    ranked = [(rank, command) for command in commands if (rank := _rank(text.casefold(), command.title.casefold()))]
    return [command for _, command in sorted(ranked, key=lambda pair: pair[0])]


def _rank(text: str, title: str) -> int:
    """Return 1 for a title that has the text where a name starts, more for worse matches, 0 for none."""
    own_name = title.rpartition(": ")[2]
    if own_name.startswith(text):
        return 1
    if all(word in title for word in text.split()):
        return 2 if text in own_name else 3
    letters = iter(title)
    return 4 if all(letter in letters for letter in text if letter != " ") else 0


class _Field(QLineEdit):
    """Leaves the keys that move in the list, run and close to the palette."""

    stepped = Signal(int)
    ran = Signal()
    left = Signal()
    """Escape was pressed, or the focus went elsewhere."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif key in _RUN_KEYS:
            self.ran.emit()
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in _COMES_BACK:
            self.left.emit()


class CommandPalette(QFrame):
    """A part of the window, not a window: some desktops give a popup neither the keys nor its place.

    It closes before it runs what was chosen, so that the command finds the focus where it was.
    """

    def __init__(self, commands: Sequence[Command], parent: QWidget) -> None:
        super().__init__(parent)
        self._focus_before = QApplication.focusWidget()
        self.setObjectName("commands-popup")
        self.setAccessibleName("Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
        outlined = self.palette()
        outlined.setColor(QPalette.ColorRole.WindowText, colours_of(outlined).dim)
        self.setPalette(outlined)
        self.setAutoFillBackground(True)
        self._commands = list(commands)
        self._matching = self._commands
        self._field = _Field()
        self._list = TextTable("commands", "Commands", ("Command", "Shortcut"))
        self._set_up()
        self._field.textChanged.connect(self._on_text)
        self._field.stepped.connect(self._on_step)
        self._field.ran.connect(self._on_run)
        self._field.left.connect(self.close)
        self._list.clicked.connect(self._on_clicked)
        self._on_text("")

    def _set_up(self) -> None:
        self._field.setObjectName("command-field")
        self._field.setAccessibleName("Find a command")
        self._field.setPlaceholderText("Find a command")
        self._field.setMinimumHeight(30)
        self._field.setTextMargins(PADDING - 2, 0, 0, 0)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.horizontalHeader().hide()
        self._list.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._list.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP, GAP, GAP)
        column.setSpacing(GAP)
        column.addWidget(self._field)
        column.addWidget(self._list)

    def open(self) -> None:
        """Show it near the top of its window, no wider than that."""
        room = self.window().width()
        width = min(_WIDTH, room - 2 * GAP)
        self.setFixedWidth(width)
        self.move((room - width) // 2, 7 * GAP)
        self.show()
        self.raise_()
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._field.hasFocus() and self._focus_before is not None and isValid(self._focus_before):
            self._focus_before.setFocus(Qt.FocusReason.PopupFocusReason)
        super().closeEvent(event)

    @Slot(str)
    def _on_text(self, text: str) -> None:
        self._matching = matching(text.strip(), self._commands)
        found = [(command.title, command.shortcut) for command in self._matching]
        self._list.rows.show_rows(found or [(_NO_MATCH, "")])
        self._list.setFixedHeight(min(max(len(found), 1), _ROWS) * row_height())
        self.adjustSize()
        if found:
            self._list.selectRow(0)

    @Slot(int)
    def _on_step(self, rows: int) -> None:
        last = len(self._matching) - 1
        if last >= 0:
            self._list.selectRow(min(max(self._list.currentIndex().row() + rows, 0), last))

    @Slot(QModelIndex)
    def _on_clicked(self, _index: QModelIndex) -> None:
        self._on_run()

    @Slot()
    def _on_run(self) -> None:
        row = self._list.currentIndex().row()
        if 0 <= row < len(self._matching):
            action = self._matching[row].action
            QTimer.singleShot(0, action, action.trigger)
            self.close()
