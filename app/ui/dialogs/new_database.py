"""Where a new database goes and what it is: asked for a new one, for *Save as* and for a conversion."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from app.engine.base import NewDatabase
from app.ui.dialogs.format_chooser import FormatChooser
from app.ui.dialogs.format_texts import writable_formats
from app.ui.dialogs.parts import finish, go_button, hint, label_for
from app.ui.dialogs.place_field import PlaceField
from app.ui.dialogs.places import Place, free_place
from app.ui.dialogs.questions import ask_replace
from app.ui.theme import GAP


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    ``folder`` and ``stem`` are what the name is made of until a person gives another; ``path`` is a name already
    given. ``source_format``, ``source_name`` and ``suffix`` tell of the database that is copied, ``kept`` are files
    that must not be written over.
    """

    title: str
    action: str
    folder: Path = field(default_factory=Path.home)
    stem: str = "untitled"
    path: Path | None = None
    format_id: str = ""
    source_format: str = ""
    source_name: str = ""
    suffix: str = ""
    kept: Collection[Path] = ()


class NewDatabaseDialog(QDialog):
    """Asks for a file, a format and its options, and says so by `chosen`."""

    chosen = Signal(object)
    """The `NewDatabase`."""

    def __init__(self, wish: Wish, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wish = wish
        self._is_named = wish.path is not None
        self.setObjectName("new-database")
        self.setWindowTitle(wish.title)
        self._place = PlaceField("new-place", "File of the new database", is_new=True)
        self._hint = hint("new-hint", "What happens to files of that name")
        self._formats = FormatChooser(wish.source_format, wish.source_name)
        self._go = go_button("new-go", wish.action)
        finish(self, self._fields(), self._go, self._on_accepted)
        if wish.format_id:
            self._formats.choose(wish.format_id)
        self._place.changed.connect(self._on_changed)
        self._place.edited.connect(self._on_named)
        self._formats.changed.connect(self._on_format)
        if wish.path is not None:
            self._place.show_path(wish.path)
        self._on_format()
        self._place.setFocus()

    def _fields(self) -> QGridLayout:
        fields = QGridLayout()
        fields.setHorizontalSpacing(2 * GAP)
        fields.setVerticalSpacing(GAP)
        fields.addWidget(label_for("&File", self._place.line), 0, 0)
        fields.addWidget(self._place, 0, 1)
        fields.addWidget(self._hint, 1, 1)
        fields.addWidget(label_for("F&ormat", self._formats.table), 2, 0, Qt.AlignmentFlag.AlignTop)
        fields.addWidget(self._formats, 2, 1)
        return fields

    def _where(self) -> Place:
        return Place.of(self._place.text, self._formats.form)

    @Slot()
    def _on_format(self) -> None:
        """Let the name follow the format until a person gave one."""
        if not self._is_named:
            self._place.show_path(self._suggested())
        self._on_changed()

    def _suggested(self) -> Path:
        wish, form = self._wish, self._formats.form
        is_same = form.format_id == wish.source_format and form.endings == ("",)
        return free_place(wish.folder, wish.stem, wish.suffix if is_same else form.suffix, form)

    @Slot()
    def _on_named(self) -> None:
        self._is_named = True

    @Slot()
    def _on_changed(self) -> None:
        place = self._where()
        why_not = place.why_not(self._wish.kept)
        self._go.setEnabled(not why_not)
        self._hint.show_text(why_not or place.says() or self._of_another_format())

    def _of_another_format(self) -> str:
        """Return a warning where the name ends as those of one other format do."""
        form, suffix = self._formats.form, Path(self._place.text.strip()).suffix
        named = [other for other in writable_formats() if suffix and other.suffix == suffix]
        if len(named) != 1 or form.format_id == named[0].format_id or form.suffix == suffix:
            return ""
        return f"This makes a database of the format {form.label}, though its name is that of {named[0].label}."

    @Slot()
    def _on_accepted(self) -> None:
        if self._go.isEnabled():
            ask_replace(self._where(), self._choose, self)

    def _choose(self) -> None:
        place, formats = self._where(), self._formats
        self.chosen.emit(
            NewDatabase(
                str(place.base),
                formats.form.format_id,
                formats.options(),
                replaces=bool(place.existing),
                keeps_layout=formats.keeps_layout,
            )
        )
        self.accept()
