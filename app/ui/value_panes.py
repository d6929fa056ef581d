"""The panes under the tree: the value as text, bytes and opcodes, and what is edited over many lines."""

from functools import partial

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QTabWidget, QWidget

from app.cancel import CancelToken
from app.document.document import Document
from app.errors import AppError
from app.ui.editors.pane_editor import Draft, PaneEditor
from app.ui.jobs import JobRunner
from app.ui.shown_value import ShownValue
from app.ui.views.hex_pane import HexPane
from app.ui.views.opcodes_pane import OpcodesPane
from app.ui.views.panes import TEXT_CHARS, TextPane
from app.ui.views.preview_pane import PreviewPane


class ValuePanes(QTabWidget):
    """Reads for the pane in front only."""

    bytes_edited = Signal(object)
    """What was typed over, into and out of the bytes, as `Splice`s."""
    opcode_chosen = Signal(str)
    """The path of the node that the chosen opcode makes."""

    def __init__(self, document: Document, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._runner = runner
        self._shown: ShownValue | None = None
        self._loaded: dict[QWidget, ShownValue] = {}
        self._node = -1
        self._opcode_count = 0
        self._pages: list[CancelToken] = []
        """Those of the opcodes of what is shown that were asked for."""
        self.text = TextPane("text-pane", "Value as text")
        self.hex = HexPane()
        self.opcodes = OpcodesPane()
        self.preview = PreviewPane()
        self._returns_to_preview = False
        self._beside_preview: QWidget = self.text
        """The pane that was in front last but for the preview."""
        self.editor = PaneEditor()
        self._before: QWidget = self.text
        self.setDocumentMode(True)
        self.setAccessibleName("Panes")
        self.tabBar().setAccessibleName("Panes")
        for pane, title in ((self.text, "Text"), (self.hex, "Hex"), (self.opcodes, "Opcodes")):
            self.addTab(pane, title)
        self.addTab(self.preview, "Preview")
        self.setTabVisible(self.indexOf(self.preview), False)
        self.editor.setParent(self)
        self.editor.hide()
        self.currentChanged.connect(self._on_chosen)
        self.hex.wanted.connect(self._on_bytes_wanted)
        self.hex.pane.edited.connect(self.bytes_edited)
        self.opcodes.rows.wanted.connect(self._on_opcodes_wanted)
        self.opcodes.chosen.connect(self.opcode_chosen)

    # ---- editing

    def begin_editing(self, draft: Draft) -> PaneEditor:
        """Open the pane editor in front."""
        if self.indexOf(self.editor) < 0:
            self._before = self.currentWidget()
            self.addTab(self.editor, "Edit")
        self.editor.begin(draft)
        self.setCurrentWidget(self.editor)
        self.editor.setFocus()
        return self.editor

    def end_editing(self) -> None:
        """Close the pane editor, giving up what it holds."""
        place = self.indexOf(self.editor)
        self.editor.end()
        if place >= 0:
            self.setCurrentWidget(self._before)
            self.removeTab(place)
            self.editor.hide()

    # ---- pictures

    def show_preview(self, image: QImage, caption: str) -> None:
        """Offer the preview; bring it to the front where a person had it there for the picture before."""
        self.preview.show_picture(image, caption)
        self.setTabVisible(self.indexOf(self.preview), True)
        if self._returns_to_preview:
            self.setCurrentWidget(self.preview)

    def hide_preview(self) -> None:
        """Take the preview away: there is no picture."""
        returns = self._returns_to_preview or self.currentWidget() is self.preview
        if self.currentWidget() is self.preview:
            self.setCurrentWidget(self._beside_preview)
        self.setTabVisible(self.indexOf(self.preview), False)
        self.preview.clear()
        self._returns_to_preview = returns

    # ---- looking

    def show_value(self, value: ShownValue | None) -> None:
        """Show another value, or none."""
        before, self._shown = self._shown, value
        if value is None:
            self.let_go()
            self.text.show_text("")
            self.hex.clear()
            self.opcodes.show_count(0)
        else:
            is_same = before is not None and before.entry_id == value.entry_id
            self._load(is_same=is_same)

    def let_go(self) -> None:
        """Read nothing more of the value that is shown: another one follows, and shall not wait."""
        for key in ("text", "hex", "opcodes", "opcode-of-node"):
            self._runner.cancel(key)
        for token in self._pages:
            token.cancel()
        self._pages.clear()
        self._loaded.clear()

    @Slot(int)
    def _on_chosen(self, _place: int) -> None:
        self._returns_to_preview = False
        if self.currentWidget() not in (self.preview, self.editor):
            self._beside_preview = self.currentWidget()
        self._load(is_same=True)

    def _load(self, *, is_same: bool) -> None:
        pane, value = self.currentWidget(), self._shown
        if value is None or pane in (self.editor, self.preview) or self._loaded.get(pane) is value:
            return
        self._loaded[pane] = value
        if pane is self.hex:
            self.hex.show_value(value.size, can_edit=value.can_edit, is_same=is_same)
        elif pane is self.opcodes:
            self._opcode_count = 0
            self.opcodes.show_count(0, is_known=False)
            count = self._document.opcode_counts_job(value.source)
            count.item = partial(self._on_opcode_count, value)
            count.done = partial(self._on_opcodes_counted, value)
            count.failed = _ignore
            self._runner.start(count, key="opcodes")
        else:
            job = self._document.text_job(value.source, TEXT_CHARS)
            job.done = self.text.show_text
            job.failed = self._on_text_failed
            self._runner.start(job, key="text")

    def _on_text_failed(self, error: AppError) -> None:
        self.text.show_text(error.message)

    @Slot(int, int)
    def _on_bytes_wanted(self, start: int, length: int) -> None:
        if self._shown is not None:
            job = self._document.bytes_job(self._shown.source, start, length)
            job.done = partial(self.hex.show_bytes, start)
            self._runner.start(job, key="hex")

    # ---- opcodes

    def show_node(self, node: int) -> None:
        """Choose the opcode that makes a node, if opcodes are looked at."""
        self._node = node
        if self.currentWidget() is self.opcodes and self._loaded.get(self.opcodes) is self._shown:
            self._look_up()

    def _look_up(self) -> None:
        if self._shown is not None and self._node >= 0 and self._opcode_count:
            job = self._document.opcode_of_node_job(self._shown.source, self._node, self._opcode_count)
            job.done = partial(self._on_opcode, self._shown)
            job.failed = _ignore
            self._runner.start(job, key="opcode-of-node")

    def _on_opcode(self, value: ShownValue, number: int | None) -> None:
        if value is self._shown and number is not None:
            self.opcodes.show_row(number)

    def _on_opcode_count(self, value: ShownValue, count: int) -> None:
        if value is self._shown:
            self._opcode_count = count
            self.opcodes.show_more(count)

    def _on_opcodes_counted(self, value: ShownValue) -> None:
        if value is self._shown:
            self._look_up()

    @Slot(int, int)
    def _on_opcodes_wanted(self, start: int, count: int) -> None:
        value = self._shown
        if value is not None:
            job = self._document.opcodes_job(value.source, start, count)
            job.done = partial(self.opcodes.rows.add_rows, start)
            job.failed = _ignore
            self._pages.append(self._runner.start(job))


def _ignore(_error: AppError) -> None:
    pass
