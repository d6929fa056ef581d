"""What the dialogs are put together from."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.labels import ElidedLabel
from app.ui.theme import GAP

_MARGIN = 2 * GAP


def label_for(text: str, buddy: QWidget) -> QLabel:
    """Return the title of a field, whose access key leads to the field; that must take the focus itself."""
    label = QLabel(text)
    label.setBuddy(buddy)
    return label


def hint(name: str, description: str) -> ElidedLabel:
    """Return a line under a field for what there is to say about it; it keeps its place while it is empty."""
    label = ElidedLabel(name, description, keeps_place=True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def long_hint(name: str, lines: int) -> QLabel:
    """Return room for some lines under a field."""
    label = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    label.setObjectName(name)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setMinimumHeight(lines * label.fontMetrics().lineSpacing())
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def go_button(name: str, title: str) -> QPushButton:
    button = QPushButton(title)
    button.setObjectName(name)
    return button


def finish(
    dialog: QDialog, content: QLayout, go: QPushButton, accept: Callable[[], object], *, loses_some: bool = False
) -> None:
    """Lay a dialog out: content, and below it ``go``, which Enter presses unless that loses something, and Cancel."""
    buttons = QDialogButtonBox()
    buttons.addButton(go, QDialogButtonBox.ButtonRole.AcceptRole)
    cancel = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
    cancel.setIcon(QIcon())
    buttons.accepted.connect(accept)
    buttons.rejected.connect(dialog.reject)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
    column.setSpacing(_MARGIN)
    column.addLayout(content)
    column.addWidget(buttons)
    (cancel if loses_some else go).setDefault(True)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
