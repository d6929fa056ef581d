"""Elements of arrays: each has its index as a path, its text edits it, and numpy reads the result."""

import array
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.codecs.edits import ReplaceNode, Written
from app.codecs.known.elements import Elements, elements_of
from app.codecs.model import Style
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import NEVER, Graph, parse
from app.codecs.pickle.model_of import model_of
from app.errors import EncodeError, PathError
from tests.codecs.pickle.editing import edit

ARRAYS = {
    "c": np.arange(24, dtype="i4").reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(24, dtype="u8").reshape(2, 3, 4)),
    "big": np.arange(6, dtype=">i2").reshape(3, 2),
    "half": np.array([0.5, -1.25], dtype="f2"),
    "complex": np.array([1 + 2j, -3.5j], dtype="c8"),
    "bool": np.array([[True], [False]]),
    "scalar": np.array(7.5),
    "text": np.array(["é", "abc"]),
    "octets": np.array([b"a", b"b\x01c"]),
    "days": np.array(["2020-02-29", "NaT"], dtype="M8[D]"),
    "nanoseconds": np.array(["1969-12-31T23:59:59.000000001"], dtype="M8[ns]"),
    "spans": np.array([5, -6], dtype="m8[2s]"),
    "records": np.array([(1, b"x'", 0.5), (2, b"), ", -1.0)], dtype=[("a", "i4"), ("b", "S3"), ("c", ">f8")]),
}


def graph_of(value: object, protocol: int) -> Graph:
    return parse(pickle.dumps(value, protocol), 0, NEVER)


def found_in(graph: Graph) -> Elements:
    found = elements_of(graph, graph.root)
    assert found is not None
    return found


def loaded(graph: Graph, protocol: int, number: int, text: str) -> Any:
    """Return what Python loads after an element was replaced."""
    value = model_of(graph, graph.root, NEVER, found_in(graph).replaced(number, text))
    return pickle.loads(emit_pickle(value, Style(protocol)))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ARRAYS)
def test_an_element_becomes_another_by_its_text(name: str, protocol: int) -> None:
    values = ARRAYS[name]
    graph = graph_of(values, protocol)
    elements = found_in(graph)

    for number, index in enumerate(np.ndindex(values.shape)):
        other = (number + 1) % values.size
        result = loaded(graph, protocol, number, elements.text(other))

        expected = values.copy()
        expected[index] = values.flat[other]
        assert np.array_equal(result, expected, equal_nan=values.dtype.kind in "fcMm"), index
        assert result.dtype == pickle.loads(pickle.dumps(values, protocol)).dtype
        assert elements.number(elements.step(number)[1:-1]) == number
        assert elements.step(number)[1:-1] == (", ".join(map(str, index)) or "()")
        assert elements.replaced(number, f" {elements.text(number)} ") == {}


@pytest.mark.parametrize("protocol", range(3, 6))
@given(
    code=st.sampled_from("bBhHiIlLqQfd"), items=st.lists(st.integers(0, 100), min_size=1, max_size=9), data=st.data()
)
def test_items_of_array_become_others(protocol: int, code: str, items: list[int], data: st.DataObject) -> None:
    values = array.array(code, items)
    number = data.draw(st.integers(0, len(items) - 1))
    new = data.draw(st.integers(0, 100))
    graph = graph_of(values, protocol)

    result = loaded(graph, protocol, number, str(new))

    values[number] = new
    assert result == values


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "c",
            "2147483648",
            "2147483648 does not fit here: the elements are whole numbers from -2,147,483,648 to 2,147,483,647.",
        ),
        ("c", "1.5", "1.5 is not an int; write a whole number."),
        ("half", "1e9", "1e9 does not fit here: an element has 2 bytes, too few for a number as large as that."),
        ("bool", "2", "2 is not a bool; write True or False."),
        ("text", "'four'", "It is too long; there is room for 3 characters."),
        ("octets", "'a'", r"'a' is not bytes; write them as b'text' with escapes for what is not ASCII, as b'\x00'."),
        ("days", "2020-02-30", "2020-02-30 is no datetime64[D]; write it as 2026-01-31T23:59:01."),
        ("days", "2020-02-29T01:00", "2020-02-29T01:00 is no datetime64[D]; write it as 2026-01-31T23:59:01."),
        ("spans", "5 s", "5 s is no multiple of 2, which timedelta64[2s] counts in."),
        ("records", "(1, b'x')", "A record of 3 values stands here; write them as (1, 2)."),
        ("records", "1", "1 is no record; write it as (1, 2)."),
    ],
)
def test_a_wrong_text_is_one_sentence(name: str, text: str, message: str) -> None:
    elements = found_in(graph_of(ARRAYS[name], 4))

    with pytest.raises(EncodeError) as raised:
        elements.replaced(0, text)

    assert raised.value.message == message


@pytest.mark.parametrize("text", ["", "0", "0, 0", "0, 0, 4", "0, 0, 0, 0", "0, x, 0", "()", "-3, 0, 0"])
def test_an_index_that_leads_nowhere_is_a_path_error(text: str) -> None:
    with pytest.raises(PathError, match="leads nowhere"):
        found_in(graph_of(ARRAYS["c"], 4)).number(text)


def test_negative_indexes_count_from_the_end() -> None:
    assert found_in(graph_of(ARRAYS["c"], 4)).number("-1, -1, -1") == 23


def test_arrays_of_objects_have_no_elements_of_their_own() -> None:
    graph = graph_of(np.array([1, "a"], dtype=object), 4)

    assert elements_of(graph, graph.root) is None


NAN = bytes.fromhex("010000000000f87f")
WORD = "a\ud800b"
ODD: dict[str, Any] = {
    "lone surrogates": np.array([WORD, "\udc00"]),
    "lone surrogates of UTF-16": array.array("u", "x\ud800"),
    "no characters": np.frombuffer(b"a\0\0\0\xff\xff\xff\x7f", "U2").copy(),
    "a nan of its own": np.frombuffer(NAN, "f8").copy(),
    "a bool of its own": np.frombuffer(b"\x02", "?").copy(),
    "zeros behind": np.array([b"a\0"], "S4"),
    "what is between members": np.frombuffer(b"\x01zzz" + NAN, {"names": ["a", "b"], "formats": ["u1", "f8"],
                                                               "offsets": [0, 4], "itemsize": 12}),
    "several": np.frombuffer(NAN + b"\x02zzz", [("a", "f8", (1,)), ("b", "?"), ("c", "V3")]).copy(),
}  # fmt: skip


@pytest.mark.parametrize("protocol", [3, 5])
@pytest.mark.parametrize("name", ODD)
def test_a_text_that_changes_nothing_changes_no_byte_however_it_is_spaced(name: str, protocol: int) -> None:
    elements = found_in(graph_of(ODD[name], protocol))

    for number in range(elements.count):
        text = elements.text(number)
        assert "\ufffd" not in text
        assert elements.replaced(number, f" {text} ") == {}
        assert elements.replaced(number, text.replace(", ", " ,")) == {}
        assert elements.element.packed(text) is not None


def test_an_edit_beside_keeps_lone_surrogates_and_what_no_text_shows() -> None:
    words = pickle.dumps(ODD["lone surrogates"], 4)
    records = pickle.dumps(ODD["what is between members"], 4)

    word = pickle.loads(edit(words, ReplaceNode("[0]", Written(repr(WORD.replace("b", "c"))))))
    record = edit(records, ReplaceNode("[0]", Written("(7, nan)")))

    assert word.tolist() == ["a\ud800c", "\udc00"]
    assert b"\x07zzz" + NAN in record


@pytest.mark.parametrize("text", ["b'ab'", "b'a\\0\\0\\0b\\0\\0\\0'"])
def test_bytes_that_are_a_text_are_no_way_to_write_one(text: str) -> None:
    with pytest.raises(EncodeError, match="is not a text"):
        found_in(graph_of(ODD["no characters"], 4)).replaced(0, text)
