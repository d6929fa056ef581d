"""Asks once before changes that are not saved are given up."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox, QWidget

from app.cancel import CancelToken
from app.document.job import Job
from app.ui.database_tab import DatabaseTab

_Button = QMessageBox.StandardButton


def _nothing_at_all(_token: CancelToken) -> None:
    pass


class CloseGuard(QObject):
    """Lets tabs be closed when they hold nothing to lose; else asks: save, discard or stay."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._box: QMessageBox | None = None
        self._saving: list[DatabaseTab] = []
        self._go_on: Callable[[], None] | None = None

    def ask(self, tabs: Sequence[DatabaseTab], go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when these tabs may be closed: at once, after an answer, after a save, or never."""
        if self._box is not None:
            self._box.activateWindow()
            return
        at_risk = [tab for tab in tabs if tab.has_changes]
        if at_risk:
            self._open_box(at_risk, go_on)
        elif saving := [tab for tab in tabs if tab.is_saving]:
            self._wait(saving, go_on, start=False)
        else:
            go_on()

    def _open_box(self, tabs: Sequence[DatabaseTab], go_on: Callable[[], None]) -> None:
        names = ", ".join(tab.document.name for tab in tabs)
        box = self._box = QMessageBox(self._window)
        box.setObjectName("close-guard")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("Save changes?")
        box.setText(f"{names} has changes that are not saved.")
        box.setInformativeText("They are lost if you do not save them.")
        box.setStandardButtons(_Button.Save | _Button.Discard | _Button.Cancel)
        box.setDefaultButton(_Button.Save)
        for button in box.buttons():
            button.setIcon(QIcon())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.finished.connect(partial(self._on_answer, list(tabs), go_on))
        box.open()

    def _on_answer(self, tabs: list[DatabaseTab], go_on: Callable[[], None], answer: int) -> None:
        self._box = None
        if answer == _Button.Save:
            self._wait(tabs, go_on, start=True)
        elif answer == _Button.Discard:
            go_on()

    def _wait(self, tabs: list[DatabaseTab], go_on: Callable[[], None], *, start: bool) -> None:
        self._saving, self._go_on = list(tabs), partial(self._ask_again, list(tabs), go_on)
        for tab in tabs:
            tab.saving.ended.connect(self._on_save_ended)
        if start:
            for tab in tabs:
                tab.saving.save()

    def _ask_again(self, tabs: list[DatabaseTab], go_on: Callable[[], None]) -> None:
        """Ask about what was done while it was saved, once all of that is done; go on where that is nothing."""
        busy = next((tab for tab in tabs if tab.runner.has_waiting), None)
        if busy is None:
            self.ask(tabs, go_on)
        else:
            busy.runner.start(Job("Closing", _nothing_at_all, lambda _: self._ask_again(tabs, go_on)))

    @Slot(bool)
    def _on_save_ended(self, is_saved: bool) -> None:
        tab = next((tab for tab in self._saving if tab.saving is self.sender()), None)
        if tab is None:
            return
        tab.saving.ended.disconnect(self._on_save_ended)
        self._saving.remove(tab)
        if not is_saved:
            self._go_on = None
        if not self._saving and self._go_on is not None:
            go_on, self._go_on = self._go_on, None
            go_on()
