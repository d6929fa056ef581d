"""Nothing that comes from a file may act on the screen, and nothing may be lost by making it visible."""

import ast
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.codecs.nodes import Kind
from app.codecs.screen import ELLIPSIS, escape_text, key_text, quote_bytes, quote_text, scalar_text, shorten

TEXTS = st.text(st.characters(exclude_categories=()))
DECEIVING = "\x00\x1b\x7f\x9b\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ud800\udfff\U000e0041"


@pytest.mark.parametrize("character", DECEIVING)
def test_what_cannot_be_seen_becomes_an_escape(character: str) -> None:
    shown = escape_text(f"a{character}b")

    assert character not in shown
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_readable_text_of_any_script_stays() -> None:
    texts = ["café", "日本語", "می‌خواهم", "👩‍👩‍👧", "naïve \\ path", "emoji ❤️", "क्ष"]

    assert [escape_text(text) for text in texts] == texts


def test_joiners_between_latin_letters_are_shown() -> None:
    assert escape_text("pay\u200dpal\u200c") == r"pay\u200dpal\u200c"


def test_lines_are_kept_only_where_asked() -> None:
    text = "one\r\ntwo\n\tthree\x07"

    assert escape_text(text) == r"one\r\ntwo\n\tthree\x07"
    assert escape_text(text, keep_lines=True) == "one\ntwo\n\tthree\\x07"


@given(TEXTS)
def test_escaped_text_has_nothing_that_acts(text: str) -> None:
    shown = escape_text(text)

    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(character) for character in shown} & {"LRE", "RLE", "LRO", "RLO", "PDF"}


@given(TEXTS)
def test_a_quoted_text_reads_back(text: str) -> None:
    assert ast.literal_eval(quote_text(text)) == text


@given(st.binary())
def test_quoted_bytes_read_back(data: bytes) -> None:
    assert ast.literal_eval(quote_bytes(data)) == data
    assert ast.literal_eval("b" + quote_bytes(data, "")) == data


@given(st.lists(st.one_of(st.binary(max_size=4), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))))
def test_two_keys_never_look_the_same(keys: list[bytes]) -> None:
    texts = {key: key_text(key) for key in keys}

    assert len(set(texts.values())) == len(texts)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", r"b'caf\xe9'"),
        (b"a\nb", r"'a\nb'"),
        (b"", "''"),
        (b"b'x'", '''"b'x'"'''),
        (b"'x'", '''"'x'"'''),
        (rb"a\nb", r"a\nb"),
    ],
)
def test_key_text(key: bytes, text: str) -> None:
    assert key_text(key) == text


@pytest.mark.parametrize(
    ("value", "kind", "is_python2", "shown"),
    [
        ("x'", Kind.STR, False, '''"x'"'''),
        ("é", Kind.STR, True, "u'é'"),
        (b"\xe9", Kind.STR2, True, r"'\xe9'"),
        (b"\xe9", Kind.STR2, False, r"b'\xe9'"),
        (b"\xe9", Kind.BYTES, True, r"b'\xe9'"),
        (b"x", Kind.BYTEARRAY, False, "bytearray(b'x')"),
        (True, Kind.BOOL, False, "True"),
        (None, Kind.NONE, False, "None"),
        (1 << 64, Kind.INT, False, "18446744073709551616"),
        (1 << 9863, Kind.INT, False, "<1,234-byte integer>"),
        (0.1, Kind.FLOAT, False, "0.1"),
        (1 + 2j, Kind.COMPLEX, False, "(1+2j)"),
    ],
)
def test_scalar_text(value: str | bytes | complex, kind: Kind, is_python2: bool, shown: str) -> None:
    assert scalar_text(value, kind, is_python2=is_python2) == shown


def test_a_long_text_is_cut_outside_its_quotes() -> None:
    assert scalar_text("x" * 10_000, Kind.STR, is_python2=False) == "'" + "x" * limits.CELL_CHARS + "'" + ELLIPSIS


def test_shortened_text_ends_with_an_ellipsis() -> None:
    assert [shorten("abcdef", limit) for limit in (6, 3, 1)] == ["abcdef", "ab…", "…"]
