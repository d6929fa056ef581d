"""What can be done about a sentence: a row of buttons beside or under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.ui.theme import GAP

_MOST = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: what it says, and what it does."""

    title: str
    act: Callable[[], object]


class ChoiceButtons(QWidget):
    """Shows at most four choices; takes no room when there are none."""

    def __init__(self, smallest: QSize | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: tuple[Choice, ...] = ()
        self._buttons = [QPushButton() for _ in range(_MOST)]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for place, button in enumerate(self._buttons):
            button.setMinimumSize(smallest or QSize(0, 0))
            button.setAutoDefault(True)  # Return presses the one that has the focus
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click hides it, and would leave the focus anywhere
            button.clicked.connect(partial(self._on_clicked, place))
            row.addWidget(button)
        self.setFocusProxy(self._buttons[0])
        self.hide()

    def show_choices(self, choices: Sequence[Choice]) -> None:
        self._choices = tuple(choices[:_MOST])
        for place, button in enumerate(self._buttons):
            is_used = place < len(self._choices)
            button.setText(self._choices[place].title if is_used else "")
            button.setVisible(is_used)
        self.setVisible(bool(self._choices))

    def _on_clicked(self, place: int, *_: object) -> None:
        if place < len(self._choices):
            self._choices[place].act()
