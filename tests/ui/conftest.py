"""Settings of their own for every test, windows that are closed, files that are watched closely."""

import pytest

from app.ui import file_watcher, watching
from tests.ui.editing import checked_model, tab
from tests.ui.fixtures import child_window, local_window, private_settings, runner, shelf

__all__ = ["checked_model", "child_window", "local_window", "private_settings", "runner", "shelf", "tab"]


@pytest.fixture(autouse=True)
def _quick_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell of changed files after a third of the time; tests of the whole program wait as long as a person does."""
    monkeypatch.setattr(file_watcher, "QUIET", 100)
    monkeypatch.setattr(file_watcher, "_LONGEST", 0.7)
    monkeypatch.setattr(file_watcher, "_MISSING", 300)
    monkeypatch.setattr(watching, "_ANYWAY", 1_000)
