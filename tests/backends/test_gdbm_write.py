"""GDBM files that we write, in all layouts and byte orders, and beside GDBM's own library and tools."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Insert, Remove, Replace, SaveOptions
from app.backends.gdbm import image as gdbm_image
from app.backends.gdbm.backend import GdbmBackend
from app.backends.gdbm.image import Shape
from app.backends.gdbm.layout import EXTENSION_BYTES, key_hash, key_hashes
from app.backends.gdbm.write import GdbmWriter, new_shape
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import Records
from app.backends.spool import SpooledRecords
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import ChangedOnDisk, DatabaseLocked, KeyRejected, OptionRejected, ReadOnlyDatabase
from tests import corpus
from tests.backends.gdbm_files import NATIVE, SHAPES, complaints, keys_of_one_hash, opened, written
from tests.backends.listing import changes_to, dictionary_after, entries_of, expected_of, ids_by_key, index_of
from tests.backends.missing_tools import missing_tool
from tests.backends.native import NativeGdbm, native_gdbm
from tests.backends.rewriting import compact, edit, save

CopyCase = Callable[[str], Path]
KEYS = st.binary(max_size=40)
PAIRS = st.dictionaries(KEYS, st.binary(max_size=200), max_size=80)
OPENED_THOUGH_DAMAGED = [
    case for case in corpus.databases("gdbm", corrupt=True) if not case.name.endswith("header-only")
]
ANY_SHAPE = st.sampled_from(list(SHAPES.values()))


@pytest.fixture(scope="module")
def gdbm() -> Iterator[NativeGdbm]:
    with native_gdbm() as library:
        yield library


class Kept(NamedTuple):
    """What a rewrite must not change."""

    shape: Shape
    entries: list[tuple[bytes, bytes]]


def kept_of(path: Path) -> Kept:
    with opened(path) as backend:
        entries = sorted(entries_of(backend))
        assert backend.problems == []
        return Kept(backend.shape, entries)


def gdbm_file(path: Path) -> Path:
    """Return what a case of an ndbm database names as the GDBM file in it."""
    return path.with_suffix(".pag") if path.suffix == ".dir" else path


@pytest.mark.parametrize("case", corpus.databases("gdbm", "gdbm-ndbm", corrupt=False), ids=corpus.name_of)
def test_a_rewritten_file_keeps_its_entries_and_layout(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = gdbm_file(database_case(case.name))
    before = kept_of(path)

    with opened(path) as backend:
        compact(backend)

    assert kept_of(path) == before
    assert complaints(path) == []


@pytest.mark.parametrize("case", corpus.databases("gdbm", "gdbm-ndbm", corrupt=False), ids=corpus.name_of)
def test_nothing_is_wrong_in_an_intact_file(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert complaints(gdbm_file(database_case(case.name))) == []


@given(shape=ANY_SHAPE, pairs=PAIRS)
def test_what_is_written_reads_back_in_every_layout(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape, pairs: dict[bytes, bytes]
) -> None:
    path = written(tmp_path_factory.mktemp("new") / "x", pairs.items(), shape)

    signs = {len(set(key_hashes(key))) for key in pairs}
    with opened(path) as backend:
        assert sorted(entries_of(backend)) == sorted(pairs.items())
        assert replace(backend.shape, signed=shape.signed) == shape
        if 2 in signs:
            assert backend.shape.signed == shape.signed
    assert complaints(path) == []


@given(shape=ANY_SHAPE, pairs=st.dictionaries(KEYS, st.binary(max_size=20), min_size=1, max_size=300))
def test_numpy_lays_out_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, shape: Shape, pairs: dict[bytes, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("both")
    singly = written(folder / "singly", pairs.items(), shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gdbm_image, "BULK_ENTRIES", 1)
        at_once = written(folder / "at-once", pairs.items(), shape)

    # Entries of one bucket may come in another order; what is in it, and everything else, is the same.
    assert at_once.stat().st_size == singly.stat().st_size
    assert kept_of(at_once) == kept_of(singly)
    assert complaints(at_once) == []


def test_the_counter_of_numsync_is_kept(database_case: CopyCase) -> None:
    path = database_case("gdbm-x86_64-1.23-n150-512-numsync")
    content = bytearray(path.read_bytes())
    content[44:48] = b"\x2a\0\0\0"
    path.write_bytes(content)

    with opened(path) as backend:
        compact(backend)

    assert path.read_bytes()[40 : 40 + EXTENSION_BYTES] == bytes(content[40 : 40 + EXTENSION_BYTES])


@given(before=PAIRS, new=PAIRS, removed=st.sets(KEYS))
def test_saving_in_a_native_file_leaves_what_a_dict_would(
    gdbm: NativeGdbm,
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[bytes, bytes],
    new: dict[bytes, bytes],
    removed: set[bytes],
) -> None:
    path = tmp_path_factory.mktemp("native") / "x.gdbm"
    gdbm.write(path, before.items())

    with opened(path) as backend:
        save(backend, *changes_to(ids_by_key(expected_of(backend)), new, removed))

    assert dict(gdbm.pairs(path)) == dictionary_after(before, new, removed)
    assert complaints(path) == []


@pytest.mark.parametrize("options", [CreateOptions(), CreateOptions(512), CreateOptions(1024, numsync=True)])
def test_the_library_goes_on_with_a_file_of_ours(gdbm: NativeGdbm, tmp_path: Path, options: CreateOptions) -> None:
    pairs = {b"key %d \xe9" % number: b"v" * (number % 700) for number in range(3000)}
    path = written(tmp_path / "x.gdbm", pairs.items(), new_shape(options, "gdbm"))
    assert dict(gdbm.pairs(path)) == pairs

    gdbm("open", path, "w")
    for number in range(2000):
        key, value = b"new %d" % (number % 1500), b"n" * (number * 7 % 900)
        assert gdbm("put", path, key, value) == "done"
        pairs[key] = value
    for key in list(pairs)[::2]:
        assert gdbm("delete", path, key) == "done"
        del pairs[key]
    gdbm("close", path)

    assert dict(kept_of(path).entries) == dict(gdbm.pairs(path)) == pairs
    assert complaints(path) == []
    gdbm("open", path, "w")
    assert gdbm("reorganize", path) == "done"
    gdbm("close", path)
    assert dict(kept_of(path).entries) == pairs
    assert complaints(path) == []


def test_the_tool_of_the_library_finds_our_file_sound(tmp_path: Path) -> None:
    tool = shutil.which("gdbmtool")
    if tool is None:
        missing_tool("gdbmtool is not installed (Debian: gdbmtool)")
    path = written(tmp_path / "x.gdbm", ((b"key %d" % number, b"value") for number in range(500)))

    done = subprocess.run([tool, str(path), "count"], capture_output=True, text=True, check=True)
    header = subprocess.run([tool, str(path), "header"], capture_output=True, text=True, check=True)

    assert "500" in done.stdout
    assert "block size" in header.stdout


def test_more_keys_of_one_hash_than_a_bucket_holds_are_refused(tmp_path: Path) -> None:
    keys = keys_of_one_hash(NATIVE.elements + 2)
    writer = GdbmWriter(NATIVE, GdbmBackend)
    with SpooledRecords() as records:
        for key in (b"before", keys[0], *keys, b"behind"):
            records.add(key, b"")
        refusals = list(writer.refusals(records, CancelToken()))
        assert [refusal.row for refusal in refusals] == [2, NATIVE.elements + 2, NATIVE.elements + 3]
        assert [refusal.key for refusal in refusals] == [keys[0], *keys[-2:]]

        with pytest.raises(KeyRejected, match="same hash"):
            writer.images(records, CancelToken())
    path = written(tmp_path / "x", ((key, b"") for key in keys[: NATIVE.elements]))
    with opened(path) as backend:
        assert len(index_of(backend)) == NATIVE.elements
        with pytest.raises(KeyRejected, match="same hash"):
            save(backend, Insert(keys[-1], b""))


class SizedRecords(Records):
    """Entries that are only counted."""

    may_repeat = False

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = sizes

    def __len__(self) -> int:
        return len(self._sizes)

    def chunks(self) -> Iterator[IndexChunk]:
        builder = ChunkBuilder()
        for row, size in enumerate(self._sizes):
            builder.add(self.key(row), 0, size)
        yield builder.take()

    def key(self, row: int) -> bytes:
        return b"key %d" % row

    def size(self, row: int) -> int:
        return self._sizes[row]

    def pieces(self, row: int) -> Iterator[bytes]:
        raise AssertionError("refused entries are not read")


def test_what_no_integer_of_gdbm_counts_is_refused() -> None:
    writer = GdbmWriter(NATIVE, GdbmBackend)

    refusals = list(writer.refusals(SizedRecords([10, (1 << 31) - 4, 1 << 40, 10]), CancelToken()))

    assert [refusal.row for refusal in refusals] == [1, 2]
    assert "31 bits" in refusals[0].reason


def test_a_32_bit_file_cannot_outgrow_2_gigabytes() -> None:
    half = SizedRecords([1 << 30, (1 << 30) - 5000, 100_000, 10])
    narrow = GdbmWriter(SHAPES["32-bit little signed"], GdbmBackend)

    assert [refusal.row for refusal in narrow.refusals(half, CancelToken())] == [2]
    with pytest.raises(KeyRejected, match=r"'key 2' cannot be stored: .*2 GB"):
        narrow.images(half, CancelToken())
    assert list(GdbmWriter(NATIVE, GdbmBackend).refusals(half, CancelToken())) == []


@pytest.mark.parametrize(
    "options", [CreateOptions(page_size=700), CreateOptions(layout="16-bit"), CreateOptions(duplicates="sorted")]
)
def test_options_that_gdbm_does_not_have_are_refused(options: CreateOptions) -> None:
    with pytest.raises(OptionRejected):
        new_shape(options, "gdbm")


def test_a_file_with_hashes_of_two_kinds_of_machine_is_not_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["café".encode(), "cafè".encode()]
    monkeypatch.setattr(gdbm_image, "key_hash", lambda key, **_: key_hash(key, signed=key == keys[0]))
    path = written(tmp_path / "x", [(key, b"value") for key in keys])

    with opened(path) as backend:
        assert len(index_of(backend)) == 2
        with pytest.raises(ReadOnlyDatabase, match="machines of two kinds"):
            save(backend, Insert(b"new", b""))


def test_a_block_size_that_is_none_makes_the_file_read_only(tmp_path: Path) -> None:
    path = written(tmp_path / "x", [(b"key", b"value")])
    content = bytearray(path.read_bytes())
    content[4:8] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)

    with opened(path) as backend:
        assert len(index_of(backend)) == 1
        with pytest.raises(ReadOnlyDatabase, match="block size"):
            save(backend, Insert(b"new", b""))


@pytest.mark.parametrize("case", OPENED_THOUGH_DAMAGED, ids=corpus.name_of)
def test_damage_makes_a_file_read_only(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    before = path.read_bytes()

    with opened(path) as backend:
        index_of(backend)
        with pytest.raises(ReadOnlyDatabase, match="salvage"):
            backend.apply([Insert(b"new", b"")], {}, SaveOptions(), CancelToken())

    assert path.read_bytes() == before


def test_a_writer_that_has_the_file_open_stops_a_save_but_no_reading(gdbm: NativeGdbm, database_case: CopyCase) -> None:
    path = database_case("gdbm-python-n150")
    before = path.read_bytes()
    with opened(path) as backend:
        gdbm("open", path, "w")

        with pytest.raises(DatabaseLocked, match="open in another program"):
            save(backend, Insert(b"new", b"value"))

        assert len(entries_of(backend)) == 150
        gdbm("close", path)
        assert path.read_bytes() == before
        save(backend, Insert(b"new", b"value"))
    assert gdbm("open", path, "w") == "done"
    gdbm("close", path)
    assert (b"new", b"value") in gdbm.pairs(path)


def test_a_value_that_the_library_wrote_over_in_place_is_a_conflict(gdbm: NativeGdbm, database_case: CopyCase) -> None:
    path = database_case("gdbm-python-n150")
    with opened(path) as backend:
        expected = expected_of(backend)
        (key, value), (other, _) = entries_of(backend)[3:5]
        gdbm("open", path, "w")
        gdbm("put", path, key, value[::-1] if value[::-1] != value else b"#" * len(value))
        gdbm("close", path)
        theirs = dict(gdbm.pairs(path))
        assert len(theirs[key]) == len(value)

        with pytest.raises(ChangedOnDisk) as caught:
            backend.apply([Replace(3, b"ours"), Remove(4)], expected, SaveOptions(), CancelToken())

        assert caught.value.keys == (key,)
        assert dict(gdbm.pairs(path)) == theirs
        backend.apply([Remove(4)], expected, SaveOptions(), CancelToken())
    assert dict(gdbm.pairs(path)) == {name: there for name, there in theirs.items() if name != other}


def test_what_others_did_to_other_keys_is_kept(gdbm: NativeGdbm, tmp_path: Path) -> None:
    path = tmp_path / "x.gdbm"
    gdbm.write(path, [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")])
    with opened(path) as backend:
        changes = edit(backend, (b"a", b"new"), b"b", (b"d", b"4"))
        expected = expected_of(backend)
        gdbm("open", path, "w")
        gdbm("put", path, b"theirs", b"kept")
        gdbm("delete", path, b"c")
        gdbm("close", path)

        backend.apply(changes, expected, SaveOptions(), CancelToken())

    assert dict(gdbm.pairs(path)) == {b"a": b"new", b"d": b"4", b"theirs": b"kept"}
