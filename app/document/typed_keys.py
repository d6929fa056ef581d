"""Keys of entries as people type them."""

import re

from app.codecs.literals.scalars import parse_raw
from app.codecs.screen import escape_text
from app.errors import EncodeError

_QUOTED = re.compile(r"""[bB]?['"]""")
_ENCODED = re.compile(r"""(?P<literal>[bB]?['"].*['"])\s*\.encode\(['"](?P<encoding>[\w -]+)['"]\)\s*\Z""", re.DOTALL)


def key_of(text: str) -> bytes:
    """Return the key that a text stands for: itself in UTF-8, or what it says as a literal, as `key_text` writes keys.

    A text literal can name another encoding as Python does: ``'käse'.encode('latin-1')``.

    Raises:
        EncodeError: it is no whole literal, or the encoding is none or cannot write it.
    """
    if encoded := _ENCODED.match(text):
        return _encoded(parse_raw(encoded["literal"]), encoded["encoding"])
    if _QUOTED.match(text):
        value = parse_raw(text)
        return value if isinstance(value, bytes) else value.encode()
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = f"Column {error.start + 1:,}: no encoding can write this; write the bytes, as b'…'."
        raise EncodeError(message) from error


def _encoded(value: str | bytes, encoding: str) -> bytes:
    if isinstance(value, bytes):
        raise EncodeError("Bytes have no encoding; leave it out, or write the text without b.")
    try:
        return value.encode(encoding)
    except LookupError as error:
        raise EncodeError(f"There is no encoding {encoding!r}; write one as 'latin-1' or 'utf-16-le'.") from error
    except UnicodeEncodeError as error:
        shown = escape_text(value[error.start])
        raise EncodeError(f"{encoding} has no {shown}; choose another encoding, or write the bytes.") from error
    except UnicodeError as error:
        raise EncodeError(f"{encoding} cannot write this; choose another encoding, or write the bytes.") from error
