"""Compressed values: one row with their parameters, and what came out of them as ``<content>``."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, Inside, NodeRow, Summary
from app.codecs.holding import AFTER, CONTENT
from app.codecs.plain.scalars import damaged_json, readable
from app.codecs.screen import ELLIPSIS, escape_text, shorten
from app.codecs.wrappers.base import WrapperValue
from app.compression.base import HEAD, Compression
from app.compression.registry import COMPRESSIONS, begun, packing_of
from app.compression.unpacking import Member, Unpacking, first_bytes, unpacked
from app.errors import DecodeError, EncodeError, LimitExceeded

_SURE_BYTES = 32
"""Bytes that must come out of a stream that is cut before it is believed, where its magic is weak."""

_WEAK = frozenset({"zlib", "lzma"})
"""Compressions whose first bytes can be chance."""

_HEADER_BYTES = 1 << 17

Inner = Callable[[bytes, int], Summary]
"""The summary of a content of a size in bytes, from its first ones."""


class CompressedValue(WrapperValue):
    """One value in one or several streams of a compression."""

    codec = ""

    def __init__(self, data: bytes, compression: Compression, token: CancelToken) -> None:
        """Raises DecodeError where nothing proves that these bytes are compressed."""
        super().__init__(data)
        self.codec = compression.name
        self._compression = compression
        self._unpacking = Unpacking(compression, data, len(data))
        self._content: bytes | None = None
        self._why = compression.missing
        if not compression.begins(data[:HEAD]):
            raise DecodeError(f"The value is no {compression.title} data: it does not begin like that.")
        if not self._why:
            self._unpack(token)

    @property
    def problems(self) -> tuple[str, ...]:
        return (self._why,) if self._why else ()

    def _unpack(self, token: CancelToken) -> None:
        try:
            self._content = unpacked(self._unpacking, limits.CONTENT_BYTES, token)
        except LimitExceeded as error:
            self._why = error.message
            return
        self._why = self._unpacking.error
        if not self._unpacking.members:
            if self._compression.name in _WEAK and len(self._content) < _SURE_BYTES:
                raise DecodeError(f"The value is no {self._compression.title} data: {self._why}")
            if not self._content:
                self._content = None

    @property
    def is_damaged(self) -> bool:
        return bool(self._why)

    @property
    def root(self) -> NodeRow:
        described = self._compression.describe(self.data[:_HEADER_BYTES])
        sizes = (
            f"{len(self.data):,} bytes"
            if self._content is None
            else f"{len(self._content):,} bytes in {len(self.data):,}"
        )
        text = ", ".join(part for part in (sizes, described) if part)
        flags = ("damaged", "read-only") if self._why else ()
        return NodeRow(
            0, "", "", self.codec, escape_text(shorten(text, limits.CELL_CHARS)), flags=flags, note=self._note
        )

    @property
    def _note(self) -> str:
        count = len(self._unpacking.members)
        streams = f"{count:,} streams in a row." if count > 1 else ""
        zeros = self._unpacking.padding
        padding = f"{zeros:,} zero bytes of padding follow." if zeros else ""
        return " ".join(part for part in (self._why, streams, padding) if part)

    @property
    def _end(self) -> int:
        return self._unpacking.end or len(self.data)

    @property
    def _what_there_is(self) -> str:
        return f"a {self.codec} value has nothing but {CONTENT}"

    def insides(self, node: int) -> Sequence[Inside]:
        content = self._content
        if node or content is None:
            return ()
        why = f"It cannot be changed: {self._why[:1].lower()}{self._why[1:]}" if self._why else ""
        found = [_inside(CONTENT, content, why)]
        if self._end < len(self.data):
            found.append(_inside(AFTER, self.data[self._end :], why))
        return found

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        self._check_path(path)
        if self._why or self._content is None:
            raise EncodeError(f"It cannot be changed. {self._why}")
        if step == AFTER:
            return self.data[: self._end] + data
        new = self._packed(data, token)
        _check_same(self._compression, new, data, token)
        return new + self.data[self._end - self._unpacking.padding :]

    def _packed(self, content: bytes, token: CancelToken) -> bytes:
        """Return content packed as the old one: streams before the first change stay, the rest becomes one."""
        old = self._content or b""
        members = self._unpacking.members
        kept = 0
        while kept < len(members) - 1 and _is_same_part(old, content, members[kept]):
            kept += 1
        like = members[kept]
        template = old[like.content_start : like.content_end]
        found = packing_of(self._compression, self.data[like.start : like.end], template, token)
        rest = content[like.content_start :]
        if not rest and kept:
            return self.data[: like.start]
        return self.data[: like.start] + b"".join(found.packing.pack((rest,), token))

    def text(self, limit: int, path: str = "") -> str:
        self._check_path(path)
        return shorten(f"{self._compression.title} data, {self.root.text}. {self._why}".strip(), limit)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        node = super().tree(limit, path)
        return node | {"why": self._why} if self._why else node

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        self._check_path(path)
        if self._why:
            yield damaged_json(self._why, self.data)
        else:
            yield from super().plain(token, path)


def _inside(step: str, data: bytes, why_read_only: str) -> Inside:
    return Inside(step, len(data), lambda count: data[:count], is_certain=True, why_read_only=why_read_only)


def _is_same_part(old: bytes, new: bytes, member: Member) -> bool:
    part = slice(member.content_start, member.content_end)
    return old[part] == new[part] and len(new) >= member.content_end


def _check_same(compression: Compression, packed: bytes, content: bytes, token: CancelToken) -> None:
    unpacking = Unpacking(compression, packed, len(packed))
    again = b"".join(unpacking.pieces(token))
    if again != content or unpacking.error or unpacking.end != len(packed):
        raise EncodeError(
            f"Packed as {compression.title} again, the value does not read back the same; it was left alone."
        )


class CompressedCodec(Codec):
    """Reads what one compression packs."""

    name = ""

    def __init__(self, compression: Compression, inner: Inner) -> None:
        self.name = compression.name
        self._compression = compression
        self._inner = inner

    def sniff(self, data: bytes, *, whole: bool) -> str:
        if not self._compression.begins(data[:HEAD]):
            return ""
        if self._compression.missing:
            return self._compression.missing
        content, ended, wrong = first_bytes(self._compression, data[: limits.SUMMARY_PREFIX], 4096, CancelToken())
        if wrong and (self.name in _WEAK or _is_text(data)):
            return ""
        if self.name in _WEAK and not ended and len(content) < _SURE_BYTES:
            return ""
        return f"It begins like {self._compression.title} data" + (", which is damaged." if wrong else " and unpacks.")

    def decode(self, data: bytes, token: CancelToken) -> CompressedValue:
        return CompressedValue(data, self._compression, token)

    def summary(self, prefix: bytes, size: int) -> Summary:
        if self._compression.missing:
            return Summary(self.name, self.name, "", self._compression.missing)
        names, problem = [self.name], ""
        content, ended, problem = first_bytes(self._compression, prefix, limits.SUMMARY_PREFIX, CancelToken())
        if len(prefix) >= size and not (ended or problem) and len(content) < limits.SUMMARY_PREFIX:
            problem = f"The {self._compression.title} data ends too early."
        ended = ended and len(prefix) >= size
        while (next_one := begun(content[:HEAD])) and len(names) < limits.CONTENT_DEPTH and not next_one.missing:
            deeper, deeper_ended, wrong = first_bytes(next_one, content, limits.SUMMARY_PREFIX, CancelToken())
            if wrong or not deeper:
                break
            names.append(next_one.name)
            content, ended = deeper, ended and deeper_ended
        inner = self._inner(content, len(content) + (not ended)) if content else Summary("", "", ELLIPSIS)
        type_ = "".join(f"{name}(" for name in names) + inner.type + ")" * len(names) if inner.type else self.name
        return Summary(self.name, type_, inner.text, problem or (inner.problem if ended else ""))


def compressed_codecs(inner: Inner) -> dict[str, Codec]:
    """Return the codecs of all compressions by name, the surest first."""
    return {name: CompressedCodec(compression, inner) for name, compression in COMPRESSIONS.items()}


def _is_text(data: bytes) -> bool:
    try:
        return readable(data[: limits.SUMMARY_PREFIX].decode("utf-8", "ignore")) is not None and data.isascii()
    except UnicodeDecodeError:
        return False
