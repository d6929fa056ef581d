"""The window's actions: name, title, shortcut, icon, tooltip, in one table."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.icons import icon

_Key = QKeySequence.StandardKey


@dataclass(frozen=True, slots=True)
class _Spec:
    """One action; its name is also its object name."""

    name: str
    title: str
    shortcut: QKeySequence.StandardKey | str
    drawing: str
    description: str


_SPECS = (
    _Spec("open", "&Open…", _Key.Open, "open", "Open a database"),
    _Spec("save", "&Save", _Key.Save, "save", "Save all changes of this database"),
    _Spec("revert", "&Revert entry", "Ctrl+Shift+R", "revert", "Take the unsaved change of this entry back"),
    _Spec("undo", "&Undo", _Key.Undo, "undo", "Undo the last edit"),
    _Spec("redo", "&Redo", "Ctrl+Shift+Z", "redo", "Do the edit again that was undone last"),
    _Spec("edit-value", "Edit &value", "F2", "", "Edit the current row of the value in place"),
    _Spec("find", "&Filter keys", _Key.Find, "find", "Go to the filter field"),
    _Spec("reload", "Read &again", "F5", "", "Read the file again; unsaved changes stay"),
    _Spec("export", "&Export to JSON…", "Ctrl+E", "export", "Export entries to a JSON file"),
    _Spec("close-tab", "&Close tab", "Ctrl+W", "close", "Close this database"),
    _Spec("command-palette", "&Command palette…", "Ctrl+Shift+P", "", "Find any command by its name"),
    _Spec("quit", "&Quit", "Ctrl+Q", "", "Close all databases and the window"),
)


class Actions:
    """All actions by name, made for one window."""

    def __init__(self, window: QWidget) -> None:
        self._all = {spec.name: _made(spec, window) for spec in _SPECS}
        self.refresh_icons()

    def __getitem__(self, name: str) -> QAction:
        return self._all[name]

    def connect(self, name: str, slot: Callable[[], object]) -> None:
        self._all[name].triggered.connect(slot)

    def refresh_icons(self) -> None:
        """Draw the icons in the colours of the palette as it is now."""
        for spec in _SPECS:
            if spec.drawing:
                self._all[spec.name].setIcon(icon(spec.drawing))

    def enable(self, **states: bool) -> None:
        """Enable or disable actions; a hyphen in a name is written as an underscore."""
        for name, state in states.items():
            self._all[name.replace("_", "-")].setEnabled(state)


def _made(spec: _Spec, window: QWidget) -> QAction:
    action = QAction(spec.title, window)
    action.setObjectName(spec.name)
    action.setShortcut(QKeySequence(spec.shortcut))
    shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    action.setToolTip(f"{spec.description} ({shortcut})" if shortcut else spec.description)
    action.setStatusTip("")
    action.setIconText(spec.title.replace("&", "").replace("…", ""))
    return action
