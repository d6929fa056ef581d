"""The value tree's model with items of lists that can be dragged to another place of their list."""

import struct
from collections.abc import Sequence
from secrets import token_bytes

from PySide6.QtCore import QMimeData, QModelIndex, QObject, Qt, Signal, Slot

from app.ui.models.roles import NO_PARENT, AnyIndex
from app.ui.models.value_tree import ValueTreeModel
from app.ui.node_places import Standing

_MIME = "application/x-shelfscope-dragged-rows"
_NUMBER = struct.Struct("<q")
_TOKEN_BYTES = 16
_FLAG = Qt.ItemFlag
_ORDERED_TYPES = frozenset({"list", "tuple", "collections.deque"})


class DragTreeModel(ValueTreeModel):
    """Tells of what was dropped; the rows move when the value was changed."""

    moved = Signal(int, list, int)
    """The slot of a list, the indexes of its items that were dragged, and the item that they were dropped before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._token = b""
        """What tells the rows that are being dragged from those of other values."""
        self._list_slot = -1
        """The slot of the list that they are items of."""
        self.modelReset.connect(self._on_reset)

    @Slot()
    def _on_reset(self) -> None:
        self._token = b""
        self._list_slot = -1

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        if not self.can_edit or not index.isValid():
            return flags
        if self.slot_number(index) == self._list_slot:  # in front of or behind another list is no place in it
            flags |= _FLAG.ItemIsDropEnabled
        if index.parent().isValid() and self.node_row(index.parent()).type in _ORDERED_TYPES:
            flags |= _FLAG.ItemIsDragEnabled
        return flags

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802 - Qt's name
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: N802 - Qt's name
        return [_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt's name
        """Carry the slots of the rows; they mean something in this model, as it is now, only."""
        mime = QMimeData()
        slots = {self.slot_number(index): None for index in indexes if index.column() == 0}
        self._token = token_bytes(_TOKEN_BYTES)
        self._list_slot = self.slot_number(indexes[0].parent()) if indexes else -1
        mime.setData(_MIME, self._token + b"".join(map(_NUMBER.pack, slots)))
        return mime

    def canDropMimeData(  # noqa: N802 - Qt's name
        self, data: QMimeData, _action: Qt.DropAction, _row: int, _column: int, parent: AnyIndex
    ) -> bool:
        return self._dragged(data, parent) is not None

    def dropMimeData(  # noqa: N802 - Qt's name
        self, data: QMimeData, _action: Qt.DropAction, row: int, _column: int, parent: AnyIndex = NO_PARENT
    ) -> bool:
        dragged = self._dragged(data, parent)
        if dragged is None:
            return False
        count = self.item_count(parent)
        before = self.place(self.index(row, 0, parent)).index if 0 <= row < self.rowCount(parent) else count
        self.moved.emit(self.slot_number(parent), dragged, max(before, 0))
        return True

    def _dragged(self, data: QMimeData, parent: AnyIndex) -> list[int] | None:
        """Return the indexes of what is dragged, in order; None where those are no items of this list."""
        content = bytes(data.data(_MIME).data())
        if not self._token or not content.startswith(self._token) or not parent.isValid():
            return None
        cells = [self.cell(slot, 0) for (slot,) in _NUMBER.iter_unpack(content[_TOKEN_BYTES:])]
        if any(not cell.isValid() or cell.parent() != parent for cell in cells):
            return None
        places = [self.place(cell) for cell in cells]
        return sorted(place.index for place in places) if all(p.standing is Standing.ITEM for p in places) else None
