"""Engines that take their time: what they do begins at once, and ends when it may."""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any

import pytest

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.cancel import CancelToken
from app.document.draft import Draft, Edited
from app.engine.base import MadeDatabase, ProblemNote
from app.engine.local import LocalEngine
from tests.ui.fixtures import WAIT


class SlowSaves:
    """Saves of which a quarter is done at once, and the rest when it may be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.may_end = Event(), Event()
        apply = LocalEngine.apply

        def slow(
            engine: LocalEngine,
            changes: Sequence[Change],
            expected: Mapping[int, Expected],
            options: SaveOptions,
            token: CancelToken,
        ) -> SaveReport:
            token.advance(1, 4)
            self.began.set()
            self.may_end.wait(WAIT / 1_000)
            return apply(engine, changes, expected, options, token)

        monkeypatch.setattr(LocalEngine, "apply", slow)


class SlowEdits:
    """Edits that begin at once and end when they may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.may_end = Event(), Event()
        edited = Draft.edited

        def slow(draft: Draft, title: str, path: str = "") -> Edited:
            self.began.set()
            self.may_end.wait(WAIT / 1_000)
            return edited(draft, title, path)

        monkeypatch.setattr(Draft, "edited", slow)


class SlowCopies:
    """Copies that are written at once and reported when they may be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written, self.may_end = Event(), Event()
        convert = LocalEngine.convert

        def slow(*given: Any, **options: Any) -> MadeDatabase:
            made = convert(*given, **options)
            self.written.set()
            self.may_end.wait(WAIT / 1_000)
            return made

        monkeypatch.setattr(LocalEngine, "convert", slow)


class SlowChecks:
    """Checks that begin at once and end when they may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.may_end = Event(), Event()
        check_file = LocalEngine.check_file

        def slow(engine: LocalEngine, path: str, token: CancelToken) -> tuple[ProblemNote, ...]:
            self.began.set()
            self.may_end.wait(WAIT / 1_000)
            return check_file(engine, path, token)

        monkeypatch.setattr(LocalEngine, "check_file", slow)
