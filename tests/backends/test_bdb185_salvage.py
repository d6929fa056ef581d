"""What is found in files of Berkeley DB 1.85 without their first page."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.salvage import Origin
from tests import corpus
from tests.backends.salvaging import salvaged

CopyCase = Callable[[str], Path]
FORMATS = ("bdb185-hash", "bdb185-btree")
INTACT = [case for case in corpus.databases(*FORMATS, corrupt=False) if case.count]


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_all_of_an_intact_file_is_there(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    search = salvaged(database_case(case.name))

    assert len(search.found) == case.count
    assert {one.origin for one in search.found} == {Origin.LIVE}
    assert search.reports == []


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_the_first_page_is_not_needed(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    path.write_bytes(bytes(16) + path.read_bytes()[16:])

    search = salvaged(path, format_id=case.format or "")

    right = [one for one in search.found if corpus.expected_entry(one.key or b"", one.value) in case.entries]
    big = 3  # those of hash files cannot be told without the first page
    assert len(right) >= max((case.count or 0) - big, 1)
    assert len(search.found) - len(right) <= 3
    assert "first page" in search.reports[0]
