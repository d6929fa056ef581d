"""Editing a value: an editor is opened, what was typed is handed over, and stays in sight while it is refused."""

from functools import partial
from weakref import proxy

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Signal, Slot

from app.codecs.edits import ReplaceNode, Written
from app.codecs.literals.decimals import decimal_text
from app.codecs.literals.scalars import parse_literal
from app.codecs.nodes import Kind
from app.document.document import Document
from app.errors import AppError, CodecError
from app.ui.edit_sessions import OtherEditing, Session
from app.ui.editors.pane_editor import MAX_PANE_CHARS, Draft, PaneEditor
from app.ui.editors.scalar_editor import MAX_CHARS, ScalarEditor
from app.ui.editors.typed_editors import TextEditor, line_for
from app.ui.handing_over import HandingOver
from app.ui.jobs import JobRunner
from app.ui.models.value_tree import Column
from app.ui.settling import COMES_FIRST, RowSettling
from app.ui.value_edits import ValueEdits, Wanted
from app.ui.value_panel import ValuePanel

_LINE_ENDS = ("\n", "\r", "\u2028", "\u2029")
_INTEGERS = frozenset(map(str, (Kind.INT, Kind.LONG)))
_TEXTS = frozenset(map(str, (Kind.STR, Kind.STR2)))


class ValueEditing(QObject):
    """Lets no typed text get lost: a refused one stays in its editor, and the entry stays in front."""

    started = Signal()
    """An editor was opened, or an edit begun: what was said of the one before is old."""
    refused = Signal(int)
    """The entry whose editor holds a text that was not taken."""
    failed = Signal(object)
    """Why a value cannot be edited, as an `AppError`."""
    changed = Signal()
    """An editor was opened or closed."""
    said = Signal(str)
    """Why no editor opens just now, or nothing else is done."""

    def __init__(
        self, document: Document, panel: ValuePanel, runner: JobRunner, other: OtherEditing | None = None
    ) -> None:
        """``other``: what is typed elsewhere in the tab, and handed over and kept together with this."""
        super().__init__(panel)
        self._other = other
        self._document = document
        self._panel = panel
        self._runner = runner
        self._session: Session | None = None
        self.settling = RowSettling(self, panel, runner)
        panel.tree.edit_wanted.connect(self._on_edit_wanted)
        panel.tree.editor_changed.connect(self.changed)
        self._edits = ValueEdits(document, panel, runner)
        self._edits.begun.connect(self.started)
        self._edits.done.connect(self.close)
        self._edits.failed.connect(self.failed)
        self._edits.kept.connect(self.refused)
        # Bound methods would make cycles, which would be collected in whatever thread.
        self._handing_over = HandingOver(document, panel, self._edits, partial(ValueEditing._keeps, proxy(self)))
        self._handing_over.failed.connect(self.failed)
        self._handing_over.refused.connect(self.refused)
        self._handing_over.unanswered.connect(self.focus)
        panel.hex.pane.may_begin = partial(ValueEditing._may_edit_bytes, proxy(self))
        panel.left.connect(self.close)

    @property
    def _editor(self) -> ScalarEditor | PaneEditor | None:
        return self._session.editor if self._session is not None else None

    @property
    def is_active(self) -> bool:
        """Whether an editor is open."""
        is_here = self._editor is not None or self._panel.hex.pane.is_editing
        return is_here or (self._other is not None and self._other.is_active)

    @property
    def is_open(self) -> bool:
        """Whether an editor holds a text that differs from the value."""
        editor = self._editor
        is_asked = self._session is not None and self._session.is_asked
        is_here = is_asked or (editor is not None and editor.is_changed) or self._panel.hex.pane.is_changed
        return is_here or (self._other is not None and self._other.is_open)

    @property
    def is_refused(self) -> bool:
        """Whether a text was handed over and not taken, which it says itself, or a person is being asked about it."""
        session, editor = self._session, self._editor
        is_asked = session is not None and session.is_asked
        is_here = is_asked or (editor is not None and editor.is_refused) or self._panel.hex.pane.is_changed
        return is_here or (self._other is not None and self._other.is_refused)

    @property
    def held_entry(self) -> int | None:
        """The entry whose editor holds a text that was refused; it has to stay in front."""
        editor, shown = self._editor, self._panel.shown
        return shown.entry_id if editor is not None and editor.is_refused and shown is not None else None

    @property
    def is_busy(self) -> bool:
        """Whether an edit is on its way into the tree."""
        return self._edits.is_busy

    def focus(self) -> None:
        """Go back to what is being typed."""
        if self._editor is not None:
            self._editor.setFocus()
        elif self._panel.hex.pane.is_changed:
            self._panel.panes.setCurrentWidget(self._panel.hex)
            self._panel.hex.pane.setFocus()
        elif self._other is not None:
            self._other.focus()

    def insist(self) -> None:
        """Go back to the row of what is typed, and say that it comes first."""
        session = self._session
        if session is not None and session.row.isValid():
            self._panel.tree.setCurrentIndex(session.row)
        self.focus()
        self.said.emit(COMES_FIRST)

    def commit(self) -> None:
        """Hand over what is typed, as leaving the editor does."""
        if self._other is not None:
            self._other.commit()
        self._panel.hex.pane.commit()
        if self._editor is not None:
            self._editor.commit()

    def apply(self, wanted: Wanted) -> None:
        """Edit a value without an editor, as `HandingOver.apply` does."""
        self._handing_over.apply(wanted)

    def _keeps(self, session: Session | None = None) -> bool:
        """Tell whether another session's editor holds what is typed; it gets the focus then."""
        editor = self._editor
        if editor is None or session is self._session or not editor.is_changed:
            return False
        editor.setFocus()
        return True

    @Slot()
    def close(self) -> None:
        """Close the editor, giving up what it holds."""
        session, self._session = self._session, None
        if session is None:
            return
        if isinstance(session.editor, PaneEditor):
            had_focus = session.editor.focusWidget() is not None
            session.editor.committed.disconnect()
            session.editor.abandoned.disconnect()
            self._panel.panes.end_editing()
            if had_focus:
                self._panel.tree.setFocus()
        else:
            self._panel.tree.close_editor()
        session.editor = None  # else the two hold each other, until they are collected in whatever thread
        self.changed.emit()

    def _may_open(self) -> bool:
        """Tell whether no save runs, whose end closes what is open; it is said where one does."""
        if self._runner.is_running("save"):
            self.said.emit(f"{self._document.name} is being written; it can be edited when that is done.")
            return False
        return True

    def _may_edit_bytes(self) -> bool:
        """Tell whether bytes can be typed at once; where an edit is on its way, that begins behind it."""
        if not self._may_open():
            return False
        if self.is_busy:
            self.settling.settle_row(self._panel.hex.pane.begin_editing)
            return False
        return True

    # ---- a line in the tree

    @Slot(int)
    def _on_edit_wanted(self, slot_number: int) -> None:
        value, model = self._panel.shown, self._panel.model
        if value is None or not self._may_open():
            return
        if self.is_open or self.is_busy:
            self.settling.settle_row(self._panel.tree.edit_current)
            return
        cell = model.cell(slot_number, Column.VALUE)
        path, row = model.path(cell), model.node_row(cell)
        session = Session(
            value,
            f"Edit of {path or 'the value'}",
            lambda entered: (ReplaceNode(path, Written(entered.text), everywhere=entered.everywhere),),
            is_shared="shared" in row.flags,
        )
        job = self._document.edit_text_job(value.source, path)
        job.done = partial(self._on_text, session, slot_number, row.editor)
        job.failed = self.failed.emit
        self._runner.start(job, key="edit-text")

    def _on_text(self, session: Session, slot_number: int, kind: str, literal: str) -> None:
        if session.value is not self._panel.shown or not self._panel.is_settled:
            return
        literal = _in_decimal(literal) if kind in _INTEGERS else literal
        text = _text_of(literal, kind)
        if any(end in text for end in _LINE_ENDS):
            self.open_pane(session, Draft.of_text(session.title, text))
        elif len(literal) > MAX_CHARS:
            self.open_pane(session, Draft(session.title, literal, is_stored=True))
        else:
            self.open_line(session, slot_number, kind, literal)
        self._note_unknown_class(slot_number)

    def _note_unknown_class(self, slot_number: int) -> None:
        model = self._panel.model
        if "unknown-class" in model.flags_around(model.cell(slot_number, 0)):
            self._panel.note.show_text("The class of this object is not known here; it may see things differently.")

    def open_line(
        self, session: Session, slot_number: int, kind: str, literal: str, column: Column = Column.VALUE
    ) -> None:
        """Open a line in a cell of the tree; ``kind`` is one of `NodeRow.editor`."""
        if self._keeps(session) or not self._may_open():
            return
        self.close()
        tree = self._panel.tree
        tree.open_editor(slot_number, line_for(kind, literal), column)
        editor = tree.editor
        if editor is not None:
            self._begin(session, editor, self._panel.model.cell(slot_number, 0))
            if isinstance(editor, TextEditor):
                editor.lines_pasted.connect(partial(self._on_lines_pasted, session))
            self.changed.emit()  # only now is it this session's

    def _on_lines_pasted(self, session: Session, literal: str) -> None:
        text = _text_of(literal, str(Kind.STR))
        self.open_pane(session, Draft.of_text(session.title, text, is_changed=True))

    # ---- the pane

    def open_pane(self, session: Session, draft: Draft) -> PaneEditor | None:
        """Open the pane; too long a text is refused."""
        if self._keeps(session) or not self._may_open():
            return None
        if len(draft.text or "") > MAX_PANE_CHARS:
            length = len(draft.text or "")
            self.failed.emit(AppError(f"{length:,} characters are too many to be edited here; edit a part of it."))
            return None
        self.close()
        editor = self._panel.panes.begin_editing(draft)
        self._begin(session, editor, self._panel.tree.currentIndex())
        self.changed.emit()
        return editor

    def _begin(self, session: Session, editor: ScalarEditor | PaneEditor, index: QModelIndex) -> None:
        session.editor, session.row = editor, QPersistentModelIndex(index)
        self._session = session
        self.started.emit()
        editor.abandoned.connect(self._on_abandoned)
        editor.committed.connect(partial(self._handing_over.commit, session))

    @Slot()
    def _on_abandoned(self) -> None:
        self.close()
        self._panel.show_note()


def _text_of(literal: str, kind: str) -> str:
    """Return the text that a literal stands for, an empty one where it is none.

    An 8-bit string is one where it is all ASCII; elsewhere only its escapes say which bytes it has.
    """
    try:
        text = str(parse_literal(literal, Kind.STR)) if kind in _TEXTS else ""
    except CodecError:
        return ""
    return text if kind == str(Kind.STR) or text.isascii() else ""


def _in_decimal(literal: str) -> str:
    """Return the digits of an integer that Python would only read in hexadecimal."""
    is_hex = literal.removeprefix("-").startswith("0x") and len(literal) <= MAX_CHARS
    return decimal_text(int(literal, 16)) if is_hex else literal
