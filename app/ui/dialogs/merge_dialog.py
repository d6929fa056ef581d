"""Deciding whose value each entry gets that was changed here and by another program."""

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QHeaderView, QLabel, QPushButton, QVBoxLayout, QWidget

from app.codecs.screen import ELLIPSIS
from app.document.differences import Difference, DifferenceKind
from app.document.merging import Choice, Conflict, Sides
from app.ui.dialogs.parts import finish, go_button
from app.ui.models.entry_table import short_key_text
from app.ui.theme import GAP
from app.ui.views.text_table import TextTable

_COLUMNS = ("Key", "Keep", "Place", "Before", "Mine", "In the file now")
_WIDTHS = (150, 70, 150, 150)
_MAY_BE_EMPTY = (2, 3)
"""Place and text before: of entries that are new on both sides there is neither."""
_SIZE = (860, 380)
_PLACES = 20
"""Places of one value that are listed."""
LISTED = 500
"""Entries that are listed one by one; the others can be decided on together."""
_SHOWN = {Choice.MINE: "mine", Choice.THEIRS: "theirs", None: "?"}
_TITLES = {Choice.MINE: ("Keep &mine", "All m&ine"), Choice.THEIRS: ("Take &theirs", "All t&heirs")}


class MergeDialog(QDialog):
    """Lists what both sides did; `decided` follows once there is a decision for each entry."""

    decided = Signal(object)
    """A list of pairs of `Conflict` and `Choice`."""

    def __init__(self, name: str, conflicts: Sequence[Conflict], action: str, parent: QWidget) -> None:
        """``name`` is the file, ``action`` what the button says that goes on."""
        super().__init__(parent)
        self.setObjectName("merge")
        self.setWindowTitle("Changed here and by another program")
        self._conflicts = list(conflicts)
        self._choices: list[Choice | None] = [None] * len(conflicts)
        self._sides: dict[int, Sides] = {}
        self._places: list[int] = []
        self._sentence = QLabel(_sentence(name, len(conflicts)), textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._table = TextTable("conflicts", "Entries to decide on", _COLUMNS)
        self._table.setAccessibleDescription("M keeps my value of the selected entry, T takes that of the file")
        self._left = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._left.setObjectName("merge-left")
        self._go = go_button("merge-go", action)
        self._lay_out()
        self._table.activated.connect(self._on_activated)
        self._show_rows()
        self._table.selectRow(0)
        self._table.setFocus()

    def _lay_out(self) -> None:
        header = self._table.horizontalHeader()
        for place, width in enumerate(_WIDTHS):
            self._table.setColumnWidth(place, width)
        for place in range(len(_WIDTHS), len(_COLUMNS)):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout()
        column.setSpacing(GAP)
        column.addWidget(self._sentence)
        column.addWidget(self._table, 1)
        column.addLayout(self._buttons())
        finish(self, column, self._go, self._on_accepted)
        self.resize(*_SIZE)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for choice, key in ((Choice.MINE, "M"), (Choice.THEIRS, "T")):
            one, every = (QPushButton(title) for title in _TITLES[choice])
            one.setObjectName(f"keep-{choice.value}")
            one.clicked.connect(partial(self._decide_selected, choice))
            every.setObjectName(f"keep-all-{choice.value}")
            every.clicked.connect(partial(self._decide_all, choice))
            for button in (one, every):
                button.setAutoDefault(False)
                row.addWidget(button)
            every.setVisible(len(self._conflicts) > 1)
            row.addSpacing(GAP)
            shortcut = QShortcut(QKeySequence(key), self._table)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(partial(self._decide_selected, choice))
        row.addStretch(1)
        row.addWidget(self._left)
        return row

    # ---- what is shown

    def show_sides(self, place: int, sides: Sides) -> None:
        """Tell what was done to the entry of that number."""
        self._sides[place] = sides
        self._show_rows()

    def _show_rows(self) -> None:
        current = self._current
        rows: list[tuple[str, ...]] = []
        self._places = []
        for place in range(min(len(self._conflicts), LISTED)):
            for number, cells in enumerate(_cells(self._sides.get(place))):
                key = short_key_text(self._conflicts[place].key) if not number else ""
                rows.append((key, _SHOWN[self._choices[place]] if not number else "", *cells))
                self._places.append(place)
        self._table.rows.show_rows(rows)
        for column in _MAY_BE_EMPTY:
            self._table.setColumnHidden(column, not any(row[column] for row in rows))
        if current is not None and current in self._places:
            self._table.selectRow(self._places.index(current))
        left = self._choices.count(None)
        self._left.setText(f"{left:,} to decide" if left else "")
        self._go.setEnabled(not left)

    @property
    def _current(self) -> int | None:
        row = self._table.currentIndex().row()
        return self._places[row] if 0 <= row < len(self._places) else None

    # ---- deciding

    def _decide_selected(self, choice: Choice, *_: object) -> None:
        chosen = {self._places[index.row()] for index in self._table.selectionModel().selectedRows()}
        for place in chosen:
            self._choices[place] = choice
        self._show_rows()
        self._go_on(chosen)

    def _go_on(self, decided: set[int]) -> None:
        """Select the next entry that is not decided on."""
        after = max(decided, default=-1)
        order = [*range(after + 1, len(self._choices)), *range(after + 1)]
        open_ = next((place for place in order if self._choices[place] is None and place in self._places), None)
        if open_ is not None:
            self._table.selectRow(self._places.index(open_))
        else:
            self._go.setFocus()

    def _decide_all(self, choice: Choice, *_: object) -> None:
        self._choices = [choice] * len(self._choices)
        self._show_rows()
        self._go.setFocus()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        place = self._places[index.row()]
        self._choices[place] = Choice.THEIRS if self._choices[place] is Choice.MINE else Choice.MINE
        self._show_rows()

    @Slot()
    def _on_accepted(self) -> None:
        taken = [(conflict, choice) for conflict, choice in zip(self._conflicts, self._choices, strict=True) if choice]
        if len(taken) == len(self._conflicts):
            self.decided.emit(taken)
            self.accept()


def _sentence(name: str, count: int) -> str:
    one = f"An entry was changed here and by another program in {name}. Choose which value it gets"
    many = f"{count:,} entries were changed here and by another program in {name}. Choose for each which value it gets"
    more = f" The first {LISTED:,} are listed." if count > LISTED else ""
    how = "yours replaces the other at the next save; taking theirs can be undone"
    return f"{one if count == 1 else many}: {how}.{more}"


_Side = Mapping[str, Difference]
"""What a side did, by place."""


def _cells(sides: Sides | None) -> list[tuple[str, str, str, str]]:
    """Return place, text before, mine and theirs, a row for each place where a side did something."""
    if sides is None:
        return [("", ELLIPSIS, ELLIPSIS, ELLIPSIS)]
    mine, theirs = ({one.path: one for one in side.found} for side in (sides.mine, sides.theirs))
    paths = list(dict.fromkeys((*mine, *theirs)))[:_PLACES] or [""]
    return [_row(path, mine, theirs) for path in paths]


def _row(path: str, mine: _Side, theirs: _Side) -> tuple[str, str, str, str]:
    known = (side.get(path) for side in (mine, theirs))
    before = next((one.before for one in known if one is not None and one.before), "")
    return path, before, _after(path, mine, before), _after(path, theirs, before)


def _after(path: str, side: _Side, before: str) -> str:
    """Return the text of a place as a side left it; a row above tells where that changed what the place is in."""
    one = side.get(path)
    if one is None:
        is_in_another = any(path.startswith((f"{outer}[", f"{outer}.")) for outer in side)
        return ELLIPSIS if is_in_another else before
    return "deleted" if one.kind is DifferenceKind.REMOVED else one.after
