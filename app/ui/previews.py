"""Shows the picture that a value, or a part of it, is."""

from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QImage

from app.document.document import Document
from app.document.job import Job
from app.document.pictures import PICTURE_BYTES, may_be_picture, picture_format
from app.errors import AppError
from app.ui.jobs import JobRunner
from app.ui.pictures import Picture, decoded
from app.ui.shown_value import ShownValue
from app.ui.value_panel import ValuePanel

_KEY = "picture"
_TOO_LARGE = "This picture is too large to be shown."


class Previews(QObject):
    """Has the bytes read by the engine, and decoded by a thread that nothing else waits for."""

    def __init__(self, document: Document, panel: ValuePanel, runner: JobRunner, decoder: JobRunner) -> None:
        super().__init__(panel)
        self._document = document
        self._panel = panel
        self._panes = panel.panes
        self._runner = runner
        self._decoder = decoder
        self._shown: tuple[ShownValue, str] | None = None
        panel.model.modelReset.connect(self._on_changed)
        panel.decoded.connect(self._on_changed)
        panel.tree.selectionModel().currentRowChanged.connect(self._on_changed)

    @Slot()
    def _on_changed(self, *_: object) -> None:
        """Show the current row, or the root, if it is a picture; else there is no preview."""
        value, model = self._panel.shown, self._panel.model
        current = self._panel.tree.currentIndex()
        index = current if current.isValid() else model.index(0, 0)
        if value is None or not index.isValid() or not may_be_picture(model.node_row(index)):
            self._shown = None
            self._runner.cancel(_KEY)
            self._decoder.cancel(_KEY)
            self._panes.hide_preview()
        elif self._shown != (value, model.path(index)):
            self._shown = (value, model.path(index))
            self._fetch(*self._shown)

    def _fetch(self, value: ShownValue, path: str) -> None:
        if value.size > PICTURE_BYTES:
            self._panes.show_preview(QImage(), _TOO_LARGE)
            return
        job = self._document.octets_job(value.source, path)
        job.done = partial(self._on_bytes, (value, path))
        job.failed = partial(self._on_failed, (value, path))
        self._runner.start(job, key=_KEY)

    def _on_bytes(self, wanted: tuple[ShownValue, str], data: bytes) -> None:
        if wanted != self._shown:
            return
        if not picture_format(data):
            self._panes.hide_preview()
            return
        job = Job("Decoding a picture", lambda _token: decoded(data))
        job.done = partial(self._on_picture, wanted)
        job.failed = partial(self._on_failed, wanted)
        self._decoder.start(job, key=_KEY)

    def _on_picture(self, wanted: tuple[ShownValue, str], picture: Picture) -> None:
        if wanted == self._shown:
            self._panes.show_preview(picture.image, picture.caption)

    def _on_failed(self, wanted: tuple[ShownValue, str], error: AppError) -> None:
        if wanted == self._shown:
            self._panes.show_preview(QImage(), error.message)
