"""Saving CDB files: what stays is copied in stretches, and what the disk wrote wrong is found out."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Insert, Remove, Replace
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.layout import HEAD, PAIR
from app.backends.cdb.write import CdbWriter
from app.backends.file_operations import FileOperations
from app.cancel import CancelToken
from app.errors import SaveFailed
from tests.backends import cdb_files, rewriting
from tests.backends.test_cdb_write import AFTER, CHANGES, WAYS, Way, made, opened


def many_pairs() -> list[rewriting.Pair]:
    """Return more entries than are gone through singly, among them empty ones and keys that come again."""
    pairs = [(b"key %05d" % number, b"%d" % number * (number % 9)) for number in range(70_000)]
    pairs[5000:60_000:700] = [(b"again", b"%d" % number) for number in range(5000, 60_000, 700)]
    pairs[300], pairs[40_000], pairs[40_001], pairs[-1] = (b"", b""), (b"", b"x"), (b"long", b"l" * 300_000), (b"", b"")
    return pairs


@cache
def many_image() -> bytes:
    return cdb_files.image(many_pairs())


def test_a_save_of_many_entries_copies_what_stays_and_reads_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, copied = many_pairs(), list[int]()
    rewriting.create(CdbWriter(CdbBackend), tmp_path / "x.cdb", before)
    stretch = CdbBackend._stretch

    def watched(self: CdbBackend, start: int, end: int) -> Iterator[bytes]:
        copied.append(end - start)
        return stretch(self, start, end)

    monkeypatch.setattr(CdbBackend, "_stretch", watched)
    with opened(tmp_path / "x.cdb") as backend:
        assert len(before) == 70_000
        changes = Replace(0, b"new"), Remove(255), Remove(256), Replace(40_000, b""), Remove(69_999), Replace(300, b"y")
        rewriting.save(backend, *changes, Insert(b"again", b"last"), Insert(b"", b""))

    after = [(key, {0: b"new", 40_000: b"", 300: b"y"}.get(row, value)) for row, (key, value) in enumerate(before)]
    after = [pair for row, pair in enumerate(after) if row not in (255, 256, 69_999)] + [
        (b"again", b"last"),
        (b"", b""),
    ]
    assert cdb_files.dump_by_tinycdb(tmp_path / "x.cdb") == after
    assert cdb_files.count_by_tinycdb(tmp_path / "x.cdb") == len(after)
    entries = sum(PAIR.size + len(key) + len(value) for key, value in after)
    assert sum(copied) > 2 * 0.99 * entries  # out of the old file, and out of the new one to compare it
    with opened(tmp_path / "x.cdb") as backend:
        assert list(backend.check(CancelToken())) == []


class FlippingOperations(FileOperations):
    """A disk that changes one bit, at a place of the file that is written."""

    def __init__(self, place: int, bit: int) -> None:
        self._place = place
        self._bit = bit
        self._written = 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        changed, place = bytearray(data), self._place - self._written
        if 0 <= place < len(changed):
            changed[place] ^= 1 << self._bit
        done = super().write(fd, bytes(changed))
        self._written += done
        return done


def means_nothing(image: bytes, place: int) -> bool:
    """Tell whether nobody looks at a byte: the place of a table without slots, or the hash in an empty slot."""
    start = 0 if place < HEAD.size else HEAD.unpack_from(image)[0]
    row, byte = divmod(place - start, PAIR.size)
    is_used = PAIR.unpack_from(image, start + PAIR.size * row)[1] > 0
    return byte < 4 and not is_used and (start, row) != (0, 0)  # the first table's place is the entries' end


IMAGE = cdb_files.image(AFTER)
TABLES_START = HEAD.unpack_from(IMAGE)[0]
PARTS = st.sampled_from([(0, HEAD.size), (HEAD.size, TABLES_START), (TABLES_START, len(IMAGE))])


@WAYS
@given(place=PARTS.flatmap(lambda part: st.integers(part[0], part[1] - 1)), bit=st.integers(0, 7))
def test_one_bit_that_is_written_wrong_is_found_out(
    way: Way, place: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    path = made(folder)
    before = rewriting.contents(folder)
    error = ""

    with way(), opened(path) as backend:
        try:
            rewriting.save(backend, *CHANGES, operations=FlippingOperations(place, bit))
        except SaveFailed as failed:
            error = failed.message

    if error:
        assert rewriting.contents(folder) == before
    else:
        assert means_nothing(IMAGE, place)
        assert cdb_files.dump_by_tinycdb(path) == AFTER
    assert error == "" or "reads back differently" in error


@pytest.mark.parametrize(
    "where", [0.3, 0.999, *(pytest.param(where, marks=pytest.mark.slow) for where in (0.0, 0.7, 0.95))]
)
def test_one_bit_of_many_entries_that_is_written_wrong_is_found_out(where: float, tmp_path: Path) -> None:
    path, before = tmp_path / "x.cdb", many_image()
    path.write_bytes(before)
    tables_start = HEAD.unpack_from(before)[0]
    place = int(where * len(before))
    if place >= tables_start:  # where the next entry lies that a slot leads to
        place += 4 - (place - tables_start) % 8
        while not PAIR.unpack_from(before, place - 4)[1]:
            place += 8

    with opened(path) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        rewriting.save(backend, Replace(1, many_pairs()[1][1]), operations=FlippingOperations(place, 3))

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.cdb"]
