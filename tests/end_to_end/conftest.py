"""The fixtures of window tests."""

from tests.ui.fixtures import child_window, local_window, private_settings, shelf

__all__ = ["child_window", "local_window", "private_settings", "shelf"]
