"""Keys and positions of OrderedDict, defaultdict, Counter and deque in paths: those of the collection itself."""

import pickle
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import pytest

from app.codecs.edits import AddPair, DeleteNodes, InsertItem, Reorder, ReplaceNode
from app.errors import EncodeError, PathError
from tests.codecs.pickle.editing import decode, edit, new

ALL_PROTOCOLS = pytest.mark.parametrize("protocol", range(6))

OLD_ORDERED = b"ccollections\nOrderedDict\n((l(lVa\naI1\naa(lVb\naI2\naatR."
OLD_DEQUE = b"ccollections\ndeque\n((lI1\naI2\naI5\ntR."
"""As Python 2 writes them: all items in the arguments."""


def collections() -> dict[str, Any]:
    return {
        "od": OrderedDict(a=1, b=2),
        "dd": defaultdict(list, a=1, b=2),
        "cn": Counter(a=1, b=2),
        "dq": deque([1, 2], 5),
        "empty": [OrderedDict(), defaultdict(int), deque()],
    }


@ALL_PROTOCOLS
@pytest.mark.parametrize("name", ["od", "dd", "cn"])
@pytest.mark.parametrize("any_type", [False, True])
def test_a_key_names_the_pair_of_a_collection(protocol: int, name: str, any_type: bool) -> None:
    pickled = pickle.dumps(collections(), protocol)
    expected = collections()
    expected[name]["b"] = 7

    changed = pickle.loads(edit(pickled, ReplaceNode(f"['{name}']['b']", new(7), any_type=any_type)))

    assert decode(pickled).find(f"['{name}']['b']").text == "2"
    assert changed == expected
    assert type(changed[name]) is type(expected[name])
    assert not getattr(changed[name], "__dict__", None)


@ALL_PROTOCOLS
@pytest.mark.parametrize("name", ["od", "dd", "cn"])
def test_a_new_key_is_added_to_the_pairs_of_a_collection(protocol: int, name: str) -> None:
    pickled = pickle.dumps(collections(), protocol)
    expected = collections()
    expected[name] |= {"z": 7, "y": 8}

    changed = pickle.loads(
        edit(pickled, ReplaceNode(f"['{name}']['z']", new(7)), AddPair(f"['{name}']", new("y"), new(8)))
    )

    assert changed == expected
    assert not getattr(changed[name], "__dict__", None)


@ALL_PROTOCOLS
def test_a_position_names_the_item_of_a_deque(protocol: int) -> None:
    pickled = pickle.dumps(collections(), protocol)

    changed = edit(
        pickled,
        ReplaceNode("['dq'][0]", new(7)),
        ReplaceNode("['dq'][2]", new(9)),
        InsertItem("['dq']", 1, new(8)),
        DeleteNodes(("['dq'][2]",)),
    )

    assert decode(pickled).find("['dq'][-1]").text == "2"
    assert pickle.loads(changed)["dq"] == deque([7, 8, 9], 5)


@ALL_PROTOCOLS
def test_empty_collections_are_filled(protocol: int) -> None:
    pickled = pickle.dumps(collections(), protocol)

    changed = edit(
        pickled,
        AddPair("['empty'][0]", new("k"), new(1)),
        ReplaceNode("['empty'][1]['k']", new(2)),
        ReplaceNode("['empty'][2][0]", new(3)),
    )

    assert pickle.loads(changed)["empty"] == [OrderedDict(k=1), {"k": 2}, deque([3])]


def test_collections_of_python_2_have_their_keys_and_positions_too() -> None:
    ordered = edit(
        OLD_ORDERED,
        ReplaceNode("['a']", new(7)),
        ReplaceNode("[u'z']", new(8)),
        AddPair("", new("y"), new(9)),
        Reorder("", (1, 0, 2, 3)),
    )
    filled = edit(OLD_DEQUE, ReplaceNode("[0]", new(7)), ReplaceNode("[2]", new(8)), InsertItem("", 0, new(6)))

    assert list(pickle.loads(ordered).items()) == [("b", 2), ("a", 7), ("z", 8), ("y", 9)]
    assert pickle.loads(filled) == deque([6, 7, 2, 8], 5)
    with pytest.raises(EncodeError, match="such a key"):
        edit(OLD_ORDERED, AddPair("", new("b"), new(9)))


def test_a_pair_of_python_2_is_taken_out_as_a_whole() -> None:
    assert pickle.loads(edit(OLD_ORDERED, DeleteNodes(("['a']",)))) == OrderedDict(b=2)


def test_an_empty_counter_is_replaced_as_a_whole() -> None:
    with pytest.raises(EncodeError, match="as a whole"):
        edit(b"ccollections\nCounter\n)R.", AddPair("", new("k"), new(1)))


@pytest.mark.parametrize("path", ["['z']", "[#7]", "[0]"])
def test_what_a_collection_does_not_hold_is_said(path: str) -> None:
    with pytest.raises(PathError):
        decode(pickle.dumps(OrderedDict(a=1))).find(path)


def test_a_key_never_becomes_an_attribute() -> None:
    class_with_state = b"\x80\x02cshop\nItem\n)\x81}X\x01\x00\x00\x00aK\x01sb."

    for data in (class_with_state, b"\x80\x02cdecimal\nDecimal\nX\x01\x00\x00\x001\x85R."):
        with pytest.raises(PathError):
            edit(data, ReplaceNode("['b']", new(7), any_type=True))
    assert edit(class_with_state, ReplaceNode("<state>['b']", new(7))) == edit(
        class_with_state, ReplaceNode(".b", new(7))
    )
