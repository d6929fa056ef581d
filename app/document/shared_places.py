"""Which objects that stand in several places an edit changes."""

from collections.abc import Iterable, Sequence

from app.codecs.edits import AddPair, DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode

_STEP_STARTS = "[.{<"


def changed_by(edits: Sequence[Edit], places: Iterable[str]) -> list[str]:
    """Return those of ``places`` whose objects are changed in themselves, be it far within.

    What is replaced as a whole is not: the edit itself says whether that is done everywhere.
    """
    return [place for place in places if any(_is_changed(place, edit) for edit in edits)]


def _is_changed(place: str, edit: Edit) -> bool:
    match edit:
        case InsertItem(path) | AddPair(path) | Reorder(path):
            return path == place or is_within(path, place)
        case ReplaceNode(path) | RenameKey(path):
            return is_within(path, place)
        case DeleteNodes(paths):
            return any(is_within(path, place) for path in paths)
        case _:
            return False


def is_within(path: str, place: str) -> bool:
    """Tell whether a path is that of something below another one."""
    return path.startswith(place) and path[len(place) : len(place) + 1] in _STEP_STARTS and path != place
