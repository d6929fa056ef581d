"""Typing another key for an entry, in its cell of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.codecs.screen import key_text
from app.document.document import Document
from app.document.draft import Edited
from app.document.job import Job
from app.document.typed_keys import key_of
from app.errors import AppError, DocumentError, EncodeError, KeysTaken
from app.ui.dialogs.entry_dialogs import KEY_HELP
from app.ui.dialogs.questions import Taken, ask_taken
from app.ui.editors.scalar_editor import ScalarEditor
from app.ui.entry_panel import EntryPanel
from app.ui.entry_work import CANCELLED
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar
from app.ui.settling import COMES_FIRST, Settling


class KeyEditor(ScalarEditor):
    """Takes a key as `key_of` reads it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setObjectName("key-editor")
        self.setAccessibleName("New key")
        self.explain(f"{KEY_HELP}; Enter commits, Escape gives up")


@dataclass(slots=True, eq=False)
class _Session:
    """What an editor is open for: the entry, None once the keys were read again, as ids mean others then."""

    entry_id: int | None
    is_asked: bool = False
    """Whether a person is being asked about a key that there is already."""


class EntryRenaming(QObject):
    """Loses nothing that is typed: a key that is refused stays in its cell, with the reason above the table."""

    changed = Signal()
    """The editor was opened or closed."""

    def __init__(self, document: Document, entries: EntryPanel, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(entries)
        self._document = document
        self._entries = entries
        self._runner = runner
        self._notices = notices
        self._settling = Settling(self, runner)
        self._session: _Session | None = None
        entries.view.editing.changed.connect(self.changed)
        entries.filter_held.connect(self._on_filter_held)
        document.reloading.connect(self._on_reloading)

    @property
    def _editor(self) -> ScalarEditor | None:
        return self._entries.view.editing.editor

    @property
    def is_active(self) -> bool:
        """Whether the editor is open."""
        return self._editor is not None

    @property
    def is_open(self) -> bool:
        """Whether it holds another key than the entry has."""
        return self._editor is not None and self._editor.is_changed

    @property
    def is_refused(self) -> bool:
        """Whether that key was not taken, or a person is being asked about it."""
        is_asked = self._session is not None and self._session.is_asked
        return is_asked or (self._editor is not None and self._editor.is_refused)

    def commit(self) -> None:
        """Hand over what is typed, as leaving the editor does."""
        if self._editor is not None:
            self._editor.commit()

    def focus(self) -> None:
        """Go back to what is being typed."""
        if self._editor is not None:
            self._editor.setFocus()

    def insist(self) -> None:
        """Go back to what is typed, and say that it comes first; the reason stands there unless it is another now."""
        self.focus()
        if not self.is_refused:
            self._notices.show_info(COMES_FIRST)

    def _on_reloading(self) -> None:
        """Rename nothing by an id that means another entry now."""
        if self._session is not None:
            self._session.entry_id = None

    @Slot()
    def _on_filter_held(self) -> None:
        if self._editor is not None and self._editor.is_refused:
            self._notices.show_info(
                "The filter waits for the key that was not taken: correct it, or give it up by Escape in its cell."
            )

    @Slot()
    def close(self) -> None:
        """Close the editor, giving up what it holds."""
        self._session = None
        self._entries.view.editing.close()

    def begin(self) -> None:
        """Open the editor on the current entry; behind what is typed for another one, unless that is refused."""
        entry_id = self._entries.current_entry
        edited = None if self._session is None else self._session.entry_id
        if self._editor is not None and (entry_id == edited or self._editor.is_refused):
            self._editor.setFocus()
        elif self.is_open:
            self._settling.settle(partial(self._begin_behind, entry_id))
        elif self._runner.is_running("save"):  # its end would close the editor
            self._notices.show_info(f"{self._document.name} is being written; keys can be edited when that is done.")
        elif entry_id is not None:
            self._open(entry_id)

    def _open(self, entry_id: int) -> None:
        self._entries.view.open_editor(entry_id, partial(KeyEditor, key_text(self._document.key(entry_id))))
        session = self._session = _Session(entry_id)
        if self._editor is not None:
            self._editor.committed.connect(partial(self._on_committed, session))
            self._editor.abandoned.connect(self._on_abandoned)

    def _begin_behind(self, entry_id: int | None) -> None:
        if self._entries.current_entry == entry_id:
            self.begin()

    @Slot()
    def _on_abandoned(self) -> None:
        self._notices.clear()
        self.close()

    # ---- handing over

    def _on_committed(self, session: _Session, text: str) -> None:
        if session.is_asked:
            return
        try:
            key = key_of(text)
        except EncodeError as error:
            self._refuse(session, error)
        else:
            self._start(session, key)

    def _start(self, session: _Session, key: bytes, *, replaces: bool = False) -> None:
        if self._runner.is_running("rename"):
            return
        try:
            job = self._rename_job(session, key, replaces=replaces)
        except AppError as error:
            self._refuse(session, error)
            return
        self._notices.clear()
        job.done = partial(self._on_done, session, job.done)
        job.failed = partial(self._on_failed, session, key)
        self._hold(session, is_held=True)
        cancelled, over = partial(self._refuse, session, CANCELLED), partial(self._hold, session, is_held=False)
        self._runner.start(job, key="rename", cancelled=cancelled, over=over)

    def _rename_job(self, session: _Session, key: bytes, *, replaces: bool) -> Job[Edited]:
        if session.entry_id is None:
            raise DocumentError(f"{self._document.name} was read again meanwhile, so nothing was renamed.")
        return self._document.rename_job(session.entry_id, key, replaces=replaces)

    def _editor_of(self, session: _Session) -> ScalarEditor | None:
        """Return the editor of a session, None once it was closed."""
        return self._editor if session is self._session else None

    def _hold(self, session: _Session, *, is_held: bool) -> None:
        editor = self._editor_of(session)
        if editor is not None:
            editor.hold(is_held=is_held)

    def _on_done(self, session: _Session, take: Callable[[Edited], None], edited: Edited) -> None:
        editor = self._editor_of(session)  # its window need not be active yet when a question was answered
        had_focus = editor is not None and editor.window().focusWidget() is editor
        self._notices.clear()
        if editor is not None:
            self.close()
        take(edited)
        entry_id = self._document.entry_of(edited.edit.ref) if edited.edit.steps else None
        if entry_id is not None and had_focus:  # who has clicked elsewhere stays there
            self._entries.view.select_entry(entry_id)
            self._entries.view.setFocus()

    def _on_failed(self, session: _Session, key: bytes, error: AppError) -> None:
        if isinstance(error, KeysTaken) and self._editor_of(session) is not None:
            session.is_asked = True
            ask_taken(error, partial(self._on_answer, session, key, error), self._entries)
        else:
            self._refuse(session, error)

    def _on_answer(self, session: _Session, key: bytes, error: KeysTaken, answer: Taken) -> None:
        session.is_asked = False
        editor = self._editor_of(session)
        match answer:
            case Taken.REPLACE:
                self._start(session, key, replaces=True)
            case Taken.ANOTHER:
                self._refuse(session, error)
                if editor is not None:
                    editor.selectAll()
            case Taken.CANCEL if editor is not None:
                self._on_abandoned()
                self._entries.view.setFocus()  # it would come back to the editor, which is gone

    def _refuse(self, session: _Session, error: AppError) -> None:
        self._notices.show_error(error)
        editor = self._editor_of(session)
        if editor is not None:
            editor.refuse(error.message)
