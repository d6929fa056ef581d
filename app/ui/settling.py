"""Doing something else only when what is typed was taken, so that it does not get lost."""

from collections.abc import Callable
from functools import partial
from typing import Protocol
from weakref import proxy

from app.cancel import CancelToken
from app.document.job import Job
from app.ui.jobs import JobRunner
from app.ui.value_panel import ValuePanel

COMES_FIRST = "What was typed is not taken yet; correct it, or give it up by Escape in its field."
_TURNS = 8
"""Jobs of an edit, its decoding and its rows that are waited for before the row is there again."""


class Typing(Protocol):
    """Where something is typed; as `ValueEditing` says."""

    @property
    def is_open(self) -> bool: ...

    def commit(self) -> None: ...

    def focus(self) -> None: ...

    def insist(self) -> None:
        """Go back to what is typed, and say that it comes first."""


class TypingInRows(Typing, Protocol):
    """Where it goes into a row that the edit puts in anew."""

    @property
    def is_busy(self) -> bool: ...


class Settling:
    """Waits by jobs that come behind those of the edit, and does nothing where it is refused."""

    def __init__(self, typing: Typing, runner: JobRunner) -> None:
        self._typing = proxy(typing)  # it holds this one: a cycle would be collected in whatever thread
        self._runner = runner

    def settle(self, then: Callable[[], object]) -> None:
        """Hand over what is typed, then call ``then``; what is refused stays in front instead."""
        was_open = self._typing.is_open
        self._typing.commit()  # closes what holds nothing: typed into it meanwhile would be lost
        if was_open:
            self._runner.start(Job("Editing", _nothing_at_all, partial(self._on_settled, then), edits=True))
        else:
            then()

    def _on_settled(self, then: Callable[[], object], _: object) -> None:
        if self._typing.is_open:
            self._typing.insist()
        else:
            then()


class RowSettling(Settling):
    """Waits for the row that is typed in too."""

    def __init__(self, typing: TypingInRows, panel: ValuePanel, runner: JobRunner) -> None:
        super().__init__(typing, runner)
        self._rows = proxy(typing)
        self._panel = panel

    def settle_row(self, then: Callable[[], object]) -> None:
        """Do so, and call ``then`` when the current row is there again; not where it went elsewhere."""
        if self._rows.is_open or self._rows.is_busy:
            self._rows.commit()
            self._wait(then, self._current_path, _TURNS)
        else:
            then()

    def _wait(self, then: Callable[[], object], path: str, turns: int) -> None:
        self._runner.start(Job("Editing", _nothing_at_all, partial(self._on_turn, then, path, turns), edits=True))

    def _on_turn(self, then: Callable[[], object], path: str, turns: int, _: object) -> None:
        if self._rows.is_open:
            self._rows.insist()
        elif not self._rows.is_busy and self._current_path == path:
            then()
        elif turns:
            self._wait(then, path, turns - 1)

    @property
    def _current_path(self) -> str:
        return self._panel.model.path(self._panel.tree.currentIndex())


def _nothing_at_all(_token: CancelToken) -> None:
    pass
