"""What `check` finds in btree files beyond their entries: every structure that Berkeley DB's own verification knows."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.berkeley.btree_write import FLAG_DUPLICATES, FLAG_RECORD_NUMBERS, FLAG_SORTED, BtreeSettings
from app.backends.registry import open_database
from app.cancel import CancelToken
from tests import corpus
from tests.backends.native import bdb_load
from tests.backends.native_bdb import bdb_change
from tests.backends.test_bdb_btree_write import write

CopyCase = Callable[[str], Path]
PAGE = 512
INTACT = corpus.databases("bdb-btree", "bdb-recno", "bdb-queue", corrupt=False)


def problems_of(path: Path) -> list[tuple[str, int | None]]:
    with open_database(path) as backend:
        return [(problem.message, problem.offset) for problem in backend.check(CancelToken())]


def patch(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def word(path: Path, offset: int) -> int:
    number: int = struct.unpack_from("<I", path.read_bytes(), offset)[0]
    return number


def places_of(path: Path, page: int) -> list[int]:
    """Return where in the file the items of a page are."""
    content = path.read_bytes()
    [count] = struct.unpack_from("<H", content, page * PAGE + 20)
    return [page * PAGE + slot for slot in struct.unpack_from(f"<{count}H", content, page * PAGE + 26)]


def tree(tmp_path: Path, flags: int = 0) -> Path:
    """Return a file with two levels, its leaves from page 2 on."""
    pairs = [(b"key %05d" % number, b"value %05d" % number) for number in range(150)]
    return write(tmp_path / "x.db", pairs, BtreeSettings(PAGE, flags=flags))


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_nothing_is_wrong_with_an_intact_case(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    assert problems_of(database_case(case.name)) == []


def test_nothing_is_wrong_with_what_berkeley_db_has_changed_for_long(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    pairs = [(b"the same for long " * 30 + b"%05d" % number, b"v" * number) for number in range(300)]
    bdb_load(path, pairs, "btree", db_pagesize=512, duplicates=1)

    bdb_change(path, seed=1, count=5000)

    assert problems_of(path) == []


def test_a_level_that_is_not_that_of_its_page_is_found(tmp_path: Path) -> None:
    path = tree(tmp_path)
    patch(path, 3 * PAGE + 24, b"\x02")

    assert problems_of(path) == [("Page 3 says that it is on level 2 of the tree, and is not.", 3 * PAGE)]


def test_a_separator_that_hides_keys_is_found(tmp_path: Path) -> None:
    path = tree(tmp_path)
    separator = places_of(path, 1)[2] + 12
    patch(path, separator, b"z")

    found = problems_of(path)

    assert [message for message, _offset in found] == [
        "A look-up would not find all keys of page 4: it is in a wrong place."
    ]


def test_leaves_that_do_not_know_each_other_are_found(tmp_path: Path) -> None:
    path = tree(tmp_path)
    patch(path, 2 * PAGE + 12, struct.pack("<I", 3))

    assert problems_of(path) == [("Page 2 does not know the leaf before it.", 2 * PAGE)]


def test_a_wrong_count_of_records_is_found(tmp_path: Path) -> None:
    path = tree(tmp_path, FLAG_RECORD_NUMBERS)
    assert problems_of(path) == []
    patch(path, places_of(path, 1)[1] + 8, struct.pack("<I", 3))

    messages = [message for message, _offset in problems_of(path)]

    assert any("Page 1 has" in message and "150 were counted" in message for message in messages)
    assert any(message.startswith("Page 3 has ") and "3 were counted" in message for message in messages)


def test_a_wrong_count_of_references_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"k", b"v" * 1000)], BtreeSettings(PAGE))
    patch(path, 2 * PAGE + 20, struct.pack("<H", 2))

    assert problems_of(path) == [("Page 2 says that 2 items lead to it, and 1 do.", 2 * PAGE)]


@pytest.mark.parametrize("flags", [FLAG_DUPLICATES, FLAG_DUPLICATES | FLAG_SORTED])
def test_a_wrong_count_in_a_tree_of_duplicates_is_found(tmp_path: Path, flags: int) -> None:
    pairs = [(b"k", b"value %05d" % number) for number in range(200)]
    path = write(tmp_path / "x.db", pairs, BtreeSettings(PAGE, flags=flags))
    root = word(path, places_of(path, 1)[1] + 4)
    assert problems_of(path) == []
    patch(path, root * PAGE + 12, struct.pack("<I", 7))

    assert problems_of(path) == [(f"Page {root} has 200 entries where 7 were counted.", root * PAGE)]


def test_a_page_that_nothing_uses_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"k", b"v")], BtreeSettings(PAGE))
    lost = struct.pack("<IIIIIHHBB", 0, 1, 2, 0, 0, 1, 7, 0, 7) + b"content"
    path.write_bytes(path.read_bytes() + lost.ljust(PAGE, b"\0"))
    patch(path, 32, struct.pack("<I", 2))

    [(message, offset)] = problems_of(path)

    assert "neither used nor free" in message
    assert offset == 2 * PAGE


def test_problems_of_sub_databases_are_found(database_case: CopyCase) -> None:
    path = database_case("bdb53-subdbs")
    content = bytearray(path.read_bytes())
    leaf = next(
        at for at in range(4096, len(content), 4096) if content[at + 25] == 5 and b"first-" in content[at : at + 4096]
    )
    patch(path, leaf + 12, struct.pack("<I", 1))

    assert [offset for _message, offset in problems_of(path)] == [leaf]
