"""Whether a place of a value holds objects that stand in other places too, which its text cannot say."""

from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.document.shared_places import is_within
from app.engine.base import Engine
from app.engine.value_calls import Source

_MOST_ROWS = 20_000
"""Rows that are looked at; where there are more, objects are taken to be shared."""
_MOST_PAGES = 2_000
_PAGE = 1_000


def holds_shared(engine: Engine, source: Source, path: str, token: CancelToken, *, keeps_own: bool) -> bool:
    """Tell whether objects that can be changed stand within ``path`` and in other places too.

    ``keeps_own``: those other places count only where they are outside of ``path``.
    """
    left = _MOST_ROWS
    for here, row in _rows(engine, source, "" if keeps_own else path, token):
        left -= 1
        if left < 0 or here is None:
            return True
        if "shared" not in row.flags or not row.count:
            continue
        is_inside = is_within(here, path)
        if not keeps_own and is_inside:
            return True
        if keeps_own and row.first is not None and is_inside != is_within(row.first, path):
            return True
    return False


def _rows(engine: Engine, source: Source, path: str, token: CancelToken) -> Iterator[tuple[str | None, NodeRow]]:
    """Yield the containers on the way to a place and all below it, with their paths; None as path: there are more."""
    root = engine.decode(source, token).root
    waiting = [("", root)]
    pages = 0
    while waiting:
        here, row = waiting.pop()
        for start in range(0, row.count, _PAGE):
            pages += 1
            if pages > _MOST_PAGES:
                yield None, row
                return
            for child in engine.rows(source, row.node, start, _PAGE, token):
                place = here + child.step
                is_on_way = place == path or is_within(place, path) or is_within(path, place)
                if child.count and child.step and is_on_way:
                    yield place, child
                    if "recursive" not in child.flags:
                        waiting.append((place, child))
