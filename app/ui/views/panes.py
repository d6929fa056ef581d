"""The pane of texts: never more of one than a frame can lay out."""

from collections import deque
from collections.abc import Iterable, Iterator

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app.ui.theme import GAP, fixed_font

TEXT_CHARS = 100_000
"""Characters that the text pane asks for."""
_SLICE_CHARS = 6_000
"""Characters that are laid out at once; the rest of a text follows when the event loop is free."""
_LINE_COST = 20
"""Characters that the layout of a line costs as much as, however short it is."""
_LINE_CHARS = 1_000
"""Characters of a line that the text pane keeps whole; longer ones are folded, as Qt lays out a line at once."""


class TextPane(QPlainTextEdit):
    """Read-only text in a fixed font."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)
        self.setFont(fixed_font())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(GAP)
        self._rest: deque[str] = deque()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._on_next)

    def show_text(self, text: str) -> None:
        """Show a text, its very long lines folded; the start is there at once."""
        self._rest = deque(_slices(_folded(text)))
        self.setPlainText(self._rest.popleft())
        self._timer.start()

    @Slot()
    def _on_next(self) -> None:
        if not self._rest:
            self._timer.stop()
            return
        end = QTextCursor(self.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        end.insertText("\n" + self._rest.popleft())


def _slices(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to texts of some `_SLICE_CHARS` characters; at least one, which may be empty."""
    part: list[str] = []
    length = 0
    for line in lines:
        if part and length + len(line) > _SLICE_CHARS:
            yield "\n".join(part)
            part, length = [], 0
        part.append(line)
        length += len(line) + _LINE_COST
    yield "\n".join(part)


def _folded(text: str) -> list[str]:
    return [
        line[place : place + _LINE_CHARS]
        for line in text.split("\n")
        for place in range(0, max(len(line), 1), _LINE_CHARS)
    ]
