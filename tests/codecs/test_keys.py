"""Keys that are values themselves are shown decoded; their bytes stay what names them."""

import marshal
import pickle

import pytest

from app.codecs.registry import key_summary

SAYING: list[tuple[bytes, str]] = [
    (pickle.dumps(("user", 42)), "('user', 42)"),
    (pickle.dumps(("user", 42), 0), "('user', 42)"),
    (pickle.dumps(5, 0), "5"),
    (pickle.dumps(5, 1), "5"),
    (pickle.dumps("a\u202eb"), "'a\\u202eb'"),
    (marshal.dumps(("user", 42)), "('user', 42)"),
    (marshal.dumps(5), "5"),
    (marshal.dumps("abc"), "'abc'"),
]
PLAIN = [
    b"",
    b"hello",
    b"T",
    b"N.",
    b"12:34\n",
    "caf\u00e9".encode(),
    b"\x00\x01",
    b"N\0\0\0",
    b"\x80\x04",
    b"(lp0",
    b"\xff" * 9,
    b"z\tabcdefghi",
    b"a line\nand another\r\n",
    b"i1\n2",
]


@pytest.mark.parametrize(("key", "says"), SAYING)
def test_a_key_that_is_a_value_says_what_it_is(key: bytes, says: str) -> None:
    assert key_summary(key) == says


@pytest.mark.parametrize("key", PLAIN)
def test_all_other_keys_say_nothing(key: bytes) -> None:
    assert key_summary(key) == ""


def test_a_very_long_key_is_not_looked_into() -> None:
    assert key_summary(pickle.dumps("x" * 100_000)) == ""
