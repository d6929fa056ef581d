"""What `dbm.dumb.reorganize` of Python 3.15 leaves, which packs values and forgets to write where (cpython#155869)."""

import dbm.dumb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.dumb.check import packed_places
from app.backends.dumb.index import parse_line, read_index_file
from app.backends.salvage import Origin
from app.cancel import CancelToken
from tests.backends.dumb_files import KEYS, VALUES, opened, scratch, written
from tests.backends.listing import entries_of
from tests.backends.salvaging import salvaged

BLOCK = 512


def reorganize(base: Path) -> None:
    """Do to ``.dat`` what the faulty method does, and nothing to ``.dir``."""
    lines = base.with_name(f"{base.name}.dir").read_bytes().splitlines(keepends=True)
    places = sorted((position, size) for _key, position, size in filter(None, map(parse_line, lines)))
    with base.with_name(f"{base.name}.dat").open("r+b") as dat:
        end = 0
        for position, size in places:
            dat.seek(position)
            value = dat.read(size)
            dat.seek(end)
            dat.write(value)
            end += -(-size // BLOCK) * BLOCK
        dat.truncate(end)


def made(folder: Path, entries: dict[bytes, bytes], removed: set[bytes]) -> Path:
    base = written(folder, entries)
    with dbm.dumb.open(str(base), "w") as database:
        for key in removed & entries.keys():
            del database[key]
    return base


def test_what_was_forgotten_is_named_and_every_value_is_found_under_its_key(tmp_path: Path) -> None:
    entries = {b"gone": b"old", b"a": b"A" * 700, b"b": b"B" * 30, b"c": b"C" * 513}
    base = made(tmp_path, entries, {b"gone"})
    reorganize(base)

    with opened(base) as backend:
        assert b"c" not in dict(entries_of(backend))
        assert "is damaged" in backend.why_read_only
        assert any("reorganize()" in problem.message for problem in backend.check(CancelToken()))
    found = salvaged(base.with_name(f"{base.name}.dat"))
    assert any("reorganize()" in report for report in found.reports)
    assert {(key, value) for key, value in entries.items() if key != b"gone"} <= set(found.pairs())


@given(entries=st.dictionaries(KEYS, VALUES, max_size=8), removed=st.sets(KEYS, max_size=4), count=st.integers(0, 4))
def test_whatever_was_packed_is_found(entries: dict[bytes, bytes], removed: set[bytes], count: int) -> None:
    with scratch() as folder:
        removed |= set(list(entries)[:count])
        base = made(folder, entries, removed)
        reorganize(base)

        found = salvaged(base.with_name(f"{base.name}.dat"), format_id="dumb", base=base)

    kept = {(key, value) for key, value in entries.items() if key not in removed}
    assert kept <= set(found.pairs(Origin.LIVE, Origin.LOST))


@pytest.mark.parametrize("size", [0, 3, 511, 513, 1023, 1025])
def test_a_file_of_another_length_is_only_cut(tmp_path: Path, size: int) -> None:
    base = made(tmp_path, {b"gone": b"x", b"a": b"A" * 300, b"b": b"B" * 300}, {b"gone"})

    index = read_index_file(base.with_name(f"{base.name}.dir"), CancelToken())

    assert not packed_places(index, size)
    assert list(packed_places(index, 1024)) == [0, 512]
    assert list(packed_places(index, 812)) == [0, 512]
    assert not packed_places(index, 1536 + 300)
