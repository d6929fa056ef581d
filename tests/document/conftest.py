"""A database of three entries, which many files replace by their own ``path``, and its document."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.document.document import Document
from tests.document.databases import ENTRIES, opened
from tests.engine.shelves import make_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", ENTRIES)


@pytest.fixture
def document(path: Path) -> Iterator[Document]:
    document = opened(path)
    yield document
    document.close()
