"""Parts that numpy reads by their places: what an edit makes of them numpy loads, and all else is refused."""

import pickle
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from app.codecs.edits import AddPair, DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode, Written
from app.errors import EncodeError
from tests.codecs.pickle.edit_sweep import trials
from tests.codecs.pickle.editing import TOKEN, decode, edit

RECORDS = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")])
THINGS: list[object] = [
    np.arange(6, dtype=">i4").reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array([1, "a", None], dtype=object),
    np.array(["ab", "c"]),
    np.array(["2026-01-02"], dtype="M8[s]"),
    np.array(5),
    np.ma.MaskedArray([1, 2, 3], mask=[False, True, False]),
    RECORDS,
    RECORDS.view(np.recarray),
    RECORDS[0],
    np.float64(1.5),
    np.datetime64("2026-01-02"),
    np.dtype("i4"),
    np.dtype("U5"),
    np.dtype("M8[2s]"),
    np.dtype(object),
    np.dtype(("i4", (2, 2))),
    np.dtype([(("title", "a"), "i4")]),
    np.dtype("i4", metadata={"by": ["x"]}),
    {"arrays": [np.arange(3), np.float32(1)], "dtype": np.dtype("i4")},
]
OF_PLACES = ("delete", "insert", "move", "reorder", "add pair", "rename key", "add attribute", "add element")
LOADER = """
import pickle, sys
for number, data in enumerate(pickle.load(sys.stdin.buffer)):
    try:
        pickle.loads(data)
    except Exception as error:
        print(number, repr(error))
"""


def not_loaded(results: list[bytes]) -> list[str]:
    """Return what numpy says of the pickles that it refuses, with their numbers; in a process that it may crash."""
    done = subprocess.run([sys.executable, "-c", LOADER], input=pickle.dumps(results), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_numpy_loads_whatever_was_added_taken_out_or_moved_in_its_objects() -> None:
    results: list[bytes] = []
    refused = 0

    for thing, protocol in product(THINGS, (0, 2, 5)):
        value = decode(pickle.dumps(thing, protocol))
        for trial in trials(value, 150, 40):
            if trial.kind in OF_PLACES:
                try:
                    results.append(value.edit(trial.edit, TOKEN))
                except EncodeError:
                    refused += 1

    assert len(results) > 100
    assert refused > 100
    assert not_loaded(results) == []


NEW = Written("7")
ARRAY, DTYPE, DATES, FIELDS = np.array([1, 2]), np.dtype("i4"), np.dtype("M8[2s]"), RECORDS.dtype
REFUSED: list[tuple[object, Edit]] = [
    (ARRAY, DeleteNodes(("<args>[0]",))),
    (ARRAY, DeleteNodes(("<args>[1]", "<args>[2]"))),
    (ARRAY, DeleteNodes(("<args>[1][0]",))),
    (ARRAY, InsertItem("<args>", 0, NEW)),
    (ARRAY, InsertItem("<args>[1]", 0, NEW)),
    (ARRAY, Reorder("<args>", (2, 0, 1))),
    (ARRAY, DeleteNodes(("<state>[0]",))),
    (ARRAY, Reorder("<state>", (1, 0, 2, 3, 4))),
    (ARRAY, DeleteNodes(("<state>[2]<state>[3]",))),
    (ARRAY, DeleteNodes(("<state>[2]<args>[2]",))),
    (np.float64(1), DeleteNodes(("<args>[1]",))),
    (np.float64(1), DeleteNodes(("<args>[0]<state>[1]",))),
    (DTYPE, DeleteNodes(("<args>[0]",))),
    (DTYPE, DeleteNodes(("<state>[7]",))),
    (DTYPE, DeleteNodes(("<state>[2]", "<state>[3]"))),
    (DTYPE, InsertItem("<state>", 8, NEW)),
    (DTYPE, Reorder("<state>", (*range(1, 8), 0))),
    (DATES, DeleteNodes(("<state>[8]",))),
    (DATES, DeleteNodes(("<state>[8][0]",))),
    (DATES, DeleteNodes(("<state>[8][1][3]",))),
    (FIELDS, DeleteNodes(("<state>[3][0]",))),
    (FIELDS, DeleteNodes(("<state>[4]['a']",))),
    (FIELDS, DeleteNodes(("<state>[4]['a'][0]",))),
    (FIELDS, AddPair("<state>[4]", Written("'c'"), NEW)),
    (FIELDS, RenameKey("<state>[4]['a']", Written("'c'"))),
    (np.dtype(("i4", (2, 2))), DeleteNodes(("<state>[2][1][0]",))),
]


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize(("thing", "wrong"), REFUSED, ids=lambda case: str(case)[:60])
def test_nothing_is_added_taken_out_or_moved_where_numpy_counts(thing: object, wrong: Edit, protocol: int) -> None:
    data = pickle.dumps(thing, protocol)

    with pytest.raises(EncodeError, match=r"numpy reads .* by their places, so none can be added, taken out or moved"):
        edit(data, wrong)


def test_the_arguments_of_an_array_read_from_a_buffer_are_counted_too() -> None:
    data = pickle.dumps(ARRAY, 5)

    with pytest.raises(EncodeError, match="numpy reads these arguments"):
        edit(data, DeleteNodes(("<args>[3]",)))


@pytest.mark.parametrize("protocol", range(6))
def test_the_metadata_of_a_dtype_are_a_dict_like_any_other(protocol: int) -> None:
    data = pickle.dumps(np.dtype("i4", metadata={"by": ["x"]}), protocol)

    edited = edit(
        data,
        AddPair("<state>[8]", Written("'on'"), Written("7")),
        InsertItem("<state>[8]['by']", 1, Written("'y'")),
        RenameKey("<state>[8]['by']", Written("'of'")),
    )

    assert dict(pickle.loads(edited).metadata) == {"of": ["x", "y"], "on": 7}


@pytest.mark.parametrize("protocol", range(5))
def test_what_an_array_of_objects_holds_stays_free(protocol: int) -> None:
    data = pickle.dumps(np.array([[1], {"a": 1}], dtype=object), protocol)

    edited = edit(
        data,
        InsertItem("<state>[4][0]", 1, Written("2")),
        AddPair("<state>[4][1]", Written("'b'"), Written("2")),
        Reorder("<state>[4]", (1, 0)),
        InsertItem("<state>[1]", 0, Written("1")),
    )

    loaded = pickle.loads(edited)
    assert loaded.shape == (1, 2)
    assert loaded.tolist() == [[{"a": 1, "b": 2}, [1, 2]]]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("path", ["<state>[5]", "<state>[6]", "<state>[7]", "<state>"])
def test_the_sizes_and_flags_of_a_dtype_are_not_replaced(path: str, protocol: int) -> None:
    data = pickle.dumps(DTYPE, protocol)

    with pytest.raises(EncodeError, match="numpy takes the sizes and flags of a dtype without a look"):
        edit(data, ReplaceNode(path, Written("(3, '<', None, None, None, -1, -1, 1)" if path == "<state>" else "9")))


def test_the_order_of_a_dtype_is_still_replaced() -> None:
    assert pickle.loads(edit(pickle.dumps(DTYPE, 4), ReplaceNode("<state>[1]", Written("'>'")))) == np.dtype(">i4")
