"""What to salvage from which files into which new database."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QGridLayout, QWidget

from app.backends.formats import FORMATS, Format
from app.engine.base import NewDatabase
from app.ui.dialogs.format_texts import writable_formats
from app.ui.dialogs.parts import finish, go_button, hint, label_for, long_hint
from app.ui.dialogs.place_field import PlaceField
from app.ui.dialogs.places import Place, free_place, typed_path, whole_path
from app.ui.dialogs.questions import ask_replace
from app.ui.theme import GAP

_TYPING = 300
"""Milliseconds without a key after which a typed file is looked at."""
_UNTOLD = "Choose what it was"
_AS_TOLD = "What its files say"


@dataclass(frozen=True, slots=True)
class SalvageWish:
    """What to search, for what, and where to write it; ``format_id`` is empty where the files tell it."""

    source: Path
    target: NewDatabase
    deleted: bool
    format_id: str


class Recognised(Enum):
    """What is known of the damaged file."""

    NOT_YET = "not looked at yet"
    TOLD = "the file tells its format"
    UNSURE = "the file tells something, but cannot be opened"
    UNKNOWN = "the file does not tell its format"
    NOTHING = "there is no such file, or nothing can be done with it"


class SalvageDialog(QDialog):
    """Asks what is needed, and says so by `chosen`."""

    chosen = Signal(object)
    """The `SalvageWish`."""
    source_given = Signal(object)
    """The path of a damaged file, to be looked at: `show_source` is the answer."""

    def __init__(self, source: Path | None, kept: Collection[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept = kept
        self._is_named = False
        self._source_is = Recognised.NOT_YET
        self._formats = tuple(writable_formats())
        self.setObjectName("salvage-dialog")
        self.setWindowTitle("Salvage a damaged database")
        self._source = PlaceField("salvage-source", "Damaged database", is_new=False)
        self._told = long_hint("salvage-told", 2)
        self._was = QComboBox()
        self._place = PlaceField("salvage-place", "New database for what is found", is_new=True)
        self._hint = hint("salvage-hint", "What happens to files of that name")
        self._format = QComboBox()
        self._good_for = hint("salvage-good-for", "Programs that read the format")
        self._deleted = QCheckBox("Also &deleted and superseded entries that are still in free space")
        self._deleted.setObjectName("salvage-deleted")
        self._go = go_button("salvage-go", "Salvage")
        self._typed = QTimer(self, singleShot=True, interval=_TYPING)
        self._fill()
        self._was_label = label_for("It &was", self._was)
        finish(self, self._fields(), self._go, self._on_accepted)
        self._show_recognised(Recognised.NOT_YET)
        self._connect()
        if source is not None:
            self._source.show_path(whole_path(source))
        self._on_format()
        (self._place if source is not None else self._source).setFocus()

    def _fill(self) -> None:
        self._was.setObjectName("salvage-was")
        self._was.setAccessibleName("Format of the damaged database")
        self._was.addItem(_UNTOLD, "")
        for form in FORMATS.values():
            if form.readable:
                self._was.addItem(form.label, form.format_id)
        self._format.setObjectName("salvage-format")
        self._format.setAccessibleName("Format of the new database")
        for form in self._formats:
            self._format.addItem(form.label)

    def _fields(self) -> QGridLayout:
        fields = QGridLayout()
        fields.setHorizontalSpacing(2 * GAP)
        fields.setVerticalSpacing(GAP)
        rows: tuple[tuple[QWidget | None, QWidget], ...] = (
            (label_for("Damaged &file", self._source.line), self._source),
            (None, self._told),
            (self._was_label, self._was),
            (None, self._deleted),
            (label_for("&New file", self._place.line), self._place),
            (None, self._hint),
            (label_for("F&ormat", self._format), self._format),
            (None, self._good_for),
        )
        for row, (label, widget) in enumerate(rows):
            if label is not None:
                fields.addWidget(label, row, 0)
            is_box = isinstance(widget, QComboBox)
            fields.addWidget(widget, row, 1, Qt.AlignmentFlag.AlignLeft if is_box else Qt.AlignmentFlag(0))
        return fields

    def _connect(self) -> None:
        self._source.changed.connect(self._on_source)
        self._typed.timeout.connect(self._on_source_typed)
        self._was.currentIndexChanged.connect(self._on_changed)
        self._place.changed.connect(self._on_changed)
        self._place.edited.connect(self._on_named)
        self._format.currentIndexChanged.connect(self._on_format)

    # ---- the damaged files

    @Slot()
    def _on_source(self) -> None:
        self._told.setText("")
        self._show_recognised(Recognised.NOT_YET)
        self._typed.start()
        self._on_format()

    @Slot()
    def _on_source_typed(self) -> None:
        if self._source_path is not None:
            self.source_given.emit(self._source_path)

    @property
    def _source_path(self) -> Path | None:
        return typed_path(self._source.text)

    def show_source(self, source: Path, sentence: str, source_is: Recognised) -> None:
        """Say what a file was recognised as, or ask for it; an answer to what was typed before is ignored."""
        if source == self._source_path:
            self._told.setText(sentence)
            self._show_recognised(source_is)
            self._on_changed()

    def _show_recognised(self, source_is: Recognised) -> None:
        self._source_is = source_is
        is_asked = source_is in (Recognised.UNSURE, Recognised.UNKNOWN)
        self._was.setItemText(0, _AS_TOLD if source_is is Recognised.UNSURE else _UNTOLD)
        self._was.setVisible(is_asked)
        self._was_label.setVisible(is_asked)
        if not is_asked:
            self._was.setCurrentIndex(0)

    # ---- the new database

    @property
    def _form(self) -> Format:
        return self._formats[max(self._format.currentIndex(), 0)]

    def _where(self) -> Place:
        return Place.of(self._place.text, self._form)

    @Slot()
    def _on_format(self, *_: object) -> None:
        """Let the name follow the format and the source until a person gave one."""
        self._good_for.show_text(self._form.use)
        source = self._source_path
        if not self._is_named and source is not None:
            self._place.show_path(free_place(source.parent, f"{source.stem}-salvaged", self._form.suffix, self._form))
        self._on_changed()

    @Slot()
    def _on_named(self) -> None:
        self._is_named = True

    @Slot()
    def _on_changed(self, *_: object) -> None:
        place = self._where()
        why_not = self._why_not() or place.why_not(self._kept_files())
        self._go.setEnabled(not why_not)
        self._hint.show_text(why_not or place.says())

    def _why_not(self) -> str:
        """Return what is still missing, or why these files cannot be salvaged."""
        if self._source_path is None:
            return "Choose the damaged file first."
        if self._source_is is Recognised.NOTHING:
            return "Choose another damaged file."
        if self._source_is is Recognised.UNKNOWN and not self._was.currentData():
            return "Choose what the damaged file was."
        return ""

    def _kept_files(self) -> set[Path]:
        source = self._source_path
        return {*self._kept, source.resolve()} if source is not None else set(self._kept)

    @Slot()
    def _on_accepted(self) -> None:
        if self._go.isEnabled():
            ask_replace(self._where(), self._choose, self)

    def _choose(self) -> None:
        place, source = self._where(), self._source_path
        if source is not None:
            target = NewDatabase(str(place.base), self._form.format_id, replaces=bool(place.existing))
            self.chosen.emit(SalvageWish(source, target, self._deleted.isChecked(), str(self._was.currentData())))
            self.accept()
