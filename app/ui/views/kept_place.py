"""What is open, current and in sight in a value tree, kept while its rows are made anew."""

from itertools import islice

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QObject, QTimer, Slot
from PySide6.QtWidgets import QTreeView

from app.document.shared_places import is_within
from app.ui.models.value_tree import ValueTreeModel
from app.ui.path_moves import Moves

_PATHS_KEPT = 2_000
"""Open rows that are opened again."""
_SELECT_ROW = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
_ADD_ROW = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
_PATIENCE = 300
"""Milliseconds for which the old picture stays while the rows of the new one come."""


class KeptPlace(QObject):
    """Opens rows again as they come. Paths name them: nothing else is the same after an edit."""

    def __init__(self, view: QTreeView, model: ValueTreeModel) -> None:
        super().__init__(view)
        self._view = view
        self._tree = model
        self._open: dict[str, int] = {}
        self._current: str | None = None
        self._selected: set[str] = set()
        """What else shall be selected, beside what is current."""
        self._selected_slots: list[int] = []
        self._top_path: str | None = None
        self._top_slot = -1
        self._expanded: dict[int, None] = {}
        self._awaits_rows = False
        """Whether the value was open, and nothing is known of its rows as they are now."""
        self._is_of_next = False
        """Whether what is kept is for a value that is still to be shown: rows of the one before do not count."""
        view.expanded.connect(self._on_expanded)
        view.collapsed.connect(self._on_collapsed)
        model.modelReset.connect(self._on_reset)
        self._impatience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._impatience.timeout.connect(self._on_late)

    # ---- before

    @property
    def _open_rows(self) -> list[QModelIndex]:
        return [self._tree.cell(slot, 0) for slot in islice(self._expanded, _PATHS_KEPT)]

    def keep(self, moves: Moves | None, current: str | None) -> None:
        """Note how things are. ``moves`` tells where nodes will be, ``current`` which one shall be current instead."""
        moved = moves or _stays
        awaited = {new: count for path, count in self._open.items() if (new := moved(path)) is not None}
        self._open = awaited | {
            path: self._tree.rowCount(index)
            for index in self._open_rows
            if (path := moved(self._tree.path(index))) is not None
        }
        self._selected = self._selected_now(moved) if current is None else set()
        self._selected_slots = []
        self._current = current if current is not None else self._current_or_awaited(moved)
        top = self._view.indexAt(self._view.viewport().rect().topLeft())
        if self._top_path is not None:
            self._top_path = moved(self._top_path)
        elif top.isValid():
            self._top_path = moved(self._tree.path(top))
        self._is_of_next = True
        self._view.viewport().setUpdatesEnabled(False)
        self._impatience.start()

    def _current_or_awaited(self, moved: Moves) -> str | None:
        """Return the path of what is current, or shall be when its rows come: until then the root is."""
        index = self._view.currentIndex()
        is_awaited = self._current is not None and index.siblingAtColumn(0) == self._tree.index(0, 0)
        path = moved(self._current) if is_awaited and self._current is not None else None
        return self._near(index, moved) if path is None else path

    def _selected_now(self, moved: Moves) -> set[str]:
        """Return the paths of several selected rows; none where only one is: that is the current one."""
        rows = self._view.selectionModel().selectedRows(0)
        if not 1 < len(rows) <= _PATHS_KEPT:
            return set()
        return {path for index in rows if (path := moved(self._tree.path(index))) is not None}

    def _near(self, index: QModelIndex, moved: Moves) -> str | None:
        """Return the path of a row that stays: this one, or else the one behind, before or above it."""
        if not index.isValid():
            return None
        row, parent = index.row(), index.parent()
        for place in (row, row + 1, row - 1):
            near = self._tree.index(place, 0, parent)
            path = moved(self._tree.path(near)) if near.isValid() else None
            if path is not None:
                return path
        return moved(self._tree.path(parent)) if parent.isValid() else None

    def forget(self) -> None:
        """Start with the next value from its top."""
        self._open.clear()
        self._is_of_next = False
        self._current = self._top_path = None
        self._awaits_rows = False
        self._end()

    @Slot()
    def _on_reset(self) -> None:
        self._expanded.clear()

    @Slot(QModelIndex)
    def _on_expanded(self, index: QModelIndex) -> None:
        self._expanded[self._tree.slot_number(index)] = None

    @Slot(QModelIndex)
    def _on_collapsed(self, index: QModelIndex) -> None:
        self._expanded.pop(self._tree.slot_number(index), None)

    # ---- after

    def begin(self, root: QModelIndex) -> None:
        """Take the root row of the value as it is now, before it is opened."""
        self._is_of_next = False
        self._tree.wanted_rows = dict(self._open)
        self._awaits_rows = self._open.pop("", None) is not None and self._tree.hasChildren(root)
        self._select(root)
        self._take(root)
        self._end_if_done()

    def go_to(self, path: str) -> None:
        """Open what is above a path as far as needed, and make its row current."""
        self._is_of_next = False
        self._selected_slots.clear()
        self._current = path
        index = self._tree.index(0, 0)
        while index.isValid() and self._tree.path(index) != path:
            self._view.expand(index)
            rows = range(self._tree.rowCount(index))
            children = (self._tree.index(row, 0, index) for row in rows)
            near = next((child for child in children if self._leads_to(child, path)), QModelIndex())
            if not near.isValid():
                self._tree.fetch_page(index)
                return  # goes on when the rows come
            index = near
        self._take(index)

    def _leads_to(self, index: QModelIndex, path: str) -> bool:
        here = self._tree.path(index)
        return here == path or is_within(path, here)

    def take_rows(self, parent: QModelIndex, first: int, last: int) -> None:
        """Look among rows that came for those that were kept."""
        if self._is_done or self._is_of_next:
            return
        self._awaits_rows = False
        for row in range(first, last + 1):
            self._take(self._tree.index(row, 0, parent))
        if self._current is not None and is_within(self._current, self._tree.path(parent)):
            self._tree.fetch_page(parent)
        self._end_if_done()

    def _take(self, index: QModelIndex) -> None:
        path = self._tree.path(index)
        if path == self._top_path:
            self._top_slot = self._tree.slot_number(index)
            self._top_path = None
        if path == self._current:
            self._current = None
            self._select(index)
        elif self._current is not None and is_within(self._current, path):
            self._view.expand(index)
        if self._open.pop(path, None) is not None:
            self._view.expand(index)
        if path in self._selected:
            self._selected.discard(path)
            self._selected_slots.append(self._tree.slot_number(index))
            self._view.selectionModel().select(index, _ADD_ROW)

    def _select(self, index: QModelIndex) -> None:
        """Make a row current; the view's own way would add it to the others while Ctrl is held."""
        selection = self._view.selectionModel()
        selection.setCurrentIndex(index, _SELECT_ROW)
        for slot in self._selected_slots:
            selection.select(self._tree.cell(slot, 0), _ADD_ROW)

    @property
    def _is_done(self) -> bool:
        return not self._open and self._current is None and self._top_path is None and not self._awaits_rows

    def _end_if_done(self) -> None:
        if self._is_done:
            self._end()

    @Slot()
    def _on_late(self) -> None:
        self._top_path = None
        self._awaits_rows = False
        self._end()

    def _end(self) -> None:
        self._impatience.stop()
        self._selected.clear()
        self._selected_slots.clear()
        slot, self._top_slot = self._top_slot, -1
        if slot >= 0:
            self._view.scrollTo(self._tree.cell(slot, 0), QTreeView.ScrollHint.PositionAtTop)
            self._view.scrollTo(self._view.currentIndex())
        self._view.viewport().setUpdatesEnabled(True)


def _stays(path: str) -> str | None:
    return path
