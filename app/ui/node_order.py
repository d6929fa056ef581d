"""Putting rows of a value in another order, and taking them out."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Slot

from app.codecs.base import NodeRow
from app.codecs.edits import DeleteNodes, Reorder
from app.document.document import Document
from app.ui.jobs import JobRunner
from app.ui.node_places import Standing, prefix_of
from app.ui.selected_nodes import SelectedNodes
from app.ui.shown_value import ShownValue
from app.ui.value_editing import ValueEditing
from app.ui.value_edits import Wanted
from app.ui.value_panel import ValuePanel


class NodeOrder(SelectedNodes):
    """Deletes, moves and sorts."""

    def __init__(self, document: Document, panel: ValuePanel, editing: ValueEditing, runner: JobRunner) -> None:
        super().__init__(document, panel, editing, runner)
        panel.model.moved.connect(self._on_dragged)

    def delete(self) -> None:
        """Take the selected nodes out."""
        value = self.value
        if value is not None:
            self._delete(value, self.rows)

    def _delete(self, value: ShownValue, rows: Sequence[QModelIndex]) -> None:
        paths: dict[QModelIndex, list[str]] = {}
        for index in rows:
            paths.setdefault(index.parent(), []).append(self.path(index))
        # From the end on, so that the paths of those before them still hold.
        edits = [DeleteNodes(tuple(group)) for group in reversed(list(paths.values()))]
        places = [self.place(index) for index in rows]
        keyed = {place.container for place in places if place.standing is not Standing.ITEM}
        self._editing.apply(Wanted(value, edits, f"Deletion of {self._named(rows)}", keyed=keyed))

    def _named(self, rows: Sequence[QModelIndex]) -> str:
        return self.path(rows[0]) if len(rows) == 1 else f"{len(rows):,} rows"

    def move(self, by: int) -> None:
        """Bring the selected nodes, all of one container, past the one before or behind them."""
        value, rows = self.value, self.rows
        if value is None or not rows or not self.is_row_of_siblings:
            return
        parent, place = rows[0].parent(), self.place(rows[0])
        if place.standing is Standing.ITEM:
            positions = [self.place(index).index for index in rows]
            self._move(value, rows, positions, by, self._panel.model.item_count(parent))
            return
        row, prefix = self.row(parent), prefix_of(self.row(rows[0]))
        positions = [self._panel.model.position(index) for index in rows]

        def move(all_rows: list[NodeRow]) -> None:
            if value is self._panel.shown:
                self._move(value, rows, positions, by, sum(prefix_of(other) == prefix for other in all_rows))

        self._ask(self._document.all_rows_job(value.source, row.node, row.count), move)

    def _move(
        self, value: ShownValue, rows: Sequence[QModelIndex], positions: Sequence[int], by: int, count: int
    ) -> None:
        order = shifted(count, positions, by)
        if order == tuple(range(count)):
            return
        place = self.place(rows[0])
        keyed = () if place.standing is Standing.ITEM else (place.container,)
        edits = (Reorder(place.container, order),)
        self._editing.apply(Wanted(value, edits, f"Move of {self._named(rows)}", keyed=keyed))

    @Slot(int, list, int)
    def _on_dragged(self, parent_slot: int, dragged: list[int], before: int) -> None:
        """Put items of a list in front of another one, or at the end."""
        value, parent = self.value, self._panel.model.cell(parent_slot, 0)
        if value is None:
            return
        count = self._panel.model.item_count(parent)
        kept = [number for number in range(before) if number not in dragged]
        behind = [number for number in range(before, count) if number not in dragged]
        order = (*kept, *dragged, *behind)
        container = self.place(self._panel.model.index(0, 0, parent)).container
        self._editing.apply(Wanted(value, (Reorder(container, order),), f"Move within {container or 'the value'}"))

    def sort_keys(self) -> None:
        """Put the pairs of the current container, or of the one around, in the order of their keys."""
        value, target = self.value, self.target(self.current)
        if value is None or not target.isValid():
            return
        row, container = self.row(target), self.container(target)

        def sort(rows: list[NodeRow]) -> None:
            first = next((prefix_of(other) for other in rows if not prefix_of(other).endswith("<key>")), "")
            pairs = [other for other in rows if prefix_of(other) == first]
            order = tuple(sorted(range(len(pairs)), key=lambda number: _sort_key(pairs[number])))
            title = f"Sorting of {container or 'the value'}"
            self._editing.apply(Wanted(value, (Reorder(container, order),), title, keyed=(container,)))

        self._ask(self._document.all_rows_job(value.source, row.node, row.count), sort)


def shifted(count: int, positions: Sequence[int], by: int) -> tuple[int, ...]:
    """Return an order of ``count`` in which some positions went one on (``by`` 1) or back (-1), if there is room."""
    order, moved = list(range(count)), set(positions)
    for position in sorted(positions, reverse=by > 0):
        other = position + by
        if 0 <= other < count and order[other] not in moved:
            order[position], order[other] = order[other], order[position]
    return tuple(order)


def _sort_key(row: NodeRow) -> tuple[int, float, str]:
    """Return what pairs are put in order by: numbers, then texts."""
    literal = row.step.rpartition("[")[2].removesuffix("]")
    number = literal.removeprefix("-")
    if number.isdecimal() and len(number) < 16:
        return 0, float(literal), ""
    return 1, 0.0, row.label
