"""CDB files that are made anew and saved: every entry in its order, found by tinycdb, whatever fails."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Insert, Remove, Replace, SaveOptions
from app.backends.cdb import backend as cdb_backend
from app.backends.cdb import layout as cdb_layout
from app.backends.cdb import write as cdb_write
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.layout import HEAD, PAIR, key_hash
from app.backends.cdb.write import CdbWriter
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import Cancelled, ChangedOnDisk, KeyRejected, OptionRejected, ReadOnlyDatabase, SaveFailed
from tests import corpus
from tests.backends import cdb_files, rewriting
from tests.backends.failing_files import FailingOperations, LyingOperations, WindowsOperations
from tests.backends.listing import entries_of, expected_of, index_of
from tests.backends.reading import SECONDS
from tests.backends.toy_format import PairRecords

KEYS = st.binary(max_size=8) | st.binary(max_size=200)
PAIRS = st.lists(st.tuples(KEYS, st.binary(max_size=300)), max_size=60)
QUERYABLE = st.lists(st.tuples(st.text("abcdef", min_size=1).map(str.encode), st.binary(max_size=50)), max_size=40)
BEFORE = [(b"a", b"1"), (b"b", b"2" * 600), (b"a", b"again"), (b"c", b"3")]
AFTER = [(b"a", b"new" * 500), (b"a", b"again"), (b"c", b"3"), (b"caf\xe9", b"added")]
CHANGES = (Replace(0, b"new" * 500), Remove(1), Insert(b"caf\xe9", b"added"))

opened = open_database
CopyCase = Callable[[str], Path]


def made(folder: Path, pairs: list[rewriting.Pair] = BEFORE) -> Path:
    path = folder / "x.cdb"
    path.write_bytes(cdb_files.image(pairs))
    return path


@pytest.mark.parametrize("case", corpus.databases("cdb", corrupt=False), ids=corpus.name_of)
def test_every_case_is_the_same_after_it_was_rewritten(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    before = cdb_files.dump_by_tinycdb(path)

    with opened(path) as backend:
        rewriting.compact(backend)

    assert cdb_files.dump_by_tinycdb(path) == before
    assert cdb_files.count_by_tinycdb(path) == case.count
    with opened(path) as backend:
        assert entries_of(backend) == before
        assert list(backend.check(CancelToken())) == []


@given(pairs=PAIRS)
def test_new_files_hold_any_pairs_in_their_order(
    pairs: list[rewriting.Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("new") / "x.cdb"

    rewriting.create(CdbWriter(CdbBackend), path, pairs)

    with opened(path) as backend:
        assert entries_of(backend) == pairs
        assert list(backend.check(CancelToken())) == []
    assert cdb_files.dump_by_tinycdb(path) == pairs


@given(pairs=QUERYABLE)
def test_tinycdb_finds_every_entry_of_a_key_in_its_turn(
    pairs: list[rewriting.Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("new") / "x.cdb"

    rewriting.create(CdbWriter(CdbBackend), path, pairs)

    turns = Counter[bytes]()
    for key, value in pairs[:10]:
        turns[key] += 1
        assert cdb_files.query_by_tinycdb(path, key, turns[key]) == value


@pytest.mark.parametrize("many", [1, 1 << 16], ids=["numpy", "plain"])
def test_both_ways_of_hashing_write_the_same_file(many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(b"key %d" % (number % 700) * (number % 40), b"%d" % number) for number in range(3000)]
    pairs += [(b"long" * 100, b""), (b"", b"x"), (b"same", b"1"), (b"same", b"2")]
    monkeypatch.setattr(cdb_write, "_MANY", many)

    rewriting.create(CdbWriter(CdbBackend), tmp_path / "x.cdb", pairs)

    content = (tmp_path / "x.cdb").read_bytes()
    assert cdb_files.dump_by_tinycdb(tmp_path / "x.cdb") == pairs
    assert cdb_files.count_by_tinycdb(tmp_path / "x.cdb") == len(pairs)
    numbers = HEAD.unpack(content[: HEAD.size])
    hashes, places = zip(*sorted_entries(content, numbers[0]), strict=True)
    assert content[numbers[0] :] == b"".join(tables(hashes, places))


def sorted_entries(content: bytes, end: int) -> list[tuple[int, int]]:
    """Return hash and place of each entry, in order."""
    place, found = HEAD.size, list[tuple[int, int]]()
    while place < end:
        key_size, value_size = PAIR.unpack_from(content, place)
        found.append((key_hash(content[place + 8 : place + 8 + key_size]), place))
        place += 8 + key_size + value_size
    return found


def tables(hashes: tuple[int, ...], places: tuple[int, ...]) -> list[bytes]:
    rows = [[row for row, hash_ in enumerate(hashes) if hash_ % 256 == table] for table in range(256)]
    return [cdb_layout.table_of([hashes[row] for row in some], [places[row] for row in some]) for some in rows]


@given(hashes=st.lists(st.integers(0, 40).map(lambda start: start << 8), max_size=30))
def test_a_table_leads_to_every_entry_of_a_hash_in_order(hashes: list[int]) -> None:
    places = list(range(1, len(hashes) + 1))

    slots = list(PAIR.iter_unpack(cdb_layout.table_of(hashes, places)))

    assert len(slots) == 2 * len(hashes)
    for hash_ in set(hashes):
        found, slot = list[int](), (hash_ >> 8) % len(slots)
        while slots[slot][1]:
            if slots[slot][0] == hash_:
                found.append(slots[slot][1])
            slot = (slot + 1) % len(slots)
        assert found == [place for place, one in zip(places, hashes, strict=True) if one == hash_]


def test_one_key_of_very_many_values_takes_no_longer_than_others(tmp_path: Path) -> None:
    pairs = [(b"same", b"%d" % number) for number in range(30_000)]
    start = monotonic()

    rewriting.create(CdbWriter(CdbBackend), tmp_path / "x.cdb", pairs)

    assert monotonic() - start < SECONDS
    assert cdb_files.query_by_tinycdb(tmp_path / "x.cdb", b"same", 30_000) == b"29999"


def test_what_goes_beyond_4_gib_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [(b"key %d" % number, bytes(100)) for number in range(30)]
    writer = CdbWriter(CdbBackend)
    whole = HEAD.size + sum(len(key) + len(value) + 24 for key, value in pairs)
    monkeypatch.setattr(cdb_write, "LIMIT", whole)
    rewriting.create(writer, tmp_path / "whole.cdb", pairs)
    assert (tmp_path / "whole.cdb").stat().st_size == whole
    monkeypatch.setattr(cdb_write, "LIMIT", whole - 1)

    with pytest.raises(KeyRejected, match=r"'key 29' and what follows.*4 GiB"):
        rewriting.create(writer, tmp_path / "x.cdb", pairs)

    assert [path.name for path in tmp_path.iterdir()] == ["whole.cdb"]
    assert [refusal.row for refusal in writer.refusals(PairRecords([(b"", bytes(whole))]), CancelToken())] == [0]


def test_no_option_means_anything_to_cdb() -> None:
    with pytest.raises(OptionRejected, match="no page size"):
        new_writer("cdb", CreateOptions(page_size=4096))


@contextlib.contextmanager
def everything_is_large() -> Iterator[None]:
    """Let even the smallest files be listed, copied and checked by numpy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdb_backend, "_MANY", 0)
        patch.setattr(cdb_backend, "FIRST_CHUNK", 1)
        patch.setattr(cdb_backend, "CHUNK", 7)
        patch.setattr(cdb_write, "_MANY", 0)
        yield


WAYS = pytest.mark.parametrize("way", [contextlib.nullcontext, everything_is_large], ids=["singly", "in bulk"])
Way = Callable[[], contextlib.AbstractContextManager[None]]


@WAYS
@given(before=PAIRS, data=st.data())
def test_saving_leaves_what_a_list_would(
    way: Way, before: list[rewriting.Pair], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = made(tmp_path_factory.mktemp("saved"), before)
    rows = st.sampled_from(range(len(before) or 1))
    removed = data.draw(st.sets(rows, max_size=5), label="removed") if before else set()
    replaced = data.draw(st.dictionaries(rows, st.binary(max_size=400), max_size=5), label="replaced") if before else {}
    inserted = data.draw(PAIRS, label="inserted")

    with way(), opened(path) as backend:
        rewriting.save(
            backend,
            *(Replace(row, value) for row, value in replaced.items() if row not in removed),
            *map(Remove, removed),
            *(Insert(*pair) for pair in inserted),
        )

    kept = [(key, replaced.get(row, value)) for row, (key, value) in enumerate(before) if row not in removed]
    assert cdb_files.dump_by_tinycdb(path) == kept + inserted
    with opened(path) as backend:
        assert entries_of(backend) == kept + inserted


def test_a_save_that_dies_anywhere_leaves_the_old_or_the_new_database(tmp_path: Path) -> None:
    seen = set()
    for moment, path in rewriting.states_after_death(made, opened, CHANGES, tmp_path):
        with opened(path) as backend:
            entries = entries_of(backend)
            assert entries in (BEFORE, AFTER), moment
            assert list(backend.check(CancelToken())) == [], moment
        seen.add(entries == AFTER)

    assert seen == {False, True}


def test_a_save_that_fails_anywhere_leaves_the_old_file_or_the_new_database(tmp_path: Path) -> None:
    rewriting.check_every_failure(made, opened, CHANGES, tmp_path)


def test_windows_is_given_no_open_file_to_replace(tmp_path: Path) -> None:
    with opened(made(tmp_path)) as backend:
        rewriting.save(backend, *CHANGES, options=SaveOptions(), operations=WindowsOperations())

    with opened(tmp_path / "x.cdb") as backend:
        assert entries_of(backend) == AFTER


def test_a_disk_that_writes_something_else_is_found_out(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = rewriting.contents(tmp_path)

    with opened(path) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        rewriting.save(backend, *CHANGES, operations=LyingOperations())

    assert rewriting.contents(tmp_path) == before


def test_another_program_that_replaces_the_file_meanwhile_loses_nothing(tmp_path: Path) -> None:
    path = made(tmp_path)

    def write_too(operation: str) -> None:
        if operation == "fsync":
            path.write_bytes(cdb_files.image([(b"theirs", b"x")]))

    with opened(path) as backend, pytest.raises(ChangedOnDisk, match="try again"):
        rewriting.save(backend, *CHANGES, operations=FailingOperations(before=write_too))

    with opened(path) as backend:
        assert entries_of(backend) == [(b"theirs", b"x")]


def test_changes_of_others_before_the_save_are_kept_or_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    with opened(path) as backend:
        expected = expected_of(backend)
        path.write_bytes(cdb_files.image([(b"b", b"theirs"), (b"new", b"too"), *BEFORE[2:], BEFORE[0]]))

        with pytest.raises(ChangedOnDisk, match="'b' differs"):
            backend.apply([Replace(1, b"mine")], expected, rewriting.NO_BACKUP, CancelToken())
        backend.apply([Replace(0, b"mine")], expected, rewriting.NO_BACKUP, CancelToken())

    with opened(path) as backend:
        assert entries_of(backend) == [(b"b", b"theirs"), (b"new", b"too"), *BEFORE[2:], (b"a", b"mine")]


def test_a_damaged_file_is_not_rewritten(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.write_bytes(path.read_bytes()[:-8])
    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match="damaged"):
        rewriting.save(backend, Remove(0))


def test_a_save_can_be_cancelled_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = made(tmp_path, [(b"%d" % number, b"x") for number in range(2000)])
    before = rewriting.contents(tmp_path)
    token = CancelToken()

    def give_up(operation: str) -> None:
        if operation == "write":
            token.cancel()

    with opened(path) as backend:
        expected = expected_of(backend)
        backend.operations = FailingOperations(before=give_up)
        with pytest.raises(Cancelled):
            backend.apply([Remove(0)], expected, SaveOptions(), token)

    assert rewriting.contents(tmp_path) == before


def test_large_values_go_through_in_pieces(tmp_path: Path) -> None:
    value = bytes(range(256)) * 20_000
    rewriting.create(CdbWriter(CdbBackend), tmp_path / "x.cdb", [(b"k", value), (b"", b"")])

    with opened(tmp_path / "x.cdb") as backend:
        index = index_of(backend)
        pieces = list(backend.pieces(*index.entry(0)))
        assert b"".join(pieces) == value
        assert max(map(len, pieces)) == 1 << 20
        assert list(backend.pieces(*index.entry(1))) == []
