"""Questions before something is lost or replaced."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox, QWidget

from app.ui.dialogs.places import Place

_Button = QMessageBox.StandardButton


def ask_replace(place: Place, go_on: Callable[[], None], parent: QWidget) -> None:
    """Call ``go_on`` at once when no file is in the way, else after a person agreed to replace it."""
    existing = place.existing
    if not existing:
        go_on()
        return
    names = " and ".join(path.name for path in existing)
    box = _box("replace-question", f"Replace {names} by the new database?", parent)
    box.setInformativeText(f"{'A copy of it is' if len(existing) == 1 else 'Copies of them are'} kept as a backup.")
    _open(box, "Replace", go_on)


def ask_give_up(titles: Sequence[str], go_on: Callable[[], None], parent: QWidget) -> None:
    """Call ``go_on`` at once when nothing is going on, else after a person agreed to give that up."""
    if not titles:
        go_on()
        return
    box = _box("give-up-question", f"Quit before this is done: {', '.join(titles)}?", parent)
    box.setInformativeText("What is half done is taken away again; the databases stay as they are.")
    _open(box, "Quit", go_on)


def ask_where(go_on: Callable[[bool | None], None], parent: QWidget) -> None:
    """Ask whether a shared object is changed everywhere; ``go_on`` gets that, or None when a person thought better."""
    box = _box("where-question", "This object stands in other places of the value too.", parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setInformativeText("Where shall it be changed?")
    everywhere = box.addButton("Everywhere it is shared", QMessageBox.ButtonRole.AcceptRole)
    here = box.addButton("Only here", QMessageBox.ButtonRole.AcceptRole)
    cancel = box.addButton(_Button.Cancel)
    for button, answer in ((everywhere, True), (here, False), (cancel, None)):
        button.setIcon(QIcon())
        button.clicked.connect(partial(_go, partial(go_on, answer)))
    box.setDefaultButton(here)
    box.setEscapeButton(cancel)
    box.open()


def _box(name: str, text: str, parent: QWidget) -> QMessageBox:
    box = QMessageBox(parent)
    box.setObjectName(name)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(text.partition(" ")[0] + "?")
    box.setText(text)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return box


def _open(box: QMessageBox, title: str, go_on: Callable[[], None]) -> None:
    """Offer to go on, or, which Enter and Esc do, not to."""
    yes = box.addButton(title, QMessageBox.ButtonRole.DestructiveRole)
    no = box.addButton(_Button.Cancel)
    for button in (yes, no):
        button.setIcon(QIcon())
    box.setDefaultButton(_Button.Cancel)
    yes.clicked.connect(partial(_go, go_on))
    box.open()


def _go(go_on: Callable[[], None], *_: object) -> None:
    go_on()
