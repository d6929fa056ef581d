"""Values that are text: UTF-8, UTF-16 with a byte order mark, or printable Latin-1; JSON is text of its own type."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, NodeRow, Summary
from app.codecs.json_scalars import readable, string_json
from app.codecs.json_text import minified
from app.codecs.literal import format_literal, parse_literal
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text, scalar_text, shorten
from app.codecs.single import SingleValue
from app.errors import DecodeError, EncodeError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_TITLES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "latin-1": "Latin-1"}
_JSON_START = re.compile(r"\s*+(\{\s*+[\"}]|\[\s*+[\[\]{\"\d\-tfn])")
_LATIN1_SHARE = 0.75
"""Part of the characters that must be ASCII before bytes that are no UTF-8 are taken for Latin-1."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a text is stored: Python's name of the encoding, and the byte order mark before it."""

    name: str
    mark: bytes = b""

    @property
    def title(self) -> str:
        return _TITLES[self.name]


class TextValue(SingleValue):
    """A text, kept with its encoding."""

    codec: ClassVar[str] = "text"

    def __init__(self, data: bytes, text: str, encoding: Encoding, json_pieces: list[str] | None) -> None:
        super().__init__(data)
        self._text = text
        self._encoding = encoding
        self._json_pieces = json_pieces

    @property
    def root(self) -> NodeRow:
        shown = scalar_text(self._text, Kind.STR, is_python2=False)
        kind = "text" if self._json_pieces is None else "json"
        return NodeRow(0, "", "", kind, shown, note=f"{self._encoding.title} text", editor=Kind.STR.value)

    def text(self, limit: int, path: str = "") -> str:
        self._check_path(path)
        return escape_text(shorten(self._text, limit), keep_lines=True)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        self._check_path(path)
        data = self._text.encode("utf-8", "surrogatepass")
        return {"t": Kind.STR.value, "hex": data.hex(), "n": len(data)}

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        self._check_path(path)
        yield from [string_json(self._text)] if self._json_pieces is None else self._json_pieces

    def _literal(self) -> str:
        return format_literal(self._text, Kind.STR)

    def _encoded(self, literal: str) -> bytes:
        value = parse_literal(literal, Kind.STR)
        try:
            return self._encoding.mark + str(value).encode(self._encoding.name)
        except UnicodeEncodeError as error:
            wrong = escape_text(error.object[error.start : error.start + 1])
            raise EncodeError(f"The character {wrong} cannot be written in {self._encoding.title}.") from error


class TextCodec(Codec):
    """Recognises text by its bytes alone."""

    name: ClassVar[str] = "text"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        found = _decoded(data, whole=whole) if data else None
        if found is None:
            return ""
        text, encoding = found
        mark = " with a byte order mark" if encoding.mark else ""
        start = " that begins like JSON" if _JSON_START.match(text) else ""
        return f"It is {encoding.title} text{mark}{start}."

    def decode(self, data: bytes, token: CancelToken) -> TextValue:
        """Return the text.

        Raises:
            DecodeError: the bytes are no text in any encoding that is tried.
        """
        found = _decoded(data, whole=True)
        if found is None:
            raise DecodeError("The value is no text: it is neither UTF-8 nor UTF-16, nor printable Latin-1.")
        text, encoding = found
        pieces = minified(text, token) if _JSON_START.match(text) else None
        return TextValue(data, text, encoding, pieces)

    def summary(self, prefix: bytes, size: int) -> Summary:
        whole = len(prefix) >= size
        found = _decoded(prefix, whole=whole)
        if found is None:
            return Summary(self.name, "text", "", "The value is no text.")
        text, _ = found
        is_json = _JSON_START.match(text) and (not whole or minified(text, CancelToken()) is not None)
        shown = shorten(text, limits.SUMMARY_CHARS) if whole else text[: limits.SUMMARY_CHARS] + "…"
        return Summary(self.name, "json" if is_json else "text", escape_text(shown))


def _decoded(data: bytes, *, whole: bool) -> tuple[str, Encoding] | None:
    """Return the text and its encoding; of a prefix the characters that are complete."""
    encoding = next((Encoding(name, mark) for mark, name in _MARKS if data.startswith(mark)), Encoding("utf-8"))
    text = _readable(data[len(encoding.mark) :], encoding.name, whole=whole)
    if text is not None:
        return text, encoding
    return None if encoding.mark else _latin1(data)


def _readable(data: bytes, encoding: str, *, whole: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError:
        return None
    return readable(text)


def _latin1(data: bytes) -> tuple[str, Encoding] | None:
    text = readable(data.decode("latin-1"))
    if text is None or len(data.translate(None, _HIGH_BYTES)) < _LATIN1_SHARE * len(data):
        return None
    return text, Encoding("latin-1")


_HIGH_BYTES = bytes(range(0x80, 0x100))
