"""What an editor of a value is open for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QPersistentModelIndex

from app.codecs.edits import Edit
from app.ui.editors.pane_editor import PaneEditor
from app.ui.editors.scalar_editor import ScalarEditor
from app.ui.shown_value import ShownValue


@dataclass(frozen=True, slots=True)
class Entered:
    """What was typed: a literal or JSON, the literal of a key, and whether it is for all places of a shared object."""

    text: str
    key: str = ""
    everywhere: bool = False


@dataclass(slots=True, eq=False)
class Session:
    """What an editor is open for. ``edits`` makes of what was typed what is done to the value.

    ``current`` is the path that shall be current then, or returns it. ``is_shared``: the object stands in other places
    too.
    """

    value: ShownValue
    title: str
    edits: Callable[[Entered], Sequence[Edit]]
    current: str | Callable[[Entered], str | None] | None = None
    is_shared: bool = False
    separates: bool = False
    """Whether objects within it, which stand in other places too, become copies when it is written anew."""
    editor: ScalarEditor | PaneEditor | None = field(default=None, init=False)
    row: QPersistentModelIndex = field(default_factory=QPersistentModelIndex, init=False)
    """The row that was current when the editor opened."""
    is_asked: bool = field(default=False, init=False)
    """Whether a person is being asked which of those places shall change."""

    def hold(self, *, is_held: bool) -> None:
        """Have the editor take no keys while what it holds is on its way."""
        if self.editor is not None:
            self.editor.hold(is_held=is_held)

    def current_after(self, entered: Entered) -> str | None:
        return self.current(entered) if callable(self.current) else self.current


class OtherEditing(Protocol):
    """Another place of a tab where something is typed; as `ValueEditing` says."""

    @property
    def is_active(self) -> bool: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def is_refused(self) -> bool: ...

    def commit(self) -> None: ...

    def focus(self) -> None: ...
