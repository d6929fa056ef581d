"""Values that are text: UTF-8, UTF-16 with a byte order mark or mostly of ASCII, or printable Latin-1."""

from collections.abc import Iterator
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, NodeRow, Summary
from app.codecs.findings import Hit, Query
from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.matching import Matcher
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import string_json
from app.codecs.screen import escape_text, scalar_text, shorten
from app.codecs.single import SingleValue
from app.codecs.text_encoding import Encoding, decoded_text
from app.errors import DecodeError


class TextValue(SingleValue):
    """A text, kept with its encoding."""

    codec: ClassVar[str] = "text"

    def __init__(self, data: bytes, text: str, encoding: Encoding) -> None:
        super().__init__(data)
        self._text = text
        self._encoding = encoding

    @property
    def root(self) -> NodeRow:
        shown = scalar_text(self._text, Kind.STR, is_python2=False)
        return NodeRow(0, "", "", "text", shown, note=f"{self._encoding.title} text", editor=Kind.STR.value)

    def text(self, limit: int, path: str = "") -> str:
        self._check_path(path)
        return escape_text(shorten(self._text, limit), keep_lines=True)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        self._check_path(path)
        data = self._text.encode("utf-8", "surrogatepass")
        return {"t": Kind.STR.value, "hex": data.hex(), "n": len(data)}

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        self._check_path(path)
        yield string_json(self._text)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        yield from self.plain(token, path)

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        hit = Matcher(query).hits_text("", self._text)
        if hit is not None:
            yield hit

    def _literal(self) -> str:
        return format_literal(self._text, Kind.STR)

    def _encoded(self, literal: str) -> bytes:
        return self._encoding.encoded(str(parse_literal(literal, Kind.STR)))


class TextCodec(Codec):
    """Recognises text by its bytes alone."""

    name: ClassVar[str] = "text"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        found = decoded_text(data, whole=whole) if data else None
        if found is None:
            return ""
        _, encoding = found
        mark = " with a byte order mark" if encoding.mark else ""
        return f"It is {encoding.title} text{mark}."

    def decode(self, data: bytes, token: CancelToken) -> TextValue:
        """Return the text.

        Raises:
            DecodeError: the bytes are no text in any encoding that is tried.
        """
        found = decoded_text(data, whole=True)
        if found is None:
            raise DecodeError("The value is no text: it is neither UTF-8 nor UTF-16, nor printable Latin-1.")
        text, encoding = found
        return TextValue(data, text, encoding)

    def summary(self, prefix: bytes, size: int) -> Summary:
        whole = len(prefix) >= size
        found = decoded_text(prefix, whole=whole)
        if found is None:
            return Summary(self.name, "text", "", "The value is no text.")
        text, _ = found
        shown = shorten(text, limits.SUMMARY_CHARS) if whole else text[: limits.SUMMARY_CHARS] + "…"
        return Summary(self.name, "text", escape_text(shown))
