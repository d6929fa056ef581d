"""Edits of objects in several places, in each protocol."""

import pickle
from typing import Any

import pytest

from app.codecs.edits import (
    Copied,
    DeleteNodes,
    InsertItem,
    Reorder,
    ReplaceNode,
)
from tests.codecs.pickle.editing import edit, replaced

ALL_PROTOCOLS = pytest.mark.parametrize("protocol", range(6))
SHARED = ["the same", "text"]


@ALL_PROTOCOLS
def test_what_is_deleted_lives_on_where_it_is_shared(protocol: int) -> None:
    inner = {"deep": SHARED}
    pickled = pickle.dumps([[inner, SHARED], inner, SHARED, "text"], protocol)

    one, two, text = pickle.loads(edit(pickled, DeleteNodes(("[0]",))))

    assert (one, two, text) == (inner, SHARED, "text")
    assert one["deep"] is two


@ALL_PROTOCOLS
def test_only_here_leaves_the_other_places_alone_and_everywhere_does_not(protocol: int) -> None:
    pickled = pickle.dumps([SHARED, SHARED, {"k": SHARED}], protocol)

    here = pickle.loads(edit(pickled, replaced("[0]", [1])))
    there = pickle.loads(edit(pickled, replaced("[1]", [1])))
    everywhere = pickle.loads(edit(pickled, replaced("[1]", [1], everywhere=True)))

    assert here == [[1], SHARED, {"k": SHARED}]
    assert here[1] is here[2]["k"]
    assert there == [SHARED, [1], {"k": SHARED}]
    assert everywhere == [[1], [1], {"k": [1]}]
    assert everywhere[0] is everywhere[1] is everywhere[2]["k"]


@ALL_PROTOCOLS
def test_moving_a_reference_before_what_it_refers_to_keeps_them_one_object(protocol: int) -> None:
    pickled = pickle.dumps([SHARED, "middle", SHARED, ("text", SHARED)], protocol)

    moved = pickle.loads(edit(pickled, Reorder("", (3, 1, 2, 0))))

    assert moved == [("text", SHARED), "middle", SHARED, SHARED]
    assert moved[0][1] is moved[2] is moved[3]


@ALL_PROTOCOLS
def test_deleted_data_does_not_stay_in_the_pickle(protocol: int) -> None:
    pickled = pickle.dumps([{"password": "hunter2", "shared": SHARED}, SHARED], protocol)

    changed = edit(pickled, DeleteNodes(("[0]",)))

    assert pickle.loads(changed) == [SHARED]
    assert b"hunter2" not in changed
    assert b"password" not in changed


@ALL_PROTOCOLS
def test_a_value_that_shares_parts_inside_keeps_that_when_it_is_copied_in(protocol: int) -> None:
    part = ["shared"]
    cycle: list[Any] = [part, part]
    cycle.append(cycle)
    pickled = pickle.dumps([0, "x", ["y"], "z", ["y"]], protocol)

    changed = pickle.loads(edit(pickled, InsertItem("", 5, Copied(pickle.dumps(cycle)))))

    assert changed[:5] == [0, "x", ["y"], "z", ["y"]]
    assert changed[5][0] is changed[5][1]
    assert changed[5][2] is changed[5]


@pytest.mark.parametrize("everywhere", [False, True])
@ALL_PROTOCOLS
def test_a_value_that_shares_parts_takes_a_place_in_a_pickle_whose_memo_is_all_read(
    protocol: int, everywhere: bool
) -> None:
    part: list[Any] = ["shared"]
    tree: list[Any] = [[0], "x", ["y"]]
    tree += tree
    tree.append(tree)
    replacing = ReplaceNode("[0]", Copied(pickle.dumps([part, part])), everywhere=everywhere)

    changed = edit(pickle.dumps(tree, protocol), replacing, DeleteNodes(("[2]",)))

    found = pickle.loads(changed)
    assert found[0] == [part, part]
    assert found[0][0] is found[0][1]
    assert found[1] == "x"
    assert (found[2] is found[0]) is everywhere
    assert found[-1] is found


@pytest.mark.parametrize("before", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
@ALL_PROTOCOLS
def test_what_was_moved_can_be_deleted_where_it_stands_first(protocol: int, before: tuple[int, ...]) -> None:
    tangle: list[Any] = []
    first: dict[str, int] = {}
    second: list[int] = []
    tangle += [tangle, first, second]
    tree = [tangle, first, second, {None: tangle, False: (tangle, [tangle])}]
    pickled = edit(pickle.dumps(tree, protocol), Reorder("[0]", before))

    changed = pickle.loads(edit(pickled, DeleteNodes(("[0][0]",))))

    assert changed[1:3] == [{}, []]
    kept = [[tangle, first, second][index] for index in before[1:]]
    found = changed[0]
    assert changed[3][None] is changed[3][False][0] is changed[3][False][1][0] is found
    same = {id(tangle): found, id(first): changed[1], id(second): changed[2]}
    assert all(one is same[id(other)] for one, other in zip(found, kept, strict=True))


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_a_numbered_and_a_counted_memo_go_together_when_parts_change_places(order: tuple[int, ...]) -> None:
    # the first list is numbered by BINPUT, the second counted by MEMOIZE, the third read behind them
    data = b"\x80\x04](]q\x00]\x94]\x94eh\x02\x86."

    changed = pickle.loads(edit(data, Reorder("[0]", order)))

    assert changed[0].index(changed[1]) >= 0
    assert any(one is changed[1] for one in changed[0])
    assert changed[0][order.index(2)] is changed[1]
