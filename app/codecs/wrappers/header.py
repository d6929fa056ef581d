"""Pickles behind a header, as caches and message systems write them: a time, a length or JSON comes first.

References:
    Django's file-based cache (a pickled time, then zlib), cachelib's FileSystemCache (4 bytes of time), dogpile.cache
    (JSON and a bar), `logging.handlers.SocketHandler` and `multiprocessing.connection` (4 bytes of length).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from app import limits
from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Inside, NodeRow, Summary
from app.codecs.holding import AFTER, BEFORE, CONTENT
from app.codecs.magic import data_type
from app.codecs.screen import quote_bytes, shorten
from app.codecs.wrappers.base import PickleSeeker, WrapperValue
from app.codecs.wrappers.fields import fields_in, updated
from app.compression.base import HEAD
from app.compression.registry import begun
from app.compression.unpacking import first_bytes
from app.errors import DecodeError, EncodeError

_HEADER_BYTES = 2048
"""The longest header that is looked behind."""

_TRAILER_BYTES = 64
"""The longest trailer: a checksum or a digest."""

_TRIES = 16
_SHOWN_BYTES = 24
_PROTO = re.compile(rb"\x80[\x02-\x05]")
_OLD_BEHIND_NUMBER = re.compile(rb"-?\d{1,20}(?:\.\d{1,20})?[\n:;| ]{1,2}(?=\((?:dp|lp|i)|ccopy_reg\n|c__builtin__\n)")
"""A time or a length as text, and a pickle of protocol 0 behind it."""


class Place(NamedTuple):
    """Where the content of a value starts and ends."""

    start: int
    end: int


class HeaderValue(WrapperValue):
    """A value in three parts: what stands before, the content, what stands after."""

    codec = "header"

    def __init__(self, data: bytes, place: Place, *, is_behind_pickle: bool = False) -> None:
        """``is_behind_pickle``: a whole pickle comes before, in which no number is a length of what follows."""
        super().__init__(data)
        self._place = place
        self._is_behind_pickle = is_behind_pickle

    @property
    def root(self) -> NodeRow:
        before, _, after = self._parts
        shown = quote_bytes(before[:_SHOWN_BYTES]) + ("…" if len(before) > _SHOWN_BYTES else "")
        behind = f" and before {len(after):,} more" if after else ""
        note = "What stands around the value is kept; a length, checksum or digest of it in there is made anew."
        return NodeRow(0, "", "", self.codec, f"a value behind {len(before):,} bytes{behind}: {shown}", note=note)

    @property
    def _parts(self) -> tuple[bytes, bytes, bytes]:
        start, end = self._place
        return self.data[:start], self.data[start:end], self.data[end:]

    @property
    def _what_there_is(self) -> str:
        return f"the value has {BEFORE}, {CONTENT} and, it may be, {AFTER}"

    def insides(self, node: int) -> Sequence[Inside]:
        steps = zip((BEFORE, CONTENT, AFTER), self._parts, strict=True)
        return [_inside(step, part) for step, part in steps if part] if not node else ()

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        self._check_path(path)
        before, content, after = self._parts
        match step:
            case "<before>":
                return data + content + after
            case "<after>":
                return before + content + data
        if not data:
            raise EncodeError("Nothing can stand behind this header; delete the entry instead.")
        if self._is_behind_pickle:
            return before + data + after
        others = frozenset({len(after), len(before), len(before) + len(after), len(before) + 4, len(before) - 4})
        new_before, new_after = (updated(part, fields_in(part, content, others), data) for part in (before, after))
        return new_before + data + new_after

    def text(self, limit: int, path: str = "") -> str:
        self._check_path(path)
        return shorten(self.root.text, limit)


def _inside(step: str, data: bytes) -> Inside:
    return Inside(step, len(data), lambda count: data[:count], is_certain=True)


class HeaderCodec(PickleSeeker):
    """Finds a pickle by its PROTO, and believes in it when it reaches STOP."""

    name = "header"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        place = self._place(data, whole=whole)
        return f"A pickle begins behind a header of {place.start:,} bytes." if place else ""

    def decode(self, data: bytes, token: CancelToken) -> HeaderValue:
        place = self._place(data, whole=True)
        if place is None:
            raise DecodeError("No whole pickle was found behind a header.")
        return HeaderValue(data, place)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        place = self._place(data, whole=True)
        if place is None:
            return None
        return HeaderValue(
            data, place
        ), f"A pickle begins behind a header of {place.start:,} bytes and reaches its STOP."

    def summary(self, prefix: bytes, size: int) -> Summary:
        place = self._place(prefix, whole=len(prefix) >= size)
        if place is None:
            return Summary(self.name, self.name, "")
        return self.summary_at(prefix, size, place)

    def summary_at(self, prefix: bytes, size: int, place: Place) -> Summary:
        """Return the summary of a value whose content is known to start at a place."""
        inner_size = place.end - place.start if place.end < len(prefix) else size - place.start
        inner = self._inner(prefix[place.start : place.end], inner_size)
        return Summary(self.name, f"{self.name}({inner.type})", inner.text, inner.problem)

    def behind_pickle(self, data: bytes, end: int, *, whole: bool) -> Place | None:
        """Return where a compressed value stands behind a first pickle that ends at ``end``, as Django caches do."""
        rest = data[end : end + limits.SUMMARY_PREFIX]
        compression = begun(rest[:HEAD])
        if compression is None or compression.missing:
            return None
        content, ended, wrong = first_bytes(compression, rest, HEAD, CancelToken())
        return Place(end, len(data)) if not wrong and (content or ended or not whole) else None

    def _place(self, data: bytes, *, whole: bool) -> Place | None:
        if not data or data_type(data[: limits.SUMMARY_PREFIX], whole=False):
            return None
        if old := _OLD_BEHIND_NUMBER.match(data):
            return self._old_place(data, old.end(), whole=whole)
        starts = [match.start() for match in _PROTO.finditer(data, 1, _HEADER_BYTES)][:_TRIES]
        places = (self._place_at(data, start, whole=whole) for start in starts)
        return next((place for place in places if place), None)

    def _place_at(self, data: bytes, start: int, *, whole: bool) -> Place | None:
        end = self._value_end(data, start)
        if end is not None:
            is_likely = len(data) - end <= min(_TRAILER_BYTES, end - start)
            return Place(start, end) if is_likely else None
        return Place(start, len(data)) if not whole and self._begins(data[start:]) else None

    def _old_place(self, data: bytes, start: int, *, whole: bool) -> Place | None:
        end = self._value_end(data, start)
        if end == len(data):
            return Place(start, end)
        return Place(start, len(data)) if end is None and not whole and self._begins(data[start:]) else None
