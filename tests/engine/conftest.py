"""Engines for one test each: both kinds, or the one in this process."""

from collections.abc import Iterator

import pytest

from app.engine.base import Engine
from app.engine.child import ChildEngine
from app.engine.local import LocalEngine

_KINDS: list[type[LocalEngine | ChildEngine]] = [LocalEngine, ChildEngine]


@pytest.fixture(params=_KINDS)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give an engine in this process, then one in a child."""
    made: Engine = request.param()
    yield made
    made.close()


@pytest.fixture
def local() -> Iterator[LocalEngine]:
    """Give an engine in this process."""
    made = LocalEngine()
    yield made
    made.close()
