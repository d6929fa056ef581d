"""Every row's path leads back to it; literals name what they say."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.paths import parse_path
from app.codecs.pickle.value import PickleValue
from app.errors import PathError
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES


def decode(data: bytes) -> PickleValue:
    return PickleValue(data, CancelToken())


def all_rows(value: PickleValue, most: int) -> list[tuple[str, NodeRow]]:
    found = [("", value.root)]
    for path, row in found:
        if len(found) >= most or len(path) > 2_000:
            break
        found += [(path + child.step, child) for child in value.rows(row.node, 0, 50)]
    return found


def check_paths(value: PickleValue, most: int = 300) -> None:
    rows = all_rows(value, most)
    assert len({path for path, _ in rows}) == len(rows)
    for path, row in rows:
        assert value.find(path) == row
        assert "".join(map(str, parse_path(path))) == path


@pytest.mark.parametrize("case", corpus.values("benign", "hostile"), ids=corpus.name_of)
def test_paths_of_the_corpus_lead_back(case: corpus.ValueCase) -> None:
    check_paths(decode(case.read()), most=100)


@given(value=VALUES, protocol=PROTOCOLS)
def test_paths_lead_back(value: object, protocol: int) -> None:
    check_paths(decode(pickle.dumps(value, protocol)))


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_refused(path: str) -> None:
    try:
        steps = parse_path(path)
    except PathError:
        return
    assert "".join(map(str, steps)).replace(" ", "") == path.replace(" ", "")


@given(
    value=st.lists(st.integers() | st.lists(st.integers()), max_size=20),
    start=st.integers(0, 25),
    count=st.integers(0, 9),
)
def test_pages_are_parts_of_the_whole(value: list[Any], start: int, count: int) -> None:
    decoded = decode(pickle.dumps({(index, 1) if index % 3 else index: item for index, item in enumerate(value)}))
    everything = decoded.rows(decoded.root.node, 0, 1_000)

    assert len(everything) == decoded.root.count
    assert decoded.rows(decoded.root.node, start, count) == everything[start : start + count]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("['a']", "1"),
        ('["a"]', "1"),
        ("[3]", "'int'"),
        ("[b'k']", "'bytes'"),
        ("[None]", "'none'"),
        ("[True]", "'yes'"),
        ("[1.5]", "'float'"),
        ("['l'][0]", "10"),
        ("['l'][-1]", "12"),
        ("['s']{11}", "11"),
        ("[#0]<key>", "'a'"),
        ("[#8]<key>[1]", "2"),
    ],
)
def test_steps_lead_where_they_say(path: str, text: str) -> None:
    keys = {
        "a": 1,
        3: "int",
        b"k": "bytes",
        None: "none",
        True: "yes",
        1.5: "float",
        "l": [10, 11, 12],
        "s": {11},
        (1, 2): 0,
    }

    assert decode(pickle.dumps(keys)).find(path).text == text


@pytest.mark.parametrize(
    "path", ["['b']", "[0", "['l'][3]", "['l']['x']", ".x", "<args>", "{0}", "x", "[#9]", "<pickle 2>"]
)
def test_wrong_paths_are_refused(path: str) -> None:
    with pytest.raises(PathError):
        decode(pickle.dumps({"a": 1, "l": [1, 2, 3]})).find(path)


def test_python2_texts_and_strings_are_different_keys() -> None:
    value = decode(b"(dS'a'\nI1\nsVa\nI2\nsVb\nI3\ns.")

    assert [row.step for row in value.rows(value.root.node, 0, 9)] == ["['a']", "[u'a']", "[u'b']"]
    assert value.find("['a']").text == "1"
    assert value.find("[u'a']").text == "2"
    assert value.find("['b']").text == "3"


def test_repeated_keys_go_by_position() -> None:
    value = decode(b"}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00aK\x02u.")

    assert [row.step for row in value.rows(value.root.node, 0, 9)] == ["[#0]", "[#1]"]
    with pytest.raises(PathError, match="several keys"):
        value.find("['a']")


def test_attributes_that_are_no_names_go_by_the_state() -> None:
    value = decode(b"cm\nC\n)\x81}(X\x03\x00\x00\x00a bK\x01X\x01\x00\x00\x00cK\x02ub.")

    assert [row.step for row in value.rows(value.root.node, 0, 9)] == ["<state>['a b']", ".c"]
    assert value.find("<state>['c']").text == "2"
    check_paths(value)


def test_attributes_in_slots_that_are_no_names_go_by_the_state() -> None:
    value = decode(b"cm\nC\n)\x81N}(X\x03\x00\x00\x00a bK\x01X\x01\x00\x00\x00cK\x02u\x86b.")

    assert [row.step for row in value.rows(value.root.node, 0, 9)] == ["<state>[1]['a b']", ".c"]
    check_paths(value)
    assert value.find("<state>[1]").type == "dict"


def test_further_pickles_have_paths() -> None:
    value = decode(pickle.dumps([1]) + pickle.dumps({"k": [5]}))

    assert value.rows(value.root.node, 0, 9)[-1].step == "<pickle 2>"
    assert value.find("<pickle 2>['k'][0]").text == "5"
    assert pickle.loads(value.replace("<pickle 2>['k'][0]", "6")[len(pickle.dumps([1])) :]) == {"k": [6]}
