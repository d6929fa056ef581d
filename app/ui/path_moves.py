"""Where nodes are after an edit: so that what was open and current stays so."""

import re
from collections.abc import Callable, Sequence

from app.codecs.edits import DeleteNodes, Edit, InsertItem, RenameKey, Reorder

Moves = Callable[[str], str | None]
"""Return the path that a node has now, None where it is gone."""

_NUMBER = re.compile(r"\[(\d+)\]")
_LAST_NUMBER = re.compile(r"\[(\d+)\]\Z")


def moves_of(edits: Sequence[Edit]) -> Moves:
    """Return how some edits, made one after the other, move items of lists."""

    def moved(path: str) -> str | None:
        found: str | None = path
        for edit in edits:
            found = None if found is None else _moved(edit, found)
        return found

    return moved


def _moved(edit: Edit, path: str) -> str | None:
    match edit:
        case InsertItem(container, index):
            return _renumbered(path, container, lambda number: number + (number >= index))
        case Reorder(container, order):
            return _renumbered(path, container, lambda number: order.index(number) if number < len(order) else number)
        case DeleteNodes(paths):
            return None if any(path.startswith(gone) for gone in paths) else _closed_up(path, paths)
        case RenameKey(old):
            return None if path.startswith(old) else path
        case _:
            return path


def _renumbered(path: str, container: str, number_of: Callable[[int], int]) -> str:
    found = _NUMBER.match(path, len(container)) if path.startswith(container) else None
    if found is None:
        return path
    return f"{container}[{number_of(int(found[1]))}]{path[found.end() :]}"


def _closed_up(path: str, gone: Sequence[str]) -> str:
    """Return the path of an item behind others that are gone."""
    places = [found for each in gone if (found := _LAST_NUMBER.search(each))]
    if not places:
        return path
    container = gone[0][: places[0].start()]
    numbers = [int(found[1]) for found in places]
    return _renumbered(path, container, lambda number: number - sum(each < number for each in numbers))
