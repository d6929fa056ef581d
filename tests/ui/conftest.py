"""Settings of their own for every test, windows that are closed, files that are watched closely."""

from typing import Any

import pytest
from PySide6.QtTest import QAbstractItemModelTester

from app.ui import file_watcher, tab_area, watching
from app.ui.database_tab import DatabaseTab
from tests.ui.editing import tab
from tests.ui.fixtures import (
    child_window,
    crashed,
    journaling_window,
    journals,
    local_window,
    private_settings,
    runner,
    shelf,
)

__all__ = [
    "child_window",
    "crashed",
    "journaling_window",
    "journals",
    "local_window",
    "private_settings",
    "runner",
    "shelf",
    "tab",
]


class _TestedTab(DatabaseTab):
    """A tab whose models Qt's tester goes through at each change; what it finds is a warning, and that an error."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for model in (self.entries.model, self.value.model):
            QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning, self)


@pytest.fixture(autouse=True)
def _tested_models(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tester on in every test that opens a tab, but where it would go through thousands of rows each time."""
    if request.node.get_closest_marker("many_rows") is None:
        monkeypatch.setattr(tab_area, "DatabaseTab", _TestedTab)


@pytest.fixture(autouse=True)
def _quick_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell of changed files after a third of the time; tests of the whole program wait as long as a person does."""
    monkeypatch.setattr(file_watcher, "QUIET", 100)
    monkeypatch.setattr(file_watcher, "_LONGEST", 0.7)
    monkeypatch.setattr(file_watcher, "_MISSING", 300)
    monkeypatch.setattr(watching, "_ANYWAY", 1_000)
