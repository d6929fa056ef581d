"""Whether a text or some bytes match a query, and what is shown of them: the part around the match."""

import re
from collections.abc import Callable

from app.codecs.findings import Hit, Query
from app.codecs.screen import ELLIPSIS, escape_text
from app.errors import EncodeError

_AROUND = 60
"""Characters or bytes that are shown on each side of a match."""

_MATCH_SHOWN = 300
"""Characters or bytes of the match itself that are shown."""

_HEX = re.compile(r"0[xX](?:[0-9a-fA-F]{2})+")

Span = tuple[int, int]
"""Where a match begins and ends."""


class Matcher:
    """Finds the pattern of a query in texts, and in bytes as UTF-8 has it.

    Bytes are also searched for what ``0x`` and digits in pairs stand for. Case is ignored of ASCII letters in them.
    """

    def __init__(self, query: Query) -> None:
        """Prepare both searches.

        Raises:
            EncodeError: the regular expression is wrong; says how.
        """
        self.in_text: Callable[[str], Span | None]
        """Return where a text matches."""
        self.in_bytes: Callable[[bytes], Span | None]
        """Return where bytes match."""
        if query.is_regex or query.ignores_case:
            self.in_text, self.in_bytes = _expressions(query)
        else:
            self.in_text, self.in_bytes = _plain(query.pattern)
        self._hex = bytes.fromhex(query.pattern[2:]) if _HEX.fullmatch(query.pattern) and not query.is_regex else b""

    def hits_text(self, path: str, text: str) -> Hit | None:
        """Return the hit that a text is."""
        span = self.in_text(text)
        return None if span is None else Hit(path, text_around(text, span))

    def hits_bytes(self, path: str, data: bytes) -> Hit | None:
        """Return the hit that some bytes are."""
        span = self.in_bytes(data)
        if span is None and self._hex and (start := data.find(self._hex)) >= 0:
            span = start, start + len(self._hex)
        return None if span is None else Hit(path, bytes_around(data, span))


def text_around(text: str, span: Span) -> str:
    """Return the part of a text around a match, escaped for the screen."""
    start, end = _shown(span)
    return _cut(escape_text(text[start:end]), is_start=start > 0, is_end=end < len(text))


def bytes_around(data: bytes, span: Span) -> str:
    r"""Return the part of some bytes around a match as UTF-8, what is none as ``\xff``."""
    start, end = _shown(span)
    text = data[start:end].decode("utf-8", "backslashreplace")
    return _cut(escape_text(text), is_start=start > 0, is_end=end < len(data))


def _shown(span: Span) -> Span:
    return max(span[0] - _AROUND, 0), min(span[1], span[0] + _MATCH_SHOWN) + _AROUND


def _cut(text: str, *, is_start: bool, is_end: bool) -> str:
    return f"{ELLIPSIS if is_start else ''}{text}{ELLIPSIS if is_end else ''}"


def _plain(pattern: str) -> tuple[Callable[[str], Span | None], Callable[[bytes], Span | None]]:
    encoded = pattern.encode("utf-8", "surrogatepass")

    def in_text(text: str) -> Span | None:
        start = text.find(pattern)
        return None if start < 0 else (start, start + len(pattern))

    def in_bytes(data: bytes) -> Span | None:
        start = data.find(encoded)
        return None if start < 0 else (start, start + len(encoded))

    return in_text, in_bytes


def _expressions(query: Query) -> tuple[Callable[[str], Span | None], Callable[[bytes], Span | None]]:
    source = query.pattern if query.is_regex else re.escape(query.pattern)
    flags = re.IGNORECASE if query.ignores_case else 0
    try:
        text_search = re.compile(source, flags).search
    except (re.error, OverflowError, RecursionError) as error:
        raise EncodeError(f"{escape_text(query.pattern)} is no regular expression: {error}.") from error

    def in_text(text: str) -> Span | None:
        found = text_search(text)
        return found and found.span()

    return in_text, _bytes_expression(source, flags) or (lambda data: in_text(data.decode("latin-1")))


def _bytes_expression(source: str, flags: int) -> Callable[[bytes], Span | None] | None:
    r"""Return the search of an expression in bytes, None where it is one of texts alone (``\u00e9``)."""
    try:
        search = re.compile(source.encode("utf-8", "surrogatepass"), flags).search
    except re.error:
        return None

    def in_bytes(data: bytes) -> Span | None:
        found = search(data)
        return found and found.span()

    return in_bytes
