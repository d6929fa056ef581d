"""The menu bar and the tool bar, as tables of action names."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMainWindow, QMenu, QWidget

from app.ui.actions import Actions
from app.ui.settings import forget_files, recent_files
from app.ui.theme import Theme, choose_theme, chosen_theme

_ICON = QSize(18, 18)
_FILE = (
    *("new", "open", "recent", "reload", None, "save", "save-as", "save-copy", "save-all", None),
    *("revert", "revert-all", "revert-to-file", None, "export", None, "settings", None, "close-tab", "quit"),
)
_CLIPBOARD = (
    *("cut-nodes", "copy-nodes", "paste-nodes"),
    *("copy-as-python", "copy-as-json", "copy-path"),
)
_VALUE = (
    *("edit-as-python", "edit-as-json", "change-type", "rename-key", None),
    *("insert-before", "append-item", "duplicate-node", "delete-nodes", None),
    *("move-up", "move-down", "sort-keys", None, "go-to-same"),
)
NODE_MENU: Sequence[str | None] = ("edit-value", *_VALUE[:9], None, *_CLIPBOARD, None, *_VALUE[10:])
"""What a row of the value tree offers."""
ENTRY_MENU: Sequence[str | None] = (
    *("add-entry", "duplicate-entry", "rename-entry", None),
    *("cut-entries", "copy-entries", "paste-entries", None, "delete-entries", "revert"),
)
"""What a row of the entry table offers."""
_MENUS: Sequence[tuple[str, Sequence[str | None]]] = (
    ("&File", _FILE),
    ("&Edit", ("undo", "redo", None, "entry", "value", None, "find")),
    ("&Database", ("convert", "compact", None, "check", "salvage", None, "cancel")),
    ("&View", ("command-palette", None, "theme", None, "docks")),
)
_TOOLS = ("new", "open", "save", None, "undo", "redo", "revert", None, "export")


class RecentMenu(QMenu):
    """Lists the databases opened last; it is filled when it is opened."""

    chosen = Signal(object)
    """The path of a database to open."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Open &recent", parent)
        self.aboutToShow.connect(self._on_opened)

    @Slot()
    def _on_opened(self) -> None:
        self.clear()
        for path in recent_files():
            self.addAction(str(path).replace("&", "&&")).triggered.connect(partial(self._on_chosen, path))
        if self.isEmpty():
            self.addAction("None yet").setEnabled(False)
        else:
            self.addSeparator()
            self.addAction("&Forget these").triggered.connect(forget_files)

    def _on_chosen(self, path: Path, *_: object) -> None:
        self.chosen.emit(path)


def add_menus(window: QMainWindow, actions: Actions, recent: RecentMenu, docks: Sequence[QAction]) -> None:
    """Fill the menu bar; ``docks`` show and hide the docks."""
    submenus = {
        "recent": recent,
        "theme": _theme_menu(window),
        "entry": _menu("&Entry", ENTRY_MENU[:-1], window, actions),
        "value": _menu("&Value", NODE_MENU, window, actions),
    }
    for title, names in _MENUS:
        menu = window.menuBar().addMenu(title)
        menu.setToolTipsVisible(True)  # they say why an action cannot be done
        for name in names:
            if name is None:
                menu.addSeparator()
            elif name in submenus:
                menu.addMenu(submenus[name])
            elif name == "docks":
                menu.addActions(docks)
            else:
                menu.addAction(actions[name])


def _menu(title: str, names: Sequence[str | None], window: QWidget, actions: Actions) -> QMenu:
    menu = QMenu(title, window)
    menu.setToolTipsVisible(True)
    menu.addActions(actions_of(names, actions, menu))
    return menu


def actions_of(names: Sequence[str | None], actions: Actions, parent: QWidget) -> list[QAction]:
    """Return what a view offers, with lines between."""
    found = []
    for name in names:
        if name is None:
            line = QAction(parent)
            line.setSeparator(True)
            found.append(line)
        else:
            found.append(actions[name])
    return found


def add_tool_bar(window: QMainWindow, actions: Actions) -> None:
    bar = window.addToolBar("Main")
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setIconSize(_ICON)
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for name in _TOOLS:
        if name is None:
            bar.addSeparator()
        else:
            bar.addAction(actions[name])


def _theme_menu(window: QWidget) -> QMenu:
    menu = QMenu("&Theme", window)
    group = QActionGroup(menu)
    for theme, title in ((Theme.SYSTEM, "&System"), (Theme.LIGHT, "&Light"), (Theme.DARK, "&Dark")):
        action = menu.addAction(title)
        action.setCheckable(True)
        action.setChecked(theme is chosen_theme())
        action.triggered.connect(partial(_on_theme_chosen, theme))
        group.addAction(action)
    return menu


def _on_theme_chosen(theme: Theme, *_: object) -> None:
    choose_theme(theme)
