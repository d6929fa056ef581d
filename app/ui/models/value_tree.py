"""A decoded value as a tree that is read page by page."""

from collections.abc import Iterator, Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt, Signal

from app.codecs.base import NodeRow
from app.ui.models import roles
from app.ui.models.roles import NO_PARENT, AnyIndex
from app.ui.node_places import Place, Standing, holds, place_of, prefix_of

PAGE = 1_000
"""Child rows that are asked for at once."""


class Column(IntEnum):
    """The tree's columns, left to right."""

    NAME = 0
    TYPE = 1
    VALUE = 2


_TITLES = {Column.NAME: "Name", Column.TYPE: "Type", Column.VALUE: "Value"}
_COLUMNS = len(Column)
_HORIZONTAL = Qt.Orientation.Horizontal
_EDITABLE = Qt.ItemFlag.ItemIsEditable
PLAIN_CONTAINERS = frozenset({"dict", "list", "tuple", "set", "frozenset"})
"""Types whose text only repeats what their rows say."""
_TOP = 0
"""The slot above the root row: the invalid index."""


class _Slot:
    """A row that Qt has seen. Cells name it by its number, so that no object hangs on an index."""

    __slots__ = ("children", "data", "is_waiting", "parent", "row")

    def __init__(self, data: NodeRow, parent: int, row: int) -> None:
        self.data = data
        self.parent = parent
        self.row = row
        self.children: list[int] = []
        self.is_waiting = False


class ValueTreeModel(QAbstractItemModel):
    """Shows one value; its rows come by `add_rows` when Qt or the view asked for them.

    A node that contains itself is just another row each time it is opened, so a cycle can be
    followed for ever without any recursion here.
    """

    needs_rows = Signal(int, int, int)
    """Slot, first child, number of children; answered by `add_rows` or `fail_rows`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._slots: list[_Slot] = []
        self.can_edit = False
        self.wanted_rows: dict[str, int] = {}
        """Rows that are asked for at once below paths where so many were there before."""
        self.clear()

    # ---- filling

    def clear(self) -> None:
        self._reset(None)

    def show_value(self, root: NodeRow, *, can_edit: bool) -> None:
        self.can_edit = can_edit
        self._reset(root)

    def show_message(self, sentence: str) -> None:
        """Show one row with a sentence in place of a value."""
        self.can_edit = False
        self._reset(_sentence_row(sentence))

    def _reset(self, root: NodeRow | None) -> None:
        self.beginResetModel()
        top = _Slot(NodeRow(0, "", "", "", ""), _TOP, 0)
        self._slots = [top]
        if root is not None:
            top.children.append(1)
            self._slots.append(_Slot(root, _TOP, 0))
        self.endResetModel()

    def add_rows(self, slot_number: int, start: int, rows: Sequence[NodeRow]) -> None:
        """Take the rows that were asked for; none at all means that there are no more."""
        slot = self._slots[slot_number]
        slot.is_waiting = False
        if start != len(slot.children):
            return
        rows = rows or [_sentence_row("There is less here than was announced.")]
        self.beginInsertRows(self._index_of(slot_number), start, start + len(rows) - 1)
        first = len(self._slots)
        self._slots.extend(_Slot(row, slot_number, start + place) for place, row in enumerate(rows))
        slot.children.extend(range(first, first + len(rows)))
        self.endInsertRows()

    def fail_rows(self, slot_number: int, start: int, sentence: str) -> None:
        """Show why the rows could not be had as a row in their place."""
        self.add_rows(slot_number, start, [_sentence_row(sentence)])

    def has_more(self, index: AnyIndex) -> bool:
        """Tell whether children of a row are known to be there and were not asked for yet."""
        slot = self._slot(index)
        stopped = slot.children and not self._slots[slot.children[-1]].data.step
        return not slot.is_waiting and not stopped and len(slot.children) < slot.data.count

    def fetch_page(self, index: AnyIndex) -> None:
        """Ask for the next page of a row's children."""
        if not self.has_more(index):
            return
        slot = self._slot(index)
        slot.is_waiting = True
        start = len(slot.children)
        wanted = max(PAGE, self.wanted_rows.pop(self.path(index), 0)) if self.wanted_rows else PAGE
        self.needs_rows.emit(_number(index), start, min(wanted, slot.data.count - start))

    # ---- what the view wants to know

    def node_row(self, index: AnyIndex) -> NodeRow:
        return self._slot(index).data

    def slot_number(self, index: AnyIndex) -> int:
        """Return the number by which a row is named until the next reset."""
        return _number(index)

    def cell(self, slot_number: int, column: int) -> QModelIndex:
        return self._index_of(slot_number, column) if slot_number < len(self._slots) else QModelIndex()

    def node_of(self, slot_number: int) -> int:
        return self._slots[slot_number].data.node

    def path(self, index: AnyIndex) -> str:
        """Return the path of a row: the steps from the root to it, joined."""
        steps = [slot.data.step for slot in self._lineage(_number(index))]
        return "".join(reversed(steps))

    def depth(self, index: AnyIndex) -> int:
        return sum(1 for _ in self._lineage(_number(index))) - 1

    def rows_to(self, index: AnyIndex) -> tuple[int, ...]:
        """Return the positions that lead from the root to a row: what the rows of the tree are in order by."""
        return tuple(reversed([slot.row for slot in self._lineage(_number(index))]))

    def place(self, index: AnyIndex) -> Place:
        """Return where a row stands among those beside it."""
        slot = self._slot(index)
        if _number(index) == _TOP or slot.parent == _TOP:
            return Place(Standing.ROOT)
        return place_of(slot.data, self._slots[slot.parent].data, self.path(index.parent()))

    def position(self, index: AnyIndex) -> int:
        """Return the position of a row among those of its kind beside it, keys that have rows left out."""
        slot = self._slot(index)
        beside = self._slots[slot.parent].children
        prefix = prefix_of(slot.data)
        count = 0
        for row in range(slot.row - 1, -1, -1):
            other = prefix_of(self._slots[beside[row]].data)
            if other == prefix:
                count += 1
            elif other != f"{prefix}<key>":
                break
        return count

    def item_count(self, index: AnyIndex) -> int:
        """Return how many items a list or an object has, rows that come before them left out."""
        slot = self._slot(index)
        rows = (self._slots[number].data for number in slot.children)
        others = next((n for n, row in enumerate(rows) if row.step.startswith("<listitems>")), 0)
        return slot.data.count - others

    def holds(self, index: AnyIndex) -> Standing | None:
        """Return what a row can be given more of, as far as its own rows are known."""
        slot = self._slot(index)
        first = self._slots[slot.children[0]].data if slot.children else None
        return holds(slot.data, first) if index.isValid() else None

    def flags_around(self, index: AnyIndex) -> frozenset[str]:
        """Return the flags of a row and of all that is around it."""
        return frozenset(flag for slot in self._lineage(_number(index)) for flag in slot.data.flags)

    def shared_places(self) -> list[str]:
        """Return the paths of all rows that are there whose objects stand in other places too; outer ones first."""
        shared = (number for number, slot in enumerate(self._slots) if "shared" in slot.data.flags)
        paths = (self.path(self._index_of(number)) for number in shared)
        return [path for path in paths if path]  # the root stands nowhere else but in itself

    def _lineage(self, slot_number: int) -> Iterator[_Slot]:
        while slot_number != _TOP:
            yield (slot := self._slots[slot_number])
            slot_number = slot.parent

    # ---- Qt's questions

    def _slot(self, index: AnyIndex) -> _Slot:
        return self._slots[_number(index)]

    def _index_of(self, slot_number: int, column: int = 0) -> QModelIndex:
        if slot_number == _TOP:
            return QModelIndex()
        return self.createIndex(self._slots[slot_number].row, column, slot_number)

    def index(self, row: int, column: int, parent: AnyIndex = NO_PARENT) -> QModelIndex:
        children = self._slot(parent).children
        if not 0 <= row < len(children) or not 0 <= column < _COLUMNS or parent.column() > 0:
            return QModelIndex()
        return self.createIndex(row, column, children[row])

    def parent(self, index: AnyIndex) -> QModelIndex:  # type: ignore[override]  # the stubs know QObject.parent() only
        return self._index_of(self._slot(index).parent) if index.isValid() else QModelIndex()

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.column() > 0 else len(self._slot(parent).children)

    def columnCount(self, _parent: AnyIndex = NO_PARENT) -> int:
        return _COLUMNS

    def hasChildren(self, parent: AnyIndex = NO_PARENT) -> bool:
        slot = self._slot(parent)
        return parent.column() <= 0 and bool(slot.children or slot.data.count)

    def canFetchMore(self, parent: AnyIndex) -> bool:
        # Only the first page: a QTreeView asks at every layout and would read a million rows by itself.
        return parent.column() <= 0 and not self._slot(parent).children and self.has_more(parent)

    def fetchMore(self, parent: AnyIndex) -> None:
        self.fetch_page(parent)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid() and index.column() == Column.VALUE and self.can_edit and self.node_row(index).editor:
            flags |= _EDITABLE
        return flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = roles.DISPLAY) -> object:
        if role != roles.DISPLAY or orientation != _HORIZONTAL or not 0 <= section < _COLUMNS:
            return None
        return _TITLES[Column(section)]

    def data(self, index: AnyIndex, role: int = roles.DISPLAY) -> object:
        if not index.isValid():
            return None
        row, column = self._slots[index.internalId()].data, index.column()
        if role == roles.DISPLAY:
            return row.label if column == Column.NAME else row.type if column == Column.TYPE else row.text
        if role == roles.PROBLEM:
            return row.note or row.text if "damaged" in row.flags else ""
        if role == roles.IS_DIM:
            return column == Column.VALUE and row.type in PLAIN_CONTAINERS
        if role == roles.TOOL_TIP:
            return self._tool_tip(index, row)
        return None

    def _tool_tip(self, index: AnyIndex, row: NodeRow) -> str:
        text = row.text if index.column() == Column.VALUE else row.type if index.column() == Column.TYPE else row.label
        return roles.tool_tip(text, ", ".join(row.flags), row.note)


def _number(index: AnyIndex) -> int:
    return index.internalId() if index.isValid() else _TOP


def _sentence_row(sentence: str) -> NodeRow:
    return NodeRow(0, "", "", "", sentence, flags=("damaged",), note=sentence)
