"""What becomes of a test whose referee is not installed."""

import os
from typing import NoReturn

import pytest


def missing_tool(sentence: str) -> NoReturn:
    """Skip the test for a reason; in CI, where every referee is installed, fail it."""
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
