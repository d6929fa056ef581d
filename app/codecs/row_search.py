"""Looking for text in the rows of a value, whatever its format."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from app import limits
from app.cancel import CancelToken
from app.codecs.findings import Hit
from app.codecs.literals.scalars import parse_raw
from app.codecs.matching import Matcher
from app.codecs.screen import ELLIPSIS
from app.codecs.trees.path_budget import PathBudget
from app.errors import CodecError, EncodeError

_PAGE = 500


class Row(Protocol):
    """What is read of a `base.NodeRow`."""

    @property
    def node(self) -> int: ...
    @property
    def step(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def flags(self) -> tuple[str, ...]: ...


class Rows(Protocol):
    """What is asked of a `base.DecodedValue`."""

    @property
    def root(self) -> Row: ...
    def rows(self, node: int, start: int, count: int) -> Sequence[Row]: ...
    def edit_text(self, path: str) -> str: ...


def row_hits(value: Rows, matcher: Matcher, token: CancelToken) -> Iterator[Hit]:
    """Yield the rows whose label or scalar matches, in the order of the tree.

    Raises:
        LimitExceeded: the paths are too long together.
        Cancelled: by ``token``.
    """
    budget = limits.JSON_NODES
    paths = PathBudget()
    root = value.root
    yield from _row_hit(value, root, [], matcher)
    steps: list[str] = []
    open_nodes = [_pages(value, root)]
    while open_nodes and budget:
        token.check()
        budget -= 1
        row = next(open_nodes[-1], None)
        if row is None:
            open_nodes.pop()
            del steps[-1:]
            continue
        steps.append(row.step)
        for hit in _row_hit(value, row, steps, matcher):
            paths.take(hit.path)
            yield hit
        if row.count and "recursive" not in row.flags and len(open_nodes) <= limits.TREE_NODES:
            open_nodes.append(_pages(value, row))
        else:
            steps.pop()


def _pages(value: Rows, row: Row) -> Iterator[Row]:
    for start in range(0, row.count, _PAGE):
        yield from value.rows(row.node, start, _PAGE)


def _row_hit(value: Rows, row: Row, steps: Sequence[str], matcher: Matcher) -> Iterator[Hit]:
    hit = None
    path = ""  # joined only where it is needed: that of a deep row is long
    if not row.count:
        hit = _hit_of(path, _content(value, row, steps), matcher)
    if hit is None and row.step != f"[{row.label}]" and row.label:  # the number of an item is nothing to look for
        hit = matcher.hits_text(path, row.label)
    if hit is None and row.step.startswith(("['", '["')):
        hit = _hit_of(path, _meant(row.step[1:-1]), matcher)
    if hit is not None:
        yield replace(hit, path="".join(steps))


def _hit_of(path: str, content: str | bytes, matcher: Matcher) -> Hit | None:
    return matcher.hits_bytes(path, content) if isinstance(content, bytes) else matcher.hits_text(path, content)


def _content(value: Rows, row: Row, steps: Sequence[str]) -> str | bytes:
    """Return what a row shows, the whole of a text."""
    shown = row.text
    if shown.endswith(ELLIPSIS):
        try:
            shown = value.edit_text("".join(steps))
        except CodecError:
            return shown
    return _meant(shown) if shown.endswith(("'", '"')) else shown


def _meant(literal: str) -> str | bytes:
    """Return the text or the bytes that a literal stands for, the literal itself where it is none."""
    try:
        return parse_raw(literal)
    except EncodeError:
        return literal
