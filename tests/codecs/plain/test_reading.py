"""JSON text is read exactly, without recursion, and refused with its place."""

import json
import math
import pickle
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.model import Style
from app.codecs.pickle.emit import emit_pickle
from app.codecs.plain.reading import MAX_DEPTH, json_value
from app.errors import EncodeError
from tests.codecs.small_stacks import on_a_small_stack

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def loaded(text: str, protocol: int = 4) -> Any:
    return pickle.loads(emit_pickle(json_value(text, CancelToken()), Style(protocol)))


@given(value=JSON, is_ascii=st.booleans(), indent=st.none() | st.integers(0, 3), protocol=st.integers(0, 5))
def test_what_json_writes_is_read_as_it_was(value: object, is_ascii: bool, indent: int | None, protocol: int) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)

    assert repr(loaded(text, protocol)) == repr(value)


@given(st.text('[]{},:"\\ \n\t0123456789.eE+-truefalsnNIity\x00é', max_size=40))
def test_any_text_is_read_as_json_reads_it_or_refused(text: str) -> None:
    try:
        expected = json.loads(text, object_pairs_hook=distinct, parse_float=finite)
    except ValueError:
        with pytest.raises(EncodeError, match=r"\ALine \d+, column \d+: "):
            loaded(text)
    else:
        assert repr(loaded(text)) == repr(expected)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError(pairs)
    return dict(pairs)


def finite(text: str) -> float:
    if math.isinf(float(text)):
        raise ValueError(text)
    return float(text)


def test_numbers_are_exact() -> None:
    digits = "123456789" * 1_000

    found = json_value(f"[{digits}, -{digits}, 0.1, -0.0, 1E2, NaN, -Infinity]", CancelToken())

    numbers = pickle.loads(emit_pickle(found, Style(4)))
    assert numbers[0] == -numbers[1] == sum(123456789 * 10 ** (9 * place) for place in range(1_000))
    assert repr(numbers[2:]) == "[0.1, -0.0, 100.0, nan, -inf]"


REFUSED = {
    "": "column 1: The text ends here; a value is missing",
    "[1, 2": "column 6: The text ends here; a comma or ] is missing",
    "[1,]": "column 4: ] stands where a value",
    "[1] x": "column 5: x ",
    "[1] 2": "column 5: 2 stands behind the value",
    '{"a": 1,\n "a": 2}': 'Line 2, column 2: The name "a" stands twice',
    '{"a": 1,}': "column 9: A name in double quotes is missing",
    "{a: 1}": "is no JSON",
    '{"a" 1}': "column 6: 1} stands where a colon",
    "{1: 2}": "column 2: A name in double quotes",
    "'a'": "column 1: 'a' is no JSON",
    '"a\nb"': "is no JSON",
    '"\\x41"': "is no JSON",
    "01": "is no JSON",
    "+1": "is no JSON",
    "1.": "is no JSON",
    "nan": "is no JSON",
    "True": "is no JSON",
    "[1e400]": "column 2: 1e400 is too large for a float",
    "9" * 1_000_001: "1,000,001 digits",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:15])
def test_what_is_no_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(EncodeError) as caught:
        loaded(text)

    assert REFUSED[text] in caught.value.message
    assert re.match(r"Line \d+, column \d+: [^\n]{1,200}\.\Z", caught.value.message)


@pytest.mark.parametrize("start", ["[", '{"a":', "[[],", '[{"b":'])
def test_deep_nesting_gives_a_sentence_and_needs_no_stack(start: str) -> None:
    with pytest.raises(EncodeError, match="brackets are open"):
        on_a_small_stack(lambda: json_value(start * 100_000, CancelToken()))


def test_brackets_may_be_as_deep_as_is_said() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH

    data = on_a_small_stack(lambda: emit_pickle(json_value(text, CancelToken()), Style(4)))

    assert data.count(b"]") >= MAX_DEPTH
