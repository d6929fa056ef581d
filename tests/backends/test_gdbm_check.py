"""What `check` finds in a GDBM file that lists without a problem: each damage is told, with its place."""

import struct
from pathlib import Path
from typing import NamedTuple

import pytest

from app.cancel import CancelToken
from tests.backends.gdbm_files import NATIVE, complaints, opened, written
from tests.backends.listing import index_of

KEYS = [b"key %d" % number for number in range(60)]
BITS, COUNT, TABLE = 104, 108, 112
"""Places in a bucket of the 64-bit layout."""


class Layout(NamedTuple):
    """Where things are in the file of a test."""

    path: Path
    directory: list[int]
    locators: dict[bytes, int]

    def patch(self, place: int, content: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(place)
            file.write(content)

    def read(self, place: int, size: int) -> bytes:
        return self.path.read_bytes()[place : place + size]


@pytest.fixture
def sound(tmp_path: Path) -> Layout:
    path = written(tmp_path / "x.gdbm", [(key, b"value of " + key) for key in KEYS])
    with opened(path) as backend:
        index = index_of(backend)
        locators = {index.key(row): index.locator(row) for row in range(len(index))}
        return Layout(path, list(backend.directory), locators)


def free(*elements: tuple[int, int], following: int = 0) -> bytes:
    """Return a header's table of free space with 27 places."""
    return struct.pack("<iiq", 27, len(elements), following) + b"".join(struct.pack("<i4xq", *e) for e in elements)


def problems_of(layout: Layout) -> list[tuple[str, int | None]]:
    with opened(layout.path) as backend:
        index_of(backend)
        assert backend.problems == []
        return [(problem.message, problem.offset) for problem in backend.check_structure(CancelToken())]


def test_a_sound_file_is_silent(sound: Layout) -> None:
    assert complaints(sound.path) == []


@pytest.mark.parametrize(
    ("table", "words", "place"),
    [
        (free((100, 1 << 40)), "outside the file", 56),
        (free((100, 100)), "outside the file", 56),
        (free((-5, 2000)), "outside the file", 56),
        (struct.pack("<iiq", 27, 28, 0), "counts 28 elements", 40),
        (struct.pack("<iiq", 27, -1, 0), "counts -1 elements", 40),
        (free((100, 512)), "Free space lies where the directory is", 512),
        (free((40, 1024)), "lies where", 1024),
        (free(following=1 << 40), "next table of free space lies outside", 1 << 40),
        (free(following=40), "lead back", 40),
        (free(following=-8), "next table of free space lies outside", -8),
    ],
)
def test_tables_of_free_space_are_gone_through(sound: Layout, table: bytes, words: str, place: int) -> None:
    sound.patch(40, table.ljust(472, b"\0"))

    found = problems_of(sound)

    assert any(words in message and offset == place for message, offset in found), found


def test_free_space_under_an_entry_is_told(sound: Layout) -> None:
    (data,) = struct.unpack("<q", sound.read(sound.locators[KEYS[7]] + 8, 8))
    sound.patch(40, free((30, data + 2)).ljust(472, b"\0"))

    assert ("Free space lies where an entry is; one of them overwrote the other.", data + 2) in problems_of(sound)


def test_a_bucket_that_counts_wrongly_is_told(sound: Layout) -> None:
    bucket = sound.directory[0]
    (count,) = struct.unpack("<i", sound.read(bucket + COUNT, 4))
    sound.patch(bucket + COUNT, struct.pack("<i", count + 1))

    assert problems_of(sound) == [(f"A bucket counts {count + 1} entries and holds {count}.", bucket)]


def test_free_space_of_a_bucket_is_gone_through(sound: Layout) -> None:
    bucket = sound.directory[0]
    sound.patch(bucket, struct.pack("<i4xi4xq", 1, 50, 1 << 50))

    assert problems_of(sound) == [
        ("A table of free space names a stretch outside the file; GDBM refuses that.", bucket + 8)
    ]


def test_a_bucket_with_too_much_free_space_is_told(sound: Layout) -> None:
    bucket = sound.directory[0]
    sound.patch(bucket, struct.pack("<i", 7))

    assert problems_of(sound) == [("A bucket counts 7 stretches of free space; it has room for 6.", bucket)]


def test_a_bucket_of_another_depth_is_told(sound: Layout) -> None:
    bucket = sound.directory[-1]
    (bits,) = struct.unpack("<i", sound.read(bucket + BITS, 4))
    sound.patch(bucket + BITS, struct.pack("<i", bits - 1))

    messages = [message for message, _ in problems_of(sound)]

    assert messages == [f"The directory does not lead to a bucket from all slots for its {bits - 1} bits."]


def test_an_entry_that_look_up_misses_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "x", [(b"key", b"value")])
    with opened(path) as backend:
        place, bucket = index_of(backend).locator(0), backend.directory[0]
    slot = (place - bucket - TABLE) // 24
    moved = bucket + TABLE + 24 * ((slot + 2) % NATIVE.elements)
    content = bytearray(path.read_bytes())
    content[moved : moved + 24] = content[place : place + 24]
    content[place : place + 4] = b"\xff" * 4
    path.write_bytes(content)

    assert complaints(path) == ["A free slot lies before an entry; GDBM lists that entry and does not find it."]


def test_two_entries_of_one_key_are_told(tmp_path: Path) -> None:
    # Same length, same hash, and the key changed afterwards: what damage or a bug of a writer could leave.
    path = written(tmp_path / "x", [(b"twin", b"1")])
    with opened(path) as backend:
        place, bucket = index_of(backend).locator(0), backend.directory[0]
    content = bytearray(path.read_bytes())
    slot = (place - bucket - TABLE) // 24
    following = bucket + TABLE + 24 * ((slot + 1) % NATIVE.elements)
    element = bytearray(content[place : place + 24])
    element[8:16] = struct.pack("<q", len(content) - 100)
    content[following : following + 24] = element
    content[len(content) - 100 : len(content) - 95] = b"twin2"
    content[bucket + COUNT] = 2
    path.write_bytes(content)

    messages = complaints(path)

    assert "A bucket holds two entries of the same key; GDBM finds only one of them." in messages


def test_entries_that_share_bytes_are_told(sound: Layout) -> None:
    one, other = sound.locators[KEYS[3]], sound.locators[KEYS[4]]
    (start,) = struct.unpack("<q", sound.read(one + 8, 8))
    (following,) = struct.unpack("<q", sound.read(other + 8, 8))
    sound.patch(one + 20, struct.pack("<i", following - start))

    assert problems_of(sound) == [("An entry lies where an entry is; one of them overwrote the other.", following)]


def test_what_lies_behind_the_end_of_the_header_is_told(sound: Layout) -> None:
    sound.patch(32, struct.pack("<q", sound.path.stat().st_size - 512))
    sound.patch(40, free().ljust(472, b"\0"))

    found = problems_of(sound)

    assert found
    assert all("GDBM will overwrite it" in message for message, _ in found)
