"""Asks once before changes that are not saved are given up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from app.cancel import CancelToken
from app.document.job import Job
from app.ui.database_tab import DatabaseTab

_Button = QMessageBox.StandardButton
_NAMED = 5
"""Databases that the question names."""


_Tabs = Callable[[], Sequence[DatabaseTab]]
"""Returns the tabs that are to be closed, as there are by then."""


@dataclass(slots=True)
class _Wait:
    """A closing that waits for the saves of ``left``."""

    left: list[DatabaseTab]
    then: Callable[[], None]
    is_failed: bool = False


class CloseGuard(QObject):
    """Lets tabs be closed when they hold nothing to lose; else asks: save, discard or stay."""

    failed = Signal(object)
    """A `DatabaseTab` that could not be saved, and says why; nothing is closed."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._box: QMessageBox | None = None
        self._waits: list[_Wait] = []

    def ask(self, tabs: _Tabs, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when these tabs may be closed: at once, after an answer, after a save, or never."""
        again = partial(self._ask_again, tabs, go_on)
        if self._box is not None:
            self._box.activateWindow()
        elif (dialog := self._open_dialog()) is not None:
            dialog.finished.connect(partial(self._on_finished, again), Qt.ConnectionType.SingleShotConnection)
        elif saving := [tab for tab in tabs() if tab.is_saving]:
            self._wait(saving, again)
        elif editing := [tab for tab in tabs() if tab.runner.has_edits]:
            _wait_for_turn(editing[0], again)
        elif at_risk := [tab for tab in tabs() if tab.has_changes]:
            self._open_box(at_risk, tabs, go_on)
        else:
            go_on()

    def _ask_again(self, tabs: _Tabs, go_on: Callable[[], None]) -> None:
        """Ask about what was done meanwhile, once all of that is done; go on where that is nothing."""
        busy = next((tab for tab in tabs() if tab.runner.has_waiting), None)
        if busy is None:
            self.ask(tabs, go_on)
        else:
            _wait_for_turn(busy, partial(self._ask_again, tabs, go_on))

    # ---- dialogs

    def _open_dialog(self) -> QDialog | None:
        """Return a dialog that is still open: what is typed there would be lost with its tab."""
        dialogs = self._window.window().findChildren(QDialog)
        return next((dialog for dialog in dialogs if dialog.isVisible()), None)

    def _on_finished(self, again: Callable[[], None], _answer: int) -> None:
        QTimer.singleShot(0, self, again)  # what the dialog leads to has begun by then

    def _open_box(self, at_risk: Sequence[DatabaseTab], tabs: _Tabs, go_on: Callable[[], None]) -> None:
        box = self._box = QMessageBox(self._window)
        box.setObjectName("close-guard")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("Save changes?")
        box.setText(_sentence(at_risk))
        box.setInformativeText(_list(at_risk))
        box.setStandardButtons(_Button.Save | _Button.Discard | _Button.Cancel)
        more = "" if len(at_risk) == 1 else " all"
        box.button(_Button.Save).setText(f"&Save{more}")
        box.button(_Button.Discard).setText(f"&Discard{more}")
        box.setDefaultButton(_Button.Save)
        for button in box.buttons():
            button.setIcon(QIcon())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.finished.connect(partial(self._on_answer, list(at_risk), tabs, go_on))
        box.open()

    def _on_answer(self, at_risk: Sequence[DatabaseTab], tabs: _Tabs, go_on: Callable[[], None], answer: int) -> None:
        self._box = None
        if answer == _Button.Save:
            self._wait(at_risk, partial(self._ask_again, tabs, go_on))
            for tab in at_risk:
                tab.saving.save()
        elif answer == _Button.Discard:
            self.ask(lambda: [tab for tab in tabs() if tab not in at_risk], go_on)  # those were not asked about

    # ---- saving

    def _wait(self, tabs: Sequence[DatabaseTab], then: Callable[[], None]) -> None:
        for tab in tabs:
            if not any(tab in wait.left for wait in self._waits):
                tab.saving.ended.connect(self._on_save_ended)
        self._waits.append(_Wait(list(tabs), then))

    @Slot(bool)
    def _on_save_ended(self, is_saved: bool) -> None:
        waiting = (tab for wait in self._waits for tab in wait.left)
        tab = next((tab for tab in waiting if tab.saving is self.sender()), None)
        if tab is None:
            return
        tab.saving.ended.disconnect(self._on_save_ended)
        if not is_saved:
            self.failed.emit(tab)
        over = [wait for wait in self._waits if _is_over(wait, tab, is_saved=is_saved)]
        self._waits = [wait for wait in self._waits if wait not in over]
        for wait in over:
            if not wait.is_failed:
                wait.then()


def _is_over(wait: _Wait, tab: DatabaseTab, *, is_saved: bool) -> bool:
    """Take it down that the save of a tab ended; tell whether nothing is left to wait for."""
    if tab in wait.left:
        wait.left.remove(tab)
        wait.is_failed = wait.is_failed or not is_saved
    return not wait.left


def _wait_for_turn(tab: DatabaseTab, then: Callable[[], None]) -> None:
    """Call ``then`` once all that waits in a tab by now is done."""
    tab.runner.start(Job("Closing", _nothing, lambda _: then()))


def _sentence(tabs: Sequence[DatabaseTab]) -> str:
    if len(tabs) > 1:
        return f"{len(tabs):,} databases have changes that are not saved."
    count = _count(tabs[0])
    changes = "a change that is" if count == 1 else f"{count:,} changes that are"
    return f"{tabs[0].document.name} has {changes} not saved."


def _list(tabs: Sequence[DatabaseTab]) -> str:
    """Return a line for each of several databases, and what is at stake."""
    lines = [f"{tab.document.name}: {_count(tab):,}" for tab in tabs[:_NAMED]] if len(tabs) > 1 else []
    more = [f"and {len(tabs) - _NAMED:,} more"] if len(tabs) > _NAMED else []
    return "\n".join((*lines, *more, *([""] if lines else []), "What you do not save is lost."))


def _count(tab: DatabaseTab) -> int:
    return max(tab.document.change_count, 1)  # where nothing is pending, an editor holds a change


def _nothing(_token: CancelToken) -> None:
    pass
