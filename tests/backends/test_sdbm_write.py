"""SDBM databases that are made anew and saved: perl finds every entry and goes on with them, whatever fails."""

import itertools
import random
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Insert, Remove, Replace, SaveOptions
from app.backends.registry import new_writer, open_database
from app.backends.sdbm import write as sdbm_write
from app.backends.sdbm.backend import SdbmBackend
from app.backends.sdbm.layout import MULTIPLIERS, PAGE_SIZES, Convention, Geometry, key_hashes, reversed_bits
from app.backends.sdbm.write import SdbmWriter
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import ChangedOnDisk, KeyRejected, OptionRejected, ReadOnlyDatabase
from tests import corpus
from tests.backends import rewriting, sdbm_files
from tests.backends.failing_files import FailingOperations, WindowsOperations
from tests.backends.listing import entries_of, expected_of, ids_by_key
from tests.backends.toy_format import PairRecords

CopyCase = Callable[[str], Path]
PAIRS = st.dictionaries(st.binary(max_size=60), st.binary(max_size=300), max_size=80)
MANY = {b"key %d" % number: b"value %d" % number for number in range(2000)} | {
    bytes([128 + number % 128, number // 128]) * 3: bytes([number % 256]) * 20 for number in range(600)
}
OLD = {b"key %d" % number: b"%d" % number * 40 for number in range(60)}
CHANGES = (Replace(0, b"new" * 300), Remove(1), Insert(b"caf\xe9", b"added" * 100))

opened = open_database


def made(folder: Path, pairs: dict[bytes, bytes] = OLD) -> Path:
    sdbm_files.write_by_perl(folder / "x", pairs.items())
    return folder / "x"


def made_here(folder: Path) -> Path:
    """Make the same without perl, which takes its time to start."""
    return sdbm_files.write(folder / "x", OLD.items())


def whole(backend: Backend) -> dict[bytes, bytes]:
    """Return all entries of a database that its own check finds nothing wrong with."""
    entries = entries_of(backend)
    assert len(dict(entries)) == len(entries)
    assert list(backend.check(CancelToken())) == []
    assert backend.problems == []
    return dict(entries)


@pytest.mark.parametrize("case", corpus.databases("sdbm", corrupt=False), ids=corpus.name_of)
def test_every_case_is_the_same_after_it_was_rewritten(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    with opened(path) as backend:
        before = whole(backend)
        assert isinstance(backend, SdbmBackend)
        convention = backend.convention

        rewriting.compact(backend)

    with opened(path) as backend:
        assert whole(backend) == before
        assert isinstance(backend, SdbmBackend)
        assert backend.convention == convention
    if case.byte_order == sys.byteorder:
        assert sdbm_files.read_by_perl(path.with_suffix("")) == before


def test_what_perl_wrote_is_rewritten_byte_for_byte_where_nothing_was_deleted(tmp_path: Path) -> None:
    # Each key is in place before the next comes, so that a page's entries are in the order in which they came.
    base = made(tmp_path, MANY)
    pag, directory = (base.with_suffix(suffix).read_bytes() for suffix in (".pag", ".dir"))

    with opened(base) as backend:
        rewriting.compact(backend)

    assert base.with_suffix(".dir").read_bytes() == directory
    assert len(base.with_suffix(".pag").read_bytes()) == len(pag)


@given(pairs=PAIRS)
def test_perl_reads_any_new_database(pairs: dict[bytes, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("new") / "x"

    rewriting.create(new_writer("sdbm", CreateOptions()), base, pairs.items())

    assert sdbm_files.read_by_perl(base) == pairs
    with opened(base) as backend:
        assert whole(backend) == pairs


@pytest.mark.parametrize("many", [1, 1 << 16], ids=["numpy", "plain"])
def test_both_ways_of_hashing_write_the_same_database(
    many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for signed in (True, False):
        convention = Convention(Geometry(512, "big"), MULTIPLIERS[1], signed=signed)
        long_keys = {b"\xfflong" * 60 + b"%d" % number: b"" for number in range(50)}
        pairs = MANY | long_keys
        rewriting.create(SdbmWriter(SdbmBackend, convention), tmp_path / f"plain-{signed}", pairs.items())
        with monkeypatch.context() as patch:
            patch.setattr(sdbm_write, "_MANY", many)
            rewriting.create(SdbmWriter(SdbmBackend, convention), tmp_path / f"x-{signed}", pairs.items())

        for suffix in (".dir", ".pag"):
            one, other = (tmp_path / f"{name}-{signed}{suffix}" for name in ("plain", "x"))
            assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("by_level", [False, True], ids=["trie", "levels"])
@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("geometry", [Geometry(512, "little"), Geometry(1024, "big"), Geometry(8192, "little")])
def test_the_conventions_of_a_writer_are_kept(
    tmp_path: Path, geometry: Geometry, multiplier: int, *, signed: bool, by_level: bool
) -> None:
    def hash_of(key: bytes) -> int:
        return key_hashes(key, multiplier)[-1 if signed else 0]

    # Few entries a page, and so more than 8 splits on the way to one: a sign changes no bit before the ninth.
    pairs = {key: value + bytes(geometry.page_size // 4) for key, value in sorted(MANY.items())[-1000:]}
    path = sdbm_files.write(
        tmp_path / "x",
        pairs.items(),
        page_size=geometry.page_size,
        order=geometry.mark,
        hash_of=hash_of,
        by_level=by_level,
    )
    before = path.read_bytes(), path.with_suffix(".dir").read_bytes().rstrip(b"\0")

    with opened(path) as backend:
        rewriting.save(backend, Insert(b"new", b"entry"))

    with opened(path) as backend:
        assert whole(backend) == pairs | {b"new": b"entry"}
        rewriting.save(backend, Remove(ids_by_key(expected_of(backend))[b"new"]))
    assert path.read_bytes() == before[0]
    assert path.with_suffix(".dir").read_bytes().rstrip(b"\0") == before[1]


@pytest.mark.parametrize("size", PAGE_SIZES)
@pytest.mark.parametrize("order", ["little", "big"])
def test_page_size_and_byte_order_can_be_chosen(tmp_path: Path, size: int, order: str) -> None:
    options = CreateOptions(page_size=size, byte_order="little" if order == "little" else "big")

    rewriting.create(new_writer("sdbm", options), tmp_path / "x", MANY.items())

    with opened(tmp_path / "x") as backend:
        assert f"{size:,} bytes, {order}-endian" in backend.match.variant
        assert whole(backend) == MANY


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (CreateOptions(page_size=1000), "page size.*cannot be 1000"),
        (CreateOptions(numsync=True), "no numsync"),
        (CreateOptions(duplicates="sorted"), "no duplicates"),
    ],
)
def test_an_option_that_sdbm_does_not_have_is_named(options: CreateOptions, words: str) -> None:
    with pytest.raises(OptionRejected, match=words):
        new_writer("sdbm", options)


def test_an_empty_database_of_perl_gets_pages_that_perl_reads(tmp_path: Path) -> None:
    base = made(tmp_path, {})

    with opened(base) as backend:
        rewriting.save(backend, *(Insert(key, value) for key, value in OLD.items()))

    assert sdbm_files.read_by_perl(base) == OLD


def test_the_longest_pair_of_perl_is_the_longest_we_take(tmp_path: Path) -> None:
    base = made(tmp_path)
    with opened(base) as backend:
        rewriting.save(backend, Insert(b"k" * 8, b"v" * 1000))
    with opened(base) as backend, pytest.raises(KeyRejected, match=r"'kkkkkkkk!' cannot.*1,008 bytes.*has 1,009"):
        rewriting.save(backend, Insert(b"k" * 8 + b"!", b"v" * 1000))
    assert sdbm_files.read_by_perl(base) == OLD | {b"k" * 8: b"v" * 1000}

    writer = new_writer("sdbm", CreateOptions())
    records = PairRecords([(b"fits", bytes(1004)), (b"long", bytes(1005)), (b"fits", b"")])
    assert [refusal.row for refusal in writer.refusals(records, CancelToken())] == [1, 2]


def test_entries_of_one_hash_that_fill_more_than_a_page_are_refused(tmp_path: Path) -> None:
    keys = same_hash()
    writer = new_writer("sdbm", CreateOptions(page_size=512))
    rewriting.create(writer, tmp_path / "two", [(key, bytes(200)) for key in keys[:2]])

    with pytest.raises(KeyRejected, match="more entries than a page holds"):
        rewriting.create(writer, tmp_path / "x", [(key, bytes(200)) for key in keys])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["two.dir", "two.pag"]


def same_hash() -> list[bytes]:
    """Return four keys of equal hash: two halves of equal hash and length, put together in every way."""
    seen: dict[int, bytes] = {}
    numbers = (zlib.crc32(b"%d" % number) for number in itertools.count())
    half = next(key for key in (b"%08x" % number for number in numbers) if seen.setdefault(low_hash(key), key) != key)
    other = seen[low_hash(half)]
    return [half + half, half + other, other + half, other + other]


def low_hash(key: bytes) -> int:
    return key_hashes(key, MULTIPLIERS[0])[0]


@given(before=PAIRS, new=PAIRS, data=st.data())
def test_saving_leaves_what_a_dict_would(
    before: dict[bytes, bytes],
    new: dict[bytes, bytes],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = made(tmp_path_factory.mktemp("saved"), before)
    removed = data.draw(st.sets(st.sampled_from(sorted(before))), label="removed") - new.keys() if before else set()

    with opened(base) as backend:
        ids = ids_by_key(expected_of(backend))
        rewriting.save(
            backend,
            *(Remove(ids[key]) for key in removed),
            *(Replace(ids[key], value) if key in ids else Insert(key, value) for key, value in new.items()),
        )

    wanted = {key: value for key, value in (before | new).items() if key not in removed}
    assert sdbm_files.read_by_perl(base) == wanted
    with opened(base) as backend:
        assert whole(backend) == wanted


def test_perl_goes_on_with_what_we_wrote(tmp_path: Path) -> None:
    base = tmp_path / "x"
    rewriting.create(new_writer("sdbm", CreateOptions()), base, MANY.items())
    chance = random.Random(1)
    added = {b"added %d" % number: chance.randbytes(chance.randrange(200)) for number in range(1500)}
    deleted = chance.sample(sorted(MANY), 500)

    sdbm_files.write_by_perl(base, added.items(), deleted)

    wanted = {key: value for key, value in (MANY | added).items() if key not in set(deleted)}
    with opened(base) as backend:
        assert whole(backend) == wanted
        rewriting.save(backend, Insert(b"ours", b"again"))
    assert sdbm_files.read_by_perl(base) == wanted | {b"ours": b"again"}


def test_a_save_that_dies_anywhere_reads_as_the_old_or_the_new_database(tmp_path: Path) -> None:
    with opened(made_here(tmp_path)) as backend:
        old = entries_of(backend)
    new = {**dict(old[2:]), old[0][0]: b"new" * 300, b"caf\xe9": b"added" * 100}
    seen = set()

    for moment, path in rewriting.states_after_death(made_here, opened, CHANGES, tmp_path / "deaths"):
        with opened(path) as backend:
            entries = dict(entries_of(backend))
        assert entries in (OLD, new), moment
        seen.add(entries == new)

    assert seen == {False, True}


def test_a_save_that_fails_anywhere_leaves_the_old_files_or_the_new_database(tmp_path: Path) -> None:
    rewriting.check_every_failure(made_here, opened, CHANGES, tmp_path)


def test_windows_is_given_no_open_file_to_replace(tmp_path: Path) -> None:
    base = made(tmp_path)

    with opened(base) as backend:
        rewriting.save(backend, *CHANGES, options=SaveOptions(), operations=WindowsOperations())

    assert sdbm_files.read_by_perl(base)[b"caf\xe9"] == b"added" * 100


def test_perl_that_writes_meanwhile_loses_nothing(tmp_path: Path) -> None:
    base = made(tmp_path)

    def write_too(operation: str) -> None:
        if operation == "copy_access":
            sdbm_files.write_by_perl(base, {b"key 7": b"t" * 80}.items())  # no size changes

    with opened(base) as backend, pytest.raises(ChangedOnDisk, match="try again"):
        rewriting.save(backend, *CHANGES, operations=FailingOperations(before=write_too))

    assert sdbm_files.read_by_perl(base) == OLD | {b"key 7": b"t" * 80}


def test_a_database_that_was_never_split_needs_no_dir_file_to_be_saved(tmp_path: Path) -> None:
    base = made(tmp_path, {b"one": b"1"})
    base.with_suffix(".dir").unlink()

    with opened(base) as backend:
        report = rewriting.save(backend, Insert(b"two", b"2"), options=SaveOptions())

    assert [backup.name[:6] for backup in report.backups] == ["x.pag."]
    assert base.with_suffix(".dir").read_bytes() == b""
    assert sdbm_files.read_by_perl(base) == {b"one": b"1", b"two": b"2"}


def test_a_lost_dir_file_is_damage_and_nothing_is_rewritten(tmp_path: Path) -> None:
    base = made(tmp_path)
    base.with_suffix(".dir").unlink()

    with opened(base) as backend, pytest.raises(ReadOnlyDatabase, match="salvage"):
        rewriting.save(backend, Remove(0))


def test_a_hash_that_we_do_not_know_is_not_replaced_by_another(tmp_path: Path) -> None:
    path = sdbm_files.write(tmp_path / "x", MANY.items(), hash_of=zlib.crc32)
    before = rewriting.contents(tmp_path)

    with (
        opened(path) as backend,
        pytest.raises(ReadOnlyDatabase, match=r"function that is not known.*another database"),
    ):
        rewriting.save(backend, Remove(0))

    assert rewriting.contents(tmp_path) == before


def test_keys_that_machines_of_two_kinds_hashed_are_not_moved(tmp_path: Path) -> None:
    def hash_of(key: bytes) -> int:
        return key_hashes(key, MULTIPLIERS[0])[-1 if zlib.crc32(key) % 2 else 0]

    # The two hashes differ from their ninth bit on.
    path = sdbm_files.write(tmp_path / "x", [(key, bytes(200)) for key in MANY], page_size=512, hash_of=hash_of)

    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match="machines of two kinds"):
        rewriting.save(backend, Remove(0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is not asked for holes")
def test_pages_far_apart_take_neither_time_nor_room(tmp_path: Path) -> None:
    # The hashes agree in 22 bits: pages are split so often until the keys part that the file is of 32 GB.
    pairs = {b"k10000": b"v" * 700, b"k24641": b"w" * 700}
    rewriting.create(new_writer("sdbm", CreateOptions()), tmp_path / "x", pairs.items())

    with opened(tmp_path / "x") as backend:
        report = rewriting.save(backend, *rewriting.edit(backend, (b"k10000", b"new" * 200), b"k24641", (b"k2", b"")))
        assert (tmp_path / "x.pag").stat().st_size < 1 << 20
        rewriting.save(backend, Insert(b"k24641", b"w" * 700), options=SaveOptions())

    assert report.bytes_before < 1 << 20
    assert (tmp_path / "x.pag").stat().st_size > 1 << 30
    with opened(tmp_path / "x") as backend:
        assert whole(backend) == {b"k10000": b"new" * 200, b"k2": b"", b"k24641": b"w" * 700}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the room that a file takes")
def test_a_sparse_database_stays_sparse(tmp_path: Path) -> None:
    wanted, far = {0, 0x7FFF, 0x8000, 0xFFFF}, dict[int, bytes]()
    keys = (b"%d" % number for number in itertools.count())
    while len(far) < len(wanted):
        key = next(keys)
        if low_hash(key) & 0xFFFF in wanted:
            far[low_hash(key) & 0xFFFF] = key
    base = tmp_path / "x"

    rewriting.create(new_writer("sdbm", CreateOptions()), base, [(key, b"\1" * 900) for key in far.values()])

    status = base.with_suffix(".pag").stat()
    assert status.st_size > 20 * 512 * status.st_blocks
    with opened(base) as backend:
        rewriting.save(backend, Remove(0), options=SaveOptions())
    for path in tmp_path.glob("x.pag*"):
        assert path.stat().st_blocks <= status.st_blocks
    assert len(sdbm_files.read_by_perl(base)) == len(far) - 1


@given(value=st.integers(0, (1 << 32) - 1))
def test_bits_are_reversed(value: int) -> None:
    assert f"{reversed_bits(value):032b}" == f"{value:032b}"[::-1]
