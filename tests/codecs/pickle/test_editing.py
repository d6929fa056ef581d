"""Edits of containers in every encoding, against the same edits made on the objects."""

import pickle
from collections import OrderedDict

import pytest

from app.codecs.edits import (
    AddPair,
    DeleteNodes,
    InsertItem,
    ReplaceNode,
    Written,
)
from app.errors import EncodeError, PathError
from tests.codecs.pickle.editing import edit, new, replaced

ALL_PROTOCOLS = pytest.mark.parametrize("protocol", range(6))


class Point:
    def __init__(self, x: object) -> None:
        self.x = x


@ALL_PROTOCOLS
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 999, 1000, 1001, 2000])
def test_items_are_added_and_taken_at_both_ends_of_every_batch(protocol: int, size: int) -> None:
    items = [f"text {number}" for number in range(size)]
    pairs = dict.fromkeys(items, 1)
    pickled = pickle.dumps([items, pairs, tuple(items)], protocol)

    added = edit(
        pickled,
        InsertItem("[0]", size, new("last")),
        InsertItem("[0]", 0, new("first")),
        AddPair("[1]", new("last"), new([2])),
        InsertItem("[2]", size, new("last")),
        InsertItem("[2]", 0, new("first")),
    )

    longer = ["first", *items, "last"]
    assert pickle.loads(added) == [longer, pairs | {"last": [2]}, tuple(longer)]
    ends = (
        DeleteNodes(("[0][0]", f"[0][{size + 1}]")),
        DeleteNodes(("[1]['last']",)),
        DeleteNodes(("[2][0]", "[2][-1]")),
    )
    assert edit(added, *ends) == pickled


@ALL_PROTOCOLS
def test_sets_take_and_lose_elements(protocol: int) -> None:
    pickled = pickle.dumps([{1, 2}, frozenset({"a"}), set(), frozenset()], protocol)

    added = edit(pickled, *(InsertItem(f"[{index}]", 0, new((3, "x"))) for index in range(4)))
    reduced = edit(added, DeleteNodes(("[0]{1}", "[0]{2}")), DeleteNodes(("[1]{'a'}",)))

    more = (3, "x")
    assert pickle.loads(added) == [{1, 2, more}, frozenset({"a", more}), {more}, frozenset({more})]
    assert pickle.loads(reduced) == [{more}, frozenset({more}), {more}, frozenset({more})]


@ALL_PROTOCOLS
def test_elements_of_tuples_and_of_keys_change(protocol: int) -> None:
    pickled = pickle.dumps({(1, 2): (3,), (5, 2): ()}, protocol)

    changed = edit(pickled, replaced("[#0]<key>[0]", 7), replaced("[#0][0]", "text"), InsertItem("[#1]", 0, new(9)))

    assert pickle.loads(changed) == {(7, 2): ("text",), (5, 2): (9,)}
    with pytest.raises(EncodeError, match="already"):
        edit(pickled, replaced("[#0]<key>[0]", 5))


def test_what_does_not_fit_its_holder_is_refused() -> None:
    pickled = pickle.dumps([[1], {1: 2}, {3}, frozenset({4}), Point(5), OrderedDict(a=1)])

    for path in ("[0]", "[2]", "[3]"):
        with pytest.raises(EncodeError, match="key"):
            edit(pickled, AddPair(path, new(7), new(8)))
    for path in ("[1]", "[4]<state>", "[5]<dictitems>"):
        with pytest.raises(EncodeError, match="key"):
            edit(pickled, InsertItem(path, 0, new(8)))


def test_a_path_to_a_new_place_adds_it() -> None:
    pickled = pickle.dumps([{"a": [1]}, Point(1)])

    changed = edit(
        pickled,
        ReplaceNode("[0]['a'][1]", Written("2")),
        ReplaceNode("[0]['b']", Written("'new'")),
        ReplaceNode("[1].y", Written("3")),
        ReplaceNode("[2]", Written("None")),
    )

    first, point, last = pickle.loads(changed)
    assert (first, vars(point), last) == ({"a": [1, 2], "b": "new"}, {"x": 1, "y": 3}, None)
    with pytest.raises(PathError):
        edit(pickled, ReplaceNode("[0]['a'][5]", Written("2")))
