"""Files of bare values: recognised by what they hold, from a bounded part of them."""

import bz2
import gzip
import lzma
import marshal
import pickle
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.base import Sliceable
from app.backends.whichdb import whichdb
from app.codecs.registry import value_end
from app.errors import UnknownFormat
from tests.backends.listing import first_match, pickle_end


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("count", [1, 3])
def test_pickle_files_are_recognised_by_their_values(tmp_path: Path, protocol: int, count: int) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"".join(pickle.dumps({"number": number}, protocol) for number in range(count)))

    match = first_match(path)

    assert (match.format_id, match.unsupported) == ("pickle-file", "")
    assert ("one pickle" in match.variant) == (count == 1)


def test_a_cut_pickle_is_recognised_by_its_name_and_first_byte(tmp_path: Path) -> None:
    (tmp_path / "cut.pkl").write_bytes(pickle.dumps(list(range(100)), 4)[:-5])
    (tmp_path / "cut.bin").write_bytes(pickle.dumps(list(range(100)), 4)[:-5])

    assert first_match(tmp_path / "cut.pkl").variant == "damaged, protocol 4"
    with pytest.raises(UnknownFormat):
        whichdb(tmp_path / "cut.bin", pickle_end)


def test_a_file_named_as_pickles_opens_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(b"Fnope\n.")
    (tmp_path / "zeros.pkl").write_bytes(bytes(100))

    assert first_match(tmp_path / "bad.pkl").variant == "damaged, by its name"
    with pytest.raises(UnknownFormat):
        whichdb(tmp_path / "zeros.pkl", pickle_end)


class Thing:
    """An object whose class no reader has."""

    def __init__(self, content: object) -> None:
        self.content = content


LONG = list(range(1_000_000))
"""At least 5 MB in any protocol."""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("leader", [b"", pickle.dumps("first")], ids=["one", "second"])
def test_a_long_pickle_is_recognised_without_reading_it_whole(tmp_path: Path, protocol: int, leader: bytes) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(leader + pickle.dumps(LONG, protocol))
    looked_at = 0

    def counting(buffer: Sliceable, start: int) -> int | None:
        nonlocal looked_at
        looked_at += len(buffer[:])
        return value_end(buffer, start)

    match = whichdb(path, counting)[0]

    assert match.format_id == "pickle-file"
    assert f"protocol {protocol if protocol > 1 else '0 or 1'}" in match.variant or leader
    assert looked_at < 1 << 20


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize(
    "value", [{"a": LONG[:200_000]}, Thing(LONG[:200_000]), "\u20ac" * 300_000, [Thing(LONG[:200_000])]], ids=type
)
def test_long_pickles_of_old_protocols_are_told_by_their_first_opcodes(
    tmp_path: Path, protocol: int, value: object
) -> None:
    path = tmp_path / ("data.pkl" if isinstance(value, str) else "data.bin")
    path.write_bytes(pickle.dumps(value, protocol))

    assert first_match(path).variant == "large, protocol 0 or 1"


@pytest.mark.parametrize(
    "content",
    [b"N", b"(", b"]", b"}(", b"I1\n", b"Np0\n", b"(((((((((t", b"Sit amet dolor.\n", b"cat\ndog\n", b"\x80\5N", b"."],
    ids=repr,
)
def test_a_long_file_that_only_looks_like_pickles_is_refused_soon(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(content * (10_000_000 // len(content)) + b"\n")
    start = time.monotonic()

    with pytest.raises(UnknownFormat):
        whichdb(path, value_end)

    assert time.monotonic() - start < 2


def test_without_knowledge_of_values_a_pickle_file_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps(1, 4))

    with pytest.raises(UnknownFormat):
        whichdb(path)


@pytest.mark.parametrize(
    ("compress", "name"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz"), (zlib.compress, "zlib")],
)
@pytest.mark.parametrize("protocol", [0, 4])
def test_a_compressed_pickle_is_named(
    tmp_path: Path, compress: Callable[[bytes], bytes], name: str, protocol: int
) -> None:
    path = tmp_path / "data.pkl.z"
    path.write_bytes(compress(pickle.dumps(["text"], protocol)))

    match = first_match(path)

    assert (match.format_id, match.variant) == ("pickle-file", name)
    assert not match.unsupported


def test_a_compressed_text_is_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"just notes"))

    with pytest.raises(UnknownFormat):
        whichdb(tmp_path / "notes.gz", pickle_end)


def test_compiled_python_and_marshal_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "module.pyc").write_bytes(struct.pack("<HHIII", 3495, 0x0A0D, 0, 0, 0) + marshal.dumps(1))
    (tmp_path / "values.marshal").write_bytes(marshal.dumps([1, 2]))

    assert "compiled Python" in first_match(tmp_path / "module.pyc").reason
    assert first_match(tmp_path / "values.marshal").reason == "the name ends in .marshal"
