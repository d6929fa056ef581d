"""The middle of the window: a tab for each open database, or what to do first."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QTabBar, QTabWidget, QWidget

from app.codecs.screen import ELLIPSIS
from app.document.document import Document
from app.document.journals import Journals
from app.engine.base import Engine
from app.ui.choices import Choice
from app.ui.close_guard import CloseGuard
from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.places import whole_path
from app.ui.icon_button import IconButton
from app.ui.jobs import Activity, JobRunner
from app.ui.models.roles import tool_tip
from app.ui.settings import remember_file
from app.ui.views.message_page import start_page

_CLOSE_ICON = 14
_TITLE_CHARS = 32
"""Characters of a file's name that its tab shows."""


class TabArea(QStackedWidget):
    """Opens and closes databases. A closed one ends out of sight: nothing here waits for its process."""

    changed = Signal()
    """Another tab is in front, or the facts of the one in front are others."""
    activity_changed = Signal(object)
    """The `Activity` to show, or None."""
    wanted = Signal(object)
    """What the tab in front wants of the window."""
    added = Signal(object)
    """A new `DatabaseTab`, before it is shown."""
    dropped = Signal(object)
    """A `DatabaseTab` that was closed."""
    node_changed = Signal()
    """Another row of the value tree in front is current, or selected."""

    def __init__(
        self,
        make_engine: Callable[[], Engine],
        first_steps: Sequence[Choice],
        *,
        read_only: bool,
        journals: Journals | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """``first_steps`` are offered while nothing is open."""
        super().__init__(parent)
        self.make_engine = make_engine
        self._read_only = read_only
        self._journals = journals
        self._ending: list[JobRunner] = []
        self._guard = CloseGuard(self)
        self._guard.failed.connect(self.show_tab)
        self.start_page = start_page(*first_steps)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("documents")
        self.tabs.setAccessibleName("Open databases")
        self.tabs.tabBar().setAccessibleName("Open databases")
        self.tabs.setDocumentMode(True)
        self.tabs.setMovable(True)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)  # Qt would cut many names to one letter each
        self.addWidget(self.start_page)
        self.addWidget(self.tabs)
        self.tabs.currentChanged.connect(self._on_tab_changed)

    @property
    def current(self) -> DatabaseTab | None:
        tab = self.tabs.currentWidget()
        return tab if isinstance(tab, DatabaseTab) else None

    def all(self) -> list[DatabaseTab]:
        widgets = (self.tabs.widget(place) for place in range(self.tabs.count()))
        return [tab for tab in widgets if isinstance(tab, DatabaseTab)]

    def open_file(self, path: Path, select: bytes | None = None) -> DatabaseTab:
        """Open a database in a tab of its own, or bring the tab that it has to the front."""
        path = whole_path(path)
        for tab in self.all():
            if tab.document.path.resolve() == path.resolve():
                self.tabs.setCurrentWidget(tab)
                if tab.is_refused:
                    tab.reading.reload()
                return tab
        document = Document(self.make_engine(), path, read_only=self._read_only, journals=self._journals)
        tab = DatabaseTab(document, self._journals)
        tab.changed.connect(self._on_facts_changed)
        tab.wanted.connect(self.wanted)
        tab.moved.connect(self._on_moved)
        tab.nodes.changed.connect(self.node_changed)
        tab.pasting.database_dropped.connect(self.open_file)
        self.added.emit(tab)
        for runner in (tab.filter_runner, tab.runner):
            runner.activity_changed.connect(self._on_activity)
        self.setCurrentWidget(self.tabs)
        place = self.tabs.addTab(tab, _tab_title(path.name))
        self._show_path(tab)
        self.tabs.tabBar().setTabButton(place, QTabBar.ButtonPosition.RightSide, self._close_button(tab))
        self.tabs.setCurrentIndex(place)
        tab.reading.start(select)
        tab.entries.view.setFocus()
        return tab

    def _show_path(self, tab: DatabaseTab) -> None:
        """Show and remember which file a tab is about."""
        self.tabs.setTabToolTip(self.tabs.indexOf(tab), tool_tip(str(tab.document.path)))
        remember_file(tab.document.path)

    @Slot()
    def _on_moved(self) -> None:
        tab = self.sender()
        if isinstance(tab, DatabaseTab):
            self._show_path(tab)

    @Slot(object)
    def show_tab(self, tab: DatabaseTab) -> None:
        """Bring a tab to the front."""
        self.tabs.setCurrentWidget(tab)

    def files(self) -> set[Path]:
        """Return all files that are open here, their real paths."""
        return {path.resolve() for tab in self.all() for path in tab.files}

    # ---- closing

    def _close_button(self, tab: DatabaseTab) -> IconButton:
        button = IconButton("close", "Close this database", _CLOSE_ICON)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Space would close what Tab came upon
        button.clicked.connect(partial(self._close, tab))
        return button

    def _close(self, tab: DatabaseTab, *_: object) -> None:
        self._guard.ask(lambda: [tab] if tab in self.all() else [], partial(self._drop, tab))

    def close_current(self) -> None:
        if self.current is not None:
            self._close(self.current)

    def ask_to_close(self, go_on: Callable[[], None]) -> None:
        """Ask about what is not saved, then call ``go_on``, which closes everything; or stay open."""
        self._guard.ask(self.all, go_on)

    def join(self) -> None:
        """Wait until all closed databases have ended."""
        for runner in self._ending:
            runner.join()
        self._ending.clear()

    def leave_all(self) -> None:
        """Close everything without asking; the next start offers what is not saved."""
        for tab in self.all():
            self._drop(tab, keeps_changes=True)

    def drop_all(self) -> None:
        """Close everything without asking; what is not saved is given up."""
        for tab in self.all():
            self._drop(tab)

    def _drop(self, tab: DatabaseTab, *, keeps_changes: bool = False) -> None:
        place = self.tabs.indexOf(tab)
        if place < 0:
            return
        tab.changed.disconnect(self._on_facts_changed)
        self.tabs.removeTab(place)
        self.dropped.emit(tab)
        tab.setParent(self)  # else Python owns it now, and may delete it in whatever thread it collects garbage
        tab.hide()
        for runner in (tab.filter_runner, tab.runner):
            runner.activity_changed.disconnect(self._on_activity)
            runner.ended.connect(self._on_runner_ended)
            self._ending.append(runner)
            runner.setParent(self)  # as the tab
        tab.shut_down(keeps_changes=keeps_changes)
        tab.deleteLater()
        if not self.tabs.count():
            self.setCurrentWidget(self.start_page)
        self.activity_changed.emit(None)
        self.changed.emit()

    @Slot()
    def _on_runner_ended(self) -> None:
        runner = self.sender()
        if isinstance(runner, JobRunner) and runner in self._ending:
            runner.join()
            self._ending.remove(runner)

    # ---- what the window shows of the tab in front

    @Slot(int)
    def _on_tab_changed(self, _place: int) -> None:
        self.activity_changed.emit(None)
        self.changed.emit()

    @Slot()
    def _on_facts_changed(self) -> None:
        tab = self.sender()
        if isinstance(tab, DatabaseTab):
            self._show_title(tab)
        if tab is self.current:
            self.changed.emit()

    def _show_title(self, tab: DatabaseTab) -> None:
        place, title = self.tabs.indexOf(tab), _tab_title(tab.document.name) + tab.mark
        if title != self.tabs.tabText(place):
            self.tabs.setTabText(place, title)
            self.changed.emit()  # whether anything is left to save

    @Slot(object)
    def _on_activity(self, activity: Activity | None) -> None:
        tab = self.current
        if tab is not None and self.sender() in (tab.runner, tab.filter_runner):
            self.activity_changed.emit(activity)


def _tab_title(name: str) -> str:
    half = _TITLE_CHARS // 2
    short = name if len(name) <= _TITLE_CHARS else f"{name[:half]}{ELLIPSIS}{name[-half:]}"
    return short.replace("&", "&&")
