"""Whatever a check finds in a damaged database, a salvage of it says something, too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.registry import open_database
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from app.errors import AppError
from tests import corpus
from tests.backends.salvaging import salvaged

CopyCase = Callable[[str], Path]
LARGE = [case for case in corpus.databases(corrupt=False) if case.name.endswith("-n150") and len(case.files) == 1]


def says(path: Path) -> bool:
    """Tell whether a check of a database finds anything; whether it can be opened does not matter here."""
    try:
        with open_database(path, value_end) as backend:
            return bool(list(backend.check(CancelToken())))
    except AppError:
        return False


@pytest.mark.parametrize("case", LARGE, ids=corpus.name_of)
def test_four_zeroed_bytes_are_told_by_both(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    file = path / "data.mdb" if path.is_dir() else path
    content = file.read_bytes()
    for place in range(492, len(content), max(len(content) // 12, 4) & ~3):
        file.write_bytes(content[:place] + bytes(4) + content[place + 4 :])

        if says(path):
            assert salvaged(path).reports, place
