"""Questions before something is lost or replaced."""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox, QWidget

from app.backends.changes import key_text
from app.document.transfer import Clash
from app.errors import KeysTaken
from app.ui.dialogs.places import Place

T = TypeVar("T")

_Button = QMessageBox.StandardButton
_KEYS_NAMED = 3
"""Keys that a question names."""


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


def ask_revert(name: str, count: int, go_on: Callable[[], None], parent: QWidget) -> None:
    """Call ``go_on`` after a person agreed to go back to what is in the file."""
    what = "its unsaved change is" if count == 1 else f"its {count:,} unsaved changes are"
    box = _box("revert-question", f"Revert {name} to what is in the file?", parent)
    box.setInformativeText(f"The file is read again, and {what} taken back. Undo brings back what you changed.")
    _open(box, "Revert", go_on)


def ask_discard(name: str, count: int, go_on: Callable[[], None], parent: QWidget, *, can_open: bool) -> None:
    """Call ``go_on`` after a person agreed to give up what was kept of a file, ``can_open`` or not."""
    what = "the unsaved change" if count == 1 else f"the {count:,} unsaved changes"
    box = _box("discard-question", f"Discard {what} of {name}?", parent)
    why = (
        "Nothing else has them, and this" if can_open else "The file cannot be opened, and nothing else has them. This"
    )
    box.setInformativeText(f"{why} cannot be undone.")
    _open(box, "Discard", go_on)


def ask_where(go_on: Callable[[bool | None], None], parent: QWidget) -> None:
    """Ask whether a shared object is changed everywhere; ``go_on`` gets that, or None when a person thought better."""
    box = _box("where-question", "This stands in other places of the value too.", parent)
    box.setWindowTitle("Shared object")
    box.setIcon(QMessageBox.Icon.Question)
    box.setInformativeText("Where shall it be changed?")
    answers: Sequence[tuple[str, bool | None]] = (("Everywhere it is shared", True), ("Only here", False))
    _offer(box, answers, None, "Only here", go_on)


def ask_separate(go_on: Callable[[bool], None], parent: QWidget) -> None:
    """Ask whether objects that are shared may become copies, as text cannot say that they are one."""
    box = _box("separate-question", "This holds objects that stand in other places of the value too.", parent)
    box.setWindowTitle("Shared objects")
    box.setIcon(QMessageBox.Icon.Question)
    box.setInformativeText(
        "Written anew as a whole, each becomes a copy of its own here. To keep them shared, edit their rows one by one."
    )
    _offer(box, (("Make copies, only here", True),), False, "", go_on)
    box.setDefaultButton(_Button.Cancel)


class Taken(Enum):
    """What shall happen to an entry whose new key is another's already."""

    REPLACE = auto()
    ANOTHER = auto()
    CANCEL = auto()


def ask_taken(error: KeysTaken, go_on: Callable[[Taken], None], parent: QWidget) -> None:
    """Ask what to do where a new key is there already."""
    box = _box("taken-question", f"There is an entry {key_text(error.keys[0])} already.", parent)
    box.setWindowTitle("Replace?")
    box.setInformativeText("Replacing it takes its value away; Undo brings that back.")
    answers = (("Replace", Taken.REPLACE), ("Another key", Taken.ANOTHER))
    _offer(box, answers, Taken.CANCEL, "Another key", go_on)


def ask_clash(
    keys: Sequence[bytes], count: int, go_on: Callable[[Clash], None], parent: QWidget, *, of_files: bool = False
) -> None:
    """Ask once what to do with ``keys``, which are there already, of ``count`` entries that are to be put in."""
    named = ", ".join(key_text(key) for key in keys[:_KEYS_NAMED])
    more = f" and {len(keys) - _KEYS_NAMED:,} more" if len(keys) > _KEYS_NAMED else ""
    are = "is" if len(keys) == 1 else "are"
    text = f"{len(keys):,} of {count:,} keys {are} there already: {named}{more}."
    box = _box("clash-question", text if count > 1 else f"There is an entry {named} already.", parent)
    box.setWindowTitle("Add files" if of_files else "Paste")
    box.setIcon(QMessageBox.Icon.Question)
    what = "is added" if of_files else "is pasted"
    box.setInformativeText(f"Keeping both gives what {what} another key, with a number. Undo takes all of it back.")
    answers = (("Replace", Clash.REPLACE), ("Keep both", Clash.KEEP_BOTH), ("Skip", Clash.SKIP))
    _offer(box, answers, Clash.REFUSE, "Keep both", go_on)


def _offer(
    box: QMessageBox, answers: Sequence[tuple[str, T]], none: T, default: str, go_on: Callable[[T], None]
) -> None:
    """Open a box with a button for each answer, and Cancel, as Esc, for ``none``."""
    for title, answer in answers:
        button = box.addButton(title, QMessageBox.ButtonRole.AcceptRole)
        button.clicked.connect(partial(_go, partial(go_on, answer)))
        if title == default:
            box.setDefaultButton(button)
    cancel = box.addButton(_Button.Cancel)
    cancel.clicked.connect(partial(_go, partial(go_on, none)))
    box.setEscapeButton(cancel)
    for each in box.buttons():
        each.setIcon(QIcon())
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
