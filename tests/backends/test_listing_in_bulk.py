"""Large SDBM and CDB files: what numpy lists and reads is what is listed and read entry by entry, damaged or not."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from app.backends.base import Backend, Match, Problem
from app.backends.cdb import backend as cdb
from app.backends.cdb.backend import CdbBackend
from app.backends.key_index import IndexChunk
from app.backends.sdbm import backend as sdbm
from app.backends.sdbm.backend import SdbmBackend
from app.backends.sdbm.layout import MULTIPLIERS, Convention, Geometry, key_hashes
from app.cancel import CancelToken
from app.errors import AppError, StaleIndex
from tests import corpus
from tests.backends import cdb_files, sdbm_files
from tests.backends.listing import index_of

CopyCase = Callable[[str], Path]
CASES = corpus.databases("sdbm", "cdb")
MANY = {b"key %d" % number: b"v" * (number % 50) for number in range(3000)}
MANY |= {b"long" * 60 + b"%d" % number: b"" for number in range(40)} | {
    b"\xe9%d" % number: b"" for number in range(400)
}


class Listing(NamedTuple):
    """All that listing a database gives."""

    entries: list[tuple[bytes, int, int]]
    values: list[bytes]
    problems: list[Problem]
    notes: list[str]
    convention: object


@pytest.fixture
def in_bulk(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def switch(on: bool) -> None:
        monkeypatch.setattr(sdbm, "_MUCH", 0 if on else 1 << 60)
        monkeypatch.setattr(sdbm, "_FIRST_PAGES", 1)
        monkeypatch.setattr(sdbm, "_BULK_BYTES", 1 << 16)
        monkeypatch.setattr(cdb, "_MANY", 0 if on else 1 << 60)

    return switch


def opened(path: Path) -> Backend:
    if path.suffix == ".pag":
        return SdbmBackend(Match("sdbm", "", "", path, path.with_suffix(""), (path,)))
    return CdbBackend(Match("cdb", "", "", path, path, (path,)))


def listing_of(path: Path) -> Listing | str:
    try:
        with opened(path) as backend:
            chunks = list(backend.index(CancelToken()))
            entries = [entry for chunk in chunks for entry in entries_in(chunk)]
            values = [value for chunk in chunks for value in backend.values(chunk)]
            convention = backend.convention if isinstance(backend, SdbmBackend) else None
            return Listing(entries, values, list(backend.problems), list(backend.notes), convention)
    except AppError as error:
        return error.message


def entries_in(chunk: IndexChunk) -> list[tuple[bytes, int, int]]:
    return [(chunk.key(row), chunk.locators[row], chunk.sizes[row]) for row in range(len(chunk))]


def check_same(path: Path, in_bulk: Callable[[bool], None]) -> Listing | str:
    in_bulk(False)
    singly = listing_of(path)
    in_bulk(True)
    assert listing_of(path) == singly
    return singly


@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_every_case_is_listed_the_same(
    case: corpus.DatabaseCase, database_case: CopyCase, in_bulk: Callable[[bool], None]
) -> None:
    check_same(database_case(case.name), in_bulk)


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("by_level", [False, True], ids=["trie", "levels"])
@pytest.mark.parametrize(("size", "order"), [(512, "<"), (512, ">")])
def test_sdbm_of_every_convention_is_listed_the_same(
    tmp_path: Path,
    in_bulk: Callable[[bool], None],
    multiplier: int,
    size: int,
    order: str,
    *,
    signed: bool,
    by_level: bool,
) -> None:
    path = sdbm_files.write(
        tmp_path / "x",
        MANY.items(),
        page_size=size,
        order=order,
        hash_of=lambda key: key_hashes(key, multiplier)[-1 if signed else 0],
        by_level=by_level,
    )

    listing = check_same(path, in_bulk)

    assert isinstance(listing, Listing)
    assert {entry[0] for entry in listing.entries} == MANY.keys()
    assert listing.problems == []
    assert listing.convention == Convention(
        Geometry(size, "little" if order == "<" else "big"), multiplier, signed=signed, by_level=by_level
    )


def test_cdb_of_many_entries_is_listed_the_same(tmp_path: Path, in_bulk: Callable[[bool], None]) -> None:
    path = tmp_path / "x.cdb"
    path.write_bytes(cdb_files.image([*MANY.items(), *((b"same", b"%d" % number) for number in range(500))]))

    listing = check_same(path, in_bulk)

    assert isinstance(listing, Listing)
    assert (len(listing.entries), listing.problems) == (len(MANY) + 500, [])


def made(folder: Path, format_id: str) -> Path:
    if format_id == "sdbm":
        return sdbm_files.write(folder / "x", MANY.items(), page_size=512)
    (folder / "x.cdb").write_bytes(cdb_files.image(MANY.items()))
    return folder / "x.cdb"


@pytest.mark.parametrize("format_id", ["sdbm", "cdb"])
@pytest.mark.parametrize("seed", range(30))
def test_damage_is_listed_the_same(format_id: str, seed: int, tmp_path: Path, in_bulk: Callable[[bool], None]) -> None:
    chance = random.Random(seed)
    path = made(tmp_path, format_id)
    content = bytearray(path.read_bytes())
    for _ in range(1 + seed % 4):
        place = chance.randrange(len(content) - 4)
        content[place : place + 1 + seed % 3] = chance.randbytes(1 + seed % 3)
    path.write_bytes(content[: chance.randrange(3000, len(content))] if seed % 5 == 0 else content)

    check_same(path, in_bulk)


@pytest.mark.parametrize("name", ["ndbm-sdbm-n500", "cdb-n150"])
def test_values_that_moved_are_stale(name: str, tmp_path: Path, in_bulk: Callable[[bool], None]) -> None:
    path = corpus.database(name).copy_to(tmp_path)
    in_bulk(True)
    with opened(path) as backend:
        [*_, chunk] = index_of(backend).chunks
        place = path.read_bytes().index(chunk.key(3))
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"\0")

        with pytest.raises(StaleIndex):
            list(backend.values(chunk))
