"""The window's actions: name, title, shortcut, icon, tooltip, in one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
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
    is_of_view: bool = False
    """Whether its key acts only while a view that has the action has the focus."""


_NODE_SPECS = (
    _Spec("edit-as-python", "Edit as &Python literal…", "Shift+F2", "", "Edit this part of the value as text", True),
    _Spec("edit-as-json", "Edit as &JSON…", "Ctrl+F2", "", "Edit this part of the value as typed JSON", True),
    _Spec("change-type", "Change &type…", "Ctrl+T", "", "Make this a value of another type", True),
    _Spec("rename-key", "&Rename key", "Ctrl+R", "", "Give this value another key; its place stays", True),
    _Spec("insert-before", "&Insert before…", "Ins", "", "Put a new item in front of this one", True),
    _Spec("append-item", "&Append…", "Ctrl+Return", "", "Add an item, a pair or an attribute at the end", True),
    _Spec("duplicate-node", "D&uplicate", "Ctrl+D", "", "Put a copy of this behind it", True),
    _Spec("delete-nodes", "&Delete", _Key.Delete, "", "Take the selected rows out of the value", True),
    _Spec("move-up", "Move &up", "Alt+Up", "", "Put this in front of the one before it", True),
    _Spec("move-down", "Move &down", "Alt+Down", "", "Put this behind the one after it", True),
    _Spec("sort-keys", "&Sort keys", "Ctrl+Shift+K", "", "Put the pairs in the order of their keys", True),
    _Spec("go-to-same", "&Go to the same object", "Ctrl+G", "", "Go to where this object stands first", True),
    _Spec("cut-nodes", "Cu&t", _Key.Cut, "", "Copy the selected rows, and take them out of the value", True),
    _Spec("copy-nodes", "&Copy", _Key.Copy, "", "Copy the selected rows", True),
    _Spec("paste-nodes", "&Paste", _Key.Paste, "", "Put in what was copied, or a Python literal", True),
    _Spec("copy-as-python", "Copy as P&ython", "Ctrl+Shift+C", "", "Copy the text of a Python literal", True),
    _Spec("copy-as-json", "Copy as JSO&N", "Ctrl+Alt+C", "", "Copy the text of plain JSON", True),
    _Spec("copy-path", "Copy pat&h", "Ctrl+Alt+P", "", "Copy the path of the selected rows", True),
)
"""What acts on rows of the value tree; their keys do so while it has the focus."""
_ENTRY_SPECS = (
    _Spec("add-entry", "Add e&ntry…", "Ctrl+Shift+N", "", "Add an entry with a new key and value"),
    _Spec("duplicate-entry", "D&uplicate entry…", "Ctrl+D", "", "Add a copy of this entry under another key", True),
    _Spec("rename-entry", "Rena&me entry", "F2", "", "Give this entry another key; its value stays", True),
    _Spec("cut-entries", "Cu&t entries", _Key.Cut, "", "Copy the selected entries, and delete them", True),
    _Spec("copy-entries", "&Copy entries", _Key.Copy, "", "Copy the selected entries, keys and values", True),
    _Spec("paste-entries", "&Paste entries", _Key.Paste, "", "Put in copied entries, or JSON as entries", True),
    _Spec("delete-entries", "De&lete entries", _Key.Delete, "", "Delete the selected entries at the next save", True),
)
"""What acts on whole entries."""
_SPECS = (
    _Spec("new", "&New…", _Key.New, "new", "Make a new database"),
    _Spec("open", "&Open…", _Key.Open, "open", "Open a database"),
    _Spec("save", "&Save", _Key.Save, "save", "Save all changes of this database"),
    _Spec(
        "save-as", "Save &as…", _Key.SaveAs, "save-as", "Save under another name, or in another format, and go on there"
    ),
    _Spec("save-all", "Save a&ll", "Ctrl+Alt+S", "", "Save all changes of all databases"),
    _Spec("save-copy", "Save a cop&y…", "", "", "Write the entries as they are now to another file"),
    _Spec("revert-to-file", "Revert to &file…", "", "", "Read the file again and take all unsaved changes back"),
    _Spec("revert", "&Revert entry", "Ctrl+Shift+R", "revert", "Take the unsaved change of this entry back"),
    _Spec("revert-all", "Re&vert all entries", "", "", "Take all unsaved changes back"),
    _Spec("undo", "&Undo", _Key.Undo, "undo", "Undo the last edit"),
    _Spec("redo", "&Redo", "Ctrl+Shift+Z", "redo", "Do the edit again that was undone last"),
    _Spec("edit-value", "Edit &value", "F2", "", "Edit the current row of the value in place", True),
    *_NODE_SPECS,
    *_ENTRY_SPECS,
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
    _Spec("settings", "Se&ttings…", "Ctrl+,", "", "Choose how many backups are kept"),
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
    if spec.is_of_view:
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.setStatusTip("")
    action.setIconText(spec.title.replace("&", "").replace("…", ""))
    return action


def _described(spec: _Spec, action: QAction) -> str:
    shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return f"{spec.description} ({shortcut})" if shortcut else spec.description
