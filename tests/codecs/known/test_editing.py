"""Known types edited as text: what a row shows is what is edited, and Python itself reads the result."""

import datetime as dt
import enum
import pathlib
import pickle
import re
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.codecs.known.editing import edit_text, known_editor, patches
from app.codecs.known.registry import preview
from app.codecs.model import Style
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import NEVER, Graph, parse
from app.codecs.pickle.known_values import from_text
from app.errors import EncodeError

PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)
ZONES = st.none() | st.builds(
    lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)), st.integers(-23 * 60, 23 * 60)
)


def graph_of(value: object, protocol: int = 4) -> Graph:
    return parse(pickle.dumps(value, protocol), 0, NEVER)


def edited(graph: Graph, text: str, *, protocol: int = 4) -> Any:
    """Return the root as Python loads it after its text was replaced."""
    style = Style(protocol, graph.is_python2)
    return pickle.loads(emit_pickle(from_text(graph, graph.root, text, style), style))


def text_of(value: object, protocol: int = 4) -> str:
    graph = graph_of(value, protocol)
    text = edit_text(graph, graph.root)
    assert text is not None
    return text


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (re.compile("a+", re.IGNORECASE), "'b*'", re.compile("b*", re.IGNORECASE)),
        (re.compile("a+"), "r'\\d(é)'", re.compile(r"\d(é)")),
        (re.compile(b"a+", re.DOTALL), "b'b\\xff'", re.compile(b"b\xff", re.DOTALL)),
        (re.compile("a+", re.ASCII), "'f(x)'", re.compile("f(x)", re.ASCII)),
        (re.compile("a+"), "re.compile('b', re.M)", re.compile("b", re.MULTILINE)),
    ],
)
def test_a_pattern_is_edited_as_its_text_and_keeps_its_flags(
    protocol: int, pattern: "re.Pattern[Any]", text: str, expected: "re.Pattern[Any]"
) -> None:
    graph = graph_of(pattern, protocol)

    assert known_editor(graph, graph.root) == "pattern"
    assert edit_text(graph, graph.root) == repr(pattern.pattern)
    assert edited(graph, text, protocol=protocol) == expected


@pytest.mark.parametrize("text", ["'('", "b'a'", "a+", "5", "'(?L)a'", "f(x)", "'(?a)b'"])
def test_what_is_no_pattern_of_that_kind_is_refused(text: str) -> None:
    graph = graph_of(re.compile("a+"))

    with pytest.raises(EncodeError):
        edited(graph, text)


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Word(enum.Enum):
    YES = "y"
    NO = "n"


VALUES = st.one_of(
    st.tuples(*[st.datetimes(timezones=ZONES)] * 2),
    st.tuples(*[st.dates()] * 2),
    st.tuples(*[st.times(timezones=ZONES)] * 2),
    st.tuples(*[st.timedeltas()] * 2),
    st.tuples(*[st.decimals(allow_nan=False)] * 2),
    st.tuples(*[st.fractions()] * 2),
    st.tuples(*[st.uuids()] * 2),
    st.tuples(*[st.ip_addresses(v=4)] * 2),
    st.tuples(*[st.ip_addresses(v=6)] * 2),
    st.tuples(*[st.complex_numbers(allow_nan=False)] * 2),
    st.tuples(*[st.builds(pathlib.PurePosixPath, st.text(st.characters(exclude_characters="\0")))] * 2),
    st.tuples(*[st.builds(range, st.integers(), st.integers(), st.integers(1))] * 2),
    st.tuples(*[st.builds(slice, *[st.none() | st.integers()] * 3)] * 2),
    st.tuples(*[st.sampled_from(Color)] * 2),
    st.tuples(*[st.sampled_from(Word)] * 2),
    st.tuples(*[st.sampled_from([zoneinfo.ZoneInfo("UTC"), zoneinfo.ZoneInfo("Europe/Berlin")])] * 2),
    st.tuples(*[ZONES.filter(lambda zone: zone is not None)] * 2),
)


@given(VALUES, PROTOCOLS)
def test_the_text_of_one_object_makes_another_equal_to_it(pair: tuple[Any, Any], protocol: int) -> None:
    before, after = pair

    found = edited(graph_of(before, protocol), text_of(after, protocol), protocol=protocol)

    assert type(found) is type(after)
    assert found == after
    assert text_of(found, protocol) == text_of(after, protocol)


@given(VALUES, PROTOCOLS)
def test_its_own_text_changes_nothing(pair: tuple[Any, Any], protocol: int) -> None:
    graph = graph_of(pair[0], protocol)
    text = edit_text(graph, graph.root)
    assert text is not None

    assert patches(graph, graph.root, text, Style(protocol)) == {}
    assert patches(graph, graph.root, f" {text} ", Style(protocol)) == {}


@given(VALUES)
def test_what_a_row_shows_is_what_is_edited(pair: tuple[Any, Any]) -> None:
    graph = graph_of(pair[0])
    shown = preview(graph, graph.root)
    text = edit_text(graph, graph.root)

    if not isinstance(pair[0], enum.Enum):
        assert shown == text or len(shown) >= 199
    assert known_editor(graph, graph.root) or isinstance(pair[0], complex)
