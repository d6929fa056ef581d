"""Salvaging btree files of Berkeley DB: cut, damaged, without their first page, and what was deleted from them."""

import pickle
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.berkeley.btree_write import FLAG_DUPLICATES, BtreeSettings
from app.backends.registry import salvager_for
from app.backends.salvage import Found, Origin, Salvage
from app.cancel import CancelToken
from app.errors import AppError, Cancelled, CannotOpen
from tests import corpus
from tests.backends.damaging import with_noise
from tests.backends.listing import pickle_end
from tests.backends.native_bdb import bdb_cursor_delete
from tests.backends.test_bdb_btree_write import write

CopyCase = Callable[[str], Path]
INTACT = [case for case in corpus.databases("bdb-btree", "bdb-recno", corrupt=False) if case.name != "bdb53-subdbs"]
CORRUPT = corpus.databases("bdb-btree", corrupt=True)


def salvaged(path: Path, *, deleted: bool = False, token: CancelToken | None = None) -> tuple[list[Found], list[str]]:
    said: list[str] = []
    salvage = Salvage(
        path, path, deleted, pickle_end, lambda message, _offset: said.append(message), token or CancelToken()
    )
    return list(salvager_for("bdb-btree")(salvage)), said


def entries(found: list[Found], *origins: Origin) -> Counter[corpus.ExpectedEntry]:
    return Counter(
        corpus.expected_entry(one.key, one.value)
        for one in found
        if one.key is not None and (one.origin in origins or not origins)
    )


def without_first_page(path: Path) -> Path:
    with path.open("r+b") as file:
        file.write(bytes(512))
    return path


@pytest.mark.parametrize("case", [*INTACT, corpus.database("bdb53-subdbs")], ids=corpus.name_of)
def test_all_of_an_intact_case_is_found_and_nothing_else(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    found, said = salvaged(database_case(case.name))

    assert entries(found) == Counter(case.entries)
    assert {one.origin for one in found} <= {Origin.LIVE}
    assert said == []


@pytest.mark.parametrize("case", [*INTACT, corpus.database("bdb53-subdbs")], ids=corpus.name_of)
def test_all_is_found_without_the_first_page(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    found, said = salvaged(without_first_page(database_case(case.name)))

    assert entries(found) == Counter(case.entries)
    assert "first page" in said[0]


@pytest.mark.parametrize("case", CORRUPT, ids=corpus.name_of)
def test_what_a_damaged_case_still_holds_is_found(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    found, said = salvaged(database_case(case.name))

    wrong = [one for one in found if one.key is not None and not case.knows(one.key, one.value)]
    assert len(found) - len(wrong) >= 1
    assert len(wrong) <= 4  # noise in the bytes of a key or value, which a btree has no check for
    assert said or len(found) >= (case.original_count or 0)


def test_values_whose_keys_are_lost_are_found(tmp_path: Path) -> None:
    pairs = [(b"k", b"value %05d" % number) for number in range(200)] + [(b"long", b"v" * 3000)]
    path = write(tmp_path / "x.db", pairs, BtreeSettings(512, flags=FLAG_DUPLICATES))
    content = bytearray(path.read_bytes())
    content[512:1024] = bytes(512)
    path.write_bytes(content)

    found, _said = salvaged(path)

    assert {(one.key, one.origin) for one in found} == {(None, Origin.LOST)}
    assert {one.value for one in found} == {value for _key, value in pairs}
    for one in found:
        start = content.index(one.value[:11])
        assert one.offset == start


def test_entries_of_leaves_that_nothing_leads_to_are_lost_ones(tmp_path: Path) -> None:
    pairs = [(b"key %05d" % number, b"value") for number in range(200)]
    path = write(tmp_path / "x.db", pairs, BtreeSettings(512))
    content = bytearray(path.read_bytes())
    content[512 + 8] ^= 0xFF  # the number of the root's page

    path.write_bytes(content)

    found, said = salvaged(path)
    assert [(one.key, one.value) for one in found] == pairs
    assert {one.origin for one in found} == {Origin.LOST}
    assert said


def test_what_a_cursor_deleted_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"key %05d" % number, b"value %d" % number) for number in range(100)])
    bdb_cursor_delete(path, b"key 00010")

    assert entries(salvaged(path)[0]) == entries(salvaged(path, deleted=True)[0], Origin.LIVE)
    found = [one for one in salvaged(path, deleted=True)[0] if one.origin is Origin.DELETED]

    assert [(one.key, one.value) for one in found] == [(b"key 00010", b"value 10")]
    assert path.read_bytes()[found[0].offset :].startswith(b"value 10")


def test_what_lies_on_pages_that_were_set_free_is_found(tmp_path: Path) -> None:
    pairs = [(b"key %05d" % number, pickle.dumps([number] * 9)) for number in range(60)]
    path = write(tmp_path / "x.db", pairs, BtreeSettings(1024))
    content = bytearray(path.read_bytes())
    for number in range(2, len(content) // 1024):
        content[number * 1024 + 25] = 0
        struct.pack_into("<H", content, number * 1024 + 20, 0)
    path.write_bytes(content)

    assert salvaged(path)[0] == []
    found, _said = salvaged(path, deleted=True)

    assert [(one.key, one.value) for one in found] == pairs
    assert {one.origin for one in found} == {Origin.DELETED}


def test_values_without_keys_are_found_in_free_room_by_how_they_begin(tmp_path: Path) -> None:
    path = write(tmp_path / "x.db", [(b"k", b"v")], BtreeSettings(1024))
    value = pickle.dumps({"deleted": True})
    with path.open("r+b") as file:
        file.seek(1024 + 500)
        file.write(value)

    found, _said = salvaged(path, deleted=True)

    assert [(one.key, one.value, one.offset) for one in found] == [(b"k", b"v", 2043), (None, value, 1524)]


def test_a_file_without_any_page_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"nothing of the kind" * 1000)

    assert salvaged(path) == ([], ["x.db has no page of a Berkeley DB file."])
    with pytest.raises(CannotOpen):
        salvaged(tmp_path / "missing")


def test_salvaging_can_be_cancelled(database_case: CopyCase) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        salvaged(database_case("bdb53-btree-n1000-512"), token=token)


@given(data=st.data())
def test_noise_ends_in_entries_and_sentences(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from([*INTACT, corpus.database("bdb53-subdbs")]), label="case")
    path = with_noise(case, tmp_path_factory.mktemp("noise"), data)
    if data.draw(st.booleans(), label="without first page"):
        without_first_page(path)

    try:
        found, said = salvaged(path, deleted=True)
    except AppError:
        return

    assert all(0 <= one.offset < path.stat().st_size for one in found)
    assert all(sentence.endswith(".") for sentence in said)
