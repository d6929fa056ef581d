"""Edits of every kind, made on the opcodes, against the same edits made on the objects."""

import copy
import datetime as dt
import decimal
import pickle
from collections import Counter, OrderedDict, defaultdict, deque
from fractions import Fraction
from typing import Any, Self

import pytest

from app.codecs.edits import (
    AddPair,
    Copied,
    DeleteNodes,
    InsertItem,
    RenameGlobal,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.errors import EncodeError, PathError
from tests.codecs.pickle.editing import edit, new, replaced

ALL_PROTOCOLS = pytest.mark.parametrize("protocol", range(6))


# ---- sharing


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


# ---- containers in all encodings


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


@pytest.mark.parametrize("key", ["1", "1.0", "True", "1+0j", "'a'", "(1, 'a')", "(True, 'a')", "frozenset({1.0})"])
@ALL_PROTOCOLS
def test_keys_that_python_takes_for_one_are_refused(protocol: int, key: str) -> None:
    pickled = pickle.dumps({1: 0, "a": 0, (1, "a"): 0, frozenset({1}): 0, "other": 0}, protocol)

    for refused in (AddPair("", Written(key), Written("0")), RenameKey("['other']", Written(key))):
        with pytest.raises(EncodeError, match="already"):
            edit(pickled, refused)


@pytest.mark.parametrize("key", ["[1]", "{}", "{1}", "bytearray(b'x')", "(1, [2])"])
def test_keys_and_elements_that_python_cannot_hash_are_refused(key: str) -> None:
    with pytest.raises(EncodeError, match="hash"):
        edit(pickle.dumps({}), AddPair("", Written(key), Written("0")))
    empties: list[Any] = [set(), frozenset(), {1}]
    for empty in empties:
        for protocol in (2, 4):
            with pytest.raises(EncodeError, match=r"hash|neither a key nor an element"):
                edit(pickle.dumps(empty, protocol), InsertItem("", 0, Written(key)))


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


# ---- objects


class Point:
    def __init__(self, x: object) -> None:
        self.x = x


class Slotted:
    __slots__ = ("a", "b")

    a: object
    b: object


class Bare:
    """An object without any state."""


class WithKeywords:
    def __new__(cls, *args: object, **kwargs: object) -> Self:
        made = super().__new__(cls)
        made.given = args, kwargs
        return made

    given: tuple[Any, Any]

    def __getnewargs_ex__(self) -> tuple[Any, Any]:
        return self.given

    def __getstate__(self) -> None:
        return None


class Renamed(Point):
    pass


@ALL_PROTOCOLS
def test_attributes_are_set_added_renamed_and_deleted(protocol: int) -> None:
    slotted = Slotted()
    slotted.a = "text"
    objects = [Point("text"), slotted, Bare()]
    pickled = pickle.dumps(objects if protocol >= 2 else [objects[0], Point(0), objects[2]], protocol)

    point, other, bare = pickle.loads(
        edit(
            pickled,
            replaced("[0].x", [1]),
            ReplaceNode("[0].y", Written("2")),
            AddPair("[1]", new("b"), new("text")),
            ReplaceNode("[2].z", Written("3")),
            RenameKey("[0].y", new("why")),
        )
    )

    assert vars(point) == {"x": [1], "why": 2}
    assert other.b == "text"
    assert vars(bare) == {"z": 3}
    assert vars(pickle.loads(edit(pickled, DeleteNodes(("[0].x",))))[0]) == {}


@pytest.mark.parametrize("protocol", range(2, 6))
def test_arguments_and_keywords_change(protocol: int) -> None:
    pickled = pickle.dumps([WithKeywords(1, "text", key="text")], protocol)

    changed = edit(
        pickled,
        replaced("[0]<args>[0]", 5),
        InsertItem("[0]<args>", 2, new("more")),
        replaced("[0]<kwargs>['key']", [0]),
        AddPair("[0]<kwargs>", new("other"), new(None)),
    )

    assert pickle.loads(changed)[0].given == ((5, "text", "more"), {"key": [0], "other": None})


@ALL_PROTOCOLS
def test_items_of_objects_change(protocol: int) -> None:
    objects = [OrderedDict(a=1), defaultdict(list, k=[1]), deque([1, 2]), Counter("aab")]
    pickled = pickle.dumps(objects, protocol)

    changed = pickle.loads(
        edit(
            pickled,
            AddPair("[0]", new("b"), new([2])),
            replaced("[1]<dictitems>['k']", ["new"]),
            InsertItem("[2]<listitems>", 1, new("middle")),
        )
    )

    assert changed[0] == OrderedDict(a=1, b=[2])
    assert changed[1] == {"k": ["new"]}
    assert changed[2] == deque([1, "middle", 2])


@ALL_PROTOCOLS
def test_a_class_is_renamed_wherever_it_is_named(protocol: int) -> None:
    name = f"{__name__}.Point"
    pickled = pickle.dumps([Point(1), Point, "Point", {"k": Point(2)}, __name__], protocol)

    changed = edit(pickled, RenameGlobal(name, f"{__name__}:Renamed"))

    one, cls, text, holder, module = pickle.loads(changed)
    assert (type(one), cls, type(holder["k"])) == (Renamed, Renamed, Renamed)
    assert (text, module) == ("Point", __name__)
    pickled = pickle.dumps([Point(1), Point], protocol)
    assert edit(pickled, RenameGlobal(name, "other.Name"), RenameGlobal("other.Name", name)) == pickled
    with pytest.raises(EncodeError, match="named"):
        edit(pickled, RenameGlobal("no.such", "a.b"))


@ALL_PROTOCOLS
def test_known_types_are_edited_as_text_and_stay_what_they_are(protocol: int) -> None:
    day, number = dt.date(2026, 1, 2), decimal.Decimal("1.5")
    pickled = pickle.dumps([day, number, day, Fraction(1, 3)], protocol)

    changed = pickle.loads(
        edit(pickled, ReplaceNode("[0]", Written("2027-03-04")), ReplaceNode("[1]", Written("2.25")))
    )

    assert changed == [dt.date(2027, 3, 4), decimal.Decimal("2.25"), day, Fraction(1, 3)]
    with pytest.raises(EncodeError, match="could not be read any more"):
        edit(pickled, ReplaceNode("[0]<args>[0]", Written("b'x'")))


@ALL_PROTOCOLS
def test_none_and_complex_numbers_are_edited(protocol: int) -> None:
    pickled = pickle.dumps([None, 1 + 2j, None], protocol)

    changed = edit(pickled, ReplaceNode("[0]", Written("'text'")), ReplaceNode("[1]", Written("3-4j")))

    assert pickle.loads(changed) == ["text", 3 - 4j, None]
    assert edit(changed, ReplaceNode("[1]", Written("1+2j")), replaced("[0]", None)) == pickled


# ---- streams


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
    tree = [SHARED, SHARED]
    before = copy.deepcopy(tree)

    edit(pickle.dumps(tree), replaced("[0]", [1]))

    assert tree == before
