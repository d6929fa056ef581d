"""The window: a tab for each open database, and what acts on the one in front."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMenu, QVBoxLayout, QWidget

from app.document.history import EntryRef
from app.engine.base import Engine
from app.ui.actions import Actions
from app.ui.command_palette import CommandPalette, commands_of
from app.ui.database_tab import DatabaseTab
from app.ui.docks import ChangesDock, ProblemsDock
from app.ui.export_dialog import ExportDialog
from app.ui.notices import NoticeBar
from app.ui.settings import bytes_setting, forget_files, recent_files, settings
from app.ui.status import Facts, StatusBar
from app.ui.tab_area import TabArea
from app.ui.theme import Theme, choose_theme, chosen_theme

_TITLE = "Shelfscope"
_DOCK_HEIGHT = 150
_ICON = QSize(18, 18)
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class MainWindow(QMainWindow):
    """Assembles everything; knows databases only by their tabs."""

    closed = Signal()
    """Everything is closed and has ended."""

    def __init__(self, make_engine: Callable[[], Engine], *, read_only: bool = False) -> None:
        super().__init__()
        self._is_closed = False
        self.setObjectName("main-window")
        self.setAccessibleName(_TITLE)
        self.setAcceptDrops(True)
        self.resize(1180, 740)
        self.actions_ = Actions(self)
        self.notices = NoticeBar()
        self.area = TabArea(make_engine, read_only=read_only)
        self.status = StatusBar(self)
        self.changes = ChangesDock(self)
        self.problems = ProblemsDock(self)
        self._recent = QMenu("Open &recent", self)
        self._lay_out()
        self._add_menus()
        self._add_tool_bar()
        self._connect()
        self._show_facts()

    # ---- putting together

    def _lay_out(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notices)
        column.addWidget(self.area, 1)
        self.setCentralWidget(centre)
        self.setStatusBar(self.status)
        self.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks)
        for dock in (self.changes, self.problems):
            self.addDockWidget(_BOTTOM, dock)
        self.tabifyDockWidget(self.changes, self.problems)
        self.resizeDocks([self.changes, self.problems], [_DOCK_HEIGHT] * 2, Qt.Orientation.Vertical)

    def _add_menus(self) -> None:
        self._fill_menu("&File", ("open", "reload", None, "save", "revert", None, "export", None, "close-tab", "quit"))
        self._fill_menu("&Edit", ("undo", "redo", None, "edit-value", None, "find"))
        view = self.menuBar().addMenu("&View")
        view.addAction(self.actions_["command-palette"])
        view.addSeparator()
        view.addMenu(self._theme_menu())
        view.addSeparator()
        for dock, title in ((self.changes, "&Unsaved changes"), (self.problems, "&Problems")):
            view.addAction(dock.toggleViewAction())
            dock.toggleViewAction().setText(title)
        self._recent.aboutToShow.connect(self._on_recent_opened)

    def _fill_menu(self, title: str, names: Sequence[str | None]) -> None:
        menu = self.menuBar().addMenu(title)
        for name in names:
            if name is None:
                menu.addSeparator()
            else:
                menu.addAction(self.actions_[name])
            if name == "open":
                menu.addMenu(self._recent)

    def _theme_menu(self) -> QMenu:
        menu = QMenu("&Theme", self)
        group = QActionGroup(menu)
        for theme, title in ((Theme.SYSTEM, "&System"), (Theme.LIGHT, "&Light"), (Theme.DARK, "&Dark")):
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(theme is chosen_theme())
            action.triggered.connect(partial(_on_theme_chosen, theme))
            group.addAction(action)
        return menu

    def _add_tool_bar(self) -> None:
        bar = self.addToolBar("Main")
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(_ICON)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in ("open", "save", None, "undo", "redo", "revert", None, "export"):
            if name is None:
                bar.addSeparator()
            else:
                bar.addAction(self.actions_[name])

    def _connect(self) -> None:
        self.area.changed.connect(self._show_facts)
        self.area.activity_changed.connect(self.status.activity.show_activity)
        self.area.start_page.button.clicked.connect(self.choose_files)
        self.changes.chosen.connect(self._on_change_chosen)
        self.changes.revert_wanted.connect(self._on_change_revert)
        connect = self.actions_.connect
        connect("open", self.choose_files)
        connect("quit", self.close)
        connect("close-tab", self.area.close_current)
        connect("export", self._on_export)
        connect("reload", self._on_reload)
        connect("save", self._on_save)
        connect("revert", self._on_revert)
        connect("undo", self._on_undo)
        connect("redo", self._on_redo)
        connect("edit-value", self._on_edit_value)
        connect("find", self._on_find)
        connect("command-palette", self._on_command_palette)

    # ---- files

    def open_file(self, path: Path, select: bytes | None = None) -> DatabaseTab:
        """Open a database in a tab of its own, or bring the tab that it has to the front."""
        return self.area.open_file(path, select)

    @Slot()
    def choose_files(self) -> None:
        """Ask for files to open."""
        dialog = QFileDialog(self, "Open databases")
        dialog.setObjectName("open-dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if tab := self.area.current:
            dialog.setDirectory(str(tab.document.path.parent))
        dialog.filesSelected.connect(self._on_files_chosen)
        dialog.open()

    @Slot(list)
    def _on_files_chosen(self, names: list[str]) -> None:
        for name in names:
            self.open_file(Path(name))

    @Slot()
    def _on_recent_opened(self) -> None:
        self._recent.clear()
        for path in recent_files():
            self._recent.addAction(str(path).replace("&", "&&")).triggered.connect(
                partial(self._on_recent_chosen, path)
            )
        if self._recent.isEmpty():
            self._recent.addAction("None yet").setEnabled(False)
        else:
            self._recent.addSeparator()
            self._recent.addAction("&Forget these").triggered.connect(forget_files)

    def _on_recent_chosen(self, path: Path, *_: object) -> None:
        self.open_file(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.open_file(Path(url.toLocalFile()))
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closed:
            self.area.close_all(self._on_all_closed)
        event.setAccepted(self._is_closed)  # closed at once, or later, after an answer or a save

    @Slot()
    def close_at_once(self) -> None:
        """Close everything without asking."""
        if not self._is_closed:
            self.area.drop_all()
            self._on_all_closed()

    def _on_all_closed(self) -> None:
        settings().setValue("geometry", self.saveGeometry())
        self._is_closed = True
        self.hide()  # what ends slowly ends out of sight
        self.area.join()
        self.closed.emit()

    def restore_geometry(self) -> None:
        """Put the window where it was when it was closed last."""
        self.restoreGeometry(bytes_setting("geometry"))

    # ---- the tab in front

    def _on_tab(self, act: Callable[[DatabaseTab], object]) -> None:
        tab = self.area.current
        if tab is not None and tab.can_browse:
            act(tab)

    @Slot()
    def _on_save(self) -> None:
        self._on_tab(DatabaseTab.save)

    @Slot()
    def _on_undo(self) -> None:
        self._on_tab(DatabaseTab.undo)

    @Slot()
    def _on_redo(self) -> None:
        self._on_tab(DatabaseTab.redo)

    @Slot()
    def _on_revert(self) -> None:
        self._on_tab(DatabaseTab.revert_current)

    @Slot()
    def _on_edit_value(self) -> None:
        self._on_tab(lambda tab: tab.value.tree.edit_current())

    @Slot()
    def _on_find(self) -> None:
        self._on_tab(lambda tab: tab.entries.focus_filter())

    @Slot()
    def _on_command_palette(self) -> None:
        CommandPalette(commands_of(self.menuBar(), without=self.actions_["command-palette"]), self).open()

    @Slot()
    def _on_reload(self) -> None:
        self._on_tab(DatabaseTab.reload)

    @Slot()
    def _on_export(self) -> None:
        self._on_tab(self._ask_export)

    def _ask_export(self, tab: DatabaseTab) -> None:
        dialog = ExportDialog(tab, self)
        dialog.chosen.connect(tab.export)
        dialog.open()

    @Slot(object)
    def _on_change_chosen(self, ref: EntryRef) -> None:
        self._on_tab(lambda tab: tab.select(ref))

    @Slot(object)
    def _on_change_revert(self, ref: EntryRef) -> None:
        self._on_tab(lambda tab: tab.revert(ref))

    # ---- what is shown of it

    @Slot()
    def _show_facts(self) -> None:
        tab = self.area.current
        self.status.show_facts(tab.facts() if tab else Facts())
        self.setWindowTitle(f"{tab.document.name} - {_TITLE}" if tab else _TITLE)
        self.changes.show_changes(tab.document if tab else None)
        self.problems.show_problems(tab.document.problems if tab else ())
        self._enable_actions(tab if tab and tab.can_browse else None)

    def _enable_actions(self, tab: DatabaseTab | None) -> None:
        undo = tab.document.history.next_undo if tab else None
        redo = tab.document.history.next_redo if tab else None
        self.actions_["undo"].setText(f"&Undo {undo.title}" if undo else "&Undo")
        self.actions_["redo"].setText(f"&Redo {redo.title}" if redo else "&Redo")
        self.actions_.enable(
            undo=undo is not None,
            redo=redo is not None,
            save=tab is not None and tab.can_save,
            revert=tab is not None and tab.is_current_pending,
            export=tab is not None and tab.document.is_indexed,
            find=tab is not None,
            reload=self.area.current is not None,
            edit_value=tab is not None and not tab.document.why_read_only,
            close_tab=self.area.current is not None,
        )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self.actions_.refresh_icons()


def _on_theme_chosen(theme: Theme, *_: object) -> None:
    choose_theme(theme)
