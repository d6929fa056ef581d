"""Pickles and compressed values written as text in base64, as Django's database cache and celery's messages are.

References:
    RFC 4648 sections 4 and 5 (both alphabets).
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass

from app import limits
from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Inside, NodeRow, Summary
from app.codecs.holding import BASE64_START, CONTENT
from app.codecs.screen import shorten
from app.codecs.wrappers.base import PickleSeeker, WrapperValue
from app.compression.base import HEAD
from app.compression.registry import begun
from app.compression.unpacking import first_bytes
from app.errors import DecodeError, EncodeError

_TEXT = re.compile(rb"[A-Za-z0-9+/_-]{4}[A-Za-z0-9+/_\-\r\n]*={0,2}\s{0,2}\Z")
_BREAK = re.compile(rb"\r?\n")
_URL_SAFE = re.compile(rb"[_-]")
_FEWEST_BYTES = 12
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text is laid out: the alphabet, the padding, line ends and the length of lines (0: one line)."""

    is_url_safe: bool
    is_padded: bool
    line_end: bytes
    line: int
    end: bytes

    def encoded(self, content: bytes) -> bytes:
        text = b64encode(content)
        if self.is_url_safe:
            text = text.translate(_TO_URL)
        if not self.is_padded:
            text = text.rstrip(b"=")
        if self.line:
            lines = (text[start : start + self.line] for start in range(0, len(text), self.line))
            text = self.line_end.join(lines)
        return text + self.end


def taken_apart(data: bytes) -> tuple[bytes, Layout] | None:
    """Return what a text says and its layout, None when it is no base64 that could be written again the same."""
    if not _TEXT.match(data):
        return None
    text = data.rstrip(b"\r\n")
    breaks = _BREAK.search(text)
    letters = _BREAK.sub(b"", text)
    is_padded = len(letters) % 4 == 0
    try:
        content = b64decode((letters + b"=" * (-len(letters) % 4)).translate(_FROM_URL), validate=True)
    except Base64Error:
        return None
    line_end, line = (breaks.group(), breaks.start()) if breaks else (b"", 0)
    layout = Layout(_URL_SAFE.search(letters) is not None, is_padded, line_end, line, data[len(text) :])
    return (content, layout) if layout.encoded(content) == data else None


class Base64Value(WrapperValue):
    """A text that is a value in base64."""

    codec = "base64"

    def __init__(self, data: bytes, content: bytes, layout: Layout) -> None:
        super().__init__(data)
        self._content = content
        self._layout = layout

    @property
    def root(self) -> NodeRow:
        return NodeRow(0, "", "", self.codec, f"{len(self._content):,} bytes as {len(self.data):,} characters")

    @property
    def _what_there_is(self) -> str:
        return f"there is nothing but {CONTENT}"

    def insides(self, node: int) -> Sequence[Inside]:
        content = self._content
        return () if node else (Inside(CONTENT, len(content), lambda count: content[:count], is_certain=True),)

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        self._check_path(path)
        if not data:
            raise EncodeError("Nothing cannot be written in base64; delete the entry instead.")
        return self._layout.encoded(data)

    def text(self, limit: int, path: str = "") -> str:
        self._check_path(path)
        return shorten(self.data.decode("ascii"), limit)


class Base64Codec(PickleSeeker):
    """Believes in base64 only where a pickle that reaches its STOP, or something that unpacks, is in it."""

    name = "base64"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        return "It is base64 of a value." if self._content(data, whole=whole) is not None else ""

    def decode(self, data: bytes, token: CancelToken) -> Base64Value:
        found = taken_apart(data)
        if found is None:
            raise DecodeError("The value is no text in base64.")
        return Base64Value(data, *found)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        return (self.decode(data, token), "It is base64 of a value.") if self.sniff(data, whole=True) else None

    def summary(self, prefix: bytes, size: int) -> Summary:
        content = self._content(prefix, whole=len(prefix) >= size) or b""
        inner = self._inner(content, len(content) + (len(prefix) < size))
        return Summary(
            self.name, f"{self.name}({inner.type})", inner.text, inner.problem if len(prefix) >= size else ""
        )

    def _content(self, data: bytes, *, whole: bool) -> bytes | None:
        """Return what a text says when that is surely a value, of a prefix as far as it goes."""
        letters = data if whole else data[: len(data) - len(data) % 4]
        if len(data) < _FEWEST_BYTES or not BASE64_START.match(letters):
            return None
        found = taken_apart(letters)
        if found is None:
            return None
        content = found[0]
        return content if self._is_value(content, whole=whole) else None

    def _is_value(self, content: bytes, *, whole: bool) -> bool:
        if content.startswith(b"\x80"):
            return self._value_end(content, 0) == len(content) if whole else self._begins(content)
        compression = begun(content[:HEAD])
        if compression is None or compression.missing:
            return False
        _, ended, wrong = first_bytes(compression, content[: limits.SUMMARY_PREFIX], HEAD * 8, CancelToken())
        return not wrong and (ended or len(content) > HEAD)
