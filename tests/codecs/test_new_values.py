"""New values from literals, JSON, copies and bytes, in the style of what stands around them."""

import pickle
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.edits import Copied, New, RawBytes, Written
from app.codecs.model import Atom, Style
from app.codecs.new_values import new_value
from app.codecs.nodes import Kind
from app.errors import EncodeError, PathError

PYTHON2 = Style(2, is_python2=True)


def new(given: New, style: Style = Style(4), like: Kind | None = None) -> Any:  # noqa: B008  # styles never change
    value = new_value(given, style, CancelToken(), like=like)
    assert isinstance(value, Atom)
    return value.kind, value.value


def test_a_scalar_takes_the_kind_that_stands_there() -> None:
    assert new(Written("1"), like=Kind.FLOAT) == (Kind.FLOAT, 1.0)
    assert new(Written("5"), PYTHON2, Kind.LONG) == (Kind.LONG, 5)
    assert new(Written("'x'"), PYTHON2, Kind.STR) == (Kind.STR, "x")
    assert new(Written("'x'"), PYTHON2, Kind.STR2) == (Kind.STR2, b"x")
    assert new(Written("u'x'"), PYTHON2, Kind.STR2) == (Kind.STR, "x")
    assert new(Written("b'x'"), like=Kind.BYTEARRAY) == (Kind.BYTEARRAY, b"x")
    assert new(Written("1", "json"), like=Kind.FLOAT) == (Kind.FLOAT, 1.0)
    assert new(Written('"é"', "json"), PYTHON2, Kind.STR2) == (Kind.STR2, "é".encode())
    assert new(Copied(pickle.dumps([7]), "[0]"), PYTHON2, Kind.LONG) == (Kind.LONG, 7)
    assert new(RawBytes(b"x"), like=Kind.BYTEARRAY) == (Kind.BYTEARRAY, b"x")


def test_without_a_kind_a_literal_is_what_it_says() -> None:
    assert new(Written("1")) == (Kind.INT, 1)
    assert new(Written("'x'")) == (Kind.STR, "x")
    assert new(Written("'x'"), PYTHON2) == (Kind.STR2, b"x")
    assert new(Written('"x"', "json"), PYTHON2) == (Kind.STR, "x")
    assert new(RawBytes(b"x")) == (Kind.BYTES, b"x")
    assert new(RawBytes(b"x"), PYTHON2) == (Kind.STR2, b"x")


@pytest.mark.parametrize(
    ("given", "like", "why"),
    [
        (Written("'x'"), Kind.INT, "not an int"),
        (Written('"x"', "json"), Kind.INT, "stands here"),
        (Written("[1]", "json"), Kind.INT, "stands here"),
        (Written("true", "json"), Kind.INT, "stands here"),
        (Written("9007199254740993", "json"), Kind.FLOAT, "No float has exactly"),
        (Written("1" + "0" * 400, "json"), Kind.FLOAT, "too large for a float"),
        (Copied(pickle.dumps([1])), Kind.INT, "stands here"),
    ],
)
def test_another_kind_is_refused(given: New, like: Kind, why: str) -> None:
    with pytest.raises(EncodeError, match=why):
        new(given, like=like)


def test_a_copy_of_nothing_is_refused() -> None:
    with pytest.raises(PathError):
        new(Copied(pickle.dumps([1]), "[5]"))


@pytest.mark.parametrize("protocol", range(6))
def test_new_entries_are_whole_pickles_of_the_style(protocol: int) -> None:
    token = CancelToken()
    data = registry.encode_new(Written("{'a': [1, datetime.date(2026, 1, 2)]}"), Style(protocol), token)
    copied = registry.encode_new(Copied(data, "['a']"), Style(protocol), token)

    assert str(pickle.loads(data)) == "{'a': [1, datetime.date(2026, 1, 2)]}"
    assert pickle.loads(copied) == pickle.loads(data)["a"]
    assert registry.style_of([data]) == Style(protocol)


def test_the_style_of_a_shelf_is_that_of_most_of_its_values() -> None:
    texts = [pickle.dumps(text, 2) for text in "abc"]
    newer = [pickle.dumps(text, 4) for text in "ab"]

    assert registry.style_of([*texts, *newer, b"no pickle"]) == Style(2)
    assert registry.style_of([*texts[:2], *newer]) == Style(4)
    assert registry.style_of([pickle.dumps([1], 1), pickle.dumps([1], 1), pickle.dumps(1, 0)]) == Style(1)
    assert registry.style_of([pickle.dumps(["x" * 10_000, 1], 3)[:4096]]) == Style(3)
    assert registry.style_of([]) == registry.style_of([b"no pickle"]) == Style(4)


def test_a_shelf_is_python2s_when_more_of_its_values_are() -> None:
    of_python2 = [b"U\x01aq\x00.", b"S'a'\np0\n."]

    assert registry.style_of([b"\x80\x02" + of_python2[0]] * 3) == PYTHON2
    assert registry.style_of(of_python2) == Style(1, is_python2=True)
    assert registry.style_of([*of_python2, *(pickle.dumps(text, 2) for text in "abc")]) == Style(2)
    assert registry.style_of([*of_python2, *(pickle.dumps(number, 2) for number in range(9))]) == PYTHON2
