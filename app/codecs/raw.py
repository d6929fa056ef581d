"""Values that no other codec claims: bytes, named where their first bytes say what they are."""

from collections.abc import Iterator
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, NodeRow, Summary
from app.codecs.findings import Hit, Query
from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.magic import data_type
from app.codecs.matching import Matcher
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import base64_json
from app.codecs.screen import ELLIPSIS, quote_bytes
from app.codecs.single import SingleValue
from app.codecs.typed.names import bytes_json

_LINE_BYTES = 16
_LINE_CHARS = 77
_SHOWN_BYTES = 64
_DOTS = bytes(byte if 0x20 <= byte < 0x7F else ord(".") for byte in range(256))


class RawValue(SingleValue):
    """Bytes as they are."""

    codec: ClassVar[str] = "raw"

    @property
    def root(self) -> NodeRow:
        summary = RawCodec().summary(self.data[: limits.SUMMARY_PREFIX], len(self.data))
        return NodeRow(0, "", "", summary.type, summary.text, editor=Kind.BYTES.value)

    def text(self, limit: int, path: str = "") -> str:
        """Return a hex dump: offset, sixteen bytes, the same as ASCII."""
        self._check_path(path)
        end = min(len(self.data), max(limit // _LINE_CHARS, 1) * _LINE_BYTES)
        lines = [_hex_line(self.data, start) for start in range(0, end, _LINE_BYTES)]
        return "\n".join([*lines, ELLIPSIS] if end < len(self.data) else lines)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        self._check_path(path)
        return {"t": Kind.BYTES.value, "hex": self.data.hex(), "n": len(self.data)}

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        self._check_path(path)
        yield base64_json(self.data) if self.data else '""'

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        self._check_path(path)
        yield bytes_json(self.data)

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        hit = Matcher(query).hits_bytes("", self.data)
        if hit is not None:
            yield hit

    def _literal(self) -> str:
        return format_literal(self.data, Kind.BYTES)

    def _encoded(self, literal: str) -> bytes:
        value = parse_literal(literal, Kind.BYTES)
        return value if isinstance(value, bytes) else b""


class RawCodec(Codec):
    """Takes anything."""

    name: ClassVar[str] = "raw"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        if not data:
            return "The value is empty."
        kind = data_type(data, whole=whole)
        return f"Its first bytes are those of {kind}." if kind else "No other codec claims these bytes."

    def decode(self, data: bytes, token: CancelToken) -> RawValue:
        return RawValue(data)

    def summary(self, prefix: bytes, size: int) -> Summary:
        if not size:
            return Summary(self.name, "empty", "empty")
        kind = data_type(prefix, whole=len(prefix) >= size)
        more = ELLIPSIS if size > _SHOWN_BYTES else ""
        return Summary(self.name, kind or "bytes", quote_bytes(prefix[:_SHOWN_BYTES]) + more)


def _hex_line(data: bytes, start: int) -> str:
    line = data[start : start + _LINE_BYTES]
    left, right = line[:8].hex(" "), line[8:].hex(" ")
    return f"{start:08x}  {left:<23}  {right:<23}  {line.translate(_DOTS).decode('ascii')}"
