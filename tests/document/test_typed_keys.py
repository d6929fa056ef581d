"""Keys as people type them: text, literals, and text in any encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.typed_keys import key_of
from app.errors import EncodeError

ENCODINGS = ("latin-1", "cp1252", "utf-16-le", "utf-16", "utf_8", "shift_jis", "koi8-r", "cp037")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("käse", "käse".encode()),
        ("'käse'", "käse".encode()),
        (r"b'k\xe4se'", b"k\xe4se"),
        ("'käse'.encode('latin-1')", b"k\xe4se"),
        ('"käse".encode("utf-16-le")', "käse".encode("utf-16-le")),
        (r"'\u20ac'.encode('cp1252')", b"\x80"),
        ("x.encode('latin-1')", b"x.encode('latin-1')"),
        ('''"'a'.encode('latin-1')"''', b"'a'.encode('latin-1')"),
    ],
)
def test_a_text_stands_for_a_key(text: str, key: bytes) -> None:
    assert key_of(text) == key


@given(st.text(st.characters(codec="utf-8")), st.sampled_from(ENCODINGS))
def test_what_python_encodes_is_the_key(text: str, encoding: str) -> None:
    try:
        key = text.encode(encoding)
    except UnicodeEncodeError:
        with pytest.raises(EncodeError, match=encoding):
            key_of(f"{text!r}.encode({encoding!r})")
    else:
        assert key_of(f"{text!r}.encode({encoding!r})") == key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("'a'.encode('klingon')", "There is no encoding 'klingon'; write one as 'latin-1' or 'utf-16-le'."),
        ("'a'.encode('rot13')", "There is no encoding 'rot13'; write one as 'latin-1' or 'utf-16-le'."),
        ("'€'.encode('latin-1')", "latin-1 has no €; choose another encoding, or write the bytes."),
        ("'a'.encode('undefined')", "undefined cannot write this; choose another encoding, or write the bytes."),
        ("b'a'.encode('latin-1')", "Bytes have no encoding; leave it out, or write the text without b."),
        ("\udc80", "Column 1: no encoding can write this; write the bytes, as b'…'."),
    ],
)
def test_what_stands_for_no_key_is_refused(text: str, said: str) -> None:
    with pytest.raises(EncodeError) as caught:
        key_of(text)
    assert caught.value.message == said
