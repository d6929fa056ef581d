"""The pages of a tab: entries beside a value, or why there is nothing to show."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from app.document.document import Document
from app.errors import AppError
from app.ui.views.message_page import MessagePage
from app.ui.wants import Want, show_refusal

_WIDTHS = [580, 600]


class TabPages(QStackedWidget):
    """Keeps the focus in the tab when another page takes the place of the one that has it."""

    turned = Signal()
    """Another page is in sight."""

    def __init__(self, entries: QWidget, value: QWidget) -> None:
        super().__init__()
        self._halves = QSplitter(Qt.Orientation.Horizontal)
        self._halves.setChildrenCollapsible(False)
        self._halves.addWidget(entries)
        self._halves.addWidget(value)
        self._halves.setSizes(_WIDTHS)
        self._halves.setHandleWidth(1)
        self._message = MessagePage("cannot-open", "warning")
        self.addWidget(self._halves)
        self.addWidget(self._message)

    @property
    def is_refused(self) -> bool:
        """Whether the page says why the database could not be opened."""
        return self.currentWidget() is self._message

    def add_below_message(self, widget: QWidget) -> None:
        """Put something under why the database could not be opened."""
        self._message.add_below(widget)

    def show_entries(self) -> None:
        self.setCurrentWidget(self._halves)

    def show_message(self, title: str, sentence: str) -> None:
        self._message.show_message(title, sentence)
        self._turn_to_message()

    def show_refusal(self, document: Document, error: AppError, act: Callable[[Want], None]) -> None:
        """Say why a database could not be opened; ``act`` is called for what a button asks."""
        show_refusal(self._message, document, error, act)
        self._turn_to_message()

    def _turn_to_message(self) -> None:
        had_focus = self.focusWidget() is not None
        self.setCurrentWidget(self._message)
        if had_focus:
            self._message.setFocus()
        self.turned.emit()
