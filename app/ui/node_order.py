"""Putting rows of a value in another order, and taking them out."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Slot

from app.codecs.base import NodeRow
from app.codecs.edits import DeleteNodes, Reorder
from app.document.document import Document
from app.ui.jobs import JobRunner
from app.ui.node_places import Place, Standing, prefix_of
from app.ui.selected_nodes import SelectedNodes
from app.ui.shown_value import ShownValue
from app.ui.value_editing import ValueEditing
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
        what = self.path(rows[0]) if len(rows) == 1 else f"{len(rows):,} rows"
        self._editing.apply(value, edits, f"Deletion of {what}")

    def move(self, by: int) -> None:
        """Swap the current node with the one before or behind it."""
        value, index = self.value, self.current
        if value is None or not index.isValid():
            return
        place = self.place(index)
        parent, row = self.row(index.parent()), self.row(index)
        if place.standing is Standing.ITEM:
            self._swap(value, place, place.index, by, self._panel.model.item_count(index.parent()), "")
            return
        position = self._panel.model.position(index)
        job = self._document.all_rows_job(value.source, parent.node, parent.count)

        def swap(rows: list[NodeRow]) -> None:
            count = sum(prefix_of(other) == prefix_of(row) for other in rows)
            self._swap(value, place, position, by, count, self.path(index))

        self._ask(job, swap)

    def _swap(self, value: ShownValue, place: Place, position: int, by: int, count: int, current: str) -> None:
        other = position + by
        if not 0 <= other < count:
            return
        order = list(range(count))
        order[position], order[other] = other, position
        now = current or f"{place.container}[{other}]"
        self._editing.apply(value, (Reorder(place.container, tuple(order)),), f"Move of {now}", now)

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
        self._editing.apply(value, (Reorder(container, order),), f"Move within {container or 'the value'}")

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
            self._editing.apply(value, (Reorder(container, order),), f"Sorting of {container or 'the value'}")

        self._ask(self._document.all_rows_job(value.source, row.node, row.count), sort)


def _sort_key(row: NodeRow) -> tuple[int, float, str]:
    """Return what pairs are put in order by: numbers, then texts."""
    literal = row.step.rpartition("[")[2].removesuffix("]")
    number = literal.removeprefix("-")
    if number.isdecimal() and len(number) < 16:
        return 0, float(literal), ""
    return 1, 0.0, row.label
