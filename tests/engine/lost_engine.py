"""An engine that is lost in its first save."""

from collections.abc import Mapping, Sequence

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.cancel import CancelToken
from app.engine.local import LocalEngine
from app.errors import EngineStopped


class LostEngine(LocalEngine):
    """Is lost in its first save: before the commit, or right behind it."""

    def __init__(self, *, commits: bool) -> None:
        super().__init__()
        self.commits = commits
        self.saves = 0

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        self.saves += 1
        if self.saves > 1:
            return super().apply(changes, expected, options, token)
        if self.commits:
            super().apply(changes, expected, options, token)
        self._release()
        raise EngineStopped("The process that reads the database ended unexpectedly.")
