"""Item roles as plain integers: a look-up of an enum member costs a microsecond, and a frame makes hundreds."""

from html import escape
from typing import Final, TypeAlias

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

AnyIndex: TypeAlias = QModelIndex | QPersistentModelIndex
NO_PARENT: Final = QModelIndex()

DISPLAY: Final = int(Qt.ItemDataRole.DisplayRole)
EDIT: Final = int(Qt.ItemDataRole.EditRole)
TOOL_TIP: Final = int(Qt.ItemDataRole.ToolTipRole)
ALIGNMENT: Final = int(Qt.ItemDataRole.TextAlignmentRole)
ACCESSIBLE_TEXT: Final = int(Qt.ItemDataRole.AccessibleTextRole)
IS_PENDING: Final = int(Qt.ItemDataRole.UserRole)
"""Whether the row has a change that is not saved."""
PROBLEM: Final = IS_PENDING + 1
"""A sentence on what is wrong with the row, or an empty text."""
IS_DIM: Final = IS_PENDING + 2
"""Whether the cell's text stands for something that is not there (yet)."""
PENDING_KIND: Final = IS_PENDING + 3
"""What the next save does to the entry: a value of `PendingKind`, an empty text where it does nothing."""

RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
TOOL_TIP_CHARS: Final = 1_000
"""Characters of a tooltip; longer texts are cut."""


def tool_tip(*texts: str) -> str:
    """Return texts of a file as a tooltip that Qt cannot take for rich text of its own."""
    text = "\n".join(text[:TOOL_TIP_CHARS] for text in texts if text)
    return f"<p style='white-space: pre-wrap'>{escape(text)}</p>" if text else ""
