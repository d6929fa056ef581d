"""Any bytes are read by some codec: the right one where they are somebody's."""

import json
import marshal
import pickle
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.cancel import CancelToken
from app.codecs.plain.text import minified
from app.codecs.registry import CODECS, decode, sniff, summary, value_end
from app.codecs.screen import escape_text
from app.errors import DecodeError, EncodeError, PathError
from tests import corpus
from tests.codecs.reading import strict_json

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01"
VALUES: list[tuple[bytes, str, str]] = [
    (pickle.dumps({"a": 1}), "pickle", "dict"),
    (pickle.dumps([1.5], 0), "pickle", "list"),
    (b"caf\xc3\xa9", "text", "text"),
    (b"caf\xe9 au lait", "text", "text"),
    ("\ufeffcafé".encode("utf-16-le"), "text", "text"),
    (b"\xef\xbb\xbfhello", "text", "text"),
    ("café au lait".encode("utf-16-le"), "text", "text"),
    ("café au lait".encode("utf-16-be"), "text", "text"),
    ("Ünï € cödé text".encode("utf-16-le"), "text", "text"),
    (struct.pack("<8H", *range(8)), "raw", "bytes"),
    (struct.pack("<2I", 1, 65), "raw", "bytes"),
    (struct.pack("<4I", 65, 66, 67, 68), "raw", "bytes"),
    (b"a\0b\0", "raw", "bytes"),
    (b"a\0b\0c\0d\0e", "raw", "bytes"),
    (b"12345", "text", "text"),
    (b'{"a": [1, 2]}', "json", "json"),
    (b"[1,\n 2]", "json", "json"),
    (b"[1, 2", "text", "text"),
    (b"", "raw", "empty"),
    (b"\x00\x01\x02", "raw", "bytes"),
    (b"\xe9", "raw", "bytes"),
    (PNG, "raw", "PNG image"),
    (marshal.dumps([1, 2.5, None]), "marshal", "list"),
    (marshal.dumps(b"\x00\xff"), "marshal", "bytes"),
]


@pytest.mark.parametrize(
    ("data", "codec", "type_"), VALUES, ids=[f"{codec}-{data[:12]!r}" for data, codec, _ in VALUES]
)
def test_a_value_is_read_by_its_codec(data: bytes, codec: str, type_: str) -> None:
    value, reason = decode(data, CancelToken())

    assert value.codec == codec
    assert reason.endswith(".")
    assert sniff(data, len(data))[0].codec == codec
    assert summary(data, len(data)).codec == codec
    assert value.root.type == summary(data, len(data)).type == type_


@given(st.binary(max_size=200))
def test_any_bytes_are_read_and_shown(data: bytes) -> None:
    value, _ = decode(data, CancelToken())

    strict_json("".join(value.plain(CancelToken())))
    assert value.text(1_000) is not None
    assert value.tree(100)["t"]
    assert summary(data, len(data)).text.isascii() or summary(data, len(data)).codec != "raw"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
def test_text_is_shown_and_exported_as_itself(text: str) -> None:
    value = CODECS["text"].decode(text.encode("utf-8"), CancelToken())

    exported = strict_json("".join(value.plain(CancelToken())))

    assert exported == (json.loads(text) if value.root.type == "json" else text.removeprefix("\ufeff"))


def test_a_damaged_pickle_is_shown_as_one() -> None:
    whole = pickle.dumps({"a": [1, 2, 3], "b": "x" * 50})

    value, _ = decode(whole[:-10], CancelToken())

    assert value.codec == "pickle"
    assert value.is_damaged
    exported = strict_json("".join(value.plain(CancelToken())))
    assert exported.keys() == {"__damaged__", "base64"}


def test_a_text_that_turns_binary_after_its_beginning_is_raw() -> None:
    data = b"x" * (2 * limits.SUMMARY_PREFIX) + b"\x00"

    value, _ = decode(data, CancelToken())

    assert value.codec == "raw"


def test_a_long_pickle_of_protocol_0_is_a_pickle() -> None:
    data = b"cshop.models\nOrder\n(" + pickle.dumps(["x"] * 5_000, 0)[:-1] + b"tR."

    value, _ = decode(data, CancelToken())

    assert value.codec == "pickle"


def test_a_codec_can_be_chosen_by_name() -> None:
    value, reason = decode(pickle.dumps(1), CancelToken(), "raw")

    assert value.codec == "raw"
    assert reason == "It was chosen by name."
    with pytest.raises(DecodeError, match="no codec named xml"):
        decode(b"x", CancelToken(), "xml")
    with pytest.raises(DecodeError, match="no text"):
        decode(b"\x00", CancelToken(), "text")


@pytest.mark.parametrize(
    ("data", "literal", "new"),
    [
        ("café".encode(), "'thé'", "thé".encode()),
        (b"caf\xe9 au lait", "'th\xe9'", b"th\xe9"),
        ("\ufeffa".encode("utf-16-be"), "'é'", "\ufeffé".encode("utf-16-be")),
        (b"\xef\xbb\xbfa", "'b'", b"\xef\xbb\xbfb"),
        ("au lait".encode("utf-16-le"), "'thé'", "thé".encode("utf-16-le")),
        ("au lait".encode("utf-16-be"), "'th\U0001f600'", "th\U0001f600".encode("utf-16-be")),
        (b"\x00\x01", r"b'\x02'", b"\x02"),
        (b"", "b'new'", b"new"),
    ],
)
def test_a_replaced_text_keeps_its_encoding(data: bytes, literal: str, new: bytes) -> None:
    value, _ = decode(data, CancelToken())

    assert value.replace("", literal) == new
    assert value.replace("", value.edit_text("")) == data


def test_what_latin1_has_no_letter_for_is_refused() -> None:
    value, _ = decode(b"caf\xe9 au lait", CancelToken())

    with pytest.raises(EncodeError, match="€ cannot be written in Latin-1"):
        value.replace("", "'€'")


def test_a_text_has_no_parts() -> None:
    value, _ = decode(b"hello", CancelToken())

    assert value.rows(0, 0, 10) == []
    assert value.find("") == value.root
    with pytest.raises(PathError, match="There is nothing at"):
        value.find("[0]")


def test_the_hex_dump_is_bounded() -> None:
    value, _ = decode(bytes(range(256)) * 10_000, CancelToken())

    lines = value.text(1_000).splitlines()

    assert lines[2] == "00000020  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f   !\"#$%&'()*+,-./"
    assert lines[-1] == "…"
    assert len("".join(lines)) < 1_100


@given(
    st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists),
    st.sampled_from([None, 2]),
)
def test_json_text_keeps_its_meaning_without_its_space(value: object, indent: int | None) -> None:
    pieces = minified(json.dumps(value, indent=indent), CancelToken())

    assert pieces is not None
    assert "".join(pieces) == json.dumps(value, separators=(",", ":"))


NO_JSON = r"""
[1,]  {,}  {"a"}  {"a":}  [1 2]  [NaN]  [01]  [1}  ]  []x  ['a']  ["\x"]  [.5]  [+1]  {1:2}  [1,,2]  [}  "a  [tru]
"""


@pytest.mark.parametrize("text", ["", '["\t"]', "[] []", *NO_JSON.split("  ")])
def test_what_is_no_strict_json_is_text(text: str) -> None:
    assert minified(text, CancelToken()) is None


def test_deep_json_text_costs_no_recursion() -> None:
    text = "[" * 200_000 + "]" * 200_000

    pieces = minified(text, CancelToken())

    assert pieces is not None
    assert "".join(pieces) == text


@given(st.text("[]{},:\"\\u0 1-.e\ntruefalsn'", max_size=12))
def test_json_text_is_what_the_standard_library_takes(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse)
        is_json = True
    except ValueError:
        is_json = False

    assert (minified(text, CancelToken()) is not None) == is_json


def _refuse(constant: str) -> None:
    raise ValueError(constant)


CORRUPTIBLE = [case for case in corpus.values("benign") if len(case.read()) < 2_000]


@given(st.sampled_from(CORRUPTIBLE), st.integers(0), st.integers(0, 255))
def test_one_changed_byte_costs_no_more_than_the_value(case: corpus.ValueCase, place: int, byte: int) -> None:
    data = bytearray(case.read())
    data[place % len(data)] = byte

    value, _ = decode(bytes(data), CancelToken())
    strict_json("".join(value.plain(CancelToken())))
    shown = [value.root, *value.rows(value.root.node, 0, 100)]

    assert all(escape_text(row.text) == row.text for row in shown)


def test_value_ends_are_those_of_pickles() -> None:
    first, second = pickle.dumps([1]), pickle.dumps("x")

    assert value_end(first + second, 0) == len(first)
    assert value_end(first + second, len(first)) == len(first + second)


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_every_pickle_of_the_corpus_is_recognised(case: corpus.ValueCase) -> None:
    value, _ = decode(case.read(), CancelToken())

    assert value.codec == "pickle"
