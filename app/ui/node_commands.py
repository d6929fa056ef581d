"""What a person does to rows of the value tree: each command becomes edits, or opens an editor for what is missing."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QMenu

from app.codecs.edits import (
    AddPair,
    Copied,
    Edit,
    InsertItem,
    RenameKey,
    ReplaceNode,
    Written,
)
from app.codecs.paths import root_around
from app.document.document import Document
from app.document.nodes import CopiedNodes
from app.errors import AppError, EncodeError
from app.ui.edit_sessions import Entered, Session
from app.ui.editors.pane_editor import Draft
from app.ui.jobs import JobRunner
from app.ui.models.value_tree import Column
from app.ui.node_copying import LITERAL_HINT, NodeCopying
from app.ui.node_places import KEYED, Standing, key_literal, path_of_new
from app.ui.shown_value import ShownValue
from app.ui.text_layout import laid_out
from app.ui.type_changes import TARGETS, Candidate, candidate
from app.ui.value_editing import ValueEditing
from app.ui.value_edits import Wanted
from app.ui.value_panel import ValuePanel

_FRESH_HINT = "A Python literal that takes the place of the old value, of which this has nothing"
_JSON_HINT = "JSON; tags say what JSON has no words for"
_NAMES = {"python": "a Python literal", "typed": "JSON"}


class NodeCommands(NodeCopying):
    """Acts on the selected rows of one tab's value tree."""

    def __init__(self, document: Document, panel: ValuePanel, editing: ValueEditing, runner: JobRunner) -> None:
        super().__init__(document, panel, editing, runner)
        self._types = QMenu(panel.tree)
        self._types.setObjectName("types")
        self._types.setAccessibleName("Types")
        for target in TARGETS:
            action = self._types.addAction(target)
            action.setObjectName(f"to-{target}")
            action.triggered.connect(partial(self._on_type, target))

    # ---- as text

    def edit_as(self, form: str) -> None:
        """Open the current node in the pane, as a Python literal or as typed JSON."""
        value, index = self.value, self.current
        if value is None or not index.isValid():
            return
        path = self.path(index)
        make = self._document.python_job if form == "python" else self._document.typed_job
        job = make(value.source, path)
        session = self._replacing(value, index, form)
        open_pane = partial(self._on_text, session, form)
        job.done = lambda text: self._look_within(session, index, open_pane, text, is_typed=form == "typed")
        job.failed = self._on_no_python if form == "python" else self._fail
        self._runner.start(job)

    def _look_within(
        self, session: Session, index: QModelIndex, done: Callable[[str], None], text: str, *, is_typed: bool = False
    ) -> None:
        """Go on once it is known whether writing a container anew would make copies of what is shared in it."""
        if session.value is not self._panel.shown:
            return
        if not self.row(index).count:
            done(text)
            return

        def take(separates: bool) -> None:
            session.separates = separates
            done(text)

        self._ask(self._document.separates_job(session.value.source, self.path(index), is_typed=is_typed), take)

    def _on_no_python(self, error: AppError) -> None:
        """Say what else there is for an object that has no literal."""
        self._fail(AppError(f"{error.message} Ctrl+F2 edits it as JSON.") if isinstance(error, EncodeError) else error)

    def _replacing(self, value: ShownValue, index: QModelIndex, form: str = "python") -> Session:
        path = self.path(index)

        def edits(entered: Entered) -> Sequence[Edit]:
            written = Written(entered.text, "typed" if form == "typed" else "python")
            return (ReplaceNode(path, written, any_type=True, everywhere=entered.everywhere),)

        is_shared = "shared" in self.row(index).flags
        return Session(value, f"Edit of {path or 'the value'}", edits, is_shared=is_shared)

    def _on_text(self, session: Session, form: str, text: str) -> None:
        if session.value is self._panel.shown:
            title = f"{session.title} as {_NAMES[form]}"
            hint = _JSON_HINT if form == "typed" else ""
            self._editing.open_pane(session, Draft(title, laid_out(text), hint=hint, is_stored=True))

    # ---- another type

    def ask_type(self) -> None:
        """Let a person choose what the current node shall be."""
        index = self.current
        menu = self._types  # one for good: deleting it here and dropping its reference could meet in two threads
        for action in menu.actions():
            action.setEnabled(action.text() != self.row(index).type)
        rect = self._panel.tree.visualRect(index.siblingAtColumn(Column.TYPE))
        menu.popup(self._panel.tree.viewport().mapToGlobal(rect.bottomLeft()))
        menu.setActiveAction(next(action for action in menu.actions() if action.isEnabled()))

    def _on_type(self, target: str, *_: object) -> None:
        value, index = self.value, self.current
        if value is None or not index.isValid():
            return
        session = self._replacing(value, index)
        job = self._document.python_job(value.source, self.path(index))
        change = partial(self._on_literal, session, target)
        job.done = lambda literal: self._look_within(session, index, change, literal)
        job.failed = partial(self._on_no_literal, session, target)
        self._runner.start(job)

    def _on_no_literal(self, session: Session, target: str, _error: AppError) -> None:
        self._change_type(session, target, candidate("", target))

    def _on_literal(self, session: Session, target: str, literal: str) -> None:
        self._change_type(session, target, candidate(literal, target))

    def _change_type(self, session: Session, target: str, found: Candidate) -> None:
        if session.value is not self._panel.shown:
            return
        if found.is_certain and not session.is_shared and not session.separates:
            edits = session.edits(Entered(found.literal))
            self._editing.apply(Wanted(session.value, edits, f"Change of type to {target}"))
            return
        hint = _FRESH_HINT if found.is_fresh else LITERAL_HINT
        draft = Draft(f"{session.title} as {target}", found.literal, hint=hint)
        editor = self._editing.open_pane(session, draft)
        if editor is not None:
            editor.text.selectAll()

    # ---- new nodes

    def insert_before(self) -> None:
        """Ask for a new item in front of the current one."""
        value, place = self.value, self.place(self.current)
        if value is None or place.standing is not Standing.ITEM:
            return
        current = f"{place.container}[{place.index}]"
        title = f"New item at {current}"
        session = Session(
            value, title, lambda new: (InsertItem(place.container, place.index, Written(new.text)),), current
        )
        self._editing.open_pane(session, Draft(title, "", hint=LITERAL_HINT))

    def append(self) -> None:
        """Ask for a new item, pair or attribute at the end of the current container, or of the one around."""
        value = self.value
        target = self.target(self.current)
        if value is None or not target.isValid():
            return
        standing, container = self._panel.model.holds(target), self.container(target)
        if standing in KEYED:
            title = f"New {'pair' if standing is Standing.PAIR else 'attribute'} in {container or 'the value'}"
            key_of = partial(key_literal, standing)
            session = Session(
                value,
                title,
                lambda new: (AddPair(container, Written(key_of(new.key)), Written(new.text)),),
                lambda new: path_of_new(container, standing, key_of(new.key)),
            )
            self._editing.open_pane(session, Draft(title, "", key="", hint=LITERAL_HINT))
            return
        count = self._panel.model.item_count(target) if standing is Standing.ITEM else 0
        title = f"New item in {container or 'the value'}"
        current = f"{container}[{count}]" if standing is Standing.ITEM else None
        item = Session(value, title, lambda new: (InsertItem(container, count, Written(new.text)),), current)
        self._editing.open_pane(item, Draft(title, "", hint=LITERAL_HINT))

    def duplicate(self) -> None:
        """Put copies of the selected nodes behind them; a copy of a pair needs another key."""
        value, rows = self.value, self.rows
        if value is not None and rows and self.is_row_of_siblings:
            job = self._document.copy_job(value.entry_id, [self.path(index) for index in rows])
            self._ask(job, partial(self._on_copy, value, rows))

    def _on_copy(self, value: ShownValue, rows: Sequence[QModelIndex], nodes: CopiedNodes) -> None:
        if value is not self._panel.shown:
            return
        place, title = self.place(rows[-1]), f"Copy of {self._named(rows)}"
        news = [Copied(nodes.data, path) for path in nodes.paths]
        if place.standing is Standing.ITEM:
            behind = place.index + 1
            edits = [InsertItem(place.container, behind + number, new) for number, new in enumerate(news)]
            self._editing.apply(Wanted(value, edits, title, f"{place.container}[{behind}]"))
        else:
            self.ask_key(value, place.container, place.standing, place.key, news[0], title)

    def rename_key(self) -> None:
        """Open a line for the key of the current node."""
        value, index, place = self.value, self.current, self.place(self.current)
        if value is None or place.standing not in KEYED:
            return
        path = self.path(index)
        position = f"{place.container}[#{self._panel.model.position(index)}]"
        session = Session(
            value,
            f"New key of {path}",
            lambda entered: (RenameKey(path, Written(entered.text)),),
            lambda entered: path_of_new(place.container, place.standing, entered.text) or position,
        )
        slot = self._panel.model.slot_number(index)
        if place.key:
            self._editing.open_line(session, slot, "str" if place.key[:1] in "'\"" else "", place.key, Column.NAME)
            return
        job = self._document.python_job(value.source, f"{position}<key>")
        self._ask(job, lambda literal: self._editing.open_line(session, slot, "", str(literal), Column.NAME))

    # ---- elsewhere

    def go_to_same(self) -> None:
        """Go to where the object of the current row stands first."""
        first = self.row(self.current).first if self.current.isValid() else None
        if first is not None:
            self._panel.tree.go_to(root_around(self.path(self.current)) + first)
