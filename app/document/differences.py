"""What differs between two values as trees: the paths that changed, with the text before and after."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.screen import ELLIPSIS
from app.engine.base import Engine
from app.engine.value_calls import Source
from app.errors import CodecError
from app.limits import CELL_CHARS

SHOWN = 1_000
"""Differences that are told of one value."""
_ROWS = 50_000
"""Rows that are compared of one value."""
_PAGE = 500
"""Rows that are asked for at a time."""
_LONG_CHARS = 1_000_000
"""Characters of a long text that are compared."""
_AROUND = 20
"""Characters that are shown before the first one that differs."""
_NOT_ENTERED = frozenset({"recursive"})


class DifferenceKind(Enum):
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place that differs; ``before`` and ``after`` are texts that are safe for the screen, with the type."""

    path: str
    kind: DifferenceKind
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Differences:
    """The places of a value that differ, in the order of the tree, outer levels first.

    ``is_complete``: whether all of it was compared and all differences are here.
    """

    found: tuple[Difference, ...] = ()
    is_complete: bool = True


def differences(engine: Engine, before: Source | None, after: Source | None, token: CancelToken) -> Differences:
    """Return what differs between two values, either of which may not be there; bounded by `SHOWN`."""
    comparison = _Comparison(engine, token)
    if before is None or after is None:
        kind = DifferenceKind.ADDED if before is None else DifferenceKind.REMOVED
        texts = ["" if source is None else comparison.root_text(source) for source in (before, after)]
        return Differences((Difference("", kind, *texts),) if any(texts) else ())
    try:
        found = tuple(comparison.compare(before, after))
    except CodecError as error:
        found = (Difference("", DifferenceKind.CHANGED, "", error.message),)
    if not found and comparison.is_complete and comparison.bytes_differ(before, after):
        found = (Difference("", DifferenceKind.CHANGED, *map(comparison.root_text, (before, after))),)
    return Differences(found, comparison.is_complete)


_Pair = tuple[str, NodeRow, NodeRow]
"""A path, and the rows that are there before and after."""


class _Comparison:
    def __init__(self, engine: Engine, token: CancelToken) -> None:
        self.is_complete = True
        self._engine = engine
        self._token = token
        self._rows_left = _ROWS

    def root_text(self, source: Source) -> str:
        """Return type and text of a whole value, or why it cannot be read."""
        try:
            return _text(self._engine.decode(source, self._token).root)
        except CodecError as error:
            return error.message

    def bytes_differ(self, before: Source, after: Source) -> bool:
        """Tell whether the values are not the same though their trees are: in layout, or behind what a row shows."""
        return self._engine.digest(before, self._token) != self._engine.digest(after, self._token)

    def compare(self, before: Source, after: Source) -> Iterator[Difference]:
        """Yield what differs, level by level; at most `SHOWN` of it."""
        left, right = (self._engine.decode(source, self._token).root for source in (before, after))
        pairs: deque[_Pair] = deque([("", left, right)])
        shown = 0
        while pairs and self.is_complete:
            path, old, new = pairs.popleft()
            self._token.check()
            for difference in self._of_pair(path, old, new, (before, after), pairs):
                yield difference
                shown += 1
                if shown == SHOWN:
                    self.is_complete = False
                    return

    def _of_pair(
        self, path: str, old: NodeRow, new: NodeRow, sources: tuple[Source, Source], pairs: "deque[_Pair]"
    ) -> Iterator[Difference]:
        """Yield what differs at one place, and put the places within it that may differ at the end of ``pairs``."""
        if _NOT_ENTERED & {*old.flags} & {*new.flags}:
            return
        is_edited_as_text = bool(old.editor and new.editor) and _text(old) != _text(new)
        is_entered = old.type == new.type and bool(old.count or new.count) and not is_edited_as_text
        if is_entered and not _NOT_ENTERED & {*old.flags, *new.flags}:
            children = self._children(sources[0], old), self._children(sources[1], new)
            for step, one, other in _matched(*children):
                if one is not None and other is not None:
                    pairs.append((path + step, one, other))
                elif one is not None:
                    yield Difference(path + step, DifferenceKind.REMOVED, before=_text(one))
                elif other is not None:
                    yield Difference(path + step, DifferenceKind.ADDED, after=_text(other))
        elif _text(old) != _text(new) or old.flags != new.flags:
            yield Difference(path, DifferenceKind.CHANGED, _text(old), _text(new))
        elif _is_cut(old):
            yield from self._of_long_texts(path, sources)

    def _of_long_texts(self, path: str, sources: tuple[Source, Source]) -> Iterator[Difference]:
        """Yield the difference of scalars that are longer than a row shows, from where they differ."""
        old, new = (self._engine.text(source, _LONG_CHARS, self._token, path) for source in sources)
        if old != new:
            same = next((place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
            start = max(same - _AROUND, 0)
            shown = (f"{ELLIPSIS}{text[start : start + CELL_CHARS]}" for text in (old, new))
            yield Difference(path, DifferenceKind.CHANGED, *shown)

    def _children(self, source: Source, row: NodeRow) -> list[NodeRow]:
        rows: list[NodeRow] = []
        while len(rows) < row.count:
            if self._rows_left <= 0:
                self.is_complete = False
                break
            page = self._engine.rows(source, row.node, len(rows), min(_PAGE, self._rows_left), self._token)
            if not page:
                break
            rows += page
            self._rows_left -= len(page)
        return rows


def _is_cut(row: NodeRow) -> bool:
    """Tell whether a scalar has more than its row shows."""
    return not row.count and (row.text.endswith(ELLIPSIS) or row.text.startswith("<"))


def _text(row: NodeRow) -> str:
    return f"{row.type} {row.text}".strip()


def _matched(left: Sequence[NodeRow], right: Sequence[NodeRow]) -> Iterator[tuple[str, NodeRow | None, NodeRow | None]]:
    """Yield the steps of both with their rows: lists by their equal ends, everything else by the steps' texts."""
    if all(row.step == f"[{place}]" for rows in (left, right) for place, row in enumerate(rows)):
        yield from _matched_in_order(left, right)
        return
    others = {row.step: row for row in right}
    for row in left:
        yield row.step, row, others.pop(row.step, None)
    for step, row in others.items():
        yield step, None, row


def _matched_in_order(
    left: Sequence[NodeRow], right: Sequence[NodeRow]
) -> Iterator[tuple[str, NodeRow | None, NodeRow | None]]:
    """Yield items of lists; what was put in or taken out stands between equal items at the start and at the end."""
    start = _equal(left, right)
    shorter = min(len(left), len(right)) - start
    end = min(shorter, _equal(left[::-1], right[::-1])) if len(left) != len(right) else 0
    length = max(len(left), len(right)) - end
    for place in range(length):
        old = left[place] if place < len(left) - end else None
        new = right[place] if place < len(right) - end else None
        yield (new or old or left[place]).step, old, new
    for back in range(end, 0, -1):
        yield right[-back].step, left[-back], right[-back]


def _equal(left: Sequence[NodeRow], right: Sequence[NodeRow]) -> int:
    """Return how many rows at the start look equal."""
    for place, (old, new) in enumerate(zip(left, right, strict=False)):
        if (old.type, old.text, old.count) != (new.type, new.text, new.count):
            return place
    return min(len(left), len(right))
