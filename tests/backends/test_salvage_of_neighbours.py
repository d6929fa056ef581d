"""SDBM, CDB and pickle files that are damaged: what can be found in them still, and nothing that was never there."""

import pickle
import random
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.registry import salvager_for
from app.backends.salvage import Origin, Salvage
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from app.errors import Cancelled, CannotOpen
from tests import corpus
from tests.backends import cdb_files, sdbm_files
from tests.backends.damaging import cut_anywhere, with_noise
from tests.backends.reading import SECONDS
from tests.backends.salvaging import Salvaged, salvaged

CopyCase = Callable[[str], Path]
SHELF = {b"key %d" % number: pickle.dumps({"number": number, "text": "x" * (number % 90)}) for number in range(300)}


def search_in(format_id: str, path: Path, *, deleted: bool = False) -> Salvaged:
    base = path.with_suffix("") if format_id == "sdbm" else path
    search = salvaged(path, deleted=deleted, format_id=format_id, base=base)
    assert len({(one.key, one.value, one.offset) for one in search.found}) == len(search.found)
    return search


@pytest.mark.parametrize("case", corpus.databases("sdbm", "cdb", corrupt=False), ids=corpus.name_of)
def test_an_intact_database_gives_its_entries_and_nothing_else(
    case: corpus.DatabaseCase, database_case: CopyCase
) -> None:
    search = search_in(case.format or "", database_case(case.name))

    found = [corpus.expected_entry(one.key or b"", one.value) for one in search.found]
    assert sorted(map(repr, found)) == sorted(map(repr, case.entries))
    assert {one.origin for one in search.found} <= {Origin.LIVE}
    assert search.reports == []


@pytest.mark.parametrize("case", corpus.databases("sdbm", "cdb", corrupt=True), ids=corpus.name_of)
def test_a_damaged_case_gives_only_what_was_there(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    search = search_in(case.format or "", database_case(case.name))

    assert len(search.found) > 50
    assert all(case.knows(one.key or b"", one.value) for one in search.found)
    assert search.reports


@pytest.mark.parametrize("name", ["ndbm-sdbm-n500", "cdb-n150"])
@given(data=st.data())
def test_what_is_found_lies_where_it_is_said_to(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = corpus.database(name)
    damage = data.draw(st.sampled_from([cut_anywhere, with_noise]), label="damage")
    path = damage(case, tmp_path_factory.mktemp("damaged"), data)
    start = monotonic()

    try:
        found = search_in(case.format or "", path, deleted=True).found
    except CannotOpen:
        found = []

    content = path.read_bytes()
    assert all(content[one.offset : one.offset + len(one.value)] == one.value for one in found)
    assert monotonic() - start < SECONDS


# ---- SDBM


def shelf(folder: Path) -> Path:
    sdbm_files.write_by_perl(folder / "x", SHELF.items())
    return folder / "x.pag"


def test_pages_need_no_dir_file(tmp_path: Path) -> None:
    path = shelf(tmp_path)
    path.with_suffix(".dir").unlink()

    search = search_in("sdbm", path)

    assert dict(search.pairs(Origin.LIVE)) == SHELF
    assert ".dir" in search.reports[0]


def test_the_size_of_pages_is_found_behind_damage(tmp_path: Path) -> None:
    path = shelf(tmp_path)
    content = path.read_bytes()
    path.write_bytes(random.Random(0).randbytes(1 << 16)[: 9 * 1024] + content[9 * 1024 :])

    search = search_in("sdbm", path)

    assert set(SHELF.items()) >= set(search.pairs(Origin.LIVE))
    assert len(search.found) > len(SHELF) // 2


def test_values_of_a_damaged_page_are_found_by_how_they_begin(tmp_path: Path) -> None:
    path = shelf(tmp_path)
    content = bytearray(path.read_bytes())
    there = len(search_in("sdbm", path).found)
    content[1024 : 1024 + 2] = b"\xff\xff"
    path.write_bytes(content)

    search = search_in("sdbm", path)

    lost = search.pairs(Origin.LOST)
    assert lost
    assert len(search.found) == there
    assert {value for _, value in lost} <= set(SHELF.values())


def test_the_first_pairs_of_a_page_that_is_cut_are_lost_and_the_last_ones_are_found(tmp_path: Path) -> None:
    pairs = [(b"key %d" % number, b"value %d" % number) for number in range(30)]
    page = sdbm_files.page_of(pairs, 1024)
    (tmp_path / "x.pag").write_bytes(page + page[:-100])
    (tmp_path / "x.dir").write_bytes(b"\1")

    search = search_in("sdbm", tmp_path / "x.pag")

    lost = search.pairs(Origin.LOST)
    assert 20 < len(lost) < 30
    assert lost == pairs[-len(lost) :]


def test_pairs_that_perl_removed_are_found_where_nothing_took_their_place(tmp_path: Path) -> None:
    pairs = {b"key %d" % number: b"value %d" % number * 3 for number in range(20)}
    removed = [b"key 19", b"key 5", b"key 18"]
    for key in removed:  # one after another: perl keeps the file as it is between
        sdbm_files.write_by_perl(tmp_path / "x", pairs.items() if key == removed[0] else (), [key])

    search = search_in("sdbm", tmp_path / "x.pag", deleted=True)

    # What lay in the middle was overwritten by what came after it; the last pairs lie there still.
    assert search.pairs(Origin.DELETED) == [(key, pairs[key]) for key in (b"key 18", b"key 19")]
    assert dict(search.pairs(Origin.LIVE)) == {key: pairs[key] for key in pairs.keys() - set(removed)}
    assert search_in("sdbm", tmp_path / "x.pag").pairs(Origin.DELETED) == []


@given(
    pairs=st.dictionaries(st.binary(min_size=1, max_size=8), st.binary(min_size=3, max_size=30), min_size=1),
    data=st.data(),
)
def test_nothing_is_called_removed_that_was_never_there(
    pairs: dict[bytes, bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    removed = data.draw(st.lists(st.sampled_from(sorted(pairs)), unique=True), label="removed")
    base = tmp_path_factory.mktemp("removed") / "x"
    sdbm_files.write_by_perl(base, pairs.items(), removed)

    found = search_in("sdbm", base.with_suffix(".pag"), deleted=True).pairs(Origin.DELETED)

    assert set(found) <= {(key, pairs[key]) for key in removed}
    if removed and removed[-1] == list(pairs)[-1] and len(removed) == 1:
        assert found


def test_a_database_of_pages_that_were_emptied_gives_the_last_pair_of_each(tmp_path: Path) -> None:
    sdbm_files.write_by_perl(tmp_path / "x", [(b"only", b"entry")], [b"only"])

    search = search_in("sdbm", tmp_path / "x.pag", deleted=True)

    assert [(one.key, one.value, one.origin) for one in search.found] == [(b"only", b"entry", Origin.DELETED)]


# ---- CDB


def cdb(folder: Path, damage: dict[int, bytes], size: int | None = None) -> Path:
    content = bytearray(cdb_files.image(SHELF.items()))
    for place, change in damage.items():
        content[place : place + len(change)] = change
    path = folder / "x.cdb"
    path.write_bytes(content[:size])
    return path


def test_entries_need_no_tables(tmp_path: Path) -> None:
    search = search_in("cdb", cdb(tmp_path, {0: bytes(2048)}))

    assert search.pairs() == list(SHELF.items())
    assert {one.origin for one in search.found} == {Origin.LOST}
    assert "hash tables" in search.reports[0]


def test_entries_of_a_file_cut_before_its_tables_are_listed(tmp_path: Path) -> None:
    search = search_in("cdb", cdb(tmp_path, {}, 9000))

    assert 50 < len(search.found) < 300
    assert search.pairs() == list(SHELF.items())[: len(search.found)]


def test_an_entry_whose_key_was_changed_is_found_beside_the_others(tmp_path: Path) -> None:
    search = search_in("cdb", cdb(tmp_path, {2048 + 8: b"KEY"}))

    pairs = list(SHELF.items())
    assert search.pairs(Origin.LIVE) == pairs[1:]
    assert search.pairs(Origin.LOST) == [(b"KEY 0", pairs[0][1])]


def test_values_behind_a_changed_length_are_found_by_how_they_begin(tmp_path: Path) -> None:
    search = search_in("cdb", cdb(tmp_path, {2048: b"\xff\xff\xff"}))

    pairs = list(SHELF.items())
    assert search.pairs(Origin.LIVE) == pairs[1:]
    assert search.pairs(Origin.LOST) == [(None, pairs[0][1])]


# ---- pickle files


def test_pickles_in_front_of_and_behind_damage_are_found(tmp_path: Path) -> None:
    pickles = list(SHELF.values())[:20]
    damaged = bytearray(pickles[7])
    damaged[10:20] = b"\xff" * 10
    (tmp_path / "x.pkl").write_bytes(b"".join(pickles[:7]) + damaged + b"".join(pickles[8:]))

    search = search_in("pickle-file", tmp_path / "x.pkl")

    assert search.pairs(Origin.LIVE) == [(b"%d" % number, pickles[number]) for number in range(7)]
    assert search.pairs(Origin.LOST) == [(None, value) for value in pickles[8:]]
    assert "no whole pickle begins here" in search.reports[0]


def test_an_intact_pickle_file_gives_its_pickles(tmp_path: Path) -> None:
    pickles = [pickle.dumps(number, number % 6) for number in range(12)]
    (tmp_path / "x.pkl").write_bytes(b"".join(pickles))

    search = search_in("pickle-file", tmp_path / "x.pkl")

    assert search.pairs(Origin.LIVE) == [(b"%d" % number, value) for number, value in enumerate(pickles)]
    assert search.reports == []


@pytest.mark.parametrize("format_id", ["sdbm", "cdb", "pickle-file"])
def test_what_is_not_there_is_said(format_id: str, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="no file named"):
        search_in(format_id, tmp_path / "missing.pag")


@pytest.mark.parametrize("format_id", ["sdbm", "cdb", "pickle-file"])
def test_searching_can_be_cancelled(format_id: str, tmp_path: Path) -> None:
    path = {"sdbm": shelf, "cdb": lambda folder: cdb(folder, {}), "pickle-file": pickles_in}[format_id](tmp_path)
    token = CancelToken()
    what = Salvage(path, path.with_suffix("") if format_id == "sdbm" else path, True, value_end, print, token)
    found = salvager_for(format_id)(what)
    next(found)
    token.cancel()

    with pytest.raises(Cancelled):
        list(found)


def pickles_in(folder: Path) -> Path:
    path = folder / "x.pkl"
    path.write_bytes(b"".join(SHELF.values()))
    return path


@pytest.mark.parametrize("zeroed", [16, 40])
def test_a_page_whose_count_is_lost_is_told_and_its_other_pairs_are_found(tmp_path: Path, zeroed: int) -> None:
    sdbm_files.write_by_perl(tmp_path / "d", SHELF.items())
    path = tmp_path / "d.pag"
    content = path.read_bytes()
    path.write_bytes(bytes(zeroed) + content[zeroed:])

    search = search_in("sdbm", path)

    assert any("does not say how many entries" in report for report in search.reports)
    assert {(one.key, one.value) for one in search.found if one.key} <= set(SHELF.items())
    assert {one.value for one in search.found} >= set(SHELF.values())


def test_pages_that_were_emptied_are_sound(tmp_path: Path) -> None:
    sdbm_files.write_by_perl(tmp_path / "d", SHELF.items(), list(SHELF)[:290])

    search = search_in("sdbm", tmp_path / "d.pag")

    assert search.reports == []
    assert len(search.found) == 10


def test_slots_of_hash_tables_are_no_entries(database_case: CopyCase) -> None:
    path = database_case("cdb-n150")
    content = path.read_bytes()
    path.write_bytes(random.Random(1).randbytes(512) + content[512:])

    assert (b"", b"") not in search_in("cdb", path).pairs()
