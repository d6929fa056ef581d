"""The status bar: what the database is, how much of it is shown, what is not saved, what is going on."""

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from app.document.document import Document
from app.ui.jobs import Activity
from app.ui.labels import ElidedLabel
from app.ui.theme import GAP

_NEWS = 10_000
"""Milliseconds for which it is told what happened."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the status bar says of the tab in front."""

    format_: str = ""
    count: str = ""
    pending: str = ""
    read_only: str = ""
    news: str = ""


class News(QObject):
    """What happened to a database a moment ago; told quietly, as it needs no answer."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.text = ""
        self._forgetting = QTimer(self, singleShot=True, interval=_NEWS)
        self._forgetting.timeout.connect(partial(self.say, ""))

    @Slot(str)
    def say(self, sentence: str) -> None:
        """Tell it for some seconds."""
        self.text = sentence
        self._forgetting.start()
        self.changed.emit()


def facts_of(document: Document, shown_count: int, *, is_reading: bool) -> Facts:
    """Return the facts of a document of which ``shown_count`` entries that are not to be deleted are in the table."""
    info = document.info
    if info is None:
        return Facts()
    name = f"{info.format} · {info.variant}" if info.variant else info.format
    if info.recognised_only:
        return Facts(name)
    pending = document.change_count
    return Facts(
        name,
        _count(shown_count, len(document) - len(document.deleted_entries), is_reading=is_reading),
        f"{pending:,} unsaved {'change' if pending == 1 else 'changes'}" if pending else "",
        f"Read-only: {document.why_read_only}" if document.why_read_only else "",
    )


def _count(shown: int, count: int, *, is_reading: bool) -> str:
    more = "…" if is_reading else ""
    of_all = "" if shown == count else f"{shown:,} of "
    return f"{of_all}{count:,}{more} {'entry' if count == 1 else 'entries'}"


class ActivityView(QWidget):
    """What takes long, how far it is, and a button to give it up. Never in the way."""

    changed = Signal()
    """Something else is going on, or nothing is."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._activity: Activity | None = None
        self._title = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedSize(120, 8)
        self._bar.setAccessibleName("Progress")
        self._cancel = QToolButton(autoRaise=True)
        self._cancel.setText("Cancel")
        self._cancel.setObjectName(f"cancel-{name}")
        self._cancel.setAccessibleName("Cancel what is going on")
        self._cancel.clicked.connect(self.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, 0, GAP, 0)
        row.setSpacing(GAP)
        for widget in (self._title, self._bar, self._cancel):
            row.addWidget(widget)
        self.hide()

    @Slot(object)
    def show_activity(self, activity: Activity | None) -> None:
        self._activity = activity
        self.setVisible(activity is not None)
        if activity is not None:
            self._title.setText(activity.title)
            self.setAccessibleName(activity.title)
            self._bar.setRange(0, 1_000 if activity.total else 0)
            self._bar.setValue(1_000 * activity.done // activity.total if activity.total else 0)
            self._cancel.setVisible(activity.can_cancel and not activity.token.cancelled)
        self.changed.emit()

    @property
    def can_cancel(self) -> bool:
        """Whether something is going on that can be given up."""
        activity = self._activity
        return activity is not None and activity.can_cancel and not activity.token.cancelled

    @Slot()
    def cancel(self) -> None:
        if self._activity is not None and self.can_cancel:
            self._activity.token.cancel()
            self._cancel.hide()
            self.changed.emit()


class StatusBar(QStatusBar):
    """Shows facts of the tab in front, and what is going on there."""

    cancel_changed = Signal(bool)
    """Whether `cancel` does something now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.setAccessibleName("Status")
        self.setSizeGripEnabled(False)
        self.activity = ActivityView("activity")
        self.errand = ActivityView("errand")
        self._format = ElidedLabel("status-format", "Format of the database")
        self._count = ElidedLabel("status-count", "Entries shown, of all")
        self._pending = ElidedLabel("status-pending", "Changes that are not saved")
        self._read_only = ElidedLabel("status-read-only", "Why the database cannot be saved")
        self._news = ElidedLabel("status-news", "What happened a moment ago")
        self._news.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._lay_out()
        for view in (self.activity, self.errand):
            view.changed.connect(self._on_activity)

    def _lay_out(self) -> None:
        facts = QWidget()
        row = QHBoxLayout(facts)
        row.setContentsMargins(GAP, 2, GAP, 2)
        row.setSpacing(2 * GAP)
        for label in (self._format, self._count, self._pending, self._read_only, self._news):
            row.addWidget(label)
        row.addStretch(1)
        self.addWidget(facts, 1)
        self.addPermanentWidget(self.activity)
        self.addPermanentWidget(self.errand)

    def show_facts(self, facts: Facts) -> None:
        self._format.show_text(facts.format_)
        self._count.show_text(facts.count)
        self._pending.show_text(facts.pending)
        self._read_only.show_text(facts.read_only)
        self._news.show_text(facts.news)

    @property
    def _to_cancel(self) -> ActivityView | None:
        return next((view for view in (self.errand, self.activity) if view.can_cancel), None)

    @Slot()
    def cancel(self) -> None:
        """Give up what is going on beside the tabs; where nothing is, what is in the tab in front."""
        view = self._to_cancel
        if view is not None:
            view.cancel()

    @Slot()
    def _on_activity(self) -> None:
        self.cancel_changed.emit(self._to_cancel is not None)
