"""Edits of the value that is shown, on their way to the engine and back into the tree."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.codecs.edits import Edit
from app.document.document import Document
from app.document.draft import Edited
from app.document.nodes import Splice
from app.errors import AppError
from app.ui.jobs import JobRunner, nothing
from app.ui.path_moves import moves_of
from app.ui.shown_value import ShownValue
from app.ui.value_panel import ValuePanel

_KEY, _BYTES = "edit", "bytes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done to a value; ``current`` is the path that shall be current then.

    ``keyed`` are the containers whose order it changes, and whose numbers are keys, not indexes.
    """

    value: ShownValue
    edits: Sequence[Edit]
    title: str
    current: str | None = None
    keyed: Collection[str] = ()


class ValueEdits(QObject):
    """Has them made one after the other; where one is refused, the value stays as it is."""

    begun = Signal()
    done = Signal()
    """An edit of the value that is shown was made, and comes into sight next."""
    failed = Signal(object)
    """Why bytes cannot be edited, as an `AppError`."""
    kept = Signal(int)
    """The entry whose typed bytes were not taken."""

    def __init__(self, document: Document, panel: ValuePanel, runner: JobRunner) -> None:
        super().__init__(panel)
        self._document = document
        self._panel = panel
        self._runner = runner
        panel.panes.bytes_edited.connect(self._on_bytes_edited)

    @property
    def is_busy(self) -> bool:
        """Whether an edit is on its way into the tree."""
        return self._runner.is_editing or not self._panel.is_settled

    def start(
        self,
        wanted: Wanted,
        refused: Callable[[AppError], None],
        only_at: Sequence[str] = (),
        over: Callable[[], None] = nothing,
    ) -> None:
        """Begin an edit; ``only_at`` are paths of shared objects that it leaves as they are elsewhere.

        ``over`` is called whatever became of it, as `JobRunner.start` has it.
        """
        try:
            job = self._document.edits_job(wanted.value.entry_id, wanted.edits, wanted.title, only_at=only_at)
        except AppError as error:
            refused(error)
            over()
            return
        job.done = partial(self._on_edited, wanted, job.done)
        job.failed = refused
        self.begun.emit()
        self._runner.start(job, key=_KEY, over=over)

    def _on_edited(self, wanted: Wanted, take: Callable[[Edited], None], outcome: Edited) -> None:
        if wanted.value is self._panel.shown:
            self.done.emit()
            moves = moves_of(wanted.edits, keyed=wanted.keyed, renamed=wanted.current)
            self._panel.expect(moves, wanted.current)
        take(outcome)
        self._panel.expect(None, None)

    @Slot(object)
    def _on_bytes_edited(self, splices: Sequence[Splice]) -> None:
        """Have typed bytes put in; the pane holds them until they are taken."""
        value, pane = self._panel.shown, self._panel.hex.pane
        if value is None:
            pane.take_back()
            return
        try:
            job = self._document.splices_job(value.entry_id, splices)
        except AppError as error:
            self._on_bytes_refused(value, error)
            return
        job.done = partial(self._on_bytes_taken, job.done)
        job.failed = partial(self._on_bytes_refused, value)
        self._runner.start(job, key=_BYTES, cancelled=pane.take_back)

    def _on_bytes_taken(self, take: Callable[[Edited], None], outcome: Edited) -> None:
        self._panel.hex.pane.give_up()
        take(outcome)

    def _on_bytes_refused(self, value: ShownValue, error: AppError) -> None:
        self._panel.hex.pane.take_back()
        self.failed.emit(error)
        if value is self._panel.shown:
            self._panel.hold()
            self.kept.emit(value.entry_id)
