"""The window's actions: name, title, shortcut, icon, tooltip, in one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.icons import icon
from app.ui.models.roles import tool_tip

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
    _Spec("new", "&New…", _Key.New, "new", "Make a new database"),
    _Spec("open", "&Open…", _Key.Open, "open", "Open a database"),
    _Spec("save", "&Save", _Key.Save, "save", "Save all changes of this database"),
    _Spec(
        "save-as", "Save &as…", _Key.SaveAs, "save-as", "Save under another name, or in another format, and go on there"
    ),
    _Spec("revert", "&Revert entry", "Ctrl+Shift+R", "revert", "Take the unsaved change of this entry back"),
    _Spec("undo", "&Undo", _Key.Undo, "undo", "Undo the last edit"),
    _Spec("redo", "&Redo", "Ctrl+Shift+Z", "redo", "Do the edit again that was undone last"),
    _Spec("edit-value", "Edit &value", "F2", "", "Edit the current row of the value in place"),
    _Spec("find", "&Filter keys", _Key.Find, "find", "Go to the filter field"),
    _Spec("reload", "Read &again", "F5", "", "Read the file again; unsaved changes stay"),
    _Spec("export", "&Export to JSON…", "Ctrl+E", "export", "Export entries to a JSON file"),
    _Spec("convert", "&Convert…", "", "convert", "Copy all entries into a database of another format"),
    _Spec(
        "compact",
        "Co&mpact",
        "",
        "compact",
        "Write the database anew without the room that nothing uses; close other programs that have it open first",
    ),
    _Spec("check", "C&heck for damage", "", "check", "Read everything and compare it with what the format says"),
    _Spec("salvage", "&Salvage…", "", "salvage", "Find what is left in a damaged file"),
    _Spec("cancel", "Ca&ncel what is going on", "", "", "Give up what the status bar shows the progress of"),
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

    def enable(self, why_not: Mapping[str, str]) -> None:
        """Disable each of these actions that has a reason, and let its tooltip tell that."""
        for spec in _SPECS:
            if spec.name in why_not:
                action, reason = self._all[spec.name], why_not[spec.name]
                action.setEnabled(not reason)
                described = _described(spec, action)
                action.setToolTip(tool_tip(described, reason) if reason else described)


def _made(spec: _Spec, window: QWidget) -> QAction:
    action = QAction(spec.title, window)
    action.setObjectName(spec.name)
    action.setShortcut(QKeySequence(spec.shortcut))
    action.setToolTip(_described(spec, action))
    action.setStatusTip("")
    action.setIconText(spec.title.replace("&", "").replace("…", ""))
    return action


def _described(spec: _Spec, action: QAction) -> str:
    shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return f"{spec.description} ({shortcut})" if shortcut else spec.description
