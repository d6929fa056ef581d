"""Rows of a value on their way to the clipboard and back."""

from collections.abc import Iterable

from app.codecs.edits import AddPair, Copied, InsertItem, New, Written
from app.document.nodes import CopiedNodes
from app.ui.clipboard import put_text, taken_text
from app.ui.edit_sessions import Session
from app.ui.editors.pane_editor import Draft
from app.ui.node_clipboard import put_nodes, taken_nodes
from app.ui.node_order import NodeOrder
from app.ui.node_places import KEYED, Standing, path_of_new
from app.ui.pasted_text import written, written_lines
from app.ui.shown_value import ShownValue
from app.ui.value_edits import Wanted

LITERAL_HINT = "A Python literal, such as 'text', 12 or [1, 2]"


class NodeCopying(NodeOrder):
    """Copies, cuts and pastes."""

    def copy(self, *, cuts: bool = False) -> None:
        """Put the selected nodes on the clipboard, and take them out if ``cuts``."""
        shown, rows = self._panel.shown, self.rows
        if shown is None or not rows:
            return
        keys = tuple(self.place(index).key for index in rows)
        job = self._document.copy_job(shown.entry_id, [self.path(index) for index in rows])

        def put(nodes: CopiedNodes) -> None:
            put_nodes(CopiedNodes(nodes.data, nodes.paths, nodes.text, keys))
            if cuts and shown is self._panel.shown and shown.can_edit:
                self._delete(shown, rows)

        self._ask(job, put)

    def copy_text(self, form: str) -> None:
        """Put the selected nodes on the clipboard as Python literals, or as JSON."""
        shown = self._panel.shown
        if shown is None:
            return
        make = self._document.python_job if form == "python" else self._document.plain_job
        texts: list[str] = []
        for index in self.rows:
            self._ask(make(shown.source, self.path(index)), lambda text: _put_joined(texts, str(text)))

    def copy_path(self) -> None:
        put_text("\n".join(self.path(index) for index in self.rows))

    def paste(self) -> None:
        """Put what is on the clipboard into the current container, or behind the current row."""
        value, target = self.value, self.target(self.current)
        if value is None or not target.isValid():
            return
        nodes, text = taken_nodes(), taken_text()
        if nodes is None and not text.strip():
            self.said.emit("There is nothing on the clipboard that could be put in here.")
            return
        standing, container = self._panel.model.holds(target), self.container(target)
        if standing in KEYED:
            self._paste_pairs(value, container, standing, nodes, text)
            return
        place = self.place(self.current)
        is_beside = target == self.current.parent() and place.standing is Standing.ITEM
        at = place.index + 1 if is_beside else self._panel.model.item_count(target) if standing is Standing.ITEM else 0
        news: list[New] = [Copied(nodes.data, path) for path in nodes.paths] if nodes else [*written_lines(text)]
        step = 1 if standing is Standing.ITEM else 0
        edits = [InsertItem(container, at + step * number, new) for number, new in enumerate(news)]
        current = f"{container}[{at}]" if standing is Standing.ITEM else None
        self._editing.apply(Wanted(value, edits, _paste_title(news), current))

    def _paste_pairs(
        self, value: ShownValue, container: str, standing: Standing, nodes: CopiedNodes | None, text: str
    ) -> None:
        if nodes is None:
            title = f"New pair in {container or 'the value'}"
            session = Session(
                value,
                title,
                lambda new: (AddPair(container, Written(new.key), written(new.text)),),
                lambda new: path_of_new(container, standing, new.key),
            )
            self._editing.open_pane(session, Draft(title, text, key="", hint=LITERAL_HINT, is_changed=True))
            return
        news = [Copied(nodes.data, path) for path in nodes.paths]
        if len(news) == 1:
            self.ask_key(value, container, standing, nodes.keys[0], news[0], "Paste of a pair", tries=True)
            return
        if not all(nodes.keys):
            self.said.emit("Not all of these have keys; paste them one by one.")
            return
        edits = [AddPair(container, Written(key), new) for key, new in zip(nodes.keys, news, strict=True)]
        self._editing.apply(Wanted(value, edits, _paste_title(news)))

    def ask_key(
        self,
        value: ShownValue,
        container: str,
        standing: Standing,
        key: str,
        new: New,
        title: str,
        *,
        tries: bool = False,
    ) -> None:
        """Add a pair under a key that is asked for; ``tries`` its old one first, and asks where that is refused."""
        session = Session(
            value,
            title,
            lambda entered: (AddPair(container, Written(entered.key), new),),
            lambda entered: path_of_new(container, standing, entered.key),
        )
        editor = self._editing.open_pane(session, Draft(title, key=key, hint="A key, as a Python literal"))
        if editor is not None and tries and key:
            editor.commit(again=True)


def _put_joined(texts: list[str], text: str) -> None:
    texts.append(text)
    put_text("\n".join(texts))


def _paste_title(news: Iterable[New]) -> str:
    count = len(list(news))
    return "Paste" if count == 1 else f"Paste of {count:,} nodes"
