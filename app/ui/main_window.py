"""The window: a tab for each open database, and what acts on the one in front."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QMessageBox, QVBoxLayout, QWidget

from app.document.journals import Journals
from app.engine.base import Engine
from app.ui.actions import Actions
from app.ui.availability import reasons
from app.ui.choices import Choice
from app.ui.command_palette import CommandPalette, commands_of
from app.ui.copying import Copying
from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.questions import ask_give_up
from app.ui.dialogs.settings_dialog import SettingsDialog
from app.ui.docks import ChangesDock, ProblemsDock
from app.ui.dropped_files import local_files
from app.ui.entry_actions import ENTRY_ACTIONS
from app.ui.errands import Errands
from app.ui.kept_changes import KeptChanges
from app.ui.making import Making
from app.ui.menus import RecentMenu, add_menus, add_tool_bar
from app.ui.node_actions import NODE_ACTIONS
from app.ui.notices import NoticeBar
from app.ui.open_dialog import OpenDialog
from app.ui.repairing import Repairing
from app.ui.save_all import SaveAll
from app.ui.settings import bytes_setting, settings
from app.ui.status import Facts, StatusBar
from app.ui.tab_actions import TabActions
from app.ui.tab_area import TabArea
from app.ui.tab_commands import TabCommands
from app.ui.wants import Want
from app.ui.watching import Watching
from app.ui.welcome import Welcome

_TITLE = "Shelfscope"
_DOCK_HEIGHT = 150
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class MainWindow(QMainWindow):
    """Assembles everything; knows databases only by their tabs."""

    closed = Signal()
    """Everything is closed and has ended."""

    def __init__(
        self, make_engine: Callable[[], Engine], *, read_only: bool = False, journals: Journals | None = None
    ) -> None:
        """``journals``: where unsaved changes outlive a crash."""
        super().__init__()
        self._is_closed = False
        self.setObjectName("main-window")
        self.setAccessibleName(_TITLE)
        self.setAcceptDrops(True)
        self.resize(1180, 740)
        self.actions_ = Actions(self)
        self.notices = NoticeBar()
        first_steps = (Choice("Open a database…", self.choose_files), Choice("New database…", self._on_new))
        self.area = TabArea(make_engine, first_steps, read_only=read_only, journals=journals)
        self.errands = Errands(self)
        beside = make_engine, self.area, self.errands, self.notices, self
        self._making = Making(*beside)
        self._repairing = Repairing(*beside)
        self._kept_changes = KeptChanges(*beside)
        if journals is not None:
            Welcome(self.area, journals, self.errands, self)
        self._commands = TabCommands(self.area, Copying(*beside), self._repairing, self)
        self._save_all = SaveAll(self.area, self.notices, self)
        self.status = StatusBar(self)
        self._watching = Watching(make_engine, self.area, self.errands)
        self.changes = ChangesDock(self)
        self.problems = ProblemsDock(self)
        self._recent = RecentMenu(self)
        self._lay_out()
        add_menus(self, self.actions_, self._recent, self._dock_actions())
        add_tool_bar(self, self.actions_)
        self._connect()
        self._connect_actions()
        for offer in (NODE_ACTIONS, ENTRY_ACTIONS):
            TabActions(self.area, self.actions_, offer, self)
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

    def _dock_actions(self) -> list[QAction]:
        actions = [self.changes.toggleViewAction(), self.problems.toggleViewAction()]
        for action, title in zip(actions, ("&Unsaved changes", "&Problems"), strict=True):
            action.setText(title)
        return actions

    def _connect(self) -> None:
        self.area.changed.connect(self._show_facts)
        self.area.activity_changed.connect(self.status.activity.show_activity)
        self.area.wanted.connect(self._on_wanted)
        self.errands.activity_changed.connect(self.status.errand.show_activity)
        self.status.cancel_changed.connect(self.actions_["cancel"].setEnabled)
        self.actions_["cancel"].setEnabled(False)
        self.errands.failed.connect(self.notices.show_error)
        self.errands.crashed.connect(self.notices.show_crash)
        self._repairing.problems_wanted.connect(self._on_problems_wanted)
        self._recent.chosen.connect(self._on_recent_chosen)
        self._commands.connect_changes(self.changes)
        self.changes.visibilityChanged.connect(self._on_changes_seen)

    def _connect_actions(self) -> None:
        self._commands.connect_actions(self.actions_)
        connect = self.actions_.connect
        connect("new", self._on_new)
        connect("open", self.choose_files)
        connect("salvage", self._on_salvage)
        connect("command-palette", self._on_command_palette)
        connect("cancel", self.status.cancel)
        connect("close-tab", self.area.close_current)
        connect("quit", self.close)
        connect("save-all", self._save_all.start)
        connect("settings", self._on_settings)

    # ---- files

    def open_file(self, path: Path, select: bytes | None = None) -> DatabaseTab:
        """Open a database in a tab of its own, or bring the tab that it has to the front."""
        return self.area.open_file(path, select)

    @Slot()
    def choose_files(self) -> None:
        """Ask for files to open."""
        tab = self.area.current
        dialog = OpenDialog(tab.document.path.parent if tab else None, self)
        dialog.filesSelected.connect(self._on_files_chosen)
        dialog.open()

    @Slot(list)
    def _on_files_chosen(self, names: list[str]) -> None:
        for name in names:
            self.open_file(Path(name))

    @Slot(object)
    def _on_recent_chosen(self, path: Path) -> None:
        self.open_file(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for path in local_files(event.mimeData()):
            self.open_file(path)
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closed:
            self.area.ask_to_close(self._ask_about_errands)
        event.setAccepted(self._is_closed)  # closed at once, or later, after an answer or a save

    def _ask_about_errands(self) -> None:
        """Ask last: closing may have waited for a save, and a copy may have been begun meanwhile."""
        if not self._is_closed and self.findChild(QMessageBox, "give-up-question") is None:
            ask_give_up(self.errands.titles, self._close_all, self)

    def _close_all(self) -> None:
        self.area.drop_all()
        self._on_all_closed()

    @Slot()
    def close_at_once(self) -> None:
        """Close everything without asking; the next start offers what is not saved."""
        if not self._is_closed:
            self.area.leave_all()
            self._on_all_closed()

    def _on_all_closed(self) -> None:
        settings().setValue("geometry", self.saveGeometry())
        self._is_closed = True
        self.hide()  # what ends slowly ends out of sight
        self.errands.shut_down()
        self.errands.join()
        self.area.join()
        self.closed.emit()

    def restore_geometry(self) -> None:
        """Put the window where it was when it was closed last."""
        self.restoreGeometry(bytes_setting("geometry"))

    # ---- what is asked of it

    @Slot()
    def _on_command_palette(self) -> None:
        CommandPalette(commands_of(self.menuBar(), without=self.actions_["command-palette"]), self).open()

    @Slot()
    def _on_settings(self) -> None:
        SettingsDialog(self).open()

    @Slot()
    def _on_new(self) -> None:
        self._making.ask_new()

    @Slot()
    def _on_salvage(self) -> None:
        tab = self.area.current
        self._repairing.ask_salvage(tab.document.path if tab else None)

    @Slot(object)
    def _on_wanted(self, want: Want) -> None:
        """Do what a button of the tab in front asks for."""
        tab = self.area.current
        if tab is None:
            return
        match want:
            case Want.CREATE:
                self._making.ask_new(tab.document.path)
            case Want.SAVE_AS:
                self._commands.ask_save_as()
            case Want.SAVE_KEPT:
                self._kept_changes.ask_save(tab)
            case Want.SALVAGE:
                self._on_salvage()
            case Want.PROBLEMS:
                self._on_problems_wanted(tab)

    @Slot(object)
    def _on_problems_wanted(self, tab: DatabaseTab) -> None:
        self.area.show_tab(tab)
        self.problems.show()
        self.problems.raise_()

    # ---- what is shown of it

    @Slot()
    def _show_facts(self) -> None:
        tab = self.area.current
        self.status.show_facts(tab.facts() if tab else Facts())
        self.setWindowTitle(f"{tab.document.name}{tab.mark} - {_TITLE}" if tab else _TITLE)
        self.changes.show_changes(tab.document if tab else None, tab.comparing if tab else None)
        self.problems.show_problems(tab.reading.problems if tab else (), is_read=bool(tab and tab.document.is_indexed))
        self._show_steps(tab if tab and tab.can_browse else None)
        self.actions_.enable(reasons(tab, self.area.all()))

    @Slot(bool)
    def _on_changes_seen(self, is_seen: bool) -> None:
        if is_seen:
            self._show_facts()

    def _show_steps(self, tab: DatabaseTab | None) -> None:
        undo = tab.document.history.next_undo if tab else None
        redo = tab.document.history.next_redo if tab else None
        self.actions_["undo"].setText(f"&Undo {undo.title}" if undo else "&Undo")
        self.actions_["redo"].setText(f"&Redo {redo.title}" if redo else "&Redo")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self.actions_.refresh_icons()
