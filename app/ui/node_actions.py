"""The actions on rows of the value tree in front: what they do, and when they cannot be done."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QModelIndex, QObject, Slot
from PySide6.QtWidgets import QWidget

from app.ui.actions import Actions
from app.ui.database_tab import DatabaseTab
from app.ui.menus import NODE_MENU, actions_of
from app.ui.node_commands import NodeCommands
from app.ui.node_places import KEYED, MOVABLE, ORDERED, Standing, same_object_path
from app.ui.tab_area import TabArea

_LOOKING = ("copy-nodes", "copy-as-python", "copy-as-json", "copy-path", "go-to-same")
_EDITING = (
    *("edit-as-python", "edit-as-json", "change-type", "rename-key", "insert-before", "append-item", "duplicate-node"),
    *("delete-nodes", "move-up", "move-down", "sort-keys", "cut-nodes", "paste-nodes"),
)


class NodeActions(QObject):
    """Connects the window's actions with the tab in front, and keeps them enabled only where they make sense."""

    def __init__(self, area: TabArea, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._area = area
        self._actions = actions
        for name, act in _COMMANDS.items():
            actions.connect(name, partial(self._on_triggered, act))
        area.added.connect(self._on_added)
        area.changed.connect(self.refresh)
        area.node_changed.connect(self.refresh)
        self.refresh()

    @Slot(object)
    def _on_added(self, tab: DatabaseTab) -> None:
        tab.value.tree.addActions(actions_of(NODE_MENU, self._actions, tab))

    def _on_triggered(self, act: Callable[[NodeCommands], None], *_: object) -> None:
        tab = self._area.current
        if tab is not None and tab.can_browse:
            act(tab.nodes)

    @Slot()
    def refresh(self, *_: object) -> None:
        """Enable what can be done with the rows that are selected."""
        self._actions.enable(_reasons(self._area.current))


_COMMANDS: Mapping[str, Callable[[NodeCommands], None]] = {
    "edit-as-python": lambda nodes: nodes.edit_as("python"),
    "edit-as-json": lambda nodes: nodes.edit_as("typed"),
    "change-type": NodeCommands.ask_type,
    "rename-key": NodeCommands.rename_key,
    "insert-before": NodeCommands.insert_before,
    "append-item": NodeCommands.append,
    "duplicate-node": NodeCommands.duplicate,
    "delete-nodes": NodeCommands.delete,
    "move-up": lambda nodes: nodes.move(-1),
    "move-down": lambda nodes: nodes.move(1),
    "sort-keys": NodeCommands.sort_keys,
    "go-to-same": NodeCommands.go_to_same,
    "cut-nodes": lambda nodes: nodes.copy(cuts=True),
    "copy-nodes": NodeCommands.copy,
    "paste-nodes": NodeCommands.paste,
    "copy-as-python": lambda nodes: nodes.copy_text("python"),
    "copy-as-json": lambda nodes: nodes.copy_text("json"),
    "copy-path": NodeCommands.copy_path,
}


def _reasons(tab: DatabaseTab | None) -> Mapping[str, str]:
    """Return for each action why it cannot be done, an empty text where it can."""
    if tab is None or not tab.can_browse or not tab.nodes.current.isValid():
        return dict.fromkeys((*_LOOKING, *_EDITING), "No row of a value is selected.")
    nodes = tab.nodes
    shared = "" if same_object_path(nodes.row(nodes.current)) is not None else "It stands in no place before this one."
    looking = {**dict.fromkeys(_LOOKING, ""), "go-to-same": shared}
    if nodes.value is None:
        return {**looking, **dict.fromkeys(_EDITING, tab.document.why_read_only or "This entry cannot be edited.")}
    return {**looking, **_reasons_to_edit(nodes, nodes.current)}


def _reasons_to_edit(nodes: NodeCommands, index: QModelIndex) -> Mapping[str, str]:
    standing = nodes.place(index).standing
    target = nodes.target(index)
    can_go = all(nodes.place(row).standing in MOVABLE for row in nodes.rows)
    is_part = standing in (Standing.KEY, Standing.OTHER)
    held = nodes.holds(target)
    return {
        "edit-as-python": "",
        "edit-as-json": "",
        "change-type": "An element of an array has the type of all." if nodes.row(index).editor == "element" else "",
        "rename-key": "" if standing in KEYED else "This has no key.",
        "insert-before": "" if standing is Standing.ITEM else "Only items of a list have others in front of them.",
        "append-item": "" if held is not None else "This holds nothing that could be added to.",
        "duplicate-node": "" if standing in ORDERED else "There can be only one of this.",
        "delete-nodes": "" if can_go else "The value needs this part.",
        "cut-nodes": "" if can_go else "The value needs this part.",
        "move-up": "" if standing in ORDERED and not is_part else "This has no place in an order.",
        "move-down": "" if standing in ORDERED and not is_part else "This has no place in an order.",
        "sort-keys": "" if held in KEYED else "There are no keys here.",
        "paste-nodes": "" if held is not None else "This holds nothing that could be added to.",
    }
