"""Looking for a text in the keys and values of many entries, in slices of some milliseconds."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.codecs.findings import Hit, Query
from app.codecs.matching import Matcher
from app.engine.base import ExportItem, Found, SearchReport
from app.errors import AppError, LimitExceeded

_SLICE_SECONDS = 0.02
_MOST_HITS = 1_000
"""Hits that are told of at once."""


def search_reports(
    items: Iterable[ExportItem],
    total: int,
    read: Callable[[ExportItem], bytes],
    query: Query,
    token: CancelToken,
    *,
    unpickles: bool,
) -> Iterator[SearchReport]:
    """Yield what was found in each slice of the work; the last report is ``finished``.

    ``unpickles``: this is an engine process, where `codecs.pickle.guard` may tell what cannot match.

    Raises:
        EncodeError: the regular expression is wrong.
        Cancelled: by ``token``.
    """
    matcher = Matcher(query)
    misses = codecs.Misses(query, matcher, unpickles=unpickles)
    slices = _Slices(total)
    for number, item in enumerate(items):
        token.check()
        if (hit := key_hit(item.key, matcher)) is not None:
            slices.add(Found(number, item.key, "", hit.text, is_key=True))
        try:
            for hit in _value_hits(read(item), misses, query, token):
                slices.add(Found(number, item.key, hit.path, hit.text))
                if slices.is_due:
                    yield slices.report(number)
        except AppError as error:
            slices.unread.append((item.key, error.message))
        if slices.is_due:
            yield slices.report(number + 1)
    yield slices.report(total, finished=True)


def key_hit(key: bytes, matcher: Matcher) -> Hit | None:
    """Return the hit that an entry's key is, as text where it is UTF-8."""
    try:
        text = key.decode("utf-8")
    except UnicodeDecodeError:
        return matcher.hits_bytes("", key)
    return matcher.hits_text("", text) or matcher.hits_bytes("", key)


def _value_hits(data: bytes, misses: codecs.Misses, query: Query, token: CancelToken) -> Iterator[Hit]:
    if misses.surely(data):
        return
    value, _reason = codecs.decode(data, token)
    yield from value.search(query, token)
    if value.why_cut:
        raise LimitExceeded(f"It was searched in part. {value.why_cut}")


@dataclass(slots=True)
class _Slices:
    """What waits to be reported."""

    total: int
    hits: list[Found] = field(default_factory=list)
    unread: list[tuple[bytes, str]] = field(default_factory=list)
    due: float = field(default_factory=lambda: time.monotonic() + _SLICE_SECONDS)

    def add(self, found: Found) -> None:
        self.hits.append(found)

    @property
    def is_due(self) -> bool:
        return len(self.hits) >= _MOST_HITS or time.monotonic() >= self.due

    def report(self, done: int, *, finished: bool = False) -> SearchReport:
        """Return what was found since the last report."""
        report = SearchReport(done, self.total, tuple(self.hits), tuple(self.unread), finished)
        self.hits.clear()
        self.unread.clear()
        self.due = time.monotonic() + _SLICE_SECONDS
        return report
