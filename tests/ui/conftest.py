"""Settings of their own for every test, and windows that are closed whatever happens."""

from tests.ui.fixtures import child_window, local_window, private_settings, runner, shelf

__all__ = ["child_window", "local_window", "private_settings", "runner", "shelf"]
