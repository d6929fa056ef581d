"""What `check` says of SDBM and CDB beyond what listing says: nothing of intact files, each damage where it is."""

from collections.abc import Callable
from pathlib import Path
from struct import pack
from time import monotonic

import pytest

from app.backends.base import Backend, Match, Problem
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.layout import HEAD, PAIR, key_hash
from app.backends.registry import open_database
from app.backends.sdbm.layout import key_hashes
from app.cancel import CancelToken
from app.errors import Cancelled
from app.limits import PROBLEMS
from tests import corpus
from tests.backends import cdb_files, sdbm_files
from tests.backends.reading import SECONDS

CopyCase = Callable[[str], Path]
PAIRS = [(b"key %d" % number, b"value %d" % number * 3) for number in range(400)]


def checked(path: Path) -> list[Problem]:
    with opened(path) as backend:
        return list(backend.check(CancelToken()))


def opened(path: Path) -> Backend:
    """Open a database; a CDB file as such, though its tables may look like none."""
    return CdbBackend(Match("cdb", "", "", path, path, (path,))) if path.suffix == ".cdb" else open_database(path)


@pytest.mark.parametrize("case", corpus.databases("sdbm", "cdb", corrupt=False), ids=corpus.name_of)
def test_an_intact_database_has_no_problems(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert checked(database_case(case.name)) == []


@pytest.mark.parametrize("case", corpus.databases("sdbm", "cdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_one_has_some_and_each_is_said_once(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    problems = checked(database_case(case.name))

    assert problems
    assert len(set(problems)) == len(problems)


# ---- SDBM


@pytest.fixture(params=[False, True], ids=["trie", "levels"])
def sdbm(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return sdbm_files.write(tmp_path / "x", PAIRS, page_size=512, by_level=request.param)


def with_bit(path: Path, place: int) -> None:
    directory = path.with_suffix(".dir")
    bits = bytearray(directory.read_bytes().ljust(place // 8 + 1, b"\0"))
    bits[place // 8] |= 1 << place % 8
    directory.write_bytes(bits)


def test_a_bit_that_nothing_leads_to_is_found(sdbm: Path) -> None:
    with_bit(sdbm, 2**14 - 1)

    assert [problem.message for problem in checked(sdbm)] == [
        "The .dir file says that page 0 was split, but nothing in it leads there."
    ]


@pytest.mark.parametrize(("bit", "words"), [(0, "missing at its end"), (1, ".dir file is not that of these pages")])
def test_a_page_that_was_split_off_and_is_not_there_is_said_once(tmp_path: Path, bit: int, words: str) -> None:
    path = sdbm_files.write(tmp_path / "x", [pair for pair in PAIRS if key_hashes(pair[0], 65599)[0] & 1 == bit][:5])
    with_bit(path, 0)

    [problem] = checked(path)

    assert words in problem.message


def test_a_page_split_off_an_empty_one_is_missed_too(tmp_path: Path) -> None:
    keys = [key for key, _ in PAIRS if key_hashes(key, 65599)[0] & 1]
    (tmp_path / "x.pag").write_bytes(bytes(512) + sdbm_files.page_of([(key, bytes(60)) for key in keys[:6]], 512))
    (tmp_path / "x.dir").write_bytes(bytes([0b011]))  # the root, and on its left page 0, which is empty

    assert [problem.message for problem in checked(tmp_path / "x.pag")] == [
        "The .dir file says that page 2 was split off, but there is none."
    ]


def test_a_key_that_is_there_twice_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.pag").write_bytes(sdbm_files.page_of([*PAIRS[:9], (PAIRS[4][0], b"second")], 1024))
    (tmp_path / "x.dir").touch()

    [problem] = checked(tmp_path / "x.pag")

    assert (problem.offset, "b'key 4' is there twice on page 0" in problem.message) == (0, True)


def test_a_directory_of_ones_is_checked_in_bounded_time(tmp_path: Path) -> None:
    (tmp_path / "x.pag").write_bytes(sdbm_files.page_of(PAIRS[:3], 512) * 300)
    (tmp_path / "x.dir").write_bytes(b"\xff" * (1 << 18))
    start = monotonic()

    assert 0 < len(checked(tmp_path / "x.pag")) <= 2 * PROBLEMS + 2
    assert monotonic() - start < SECONDS


# ---- CDB


def cdb(folder: Path, change: Callable[[bytearray], None], pairs: list[tuple[bytes, bytes]] = PAIRS) -> Path:
    content = bytearray(cdb_files.image(pairs))
    change(content)
    (folder / "x.cdb").write_bytes(content)
    return folder / "x.cdb"


def slots(content: bytearray) -> list[int]:
    """Return where the slots of the fullest table lie that lead to an entry."""
    numbers = HEAD.unpack(content[: HEAD.size])
    place, count = max(zip(numbers[::2], numbers[1::2], strict=True), key=lambda table: table[1])
    return [at for at in range(place, place + 8 * count, 8) if PAIR.unpack_from(content, at)[1]]


def test_bytes_behind_the_tables_are_found(tmp_path: Path) -> None:
    path = cdb(tmp_path, lambda content: content.extend(b"rest"))

    assert checked(path) == [Problem("4 bytes behind the last hash table belong to nothing.", path.stat().st_size - 4)]


def test_a_slot_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    places: list[int] = []

    def change(content: bytearray) -> None:
        numbers = HEAD.unpack(content[: HEAD.size])
        place, count = max(zip(numbers[::2], numbers[1::2], strict=True), key=lambda table: table[1])
        places.append(next(at for at in range(place, place + 8 * count, 8) if not PAIR.unpack_from(content, at)[1]))
        content[places[0] : places[0] + 8] = pack("<II", key_hash(b"x"), 2048 + 3)

    [problem] = checked(cdb(tmp_path, change))

    assert "leads to no entry" in problem.message
    assert problem.offset == places[0]


def test_an_entry_that_look_up_cannot_find_is_one_problem_where_it_lies(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        there = slots(content)
        last_of_a_run = next(at for at in there if at + 8 not in there)
        content[last_of_a_run : last_of_a_run + 8] = bytes(8)

    problems = checked(cdb(tmp_path, change))

    assert len(problems) == 1
    assert problems[0].message.startswith("An entry is left out")


def test_an_entry_behind_an_empty_slot_of_a_long_run_is_found(tmp_path: Path) -> None:
    pairs, hash_ = [(b"same", b"%d" % number) for number in range(100)], key_hash(b"same")

    def change(content: bytearray) -> None:
        at = HEAD.unpack(content[: HEAD.size])[2 * (hash_ % 256)] + 8 * (((hash_ >> 8) + 60) % 200)
        content[at : at + 8] = bytes(8)

    problems = checked(cdb(tmp_path, change, pairs))

    assert len(problems) == 40
    assert {problem.message[:40] for problem in problems} == {"No hash table leads to an entry: program"}


def test_tables_on_each_other_are_found(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        numbers = list(HEAD.unpack(content[: HEAD.size]))
        filled = [table for table in range(256) if numbers[2 * table + 1]]
        content.extend(bytes(8))
        content[8 * filled[0] + 4 : 8 * filled[0] + 8] = pack("<I", numbers[2 * filled[0] + 1] + 1)

    assert "lie on each other" in " ".join(problem.message for problem in checked(cdb(tmp_path, change)))


def test_hostile_tables_take_bounded_time(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        content.extend(b"\xff" * 800_000)
        for table in range(256):
            content[8 * table + 4 : 8 * table + 8] = pack("<I", 100_000)

    start = monotonic()

    assert 0 < len(checked(cdb(tmp_path, change))) <= 2 * PROBLEMS + 2
    assert monotonic() - start < SECONDS


@pytest.mark.parametrize(
    "make", [lambda folder: cdb(folder, lambda _: None), lambda folder: sdbm_files.write(folder / "x", PAIRS)]
)
def test_checking_can_be_cancelled(make: Callable[[Path], Path], tmp_path: Path) -> None:
    token = CancelToken()
    with opened(make(tmp_path)) as backend:
        list(backend.index(token))
        token.cancel()
        with pytest.raises(Cancelled):
            list(backend.check_structure(token))
