"""Plain JSON is strict, says what DESIGN section 6 says of every type, and ends for any value."""

import base64
import json
import math
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.cancel import CancelToken
from app.codecs.marshal.codec import MarshalCodec
from app.codecs.plain.scalars import int_json, scalar_json, string_json
from app.codecs.plain.writing import plain_pieces
from app.errors import Cancelled
from tests import corpus
from tests.codecs.reading import nodes_of, plain, plain_text, strict_json

SECONDS = 10.0
"""For a hostile value, on a machine that does much else."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON_VALUES = st.recursive(JSON_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30)
RICH_SCALARS = JSON_SCALARS | st.floats() | st.complex_numbers() | st.binary() | st.binary().map(bytearray)
HASHABLE = st.integers() | TEXTS | st.binary() | st.tuples(st.integers(), TEXTS)
RICH_VALUES = st.recursive(
    RICH_SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(HASHABLE, inner)
        | st.sets(HASHABLE, max_size=1)  # the order of more is the pickle's own
        | st.frozensets(HASHABLE, max_size=1)
    ),
    max_leaves=30,
)
PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)


def mapped(value: Any) -> Any:
    """Return what plain JSON must say of a value, by the words of DESIGN section 6."""
    match value:
        case list() | tuple() | set() | frozenset():
            return [mapped(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: mapped(item) for key, item in value.items()}
        case dict():
            return [[mapped(key), mapped(item)] for key, item in value.items()]
        case _:
            return mapped_scalar(value)


def mapped_scalar(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case complex():
            return repr(value).strip("()")
        case bytes() | bytearray():
            return mapped_bytes(bytes(value))
        case _:
            return value


def mapped_bytes(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if any(character not in "\t\n\r" and (character < " " or "\x7f" <= character <= "\x9f") for character in text):
        return {"base64": base64.b64encode(data).decode()}
    return text


@given(JSON_VALUES, PROTOCOLS)
def test_json_values_are_themselves(value: Any, protocol: int) -> None:
    assert plain(pickle.dumps(value, protocol)) == value


@given(RICH_VALUES, PROTOCOLS)
def test_every_builtin_type_is_written_by_its_rule(value: Any, protocol: int) -> None:
    assert plain(pickle.dumps(value, protocol)) == mapped(value)


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_has_a_lone_surrogate(text: str) -> None:
    written = string_json(text)

    written.encode("utf-8")
    assert json.loads(written).encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


def test_texts_are_not_escaped_without_need() -> None:
    assert plain_text(pickle.dumps(["é\u2028", "\ud800"])) == '["é\u2028","\\ud800"]'


@pytest.mark.parametrize("digits", [600, 601, 1_200, 4_000])
def test_integers_of_up_to_4000_digits_are_numbers(digits: int) -> None:
    for value in (10**digits - 1, -(10 ** (digits - 1))):
        assert int(int_json(value)) == value
        assert plain(pickle.dumps(value, 2)) == value


def test_larger_integers_are_hexadecimal() -> None:
    for value in (10**4_000, -(10**4_000), 1 << 100_000):
        assert plain(pickle.dumps(value, 2)) == {"int": hex(value)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"(dS'a'\nI1\nsVa\nI2\ns.", [["a", 1], ["a", 2]]),
        (b"(dS'a'\nI1\nsS'\\xe9'\nI2\ns.", [["a", 1], [{"base64": "6Q=="}, 2]]),
        (b"(dS'a'\nI1\nsS'b'\nI2\ns.", {"a": 1, "b": 2}),
        (b"(dI1\nI2\ns.", [[1, 2]]),
        (b"cmod\nname\n.", "mod.name"),
        (b"S'id'\nQ.", {"__persid__": "id"}),
        (b"\x82\x07.", {"__ext__": 7}),
        (b"\x80\x05\x97.", {"__buffer__": 0}),
        (b"cshop\nOrder\n)\x81}(X\x02\x00\x00\x00idK\x05ub.", {"__class__": "shop.Order", "id": 5}),
        (b"cshop\nColour\nK\x01\x85R.", {"__class__": "shop.Colour", "__args__": [1]}),
        (b"cshop\nBag\n)\x81(K\x01K\x02e.", {"__class__": "shop.Bag", "__items__": [1, 2]}),
        (b"cshop\nMap\n)\x81(X\x01\x00\x00\x00aK\x02u.", {"__class__": "shop.Map", "__items__": {"a": 2}}),
        (b"cshop\nOdd\n)\x81K\x07b.", {"__class__": "shop.Odd", "__state__": 7}),
        (b"cshop\nOdd\n)\x81}K\x01K\x02sb.", {"__class__": "shop.Odd", "__state__": [[1, 2]]}),
        (
            b"cshop\nOdd\n)\x81}(X\x09\x00\x00\x00__class__K\x02ub.",
            {"__class__": "shop.Odd", "__state__": {"__class__": 2}},
        ),
        (
            b"cshop\nSlots\n)\x81N}(X\x01\x00\x00\x00xK\x02u\x86b.",
            {"__class__": "shop.Slots", "x": 2},
        ),
        (b"(ishop\nOld\n}S'a'\nI1\nsb.", {"__class__": "shop.Old", "a": 1}),
        (
            b"cshop\nmake\n)R)\x81}S'a'\nI1\nsb.",
            {"__class__": {"__class__": "shop.make"}, "a": 1},
        ),
    ],
)
def test_what_json_has_no_word_for(data: bytes, expected: Any) -> None:
    assert plain(data) == expected


def test_the_class_comes_first() -> None:
    assert plain_text(corpus.value("inner_class__py36_p0").read()).startswith('{"__class__":')


def test_a_cycle_is_a_reference() -> None:
    looped: list[Any] = [1]
    looped.append(looped)

    assert plain(pickle.dumps(looped, 2)) == [1, {"__ref__": "slot 2"}]


def test_a_shared_value_is_repeated() -> None:
    shared = [1]

    assert plain(pickle.dumps([shared, {"a": shared}])) == [[1], {"a": [1]}]


def test_sharing_ends_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PLAIN_NODES", 100)
    shared = list(range(40))

    written = plain(pickle.dumps([shared] * 5, 2))

    assert written[:2] == [shared, shared]
    assert written[-1] == {"__ref__": "slot 6"}


def test_unshared_values_have_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PLAIN_NODES", 100)
    value = [[number] for number in range(1_000)]

    assert plain(pickle.dumps(value)) == value


def test_references_are_asked_for_once_each() -> None:
    looped: list[Any] = []
    looped += [looped] * 1_000
    nodes = nodes_of(pickle.dumps(looped))
    asked: list[int] = []

    def path_of(slot: int) -> str:
        asked.append(slot)
        return ""

    list(plain_pieces(nodes, nodes.root, path_of, CancelToken()))

    assert len(asked) == 1


def test_a_value_of_too_many_characters_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PLAIN_CHARS", 1_000)

    written = plain(pickle.dumps(["x" * 2_000, "y" * 2_000, 5, [1]]))

    assert written[0] == "x" * 2_000
    assert written[1].keys() == {"__damaged__"}
    assert written[2] == 5
    assert written[3].keys() == {"__damaged__"}


@pytest.mark.parametrize(
    "data",
    [
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b"N" + b"\x85" * 100_000 + b".",
        b"N" + b"Q" * 100_000 + b".",
        b"}N" * 100_000 + b"N" + b"s" * 100_000 + b".",
    ],
    ids=["lists", "tuples", "persistent ids", "dicts"],
)
def test_deep_values_end_in_a_reference(data: bytes) -> None:
    text = plain_text(data)

    assert text.count("__ref__") == 1
    assert len(text) < 10_000
    strict_json(text)


@pytest.mark.parametrize(
    ("opcode", "written"),
    [
        (b"\x8c\x03a\xffb", b"a\xffb"),
        (b"X\x02\0\0\0\xfe\xff", b"\xfe\xff"),
        (b"I12x\n", b"12x"),
        (b"L" + b"9" * 5_000 + b"x\n", b"9" * 5_000 + b"x"),
        (b"Fabc\n", b"abc"),
        (b"Va\\u12\n", b"a\\u12"),
        (b"S'a\\x'\n", b"'a\\x'"),
        (b"c_codecs\nencode\n\x8c\x02\xc5\x81\x8c\x06latin1\x86R", b"\xc5\x81"),
        (b"\x8c\x03a\xffb\x940h\x00", b"a\xffb"),
    ],
)
def test_a_scalar_that_cannot_be_read_keeps_its_bytes(opcode: bytes, written: bytes) -> None:
    exported = plain(b"\x80\x04](K\x01" + opcode + b"K\x02e.")

    assert exported[0::2] == [1, 2]
    assert exported[1].keys() == {"__damaged__", "base64"}
    assert base64.b64decode(exported[1]["base64"]) == written


def test_a_key_that_cannot_be_read_keeps_its_bytes() -> None:
    ((key, value),) = plain(b"}\x8c\x03a\xffbK\x01s.")

    assert (base64.b64decode(key["base64"]), value) == (b"a\xffb", 1)


def test_what_has_no_bytes_of_its_own_says_only_why() -> None:
    assert plain(b"K\x01K\x02\x93.").keys() == {"__damaged__"}


def test_a_text_of_marshal_that_is_no_utf_8_keeps_its_bytes() -> None:
    value = MarshalCodec().decode(b"[\x01\0\0\0u\x03\0\0\0a\xffb", CancelToken())

    (exported,) = strict_json("".join(value.plain(CancelToken())))

    assert base64.b64decode(exported["base64"]) == b"a\xffb"


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_every_benign_value_has_strict_json(case: corpus.ValueCase) -> None:
    text = plain_text(case.read())

    strict_json(text)
    assert "__damaged__" not in text


@pytest.mark.parametrize("case", corpus.values("hostile"), ids=corpus.name_of)
def test_every_hostile_value_ends_soon_and_small(case: corpus.ValueCase) -> None:
    start = time.monotonic()

    text = plain_text(case.read())

    assert time.monotonic() - start < SECONDS
    assert len(text) < 4_000_000
    strict_json(text)


def test_work_is_given_up_when_asked() -> None:
    nodes = nodes_of(pickle.dumps(list(range(10_000))))
    token = CancelToken()
    pieces = plain_pieces(nodes, nodes.root, str, token)
    next(pieces)

    token.cancel()

    with pytest.raises(Cancelled):
        list(pieces)


@given(RICH_SCALARS)
def test_scalars_are_strict_json(value: Any) -> None:
    scalar = bytes(value) if isinstance(value, bytearray) else value

    assert strict_json(scalar_json(scalar)) == mapped(value)
