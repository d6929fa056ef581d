"""Edits inside a pickled dict, each with what Python makes of the same object."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from app.codecs.edits import AddPair, DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode, Written

Object = dict[str, Any]
"""A dict with a list at ``list`` and a number at ``n``; whatever else it has can be renamed and deleted."""
Made = tuple[Edit, Object]
Draw = Callable[[st.SearchStrategy[Any]], Any]

_FIXED = {"list", "n"}


def replacement(old: Object, number: int, draw: Draw) -> Made:
    items = list(old["list"])
    place = draw(st.integers(0, len(items) - 1))
    items[place] = [number, "new"]
    edit = ReplaceNode(f"['list'][{place}]", Written(f"[{number}, 'new']"), any_type=True)
    return edit, {**old, "list": items}


def insertion(old: Object, number: int, draw: Draw) -> Made:
    items = list(old["list"])
    place = draw(st.integers(0, len(items)))
    items.insert(place, number)
    return InsertItem("['list']", place, Written(str(number))), {**old, "list": items}


def item_deletion(old: Object, _number: int, draw: Draw) -> Made:
    items = list(old["list"])
    place = draw(st.integers(0, len(items) - 1))
    del items[place]
    return DeleteNodes((f"['list'][{place}]",)), {**old, "list": items}


def move(old: Object, _number: int, _draw: Draw) -> Made:
    items = old["list"]
    order = (*range(1, len(items)), 0)
    return Reorder("['list']", order), {**old, "list": [items[place] for place in order]}


def new_pair(old: Object, number: int, _draw: Draw) -> Made:
    key = f"key {number}"
    return AddPair("", Written(repr(key)), Written(f"({number},)")), {**old, key: (number,)}


def key_rename(old: Object, number: int, draw: Draw) -> Made:
    key, new = draw(st.sampled_from(sorted(old.keys() - _FIXED))), f"renamed {number}"
    renamed = {new if name == key else name: value for name, value in old.items()}
    return RenameKey(f"[{key!r}]", Written(repr(new))), renamed


def key_deletion(old: Object, _number: int, draw: Draw) -> Made:
    key = draw(st.sampled_from(sorted(old.keys() - _FIXED)))
    return DeleteNodes((f"[{key!r}]",)), {name: value for name, value in old.items() if name != key}


KINDS = {
    "item replaced": replacement,
    "item inserted": insertion,
    "item deleted": item_deletion,
    "items moved": move,
    "pair added": new_pair,
    "key renamed": key_rename,
    "key deleted": key_deletion,
}


def possible(old: Object) -> list[str]:
    """Return the kinds of edits that there is something for in an object."""
    left_out: set[str] = set()
    if not old["list"]:
        left_out |= {"item replaced", "item deleted"}
    if len(old["list"]) < 2:
        left_out |= {"items moved"}
    if not old.keys() - _FIXED:
        left_out |= {"key renamed", "key deleted"}
    return [kind for kind in KINDS if kind not in left_out]
