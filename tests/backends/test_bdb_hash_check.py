"""What a check finds in a hash file beyond listing its entries."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.base import Problem
from app.backends.registry import open_database
from app.cancel import CancelToken
from tests import corpus
from tests.backends.test_bdb_hash_write import write

CopyCase = Callable[[str], Path]
INTACT = corpus.databases("bdb-hash", corrupt=False)
PAIRS = [(b"key %03d" % number, b"v" * 40) for number in range(100)]
META = {"free": 28, "last page": 32, "high mask": 76, "keys": 88}


def checked(path: Path) -> list[Problem]:
    with open_database(path) as backend:
        return list(backend.check(CancelToken()))


def patch(path: Path, offset: int, fields: str, *numbers: int) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into("<" + fields, content, offset, *numbers)
    path.write_bytes(content)


def only_problem(path: Path) -> str:
    (problem,) = checked(path)
    return problem.message


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_an_intact_file_is_passed_in_silence(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    assert checked(database_case(case.name)) == []


@pytest.mark.parametrize("case", corpus.databases("bdb-hash", corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_is_not(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    assert checked(database_case(case.name))


@pytest.mark.parametrize(
    ("field", "number", "sentence"),
    [
        ("last page", 5, "goes on for"),
        ("high mask", 3, "masks"),
        ("keys", 1 << 31 | 1, "2,147,483,649 keys"),
        ("free", 2, "Page 2 is in the list of free pages, but it is not free."),
        ("free", 9999, "list of free pages is broken"),
    ],
)
def test_numbers_of_the_first_page_are_compared(tmp_path: Path, field: str, number: int, sentence: str) -> None:
    path = write(tmp_path / "x.db", PAIRS, 512)
    patch(path, META[field], "I", number)

    assert sentence in " ".join(problem.message for problem in checked(path))


def test_a_free_list_that_never_ends_is_found(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-n1000-512")
    assert int.from_bytes(path.read_bytes()[28:32], "little") == 3
    patch(path, 3 * 512 + 16, "I", 3)

    assert [problem.message for problem in checked(path)] == [
        "Page 3 is in the list of free pages, but it is used, or there twice.",
        "Page 45 is neither used nor free.",
    ]


def test_pages_that_nothing_uses_are_counted(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-n1000-512")
    patch(path, META["free"], "I", 0)

    assert only_problem(path) == "2 pages are neither used nor free, the first of them is page 3."


def test_an_overflow_chain_counts_those_that_lead_to_it(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"k", b"v" * 2000)], 512)
    content = path.read_bytes()
    first = next(start for start in range(512, len(content), 512) if content[start + 25] == 7)
    patch(path, first + 20, "H", 2)

    assert only_problem(path) == f"Page {first // 512} says that 2 items lead to it, and 1 do."


def test_keys_that_a_native_search_would_miss_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"%04d" % number, b"") for number in range(40)], 4096)
    content = path.read_bytes()
    at = content.index(b"0000")
    first = at // 4096 * 4096
    other = max(
        content.index(b"%04d" % number, first)
        for number in range(1, 40)
        if b"%04d" % number in content[first : first + 4096]
    )
    patched = bytearray(content)
    patched[at : at + 4], patched[other : other + 4] = content[other : other + 4], content[at : at + 4]
    path.write_bytes(patched)

    assert "are out of order: Berkeley DB does not find" in only_problem(path)


def test_what_berkeley_db_itself_cannot_find_for_its_own_bug_is_a_note(database_case: CopyCase) -> None:
    with open_database(database_case("bdb53-hash-odd-512")) as backend:
        assert list(backend.check(CancelToken())) == []
        assert backend.notes == ["Berkeley DB itself does not find 1 of the keys, for the order that it put them in."]


def test_a_page_kept_for_a_bucket_to_come_must_be_empty(database_case: CopyCase) -> None:
    path = database_case("bdb53-hash-del-512")
    content = path.read_bytes()
    max_bucket = int.from_bytes(content[72:76], "little")
    spare = int.from_bytes(content[96 + 4 * 5 : 100 + 4 * 5], "little")
    page = max_bucket + 1 + spare
    patch(path, page * 512 + 25, "B", 5)

    assert any(f"Page {page}, which is kept for a bucket to come" in problem.message for problem in checked(path))
