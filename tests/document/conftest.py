"""A database of three entries, which many files replace by their own ``path``, and its document, with a journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.document.document import Document
from app.document.journals import Journals
from tests.document.databases import ENTRIES, opened
from tests.engine.shelves import make_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", ENTRIES)


@pytest.fixture
def journals(tmp_path_factory: pytest.TempPathFactory) -> Journals:
    return Journals(tmp_path_factory.mktemp("state") / "journals")


@pytest.fixture
def document(path: Path, journals: Journals) -> Iterator[Document]:
    document = opened(path, journals)
    yield document
    document.close()
