"""What is found in Berkeley DB queues whose headers are damaged while their records are not."""

from collections.abc import Callable
from pathlib import Path

from app.backends.registry import open_database
from app.cancel import CancelToken
from tests import corpus
from tests.backends.salvaging import salvaged

CopyCase = Callable[[str], Path]
NAME = "bdb53-queue"


def zeroed(path: Path, start: int, count: int) -> Path:
    content = bytearray(path.read_bytes())
    content[start : start + count] = bytes(count)
    path.write_bytes(content)
    return path


def found_in(path: Path) -> list[corpus.ExpectedEntry]:
    return [corpus.expected_entry(one.key or b"", one.value) for one in salvaged(path, format_id="bdb-queue").found]


def test_a_page_whose_header_is_lost_is_a_problem_and_its_records_are_listed(database_case: CopyCase) -> None:
    path = database_case(NAME)
    size = int.from_bytes(path.read_bytes()[20:24], "little")
    zeroed(path, size, 28)

    with open_database(path) as backend:
        problems = list(backend.check(CancelToken()))

    assert [problem.offset for problem in problems] == [size]
    assert "header of page 1" in problems[0].message
    assert sorted(found_in(path), key=str) == sorted(corpus.database(NAME).entries, key=str)


def test_the_start_of_the_first_page_is_not_needed(database_case: CopyCase) -> None:
    path = zeroed(database_case(NAME), 0, 16)

    assert sorted(found_in(path), key=str) == sorted(corpus.database(NAME).entries, key=str)
    assert "first page" in salvaged(path, format_id="bdb-queue").reports[0]
