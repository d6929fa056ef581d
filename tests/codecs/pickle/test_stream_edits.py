"""Edits in what is more than one plain pickle: several in a row, Python 2, frames, damage."""

import copy
import pickle

import pytest

from app.codecs.edits import (
    AddPair,
    DeleteNodes,
    InsertItem,
    Reorder,
    ReplaceNode,
    Written,
)
from app.errors import EncodeError
from tests.codecs.pickle.editing import edit, new, replaced


def test_an_edit_in_one_of_several_pickles_leaves_the_others_alone() -> None:
    first, second = pickle.dumps(["a", "a"]), pickle.dumps({"k": [1]}, 2)

    changed = edit(first + second + first, DeleteNodes(("<pickle 2>['k'][0]",)))

    assert changed == first + pickle.dumps({"k": []}, 2) + first


@pytest.mark.parametrize(
    "data",
    [b"(lp1\nS'a'\np2\naS'b'\np3\nag2\na.", b"]q\x01(U\x01aq\x02U\x01bq\x03h\x02e.", b"]q\x01(U\x01aU\x01bU\x01ae."],
)
def test_new_text_in_a_python_2_pickle_is_of_its_kind(data: bytes) -> None:
    changed = edit(data, InsertItem("", 1, Written("'new'")), InsertItem("", 0, Written("u'text'")))

    assert pickle.loads(changed, encoding="bytes") == ["text", b"a", b"new", b"b", b"a"]


def test_a_python_2_dict_takes_no_key_that_python_2_takes_for_another() -> None:
    with pytest.raises(EncodeError, match="already"):
        edit(b"(dS'a'\nI1\ns.", AddPair("", Written("u'a'"), Written("2")))


def test_frames_stay_whole_when_large_parts_come_and_go() -> None:
    tree = [["x" * 30_000, b"y" * 70_000, number] for number in range(9)]
    pickled = pickle.dumps(tree, 4)

    changed = edit(
        pickled, DeleteNodes(("[1]", "[2]")), Reorder("", (6, 5, 4, 3, 2, 1, 0)), InsertItem("", 3, new("z" * 70_000))
    )

    expected = [tree[index] for index in (8, 7, 6)] + ["z" * 70_000] + [tree[index] for index in (5, 4, 3, 0)]
    assert pickle.loads(changed) == pickle._loads(changed) == expected  # type: ignore[attr-defined]  # checks frames


def test_a_damaged_pickle_is_read_only_and_says_why() -> None:
    with pytest.raises(EncodeError, match=r"damaged.*ends before STOP"):
        edit(pickle.dumps([1, 2], 2)[:-2], DeleteNodes(("[0]",)))


def test_changing_an_edited_object_does_not_change_the_original_object() -> None:
    shared = ["the same", "text"]
    tree = [shared, shared]
    before = copy.deepcopy(tree)

    edit(pickle.dumps(tree), replaced("[0]", [1]))

    assert tree == before


def test_an_int_of_python_2_stays_one_where_it_takes_64_bits() -> None:
    assert edit(b"(lp0\nI1\naL5L\na.", ReplaceNode("[0]", Written("2147483648"))) == b"(lp0\nI2147483648\naL5L\na."
