"""Scalars as the Python literals that a person types: read without running anything, written to read back the same."""

import ast
import re
import warnings
from collections.abc import Callable
from typing import Any

from app.codecs.literals.decimals import decimal_text, decimal_value
from app.codecs.nodes import Kind, Scalar
from app.codecs.screen import escape_text, quote_bytes, quote_text, shorten
from app.errors import EncodeError

MAX_CHARS = 64 << 20
"""Characters of a literal that are looked at."""

_SHOWN_CHARS = 60
_MAX_DECIMAL_DIGITS = 1_000_000  # these take half a second
_MAX_DECIMAL_BITS = 13_280  # some 4,000 digits
_DECIMAL = re.compile(r"[+-]?(\d+(_\d+)*)\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[oO](_?[0-7])+|0[bB](_?[01])+)\Z", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?\Z", re.ASCII)
_FLOAT_WORD = re.compile(r"[+-]?(nan|inf|infinity)\Z", re.IGNORECASE)
_SIGN = re.compile(r"\s*([+-])\s*")
_STRING = re.compile(
    r"""(?P<prefix>[a-zA-Z]{0,2})(?P<body>\'\'\'(?:[^\\\']++|\\.|\'(?!\'\'))*+\'\'\'|\"\"\"(?:[^\\"]++|\\.|"(?!""))*+\"\"\""""
    r"""|'(?!'')(?:[^\\'\r\n]++|\\.)*+'|"(?!"")(?:[^\\"\r\n]++|\\.)*+")\Z""",
    re.DOTALL,
)
_PLAIN_PREFIXES = frozenset({"", "r"})
_TEXT_PREFIXES = frozenset({"", "r", "u", "ur"})
_BYTES_PREFIXES = frozenset({"b", "br", "rb"})
_SIMPLE = re.compile(r"""b?(?:'[ !#-&(-\[\]-~]*+'|"[ !#-&(-\[\]-~]*+")\Z""")
"""Literals of printable ASCII without quotes and backslashes in them."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BYTEARRAY = re.compile(r"bytearray\(\s*(?P<bytes>.*?)\s*\)\Z", re.DOTALL)


def parse_literal(text: str, kind: Kind, *, is_python2: bool = False) -> Scalar:
    """Return the value that ``text`` writes for a scalar of ``kind``; STR2, BYTES and BYTEARRAY as bytes.

    In Python 2 pickles ``'…'`` and ``b'…'`` are 8-bit strings and ``u'…'`` is a text; a literal without
    prefix takes the kind that stands there.

    Raises:
        EncodeError: the literal is wrong, too long or of another type; the message says what to write.
    """
    if len(text) > MAX_CHARS:
        raise EncodeError(f"The text is {len(text):,} characters long; at most {MAX_CHARS:,} are taken.")
    parser = _PARSERS.get(kind)
    if parser is None:
        raise EncodeError(f"A {kind} cannot be written as a literal.")
    return parser(text.strip(), kind, is_python2)


def parse_raw(text: str) -> str | bytes:
    """Return what a text or bytes literal stands for.

    Raises:
        EncodeError: it is neither, or a text that no encoding can write; the message says what to write.
    """
    literal = _STRING.match(text.strip())
    if literal is None:
        shown = escape_text(shorten(text, _SHOWN_CHARS)) or "Nothing"
        raise EncodeError(f"{shown} is neither a text nor bytes; write it in quotes, as 'text' or b'bytes'.")
    if literal["prefix"].lower() in _BYTES_PREFIXES:
        return _bytes(text.strip(), Kind.BYTES, is_python2=False)
    value = _str(text.strip(), Kind.STR, is_python2=False)
    if not _SURROGATE.search(value):
        return value
    raise EncodeError("A lone surrogate cannot be written as text; write the bytes, as b'…'.")


def format_literal(value: Scalar, kind: Kind, *, is_python2: bool = False) -> str:
    """Return the whole scalar as a literal that `parse_literal` reads back to the same value."""
    match value:
        case str():
            return quote_text(value, "u" if is_python2 else "")
        case bytes():
            literal = quote_bytes(value, "" if kind is Kind.STR2 and is_python2 else "b")
            return f"bytearray({literal})" if kind is Kind.BYTEARRAY else literal
        case bool():
            return repr(value)
        case int():
            return hex(value) if value.bit_length() > _MAX_DECIMAL_BITS else decimal_text(value)
        case _:
            return repr(value)


def _none(text: str, kind: Kind, is_python2: bool) -> None:
    if text != "None":
        raise _wrong(text, "None", "write None")


def _bool(text: str, kind: Kind, is_python2: bool) -> bool:
    if text not in ("True", "False"):
        raise _wrong(text, "a bool", "write True or False")
    return text == "True"


def _int(text: str, kind: Kind, is_python2: bool) -> int:
    number = text[:-1] if kind is Kind.LONG and text[-1:] in ("l", "L") else text
    if _NUMBER.match(number):
        return int(number, 0)
    if not (decimal := _DECIMAL.match(number)):
        raise _wrong(text, "an int", "write a whole number")
    if len(decimal[1]) > _MAX_DECIMAL_DIGITS:
        raise EncodeError(
            f"A whole number of {len(decimal[1]):,} digits is too long to be read in decimal;"
            " write it in hexadecimal, as 0x…."
        )
    return decimal_value(number.replace("_", "").removeprefix("+"))


def _float(text: str, kind: Kind, is_python2: bool) -> float:
    if not (_FLOAT.match(text) or _FLOAT_WORD.match(text)):
        raise _wrong(text, "a float", "write a number such as 1.5, or nan, inf, -inf")
    try:
        return float(text)
    except ValueError as error:
        raise _wrong(text, "a float", "write a number such as 1.5, or nan, inf, -inf") from error


def _complex(text: str, kind: Kind, is_python2: bool) -> complex:
    try:
        return complex(_SIGN.sub(r"\1", text))
    except ValueError as error:
        raise _wrong(text, "a complex number", "write it as 1+2j") from error


def _str(text: str, kind: Kind, is_python2: bool) -> str:
    if text[:1] in ("'", '"'):
        hint = "write one text in quotes, with a backslash before each quote in it"
    else:
        hint = f"write it in quotes, as {format_literal(shorten(text, _SHOWN_CHARS), kind, is_python2=is_python2)}"
    prefix, body = _split(text, "a text", hint)
    if prefix not in _TEXT_PREFIXES:
        raise _wrong(text, "a text", "write it in quotes without the prefix")
    value: str = _evaluated(prefix.replace("u", "") + body)
    return value


def _str2(text: str, kind: Kind, is_python2: bool) -> bytes:
    hint = r"write it in quotes with escapes for what is not ASCII, as 'caf\xe9'"
    return _octets(text, "an 8-bit string", hint, prefixes=_BYTES_PREFIXES | _PLAIN_PREFIXES)


def _bytes(text: str, kind: Kind, is_python2: bool) -> bytes:
    hint = r"write them as b'text' with escapes for what is not ASCII, as b'\x00'"
    return _octets(text, "bytes", hint, prefixes=_BYTES_PREFIXES)


def _bytearray(text: str, kind: Kind, is_python2: bool) -> bytes:
    wrapped = _BYTEARRAY.match(text)
    return _bytes(wrapped["bytes"] if wrapped else text, kind, is_python2)


def _octets(text: str, what: str, hint: str, *, prefixes: frozenset[str]) -> bytes:
    prefix, body = _split(text, what, hint)
    if prefix not in prefixes:
        raise _wrong(text, what, hint)
    if not body.isascii():
        raise _wrong(text, what, hint)
    value: bytes = _evaluated(("br" if "r" in prefix else "b") + body)
    return value


def _split(text: str, what: str, hint: str) -> tuple[str, str]:
    """Return the prefix in small letters and the quoted rest of one string literal."""
    literal = _STRING.match(text)
    if literal is None:
        raise _wrong(text, what, hint)
    return literal["prefix"].lower(), literal["body"]


def _evaluated(source: str) -> Any:
    """Return what one string literal without code in it stands for."""
    if _SIMPLE.match(source):  # as most are: Python's own parser takes ten times as long
        return source[2:-1].encode() if source[0] == "b" else source[1:-1]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an unknown escape such as '\d' is a mistake of the person who typed it
            return ast.literal_eval(source)
    except (ValueError, SyntaxError, MemoryError) as error:
        shown = escape_text(shorten(source, _SHOWN_CHARS))
        raise EncodeError(f"{shown} has a wrong escape; write \\\\ for a backslash.") from error


def _wrong(text: str, what: str, hint: str) -> EncodeError:
    shown = escape_text(shorten(text, _SHOWN_CHARS)) or "Nothing"
    return EncodeError(f"{shown} is not {what}; {hint}.")


_PARSERS: dict[Kind, Callable[[str, Kind, bool], Scalar]] = {
    Kind.NONE: _none,
    Kind.BOOL: _bool,
    Kind.INT: _int,
    Kind.LONG: _int,
    Kind.FLOAT: _float,
    Kind.COMPLEX: _complex,
    Kind.STR: _str,
    Kind.STR2: _str2,
    Kind.BYTES: _bytes,
    Kind.BYTEARRAY: _bytearray,
}
