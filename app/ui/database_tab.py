"""One open database: its entries on the left, the chosen one's value on the right."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.document.document import Document
from app.document.journals import Journals
from app.ui.comparing import Comparing
from app.ui.entry_commands import EntryCommands
from app.ui.entry_panel import EntryPanel
from app.ui.entry_pasting import EntryPasting
from app.ui.entry_renaming import EntryRenaming
from app.ui.exporting import start_export
from app.ui.jobs import JobRunner
from app.ui.node_commands import NodeCommands
from app.ui.notices import NoticeBar
from app.ui.on_disk import OnDisk
from app.ui.previews import Previews
from app.ui.reading import Reading
from app.ui.restoring import Restoring
from app.ui.saving import Saving
from app.ui.showing import Showing
from app.ui.status import Facts, News, facts_of
from app.ui.stepping import Stepping
from app.ui.tab_pages import TabPages
from app.ui.value_editing import ValueEditing
from app.ui.value_panel import ValuePanel
from app.ui.wants import Want, choices


class DatabaseTab(QWidget):
    """Owns a document, its two job runners and the widgets that show it; its parts do the work."""

    changed = Signal()
    """Something that the title, the status bar or the actions show is another now."""
    moved = Signal()
    """The document is that of another file now."""
    opened = Signal()
    """The container was opened, so that its files are known."""
    wanted = Signal(object)
    """A `Want`: what a button of the tab asks the window to do."""

    def __init__(self, document: Document, journals: Journals | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.runner = JobRunner(f"engine of {document.name}")
        self.filter_runner = JobRunner(f"filter of {document.name}")
        self.notices = NoticeBar()
        self.news = News(self)
        self.entries = EntryPanel(document, self.filter_runner)
        self.value = ValuePanel(document, self.runner)
        self._pages = TabPages(self.entries, self.value)
        self._previews = Previews(document, self.value, self.runner, self.filter_runner)
        self.renaming = EntryRenaming(document, self.entries, self.runner, self.notices)
        self.editing = ValueEditing(document, self.value, self.runner, self.renaming)
        self.nodes = NodeCommands(document, self.value, self.editing, self.runner)
        self.saving = Saving(document, self.editing, self.runner, self.notices)
        self.on_disk = OnDisk(document, self.saving, self.runner, self.notices)
        self.reading = Reading(
            document, self.entries, self.editing, self.on_disk, self._pages, self.runner, self.notices
        )
        self.stepping = Stepping(document, self.entries, self.runner, self.notices)
        self.commands = EntryCommands(document, self.entries, self.saving, self.runner, self.notices)
        self.pasting = EntryPasting(document, self.entries, self.saving, self.runner, self.notices)
        self.comparing = Comparing(document, self.runner, self)
        self.restoring = Restoring(document, journals, self.editing.settling, self.runner, self.notices)
        self._showing = Showing(document, self.entries, self.value, self.editing, self.runner)
        self._lay_out()
        self._connect()
        self._connect_document()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for bar in (self.notices, self.restoring.bar, self.on_disk.bar):
            column.addWidget(bar)
        column.addWidget(self._pages, 1)
        self._pages.add_below_message(self.restoring.panel)

    def _connect(self) -> None:
        for runner in (self.runner, self.filter_runner):
            runner.failed.connect(self.notices.show_error)
            runner.crashed.connect(self.notices.show_crash)
        self.editing.failed.connect(self.notices.show_error)
        self.editing.started.connect(self.notices.forget_told)
        self.nodes.said.connect(self.notices.show_info)
        self.editing.said.connect(self.notices.show_info)
        self.value.stale.connect(self.reading.reload_stale)
        self.value.decoded.connect(self.reading.note_success)
        self.value.tree.files_dropped.connect(self.pasting.take_files)
        self.value.tree.edit_impossible.connect(self._on_edit_impossible)
        self.entries.view.rename_wanted.connect(self._on_rename_wanted)
        self.saving.rewritten.connect(self.reading.read)
        self.reading.finished.connect(self.restoring.look)
        self._pages.turned.connect(self._on_page_turned)
        self.restoring.save_wanted.connect(partial(self.wanted.emit, Want.SAVE_KEPT))
        self.reading.opened.connect(self.opened)
        self.reading.moved.connect(self.moved)
        self.reading.wanted.connect(self.wanted)
        for asking in (self.saving, self.on_disk):
            asking.save_as_wanted.connect(partial(self.wanted.emit, Want.SAVE_AS))
            asking.said.connect(self.news.say)
        for part in (self.editing, self.renaming, self.comparing, self.reading, self._showing):
            part.changed.connect(self.changed)
        self.entries.rows_changed.connect(self.changed)
        self.news.changed.connect(self.changed)

    def _connect_document(self) -> None:
        self.document.pending_changed.connect(self._on_changed)
        self.document.history.changed.connect(self._on_changed)
        self.document.notice.connect(self._on_notice)

    @Slot()
    def _on_page_turned(self) -> None:
        if self.is_refused:
            self.restoring.look_without_file()

    def _on_changed(self) -> None:
        self.changed.emit()

    def _on_notice(self, sentence: str) -> None:
        self.notices.show_info(sentence)

    # ---- what is known of it

    @property
    def can_browse(self) -> bool:
        """Whether there are entries to look at."""
        return self.reading.can_browse

    @property
    def is_refused(self) -> bool:
        """Whether the database could not be opened, and the page says why."""
        return self._pages.is_refused

    @property
    def files(self) -> set[Path]:
        """The files of the database, as far as they are known; none of one that is not there."""
        info = self.document.info
        return {self.document.path, *map(Path, info.files)} if info else set()

    @property
    def can_save(self) -> bool:
        """Whether there is something to save, what an open editor holds included."""
        has_some = self.document.pending_count > 0 or self.editing.is_active
        return has_some and not self.is_saving and not self.document.why_read_only

    @property
    def has_changes(self) -> bool:
        return self.document.pending_count > 0 or self.editing.is_open

    @property
    def mark(self) -> str:
        """What follows the name of a database with changes that are not saved."""
        return " •" if self.document.pending_count else ""

    @property
    def is_saving(self) -> bool:
        return self.saving.is_running

    def facts(self) -> Facts:
        """Return what the status bar shows."""
        facts = facts_of(self.document, self.entries.kept_count, is_reading=self.reading.is_running)
        return replace(Facts(facts.format_) if self.is_refused else facts, news=self.news.text)

    # ---- what a person does

    def export(self, entry_ids: Sequence[int] | None, target: Path) -> None:
        """Export entries (all when None) to a JSON file, or JSON Lines by its suffix."""
        start_export(self.document, entry_ids, target, self.runner, self.notices)

    def shut_down(self, *, keeps_changes: bool = False) -> None:
        """Give up what runs and close the database; the runners' ``ended`` follow.

        What is pending is given up too, or left for the next start to offer.
        """
        self.filter_runner.shut_down(_nothing)
        self.runner.shut_down(partial(self.document.close, keeps_changes=keeps_changes))

    @Slot(int)
    def _on_edit_impossible(self, _slot_number: int) -> None:
        if self.document.why_read_only:
            self._say_read_only()

    @Slot()
    def _on_rename_wanted(self) -> None:
        """Let a double-clicked key be typed over, where that can be."""
        if self.document.why_read_only:
            self._say_read_only()
        elif self.document.is_indexed and not self.commands.why_not():
            self.renaming.begin()

    def _say_read_only(self) -> None:
        self.notices.show_info(self.document.why_read_only, *choices((Want.SAVE_AS,), self.wanted.emit))


def _nothing() -> None:
    pass
