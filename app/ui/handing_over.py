"""What was typed is handed over as an edit, after the questions that it raises about shared objects."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.codecs.edits import Edit
from app.document.document import Document
from app.document.shared_places import changed_by
from app.errors import AppError
from app.ui.dialogs.questions import ask_separate, ask_where
from app.ui.edit_sessions import Entered, Session
from app.ui.editors.pane_editor import PaneEditor
from app.ui.value_edits import ValueEdits, Wanted
from app.ui.value_panel import ValuePanel


class HandingOver(QObject):
    """Asks which places of a shared object shall change, and begins the edit."""

    refused = Signal(int)
    """The entry whose editor holds a text that was not taken."""
    failed = Signal(object)
    """Why a value is not edited, as an `AppError`."""
    unanswered = Signal()
    """A question was cancelled, and the editor goes on."""

    def __init__(
        self, document: Document, panel: ValuePanel, edits: ValueEdits, keeps_typed: Callable[[], bool]
    ) -> None:
        """``keeps_typed`` tells whether an editor holds a text of its own, which is shown then."""
        super().__init__(panel)
        self._document = document
        self._panel = panel
        self._edits = edits
        self._keeps_typed = keeps_typed

    # ---- what an editor holds

    def commit(self, session: Session, text: str) -> None:
        """Hand over what was typed; the editor stays open until it is taken."""
        if session.value is not self._panel.shown or session.editor is None or session.is_asked:
            return
        key = session.editor.key_text if isinstance(session.editor, PaneEditor) else ""
        entered = Entered(text, key)
        if session.separates:
            session.is_asked = True
            ask_separate(partial(self._on_separate, session, entered), self._panel)
        else:
            self._ask_where(session, entered)

    def _on_separate(self, session: Session, entered: Entered, does_so: bool) -> None:
        session.is_asked = False
        if does_so:
            self._ask_where(session, entered)
        else:
            self.unanswered.emit()

    def _ask_where(self, session: Session, entered: Entered) -> None:
        around = self._changed_elsewhere(session.edits(entered))
        if session.is_shared or around:
            session.is_asked = True
            ask_where(partial(self._on_where, session, entered, around), self._panel)
        else:
            self._begin(session, entered)

    def _on_where(self, session: Session, entered: Entered, around: Sequence[str], everywhere: bool | None) -> None:
        session.is_asked = False
        if everywhere is None:
            self.unanswered.emit()
        elif session.editor is None or session.value is not self._panel.shown:
            self._say_stale()
        else:
            here = () if everywhere else around
            self._begin(session, Entered(entered.text, entered.key, everywhere), here)

    def _begin(self, session: Session, entered: Entered, only_at: Sequence[str] = ()) -> None:
        wanted = Wanted(session.value, session.edits(entered), session.title, session.current_after(entered))
        session.hold(is_held=True)
        self._edits.start(
            wanted, partial(self._on_refused, session), only_at, over=partial(session.hold, is_held=False)
        )

    def _on_refused(self, session: Session, error: AppError) -> None:
        editor = session.editor
        if session.value is not self._panel.shown or editor is None:
            self.failed.emit(error)
            return
        self._panel.hold()
        self.refused.emit(session.value.entry_id)
        editor.refuse(error.message)

    # ---- without an editor

    def apply(self, wanted: Wanted) -> None:
        """Edit a value without an editor; `failed` follows where it is refused.

        While the edit before is not in sight yet nothing happens: the rows that it would be about are others by then.
        """
        around = self._changed_elsewhere(wanted.edits) if wanted.value is self._panel.shown else []
        if around:
            ask_where(partial(self._on_apply_where, wanted, around), self._panel)
        else:
            self._apply(wanted)

    def _on_apply_where(self, wanted: Wanted, around: Sequence[str], everywhere: bool | None) -> None:
        if everywhere is not None and wanted.value is not self._panel.shown:
            self._say_stale()
        elif everywhere is not None:
            self._apply(wanted, () if everywhere else around)

    def _apply(self, wanted: Wanted, only_at: Sequence[str] = ()) -> None:
        if wanted.value is self._panel.shown and not self._edits.is_busy and not self._keeps_typed():
            self._edits.start(wanted, self.failed.emit, only_at)

    def _changed_elsewhere(self, edits: Sequence[Edit]) -> list[str]:
        """Return which places of the value that is shown have objects that stand elsewhere too and would be changed.

        The edits themselves say it: another row may be current by now than the one that they are about.
        """
        return changed_by(edits, self._panel.model.shared_places())

    def _say_stale(self) -> None:
        """Say that nothing came of an answer: the value that was asked about is not the one that is shown now."""
        self.failed.emit(AppError(f"{self._document.name} was read again meanwhile, so nothing was changed."))
