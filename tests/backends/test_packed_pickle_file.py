"""Compressed files of pickles: listed as what is in them, saved in the same compression."""

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.backends.base import Backend, Insert, Remove, Replace, SaveOptions
from app.backends.registry import open_database, salvager_for
from app.backends.salvage import Salvage
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from app.errors import AppError, CorruptDatabase, ReadOnlyDatabase
from tests.backends.listing import entries_of, expected_of, index_of

OBJECTS = [{"a": 1}, ["two", 2], None, "four" * 50]
PICKLES = [pickle.dumps(one, number % 5 + 1) for number, one in enumerate(OBJECTS)]
NEW = pickle.dumps({"new": b"bytes"}, 4)


def gzipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile("orders.pkl", "wb", 9, packed, mtime=1_700_000_000) as file:
        file.write(data)
    return packed.getvalue()


PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (gzipped, gzip.decompress),
    "bzip2": (bz2.compress, bz2.decompress),
    "xz": (lzma.compress, lzma.decompress),
    "zlib": (lambda data: zlib.compress(data, 1), zlib.decompress),
    "lzma": (lambda data: lzma.compress(data, lzma.FORMAT_ALONE), lzma.decompress),
}


def made(folder: Path, content: bytes) -> Path:
    path = folder / "values.pkl.z"
    path.write_bytes(content)
    return path


def opened(path: Path) -> Backend:
    return open_database(path, value_end)


@pytest.mark.parametrize("name", PACKERS)
def test_the_pickles_inside_are_the_entries(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, PACKERS[name][0](b"".join(PICKLES)))

    [match, *_] = whichdb(path, value_end)
    with opened(path) as backend:
        assert (match.format_id, match.variant, match.unsupported) == ("pickle-file", name, "")
        assert entries_of(backend) == [(b"%d" % number, data) for number, data in enumerate(PICKLES)]
        assert backend.problems == []
        assert not backend.why_read_only


@pytest.mark.parametrize("name", PACKERS)
def test_a_save_packs_as_before(tmp_path: Path, name: str) -> None:
    pack, unpack = PACKERS[name]
    path = made(tmp_path, pack(b"".join(PICKLES)))

    with opened(path) as backend:
        expected = expected_of(backend)
        backend.apply([Replace(0, NEW), Remove(2), Insert(b"3", NEW)], expected, SaveOptions(), CancelToken())

    wanted = b"".join([NEW, PICKLES[1], PICKLES[3], NEW])
    assert unpack(path.read_bytes()) == wanted
    assert path.read_bytes() == pack(wanted)
    with opened(path) as backend:
        assert [value for _, value in entries_of(backend)] == [NEW, PICKLES[1], PICKLES[3], NEW]


@given(
    values=st.lists(st.integers() | st.text(max_size=20), min_size=1, max_size=20),
    name=st.sampled_from(sorted(PACKERS)),
)
def test_any_values_are_listed(values: list[object], name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = made(tmp_path_factory.mktemp("packed"), PACKERS[name][0](b"".join(map(pickle.dumps, values))))

    with opened(path) as backend:
        assert [pickle.loads(value) for _, value in entries_of(backend)] == values


def test_large_blocks_of_bzip2_are_recognised(tmp_path: Path) -> None:
    content = pickle.dumps([str(number * 7919 % 100_003) for number in range(150_000)])
    path = made(tmp_path, bz2.compress(content))

    with opened(path) as backend:
        assert entries_of(backend) == [(b"0", content)]


def test_a_cut_file_is_shown_as_far_as_it_goes_and_is_not_saved(tmp_path: Path) -> None:
    path = made(tmp_path, gzipped(b"".join(PICKLES) * 100)[:-20])

    with opened(path) as backend:
        index = index_of(backend)
        assert len(index) > 10
        assert "ends too early" in backend.problems[0].message
        with pytest.raises(ReadOnlyDatabase):
            backend.apply([Remove(0)], expected_of(backend), SaveOptions(), CancelToken())


def test_what_follows_the_compressed_data_is_a_problem(tmp_path: Path) -> None:
    path = made(tmp_path, gzipped(PICKLES[0]) + b"junk")

    with opened(path) as backend:
        assert entries_of(backend) == [(b"0", PICKLES[0])]
        assert backend.problems[0].message.startswith("4 bytes follow the gzip data")


def test_several_streams_are_one_database_and_say_so(tmp_path: Path) -> None:
    path = made(tmp_path, gzipped(PICKLES[0]) + gzipped(PICKLES[1]))

    with opened(path) as backend:
        assert [value for _, value in entries_of(backend)] == PICKLES[:2]
        assert "2 compressed streams" in backend.notes[0]


def test_a_bomb_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPACKED_FILE_BYTES", 1 << 20)
    path = made(tmp_path, gzipped(pickle.dumps(bytes(1 << 22))))

    with opened(path) as backend, pytest.raises(CorruptDatabase, match="More than 1,048,576 bytes come out"):
        index_of(backend)


def test_what_is_in_a_damaged_file_can_be_salvaged(tmp_path: Path) -> None:
    path = made(tmp_path, gzipped(b"".join(PICKLES[:2]) + b"\xff junk"))
    salvage = Salvage(path, path, False, value_end, lambda _message, _offset: None, CancelToken())

    found = list(salvager_for("pickle-file")(salvage))

    assert [(entry.key, entry.value) for entry in found[:2]] == [(b"0", PICKLES[0]), (b"1", PICKLES[1])]


@given(place=st.integers(0), byte=st.integers(0, 255), name=st.sampled_from(sorted(PACKERS)))
def test_one_changed_byte_costs_no_more_than_a_sentence(
    place: int, byte: int, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(PACKERS[name][0](b"".join(PICKLES)))
    data[place % len(data)] = byte
    path = made(tmp_path_factory.mktemp("packed"), bytes(data))

    with contextlib.suppress(AppError), opened(path) as backend:
        assert entries_of(backend)


@pytest.mark.parametrize("name", PACKERS)
def test_a_save_keeps_the_padding_behind_the_streams(tmp_path: Path, name: str) -> None:
    pack, _ = PACKERS[name]
    path = made(tmp_path, pack(PICKLES[0]) + b"\0" * 512)

    with opened(path) as backend:
        backend.apply([Replace(0, NEW)], expected_of(backend), SaveOptions(), CancelToken())

    assert path.read_bytes() == pack(NEW) + b"\0" * 512
