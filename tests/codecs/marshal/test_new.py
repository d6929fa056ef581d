"""Whole new values are written as the marshal values beside them are, and Python reads what was meant."""

import marshal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.edits import Copied, Written
from app.codecs.marshal.codec import MarshalCodec
from app.codecs.model import Style
from app.codecs.registry import encode_new, style_of_marshal
from app.errors import EncodeError
from tests.codecs import interpreters
from tests.codecs.marshal.referee import normal_of
from tests.codecs.marshal.test_values import OBJECTS

TOKEN = CancelToken()
LITERALS = ["None", "True", "12", "-5", "1 << 70", "2.5", "3j", "'text'", "'é'", "b'\\xff'", "(1, [2, {'k': {1, 2}}])"]


def written(literal: str, version: int, *, is_python2: bool = False) -> bytes:
    return encode_new(Written(literal), Style(version, is_python2, "marshal"), TOKEN)


@pytest.mark.parametrize("version", range(5))
@pytest.mark.parametrize("literal", [text for text in LITERALS if "<<" not in text])
def test_a_literal_is_written_in_every_version(literal: str, version: int) -> None:
    data = written(literal, version)

    assert marshal.loads(data) == eval(literal)  # noqa: S307 - a literal of this test
    assert MarshalCodec().decode(data, TOKEN).problems == ()


@given(value=OBJECTS, version=st.integers(0, 4))
def test_a_copy_of_any_value_is_that_value(value: Any, version: int) -> None:
    data = encode_new(Copied(marshal.dumps(value), "", "marshal"), Style(version, codec="marshal"), TOKEN)

    assert normal_of(data) == normal_of(marshal.dumps(value))


SHOWN = (
    "import base64, json, marshal, sys; print(json.dumps(repr(marshal.loads(base64.b64decode(json.load(sys.stdin))))))"
)


@pytest.mark.parametrize(
    ("version", "shown"), [("2.7", "{'a': [1, u'\\xe9', 2.5]}"), ("3.6", "{'a': [1, 'é', 2.5]}"), ("3.13", None)]
)
def test_the_pythons_read_what_is_written_for_them(version: str, shown: str | None) -> None:
    is_python2 = version == "2.7"
    literal = "{'a': [1, u'é', 2.5]}" if is_python2 else "{'a': [1, 'é', 2.5]}"
    data = written(literal, 2 if is_python2 else 4, is_python2=is_python2)

    read = interpreters.run(version, SHOWN, interpreters.packed(data))

    assert read == (shown or literal)


@pytest.mark.parametrize(("version", "kept"), [(0, 0), (1, 0), (2, 2), (3, 3), (4, 4)])  # 0 and 1 look alike
def test_the_version_of_other_values_is_kept(version: int, kept: int) -> None:
    values = [marshal.dumps(value, version) for value in ({"a": (1, "b", 2.5)}, ["abc", "abc"], "text" * 3)]

    style = style_of_marshal(values)

    assert style == Style(kept, codec="marshal")
    assert marshal.loads(written("['x', 2.5]", style.protocol)) == ["x", 2.5]


def test_values_of_python_2_get_others_of_python_2() -> None:
    style = style_of_marshal([b"[\x01\x00\x00\x00t\x03\x00\x00\x00abc"])

    assert style == Style(2, is_python2=True, codec="marshal")
    assert encode_new(Written("'abc'"), style, TOKEN) == b"s\x03\x00\x00\x00abc"


def test_without_values_the_usual_version_is_written() -> None:
    assert style_of_marshal([]) == Style(4, codec="marshal")


@pytest.mark.parametrize(
    ("literal", "version"), [("bytearray(b'x')", 4), ("datetime.date(2026, 1, 2)", 4), ("slice(1, 2)", 4), ("1", 6)]
)
def test_what_marshal_has_not_is_refused(literal: str, version: int) -> None:
    with pytest.raises(EncodeError):
        written(literal, version)
