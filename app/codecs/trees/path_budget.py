"""How much the paths of what is found in one value may take; places that lie within each other make them long."""

from app import limits
from app.errors import LimitExceeded


class PathBudget:
    """Counts the characters of paths."""

    def __init__(self) -> None:
        self._left = limits.PATH_CHARS

    def take(self, path: str) -> str:
        """Return a path that is told.

        Raises:
            LimitExceeded: too many were, or too long ones.
        """
        self._left -= len(path)
        if self._left < 0:
            raise LimitExceeded("More places match, but they lie so deep that their paths are too long to be told.")
        return path
