"""Arrays of objects in joblib's dumps: pickles of their own, which are looked at and edited in their place."""

import contextlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.edits import (
    AddPair,
    Copied,
    DeleteNodes,
    Edit,
    InsertItem,
    RenameGlobal,
    RenameKey,
    ReplaceNode,
    Written,
)
from app.codecs.findings import Query
from app.codecs.pickle.joblib_memory import Mixed
from app.codecs.registry import decode
from app.errors import CodecError, EncodeError
from tests.codecs.pickle.test_joblib_audit import wrapped
from tests.codecs.reading import strict_json

DATA = Path(__file__).parents[2] / "data" / "joblib"
OBJECTS = (DATA / "objects__160.joblib").read_bytes()
TABLE = (DATA / "table__160.joblib").read_bytes()
TOKEN = CancelToken()
ITEM = "['c']<state>[4]"


def opened(data: bytes) -> DecodedValue:
    value = decode(data, TOKEN)[0]
    assert value.codec == "joblib"
    return value


def plain(value: DecodedValue, path: str = "") -> object:
    return strict_json("".join(value.plain(TOKEN, path)))


def with_objects(*pickles: bytes, head: bytes = b"", tail: bytes = b"") -> bytes:
    """Return a dump of a list with an array of each kind in turn: of objects, and of bytes."""
    parts = [wrapped(inner, b"O8") + wrapped(b"ab") for inner in pickles]
    return b"\x80\x04](" + head + b"".join(parts) + tail + b"e."


def test_the_objects_of_an_array_are_shown() -> None:
    value = opened(OBJECTS)

    row = value.find("['c']")

    assert (row.type, row.text) == ("numpy.ndarray", "object (2,): [1, 'x']")
    assert plain(value, "['c']") == [1, "x"]
    assert value.tree(100, "['c']")["t"] == "object"
    assert [hit.path for hit in value.search(Query("x"), TOKEN)][-1] == f"{ITEM}[1]"
    assert not value.problems


def test_a_table_with_texts_is_a_table() -> None:
    value = opened(TABLE)

    assert value.root.text.startswith("3 rows, 6 columns: 'a' int64 [1, 2, 3], 'b' string ['x', nan, 'z']")
    assert not value.problems


@pytest.mark.parametrize("literal", ["'y'", "'much longer than before'", "''"])
def test_an_element_is_replaced_by_one_of_any_length(literal: str) -> None:
    new = opened(opened(OBJECTS).replace(f"{ITEM}[1]", literal))

    assert plain(new, f"{ITEM}[1]") == literal.strip("'")
    assert plain(new, "['a']") == plain(opened(OBJECTS), "['a']")
    assert plain(new, "['z']") == []
    assert new.replace(f"{ITEM}[1]", "'x'") == OBJECTS


EDITS: tuple[Edit, ...] = (
    ReplaceNode(f"{ITEM}[0]", Written("{'k': [1, 2]}"), any_type=True),
    ReplaceNode(f"{ITEM}[0]", Copied(OBJECTS, "['b'][1]"), any_type=True),
    ReplaceNode("['b'][1]", Copied(OBJECTS, f"{ITEM}[1]"), any_type=True),
    ReplaceNode("['b'][1]", Written("'outside'")),
    AddPair("", Written("'new'"), Written("1")),
    RenameKey("['c']", Written("'cc'")),
)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: type(edit).__name__)
def test_edits_inside_and_around_arrays_of_objects_are_made(edit: Edit) -> None:
    value = opened(OBJECTS)

    new = opened(value.edit(edit, TOKEN))

    assert new.data != OBJECTS
    assert not new.problems
    assert plain(new, "['a']") == plain(value, "['a']")


def test_an_array_of_objects_is_not_taken_out() -> None:
    with pytest.raises(EncodeError, match="array of joblib"):
        opened(OBJECTS).edit(DeleteNodes(("['c']",)), TOKEN)


@pytest.mark.parametrize("any_type", [False, True])
def test_an_array_of_objects_does_not_become_something_else(any_type: bool) -> None:
    """Its dtype is asked for when joblib loads it."""
    with pytest.raises(EncodeError, match=r"joblib would find no numpy\.ndarray"):
        opened(OBJECTS).edit(ReplaceNode("['c']", Written("5"), any_type=any_type), TOKEN)


def test_nodes_of_two_pickles_are_not_deleted_at_once() -> None:
    with pytest.raises(EncodeError, match="one parent"):
        opened(OBJECTS).edit(DeleteNodes(("['b'][1]", f"{ITEM}[0]")), TOKEN)


def test_a_class_is_renamed_in_all_pickles() -> None:
    inner = pickle.dumps([complex(1, 2)], 2)
    data = with_objects(inner, inner, head=b"cbuiltins\nlist\n")
    value = opened(data)

    inside = value.edit(RenameGlobal("__builtin__.complex", "shop.Number"), TOKEN)
    outside = value.edit(RenameGlobal("builtins.list", "shop.List"), TOKEN)

    assert inside == data.replace(b"c__builtin__\ncomplex\n", b"cshop\nNumber\n")
    assert outside == data.replace(b"cbuiltins\nlist\n", b"cshop\nList\n")
    with pytest.raises(EncodeError, match="No class or function"):
        value.edit(RenameGlobal("nowhere.Nothing", "shop.List"), TOKEN)


def test_each_pickle_has_its_own_memo() -> None:
    """MEMOIZE counts anew in each, and both have a number 0."""
    outer = b"\x8c\x05outer\x94"
    inner = b"\x80\x04]\x94(\x8c\x05inner\x94h\x01h\x00e."
    data = with_objects(inner, inner, head=outer, tail=b"h\x00\x8c\x04last\x94h\x01")

    found = plain(opened(data))

    assert isinstance(found, list)
    assert [found[0], *found[-3:]] == ["outer", "outer", "last", "last"]
    assert found[2] == found[4] == [97, 98]
    assert [found[1][:2], found[3][:2]] == [["inner", "inner"]] * 2


UNLIKE = {
    "two objects are left": b"\x80\x02NN.",
    "a mark is left": b"\x80\x02(N.",
}


@pytest.mark.parametrize("inner", UNLIKE.values(), ids=UNLIKE)
def test_a_pickle_that_leaves_more_than_one_object_stays_bytes(inner: bytes) -> None:
    value = opened(with_objects(inner, tail=b"\x8c\x04last"))

    assert value.find("[0]").type == "bytes"
    assert plain(value, "[2]") == "last"


def test_items_are_inserted_and_taken_out_where_an_array_is_a_list() -> None:
    data = with_objects(pickle.dumps([1, 2], 2))
    value = opened(data)

    longer = opened(value.edit(InsertItem("[0]", 1, Written("'between'")), TOKEN))
    shorter = longer.edit(DeleteNodes(("[0][1]",)), TOKEN)

    assert plain(longer) == [[1, "between", 2], [97, 98]]
    assert plain(opened(shorter)) == [[1, 2], [97, 98]]


LEAVES = st.none() | st.integers() | st.text(max_size=9) | st.binary(max_size=9) | st.floats(allow_nan=False)
VALUES = st.recursive(LEAVES, lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(max_size=3), items))


@given(st.lists(VALUES, min_size=1, max_size=4), st.integers(2, 5), st.data())
def test_any_objects_are_shown_and_edited_as_in_a_list(
    values: list[object], protocol: int, data: st.DataObject
) -> None:
    """An array of objects is any pickle to joblib, so that lists will do."""
    pickles = [pickle.dumps([value, value], protocol) for value in values]
    value = opened(with_objects(*pickles))
    number = data.draw(st.integers(0, len(values) - 1))

    shown = [decode(inner, TOKEN)[0] for inner in pickles]
    wanted = shown[number].edit(ReplaceNode("[0]", Written("'new'"), any_type=True), TOKEN)
    edited = opened(value.edit(ReplaceNode(f"[{2 * number}][0]", Written("'new'"), any_type=True), TOKEN))

    assert [plain(value, f"[{2 * place}]") for place in range(len(values))] == [plain(inner) for inner in shown]
    assert [array.memory for array in Mixed(edited.data, TOKEN).arrays[::2]] == [
        wanted if place == number else inner for place, inner in enumerate(pickles)
    ]


@given(st.integers(0), st.integers(0, 255))
def test_one_changed_byte_gives_a_value_or_a_sentence(place: int, byte: int) -> None:
    data = bytearray(OBJECTS)
    data[place % len(data)] = byte

    value = decode(bytes(data), TOKEN)[0]

    strict_json("".join(value.plain(TOKEN)))
    for row in value.rows(value.root.node, 0, 5):
        with contextlib.suppress(CodecError):
            value.edit(ReplaceNode(row.step, Written("5"), any_type=True), TOKEN)
