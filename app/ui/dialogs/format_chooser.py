"""A list of the formats that can be written, and the options of the chosen one."""

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.backends.formats import Format, Option
from app.ui.dialogs.format_texts import DEFAULT_FORMAT, offered_choices, offered_text, writable_formats
from app.ui.theme import GAP, PADDING, row_height
from app.ui.views.text_table import TextTable

_COLUMNS = 2
"""Options beside each other."""


class FormatChooser(QWidget):
    """Shows every format with the programs that read it; the chosen one's options are below."""

    changed = Signal()

    def __init__(self, source_format: str = "", source_name: str = "", parent: QWidget | None = None) -> None:
        """``source_format``: that of a database that is copied; its layout is kept unless another is chosen.

        Without one, the new database is to be empty.
        """
        super().__init__(parent)
        self._formats = tuple(writable_formats(empty=not source_format))
        self.table = TextTable("formats", "Format", ("Format", "Read by"))
        self._pages = QStackedWidget()
        self._forms: list[_OptionForm] = []
        self.table.rows.show_rows([(form.label, form.use) for form in self._formats])
        for form in self._formats:
            options = _OptionForm(form, source_name if form.format_id == source_format else "")
            self._forms.append(options)
            self._pages.addWidget(options)
        self._set_up_list()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.table)
        column.addWidget(self._pages)
        self.setFocusProxy(self.table)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.choose(source_format)

    def _set_up_list(self) -> None:
        view = self.table
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.horizontalHeader().hide()
        metrics = QFontMetrics(view.font())
        labels = max(metrics.horizontalAdvance(form.label) for form in self._formats)
        texts = max(metrics.horizontalAdvance(form.use) for form in self._formats)
        view.setColumnWidth(0, labels + 4 * PADDING)
        view.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        view.setMinimumWidth(labels + texts + 8 * PADDING)
        view.setFixedHeight(len(self._formats) * row_height() + 2 * view.frameWidth())

    def choose(self, format_id: str) -> None:
        """Select a format; the default one where that cannot be written."""
        names = [form.format_id for form in self._formats]
        self.table.selectRow(names.index(format_id if format_id in names else DEFAULT_FORMAT))

    @property
    def form(self) -> Format:
        return self._formats[max(self.table.currentIndex().row(), 0)]

    def options(self) -> Mapping[str, str | int | bool | None]:
        """Return what is chosen and differs from what the format takes unless told."""
        return self._current.options()

    @property
    def keeps_layout(self) -> bool:
        """Whether the new database is to be laid out as the one that is copied."""
        return self._current.keeps_layout

    @property
    def _current(self) -> "_OptionForm":
        return self._forms[self._formats.index(self.form)]

    @Slot(QModelIndex, QModelIndex)
    def _on_row(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self._pages.setCurrentIndex(current.row())
        self.changed.emit()


class _OptionForm(QWidget):
    """The options of one format, each with its default chosen, unless the layout of ``source_name`` is kept."""

    def __init__(self, form: Format, source_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes: dict[Option, QComboBox] = {}
        self._keep = QCheckBox(f"Same layout as {source_name}".replace("&", "&&"))
        self._keep.setObjectName("keep-layout")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(GAP)
        self._grid.setColumnStretch(2 * _COLUMNS, 1)
        self._grid.addWidget(self._keep, 0, 0, 1, 2 * _COLUMNS + 1)
        self._keep.setVisible(bool(source_name and form.options))
        for option in form.options:
            self._add(option)
        if not form.options:
            self._grid.addWidget(_dim_label("This format has no options."), 1, 0)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self._keep.setChecked(bool(source_name))

    def _add(self, option: Option) -> None:
        box = QComboBox()
        box.setObjectName(f"option-{option.name}")
        box.setAccessibleName(option.label)
        for choice in offered_choices(option):
            box.addItem(offered_text(option, choice), choice)
        box.setCurrentIndex(box.findData(option.choices[0]))
        label = QLabel(option.label)
        label.setBuddy(box)
        for widget in (label, box):
            keeps_room = widget.sizePolicy()
            keeps_room.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(keeps_room)
            self._keep.toggled.connect(widget.setHidden)  # what a kept layout is made of is not known here
        row, column = divmod(len(self._boxes), _COLUMNS)
        self._grid.addWidget(label, row + 1, 2 * column)
        self._grid.addWidget(box, row + 1, 2 * column + 1)
        self._boxes[option] = box

    @property
    def keeps_layout(self) -> bool:
        return self._keep.isChecked()

    def options(self) -> dict[str, str | int | bool | None]:
        """Return what is chosen, as far as it is not the default."""
        if self.keeps_layout:
            return {}
        chosen = ((option, box.currentData()) for option, box in self._boxes.items())
        return {option.name: choice for option, choice in chosen if choice != option.choices[0]}


def _dim_label(text: str) -> QLabel:
    label = QLabel(text)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
