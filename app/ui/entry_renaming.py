"""Typing another key for an entry, in its cell of the table."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.codecs.screen import key_text
from app.document.document import Document
from app.document.draft import Edited
from app.errors import AppError, EncodeError, KeysTaken
from app.ui.dialogs.entry_dialogs import KEY_HINT, key_of
from app.ui.dialogs.questions import Taken, ask_taken
from app.ui.editors.scalar_editor import ScalarEditor
from app.ui.entry_panel import EntryPanel
from app.ui.entry_work import CANCELLED
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar


class KeyEditor(ScalarEditor):
    """Takes a key as `key_of` reads it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setObjectName("key-editor")
        self.setAccessibleName("New key")
        self.explain(f"{KEY_HINT}; Enter commits, Escape gives up")


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
        self._entry: int | None = None
        entries.view.editing.changed.connect(self.changed)
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

    def commit(self) -> None:
        """Hand over what is typed, as leaving the editor does."""
        if self._editor is not None:
            self._editor.commit()

    def focus(self) -> None:
        """Go back to what is being typed."""
        if self._editor is not None:
            self._editor.setFocus()

    def _on_reloading(self) -> None:
        """Rename nothing by an id that means another entry now."""
        self._entry = None
        self.close()

    @Slot()
    def close(self) -> None:
        """Close the editor, giving up what it holds."""
        self._entries.view.editing.close()

    def begin(self) -> None:
        """Open the editor on the current entry; not while another one holds a key that was refused."""
        entry_id = self._entries.current_entry
        if self._editor is not None and self._editor.is_refused:
            self._editor.setFocus()
        elif self._runner.is_running("save"):  # its end would close the editor
            self._notices.show_info(f"{self._document.name} is being written; keys can be edited when that is done.")
        elif entry_id is not None:
            self._entry = entry_id
            self._entries.view.open_editor(entry_id, partial(KeyEditor, key_text(self._document.key(entry_id))))
            editor = self._editor
            if editor is not None:
                editor.committed.connect(self._on_committed)
                editor.abandoned.connect(self._on_abandoned)

    @Slot()
    def _on_abandoned(self) -> None:
        self._notices.clear()
        self.close()

    # ---- handing over

    @Slot(str)
    def _on_committed(self, text: str) -> None:
        try:
            key = key_of(text)
        except EncodeError as error:
            self._refuse(error)
        else:
            self._start(key)

    def _start(self, key: bytes, *, replaces: bool = False) -> None:
        if self._entry is None or self._runner.is_running("rename"):
            return
        try:
            job = self._document.rename_job(self._entry, key, replaces=replaces)
        except AppError as error:
            self._refuse(error)
            return
        self._notices.clear()
        job.done = partial(self._on_done, job.done)
        job.failed = partial(self._on_failed, key)
        self._runner.start(job, key="rename", cancelled=partial(self._refuse, CANCELLED))

    def _on_done(self, take: Callable[[Edited], None], edited: Edited) -> None:
        had_focus = self._editor is not None and self._editor.hasFocus()
        self._notices.clear()
        self.close()
        take(edited)
        entry_id = self._document.entry_of(edited.edit.ref) if edited.edit.steps else None
        if entry_id is not None and had_focus:  # who has clicked elsewhere stays there
            self._entries.view.select_entry(entry_id)
            self._entries.view.setFocus()

    def _on_failed(self, key: bytes, error: AppError) -> None:
        if isinstance(error, KeysTaken):
            ask_taken(error, partial(self._on_answer, key, error), self._entries)
        else:
            self._refuse(error)

    def _on_answer(self, key: bytes, error: KeysTaken, answer: Taken) -> None:
        match answer:
            case Taken.REPLACE:
                self._start(key, replaces=True)
            case Taken.ANOTHER:
                self._refuse(error)
            case Taken.CANCEL:
                self._on_abandoned()

    def _refuse(self, error: AppError) -> None:
        self._notices.show_error(error)
        if self._editor is not None:
            self._editor.refuse(error.message)
