"""What is found in GDBM files that lost their header or directory, were cut, or had entries taken out."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.gdbm import buckets
from app.backends.gdbm.image import Shape
from app.backends.gdbm.layout import can_hash_to, key_hashes
from app.backends.salvage import Origin
from app.cancel import CancelToken
from tests import corpus
from tests.backends.damaging import cut_anywhere, with_noise
from tests.backends.gdbm_files import SHAPES, opened, written
from tests.backends.native import NativeGdbm, native_gdbm
from tests.backends.salvaging import is_of_the_original, salvaged

CopyCase = Callable[[str], Path]
CASES = [case for case in corpus.databases("gdbm", corrupt=False) if (case.count or 0) > 60 and "del" not in case.name]
PAIRS = [(b"key %d \xc3\xa9" % number, b"value %d " % number * (number % 9)) for number in range(200)]
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


@given(key=st.binary(max_size=300), other=st.integers(0, (1 << 31) - 1))
def test_what_a_key_can_hash_to_is_told_by_its_low_bits(key: bytes, other: int) -> None:
    hashes = key_hashes(key)

    assert all(can_hash_to(key, hash_) for hash_ in hashes)
    assert can_hash_to(key, other) == ((other ^ hashes[0]) & 0xFF == 0)


@pytest.mark.parametrize("damage", ["header", "noise", "cut"])
def test_large_files_are_searched_as_small_ones_are(
    gdbm: NativeGdbm, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, chance = tmp_path / "x.gdbm", Random(damage)
    pairs = [(b"key %d" % number, chance.randbytes(chance.randrange(400))) for number in range(3000)]
    gdbm.write(path, pairs, [key for key, _ in pairs[::5]])
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    overwrite(path, 0, 64)
    for place in chance.sample(range(4096, path.stat().st_size - 600), 30 if damage == "noise" else 0):
        overwrite(path, place, place + 500)
    assert path.stat().st_size > buckets.FEW_BYTES

    large = salvaged(path, deleted=True, format_id="gdbm")

    monkeypatch.setattr(buckets, "FEW_BYTES", 1 << 60)
    assert large == salvaged(path, deleted=True, format_id="gdbm")
    assert len(large.pairs(Origin.LOST)) > 1000


@pytest.fixture(scope="module")
def gdbm() -> Iterator[NativeGdbm]:
    with native_gdbm() as library:
        yield library


def overwrite(path: Path, start: int, end: int) -> None:
    content = bytearray(path.read_bytes())
    content[start:end] = bytes(end - start)
    path.write_bytes(content)


@pytest.mark.parametrize("case", corpus.databases("gdbm", "gdbm-ndbm", corrupt=False), ids=corpus.name_of)
def test_an_intact_file_gives_its_entries_once(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    search = salvaged(database_case(case.name))

    found = [corpus.expected_entry(one.key or b"", one.value) for one in search.found]
    ordered = corpus.in_order_of(case)
    assert ordered(found) == ordered(list(case.entries))
    assert {one.origin for one in search.found} <= {Origin.LIVE}
    assert search.reports == []


@pytest.mark.parametrize("case", corpus.databases("gdbm", corrupt=True), ids=corpus.name_of)
@pytest.mark.parametrize("deleted", [False, True])
def test_damaged_files_give_only_what_was_in_them(
    case: corpus.DatabaseCase, database_case: CopyCase, deleted: bool
) -> None:
    search = salvaged(database_case(case.name), deleted=deleted)

    assert all(is_of_the_original(case, found) for found in search.found)
    assert search.reports


def test_buckets_without_a_way_to_them_are_found(database_case: CopyCase) -> None:
    path = database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-cut")
    with opened(path) as backend:
        listed = sum(map(len, backend.index(CancelToken())))

    search = salvaged(path)

    assert len(search.pairs(Origin.LIVE)) == listed == 53
    assert len(search.pairs(Origin.LOST)) > listed


@each_shape
def test_a_file_without_its_directory_gives_all_entries(tmp_path: Path, shape: Shape) -> None:
    path = written(tmp_path / "x.gdbm", PAIRS, shape)
    overwrite(path, 512, 1024)

    search = salvaged(path)

    assert sorted(search.pairs(Origin.LOST)) == sorted(PAIRS)
    assert len(search.found) == len(PAIRS)


@each_shape
def test_a_file_without_its_header_gives_all_entries(tmp_path: Path, shape: Shape) -> None:
    path = written(tmp_path / "x.gdbm", PAIRS, shape)
    overwrite(path, 0, 1024)

    search = salvaged(path, format_id="gdbm")

    assert sorted(search.pairs(Origin.LOST)) == sorted(PAIRS)
    assert len(search.found) == len(PAIRS)
    assert "header" in search.reports[0]


def test_many_entries_are_found_where_zeros_look_like_long_keys(gdbm: NativeGdbm, tmp_path: Path) -> None:
    pairs = [(b"key %d" % number, b"%d" % number + bytes(600)) for number in range(1500)]
    path = tmp_path / "x.gdbm"
    gdbm.write(path, pairs, [key for key, _ in pairs[::3]])
    overwrite(path, 0, 64)

    found = salvaged(path, format_id="gdbm").pairs(Origin.LOST)

    left = {pair for number, pair in enumerate(pairs) if number % 3}
    assert left <= set(found)
    assert len(found) < 1.3 * len(left)


def test_one_lost_bucket_gives_its_entries_and_no_old_ones(gdbm: NativeGdbm, tmp_path: Path) -> None:
    path = tmp_path / "x.gdbm"
    gdbm.write(path, PAIRS)
    gdbm("open", path, "w")
    for key, _ in PAIRS[::3]:
        gdbm("delete", path, key)
    gdbm("close", path)
    left = dict(PAIRS)
    for key, _ in PAIRS[::3]:
        del left[key]
    with opened(path) as backend:
        place, size = backend.header.directory, backend.header.directory_size
    overwrite(path, place, place + size // 2)

    search = salvaged(path)

    assert dict(search.pairs(Origin.LIVE, Origin.LOST)) == left
    assert search.pairs(Origin.LOST)


@given(data=st.data())
def test_no_damage_brings_up_what_never_was(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from(CASES), label="case")
    damage = data.draw(st.sampled_from([cut_anywhere, with_noise]), label="damage")
    path = damage(case, tmp_path_factory.mktemp("damaged"), data)

    search = salvaged(path, format_id="gdbm", deleted=True)

    keys = {entry.key for entry in case.entries}
    # The hash that vouched for a key is taken away when its entry is deleted.
    vouched = [one for one in search.found if one.origin is not Origin.DELETED or damage is cut_anywhere]
    assert {found.key for found in vouched if found.key is not None} <= keys
    if damage is cut_anywhere:
        known = set(case.entries)
        assert {corpus.expected_entry(one.key, one.value) for one in search.found if one.key is not None} <= known


def test_deleted_entries_are_found_where_nothing_was_written_over_them(gdbm: NativeGdbm, tmp_path: Path) -> None:
    path = tmp_path / "x.gdbm"
    gdbm.write(path, PAIRS, [key for key, _ in PAIRS[:50]])

    search = salvaged(path, deleted=True)

    assert sorted(search.pairs(Origin.LIVE)) == sorted(PAIRS[50:])
    removed = search.pairs(Origin.DELETED)
    assert len(removed) >= 25
    assert set(removed) <= set(PAIRS[:50])
    assert len(removed) == len(set(removed))
    assert salvaged(path).pairs() == search.pairs(Origin.LIVE)


def test_a_superseded_pickle_is_found_without_its_key(gdbm: NativeGdbm, tmp_path: Path) -> None:
    path = tmp_path / "x.gdbm"
    old = pickle.dumps({"name": "old", "list": list(range(300))})
    gdbm.write(path, [(b"key", old)])
    gdbm("open", path, "w")
    gdbm("put", path, b"key", pickle.dumps("new and much shorter" + "x" * 5000))
    gdbm("close", path)

    search = salvaged(path, deleted=True)

    assert (None, old) in search.pairs(Origin.DELETED)


@pytest.mark.parametrize("member", ["nd", "nd.pag", "nd.dir"])
def test_any_member_of_an_ndbm_database_leads_to_its_pages(database_case: CopyCase, member: str) -> None:
    path = database_case("ndbm-gdbm-compat-n60")
    overwrite(path.with_suffix(".pag"), 0, 4096)

    search = salvaged(path.with_name(member), format_id="gdbm-ndbm", base=path.with_suffix(""))

    assert len(search.pairs(Origin.LOST)) == 60
