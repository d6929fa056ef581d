"""The actions on rows of the value tree: what they do, and when they cannot be done."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QModelIndex

from app.ui.database_tab import DatabaseTab
from app.ui.menus import NODE_MENU
from app.ui.node_commands import NodeCommands
from app.ui.node_places import KEYED, MOVABLE, ORDERED, Standing
from app.ui.tab_actions import Offer

_LOOKING = ("copy-nodes", "copy-as-python", "copy-as-json", "copy-path", "go-to-same")
_EDITING = (
    *("edit-as-python", "edit-as-json", "change-type", "rename-key", "insert-before", "append-item", "duplicate-node"),
    *("delete-nodes", "move-up", "move-down", "sort-keys", "cut-nodes", "paste-nodes"),
)


def _reasons(tab: DatabaseTab | None) -> Mapping[str, str]:
    if tab is None or not tab.nodes.current.isValid():
        return dict.fromkeys((*_LOOKING, *_EDITING), "No row of a value is selected.")
    nodes = tab.nodes
    shared = "" if nodes.row(nodes.current).first is not None else "It stands in no place before this one."
    looking = {**dict.fromkeys(_LOOKING, ""), "go-to-same": shared}
    if nodes.value is None:
        return {**looking, **dict.fromkeys(_EDITING, tab.document.why_read_only or "This entry cannot be edited.")}
    return {**looking, **_reasons_to_edit(nodes, nodes.current)}


def _reasons_to_edit(nodes: NodeCommands, index: QModelIndex) -> Mapping[str, str]:
    standing = nodes.place(index).standing
    target = nodes.target(index)
    can_go = all(nodes.place(row).standing in MOVABLE for row in nodes.rows)
    moves = "" if standing in ORDERED else "This has no place in an order."
    copies = "" if standing in ORDERED else "There can be only one of this."
    if not nodes.is_row_of_siblings:
        moves = moves or "The selected rows are parts of different containers."
        copies = copies or "The selected rows are parts of different containers."
    elif standing in KEYED and len(nodes.rows) > 1:
        copies = "Each copy needs a key of its own; make them one by one."
    held = nodes.holds(target)
    return {
        "edit-as-python": "",
        "edit-as-json": "",
        "change-type": "An element of an array has the type of all." if nodes.row(index).editor == "element" else "",
        "rename-key": "" if standing in KEYED else "This has no key.",
        "insert-before": "" if standing is Standing.ITEM else "Only items of a list have others in front of them.",
        "append-item": "" if held is not None else "This holds nothing that could be added to.",
        "duplicate-node": copies,
        "delete-nodes": "" if can_go else "The value needs this part.",
        "cut-nodes": "" if can_go else "The value needs this part.",
        "move-up": moves,
        "move-down": moves,
        "sort-keys": "" if held in KEYED else "There are no keys here.",
        "paste-nodes": "" if held is not None else "This holds nothing that could be added to.",
    }


_COMMANDS: Mapping[str, Callable[[NodeCommands], object]] = {
    "edit-as-python": lambda nodes: nodes.edit_as("python"),
    "edit-as-json": lambda nodes: nodes.edit_as("typed"),
    "change-type": lambda nodes: nodes.ask_type(),
    "rename-key": lambda nodes: nodes.rename_key(),
    "insert-before": lambda nodes: nodes.insert_before(),
    "append-item": lambda nodes: nodes.append(),
    "duplicate-node": lambda nodes: nodes.duplicate(),
    "delete-nodes": lambda nodes: nodes.delete(),
    "move-up": lambda nodes: nodes.move(-1),
    "move-down": lambda nodes: nodes.move(1),
    "sort-keys": lambda nodes: nodes.sort_keys(),
    "go-to-same": lambda nodes: nodes.go_to_same(),
    "cut-nodes": lambda nodes: nodes.copy(cuts=True),
    "copy-nodes": lambda nodes: nodes.copy(),
    "paste-nodes": lambda nodes: nodes.paste(),
    "copy-as-python": lambda nodes: nodes.copy_text("python"),
    "copy-as-json": lambda nodes: nodes.copy_text("json"),
    "copy-path": lambda nodes: nodes.copy_path(),
}


def _settled(act: Callable[[NodeCommands], object], tab: DatabaseTab) -> None:
    """Act on the rows once what is typed was taken."""
    tab.editing.settling.settle_row(partial(act, tab.nodes))


NODE_ACTIONS = Offer(
    commands={name: partial(_settled, act) for name, act in _COMMANDS.items()},
    reasons=_reasons,
    menu=NODE_MENU,
    view=lambda tab: tab.value.tree,
)
