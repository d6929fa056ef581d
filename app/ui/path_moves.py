"""Where nodes are after an edit: so that what was open and current stays so."""

import re
from collections.abc import Callable, Collection, Sequence

from app.codecs.edits import DeleteNodes, Edit, InsertItem, RenameKey, Reorder
from app.document.shared_places import is_within

Moves = Callable[[str], str | None]
"""Return the path that a node has now, None where it is gone."""

_NUMBER = re.compile(r"(\d+)\]")
_LAST_NUMBER = re.compile(r"\[(\d+)\]\Z")


def moves_of(edits: Sequence[Edit], *, keyed: Collection[str] = (), renamed: str | None = None) -> Moves:
    """Return how some edits, made one after the other, move nodes.

    ``keyed`` are the containers whose numbers are keys, not indexes. ``renamed`` is the path that a pair with another
    key has then.
    """
    each = [_moves_of(edit, keyed, renamed) for edit in edits]

    def moved(path: str) -> str | None:
        found: str | None = path
        for move in each:
            found = None if found is None else move(found)
        return found

    return moved


def _moves_of(edit: Edit, keyed: Collection[str], renamed: str | None) -> Moves:
    match edit:
        case InsertItem(container, index):
            return lambda path: _renumbered(path, f"{container}[", lambda number: number + (number >= index))
        case Reorder(container, order):
            places = {old: new for new, old in enumerate(order)}
            start = f"{container}[#" if container in keyed else f"{container}["
            return lambda path: _renumbered(path, start, lambda number: places.get(number, number))
        case DeleteNodes(paths):
            numbers = _numbers(paths, keyed)
            return lambda path: None if any(_is_at(path, gone) for gone in paths) else _closed_up(path, paths, numbers)
        case RenameKey(old):
            return lambda path: _renamed(path, old, renamed) if _is_at(path, old) else path
        case _:
            return lambda path: path


def _is_at(path: str, other: str) -> bool:
    return path == other or is_within(path, other)


def _renamed(path: str, old: str, new: str | None) -> str | None:
    return None if new is None else new + path[len(old) :]


def _renumbered(path: str, start: str, number_of: Callable[[int], int]) -> str:
    """Return a path with another number behind ``start``, if it has one there."""
    found = _NUMBER.match(path, len(start)) if path.startswith(start) else None
    return path if found is None else f"{start}{number_of(int(found[1]))}]{path[found.end() :]}"


def _numbers(gone: Sequence[str], keyed: Collection[str]) -> Sequence[int]:
    """Return the indexes of items that are gone; none where they are no items."""
    places = [found for each in gone if (found := _LAST_NUMBER.search(each))]
    if not places or gone[0][: places[0].start()] in keyed:
        return ()
    return [int(found[1]) for found in places]


def _closed_up(path: str, gone: Sequence[str], numbers: Sequence[int]) -> str:
    """Return the path of an item behind others that are gone."""
    if not numbers:
        return path
    start = gone[0].removesuffix("]").rstrip("0123456789")
    return _renumbered(path, start, lambda number: number - sum(each < number for each in numbers))
