"""The fixtures of window tests, and what tests that measure the window leave out of account."""

import gc
from collections.abc import Iterator

import pytest

from tests.ui.fixtures import child_window, local_window, private_settings, shelf

__all__ = ["child_window", "local_window", "private_settings", "shelf"]


@pytest.fixture(autouse=True)
def _collect_no_objects_of_other_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep Python's collector from going through what earlier tests left while gaps are measured."""
    if request.node.get_closest_marker("alone") is None:
        yield
        return
    gc.collect()
    gc.freeze()
    yield
