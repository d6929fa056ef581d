"""What a person types into a scalar's editor: the value exactly, or a sentence, and never code."""

import ast
import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.codecs.literals.scalars import MAX_CHARS, format_literal, parse_literal
from app.codecs.nodes import Kind, Scalar
from app.errors import EncodeError

SCALARS: dict[Kind, st.SearchStrategy[Scalar]] = {
    Kind.NONE: st.none(),
    Kind.BOOL: st.booleans(),
    Kind.INT: st.integers(),
    Kind.LONG: st.integers(),
    Kind.FLOAT: st.floats(),
    Kind.COMPLEX: st.complex_numbers(),
    Kind.STR: st.text(st.characters(exclude_categories=())),
    Kind.STR2: st.binary(),
    Kind.BYTES: st.binary(),
    Kind.BYTEARRAY: st.binary(),
}
ANY_SCALAR = st.sampled_from(sorted(SCALARS)).flatmap(lambda kind: st.tuples(st.just(kind), SCALARS[kind]))


@given(ANY_SCALAR, st.booleans())
def test_what_is_written_reads_back(scalar: tuple[Kind, Scalar], is_python2: bool) -> None:
    kind, value = scalar

    literal = format_literal(value, kind, is_python2=is_python2)

    assert repr(parse_literal(literal, kind, is_python2=is_python2)) == repr(value)


@pytest.mark.parametrize("bits", [3_000, 13_279, 14_000, 200_000])
def test_integers_of_any_size_read_back(bits: int) -> None:
    for value in (1 << bits, -(1 << bits) - 1):
        assert parse_literal(format_literal(value, Kind.INT), Kind.INT) == value


def test_a_long_integer_is_read_in_decimal() -> None:
    assert parse_literal("-" + "9" * 5_000, Kind.INT) == 1 - 10**5_000
    assert parse_literal("+1" + "_000" * 2_000, Kind.INT) == 10**6_000


@pytest.mark.parametrize(
    ("literal", "kind", "value"),
    [
        (" 1_000 ", Kind.INT, 1000),
        ("-0xFF", Kind.INT, -255),
        ("0b101", Kind.INT, 5),
        ("12L", Kind.LONG, 12),
        ("1e3", Kind.FLOAT, 1000.0),
        ("12", Kind.FLOAT, 12.0),
        ("-inf", Kind.FLOAT, -math.inf),
        ("1 + 2j", Kind.COMPLEX, 1 + 2j),
        ("'''one\ntwo'''", Kind.STR, "one\ntwo"),
        (r"r'\d'", Kind.STR, r"\d"),
        (r"'caf\xe9'", Kind.STR2, b"caf\xe9"),
        (r"b'caf\xe9'", Kind.STR2, b"caf\xe9"),
        ("bytearray(b'x')", Kind.BYTEARRAY, b"x"),
        ("b'x'", Kind.BYTEARRAY, b"x"),
    ],
)
def test_what_people_write_is_understood(literal: str, kind: Kind, value: Scalar) -> None:
    assert parse_literal(literal, kind) == value


def test_not_a_number_is_a_word() -> None:
    value = parse_literal("nan", Kind.FLOAT)

    assert isinstance(value, float)
    assert math.isnan(value)


def test_python2_texts_take_the_prefix_u() -> None:
    assert parse_literal("u'é'", Kind.STR, is_python2=True) == "é"
    assert parse_literal(r"ur'\d'", Kind.STR, is_python2=True) == r"\d"


@pytest.mark.parametrize(
    ("literal", "kind", "sentence"),
    [
        ("12.5", Kind.INT, "12.5 is not an int; write a whole number."),
        ("", Kind.INT, "Nothing is not an int; write a whole number."),
        ("12L", Kind.INT, "12L is not an int; write a whole number."),
        ("9" * 1_000_001, Kind.INT, "A whole number of 1,000,001 digits is too long to be read in decimal"),
        ("one", Kind.FLOAT, "one is not a float"),
        ("true", Kind.BOOL, "true is not a bool; write True or False."),
        ("hello", Kind.STR, "hello is not a text; write it in quotes, as 'hello'."),
        ("b'x'", Kind.STR, "b'x' is not a text"),
        (r"'\d'", Kind.STR, "has a wrong escape"),
        ("'é'", Kind.STR2, "is not an 8-bit string"),
        ("u'x'", Kind.STR2, "is not an 8-bit string"),
        ("'x'", Kind.BYTES, "'x' is not bytes"),
        ("[1]", Kind.LIST, "A list cannot be written as a literal."),
        ("a\u202eb", Kind.INT, r"a\u202eb is not an int"),
    ],
)
def test_a_wrong_literal_is_answered_by_a_sentence(literal: str, kind: Kind, sentence: str) -> None:
    with pytest.raises(EncodeError) as refused:
        parse_literal(literal, kind)

    assert sentence in refused.value.message


@pytest.mark.parametrize("kind", sorted(SCALARS))
@pytest.mark.parametrize(
    "literal",
    [
        "__import__('os')",
        "'a' + 'b'",
        "'a'.upper()",
        "f'{1}'",
        "('a')",
        "'a' * 1000000000",
        "(" * 100_000,
        "-" * 100_000 + "1",
        "'" + "\\" * 99_999 + "'",
        "\x00",
        "\ud800",
    ],
)
def test_nothing_but_a_literal_is_taken(literal: str, kind: Kind) -> None:
    with pytest.raises(EncodeError):
        parse_literal(literal, kind)


def test_an_endless_literal_is_refused_by_its_length() -> None:
    with pytest.raises(EncodeError, match="at most"):
        parse_literal("'" + "x" * MAX_CHARS + "'", Kind.STR)


@given(st.text(), st.sampled_from(sorted(SCALARS)))
def test_any_input_is_a_value_or_a_sentence(literal: str, kind: Kind) -> None:
    try:
        answer = parse_literal(literal, kind)
    except EncodeError as error:
        answer = error.message

    assert not isinstance(answer, str) or kind is Kind.STR or answer.endswith(".")


@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x17F), max_size=12), st.sampled_from("'\""))
def test_a_text_says_what_python_takes_it_for_or_is_refused(body: str, quote: str) -> None:
    text = f"{quote}{body}{quote}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            expected: object = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        expected = EncodeError

    try:
        found: object = parse_literal(text, Kind.STR)
    except EncodeError as error:
        found = type(error)

    assert found in (expected, EncodeError)
    assert found == body or not (body.isascii() and body.isalnum())
