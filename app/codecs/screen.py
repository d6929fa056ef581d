"""Text of a file made safe for the screen and the terminal: what cannot be seen, or deceives, becomes an escape."""

import re

from app import limits
from app.codecs.literals.decimals import decimal_text
from app.codecs.nodes import Kind, Scalar

_CONTROLS = r"\x00-\x1f\x7f-\x9f"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LINE_ENDS = r"\u2028\u2029"
_SURROGATES = r"\ud800-\udfff"
_INVISIBLE = (
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NO_CHARACTERS = r"\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
# Emoji and the scripts that need joiners write them between two characters from here; elsewhere they only deceive.
_JOINABLE = r"\u0590-\u1fff\u2190-\u303f\ua000-\ud7ff\uf900-\ufefe\U00010000-\U000dffff"
_JOINER = rf"(?<![{_JOINABLE}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINABLE}])"

_UNSAFE = re.compile(rf"[{_CONTROLS}{_BIDI}{_LINE_ENDS}{_SURROGATES}{_INVISIBLE}{_NO_CHARACTERS}]|{_JOINER}")
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

ELLIPSIS = "…"


def escape_text(text: str, *, keep_lines: bool = False) -> str:
    """Return ``text`` with everything unsafe as a visible Python escape; backslashes stay single.

    With ``keep_lines`` line ends (``CR LF`` as one) and tabs stay what they are.
    """
    if text.isascii() and text.isprintable():
        return text
    if keep_lines:
        return _UNSAFE.sub(_escape_within_lines, text.replace("\r\n", "\n"))
    return _UNSAFE.sub(_escape, text)


def quote_text(text: str, prefix: str = "") -> str:
    """Return ``text`` as a Python string literal that is safe on the screen and reads back to the same text."""
    if text.isascii() and text.isprintable() and "'" not in text and "\\" not in text:
        return f"{prefix}'{text}'"
    quote = '"' if "'" in text and '"' not in text else "'"
    body = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return f"{prefix}{quote}{escape_text(body)}{quote}"


def quote_bytes(data: bytes, prefix: str = "b") -> str:
    """Return ``data`` as a Python bytes literal; ``prefix`` is empty for Python 2's 8-bit strings."""
    return prefix + repr(data)[1:]


def key_text(key: bytes) -> str:
    """Return the text of a UTF-8 key, else its bytes literal; a text that could be taken for another is quoted.

    Two keys never have the same text: one that is empty, holds something to escape or begins like a
    literal is written as a literal itself.
    """
    try:
        text = key.decode("utf-8")
    except UnicodeDecodeError:
        return quote_bytes(key)
    if not text or _LITERAL_START.match(text) or _UNSAFE.search(text):
        return quote_text(text)
    return text


_LITERAL_START = re.compile(r"""b?['"]""")


def shorten(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of ``text``, the last of them an ellipsis when something was cut."""
    if len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)] + ELLIPSIS


def size_text(size: int, unit: str) -> str:
    """Return ``<1,234-byte integer>`` for something that is too large to show."""
    return f"<{size:,}-{unit}>"


def scalar_text(value: Scalar, kind: Kind, *, is_python2: bool, limit: int = limits.CELL_CHARS) -> str:
    """Return a scalar as a tree row shows it: a Python literal, a cut one followed by an ellipsis.

    In Python 2 pickles 8-bit strings are ``'…'`` and texts ``u'…'``; elsewhere texts are ``'…'``
    and 8-bit strings ``b'…'``.
    """
    match value:
        case str():
            return quote_text(value[:limit], "u" if is_python2 else "") + (ELLIPSIS if len(value) > limit else "")
        case bytes():
            return _bytes_text(value, kind, is_python2=is_python2, limit=limit)
        case bool() | None:
            return repr(value)
        case int():
            return _int_text(value)
        case _:
            return repr(value)


def _bytes_text(value: bytes, kind: Kind, *, is_python2: bool, limit: int) -> str:
    prefix = "" if kind is Kind.STR2 and is_python2 else "b"
    text = quote_bytes(value[:limit], prefix) + (ELLIPSIS if len(value) > limit else "")
    return f"bytearray({text})" if kind is Kind.BYTEARRAY else text


def _int_text(value: int) -> str:
    size = (value.bit_length() + 8) // 8
    return size_text(size, "byte integer") if size > limits.INT_BYTES else decimal_text(value)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_within_lines(match: re.Match[str]) -> str:
    return match.group() if match.group() in "\n\t" else _escape(match)
