"""Edits of objects: attributes, arguments, items and classes."""

import datetime as dt
import decimal
import pickle
from collections import Counter, OrderedDict, defaultdict, deque
from fractions import Fraction
from typing import Any, Self

import pytest

from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    DeleteNodes,
    InsertItem,
    RenameGlobal,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.errors import EncodeError
from tests.codecs.pickle.editing import edit, new, replaced

ALL_PROTOCOLS = pytest.mark.parametrize("protocol", range(6))


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


class Hashed:
    def __init__(self, number: int) -> None:
        self.number = number


class Keeps:
    """An object whose state is a tuple of its own."""

    def __getstate__(self) -> tuple[Any, ...]:
        return self.kept

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.kept = state


class Named(tuple[int, ...]):
    __slots__ = ()


@ALL_PROTOCOLS
def test_keys_of_unknown_classes_are_not_taken_for_each_other(protocol: int) -> None:
    pickled = pickle.dumps({Hashed(1): "one", Hashed(2): "two"}, protocol)

    first, second = pickle.loads(edit(pickled, replaced("[#1]<key>.number", 1)))

    assert (first.number, second.number) == (1, 1)


@ALL_PROTOCOLS
def test_a_state_that_is_a_tuple_of_its_own_grows_and_is_put_in_order(protocol: int) -> None:
    keeps = Keeps()
    keeps.kept = 1, 2, [3]

    again = pickle.loads(
        edit(pickle.dumps(keeps, protocol), InsertItem("<state>", 1, new("x")), Reorder("<state>", (3, 0, 1, 2)))
    )

    assert again.kept == ([3], 1, "x", 2)


@pytest.mark.parametrize("protocol", [0, 1])
def test_what_is_made_of_exactly_one_argument_keeps_that(protocol: int) -> None:
    pickled = pickle.dumps(Named([1, 2]), protocol)

    for change in (InsertItem("<args>", 1, new(3)), DeleteNodes(("<args>[0]",))):
        with pytest.raises(EncodeError, match="exactly one argument"):
            edit(pickled, change)
    assert pickle.loads(edit(pickled, InsertItem("<args>[0]", 1, new(3)))) == (1, 3, 2)


@ALL_PROTOCOLS
def test_an_object_made_with_keywords_is_written_in_every_protocol(protocol: int) -> None:
    pickled = pickle.dumps(WithKeywords("word", key=2), 4)

    assert vars(pickle.loads(edit(pickled, ChangeProtocol(protocol)))) == vars(WithKeywords("word", key=2))
