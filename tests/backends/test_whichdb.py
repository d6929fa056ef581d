"""What any path is recognised as, and the sentence when it is nothing."""

import dbm
import dbm.dumb
import os
import pickle
import shutil
import sqlite3
import struct
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Match
from app.backends.formats import FORMATS
from app.backends.registry import open_database
from app.backends.whichdb import whichdb
from app.errors import AppError, CannotOpen, UnknownFormat
from tests import corpus
from tests.backends.listing import first_match, folder_state, pickle_end
from tests.backends.privileges import as_no_root

CopyCase = Callable[[str], Path]
IDS = {"kch": "kyoto", "tch": "tokyo", "tcb": "tokyo"}
"""Our id for a format that the corpus names by the file's suffix."""
READABLE = {form.format_id for form in FORMATS.values() if form.readable}
ZERO_BYTES = "bdb185-btree-empty"
"""libdb1 writes an empty btree as a file of 0 bytes, in which nothing can be recognised."""
RECOGNISED = [case for case in corpus.databases() if case.format and case.name != ZERO_BYTES]
FAMILIES = [case for case in RECOGNISED if len(case.files) > 1]


def answer(path: Path) -> list[Match] | str:
    """Return the matches, or the sentence when it names the file."""
    try:
        return whichdb(path, pickle_end)
    except AppError as error:
        return error.message if path.name in error.message else ""


@pytest.mark.parametrize("case", RECOGNISED, ids=corpus.name_of)
def test_every_case_is_recognised(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    before = folder_state(path.parent)

    match = first_match(path)

    assert case.format is not None
    assert match.format_id == IDS.get(case.format, case.format)
    assert (match.unsupported == "") == (match.format_id in READABLE)
    assert match.unsupported == "" or match.unsupported.startswith(path.name)
    assert path in match.files
    assert match.reason
    if match.byte_order and case.byte_order:
        assert match.byte_order == case.byte_order
    assert folder_state(path.parent) == before


@pytest.mark.parametrize("case", FAMILIES, ids=corpus.name_of)
def test_any_member_and_the_base_name_lead_to_the_same_database(
    case: corpus.DatabaseCase, database_case: CopyCase
) -> None:
    path = database_case(case.name)
    wanted = first_match(path)

    found = [first_match(path.parent / name) for name in case.files]

    assert found == [wanted] * len(case.files)
    assert sorted(member.name for member in wanted.files) == sorted(case.files)
    assert first_match(wanted.base) == wanted


@pytest.mark.parametrize("case", corpus.databases("gdbm", "bdb-hash", "sqlite3"), ids=corpus.name_of)
def test_the_suffix_of_a_single_file_may_be_left_out(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)

    assert first_match(path.with_suffix("")) == first_match(path)


@pytest.mark.parametrize("case", [case for case in corpus.databases() if case.format is None], ids=corpus.name_of)
def test_what_is_no_database_gets_its_own_sentence(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    path = database_case(case.name)
    words = {"notdb-zero-bytes": "empty", "notdb-zeros": "zero bytes"}.get(case.name, "not a database")

    with pytest.raises(CannotOpen, match=words) as caught:
        whichdb(path, pickle_end)

    assert isinstance(caught.value, UnknownFormat) == (case.name != "notdb-zero-bytes")
    assert caught.value.message.startswith("x.db")


def test_an_empty_file_is_told_from_an_unknown_one(database_case: CopyCase) -> None:
    with pytest.raises(CannotOpen, match="empty"):
        whichdb(database_case(ZERO_BYTES))


def test_the_reason_names_the_bytes_that_matched(database_case: CopyCase) -> None:
    match = first_match(database_case("gdbm-python-n150"))

    assert match.reason == "GDBM, 64-bit, little-endian: bytes 0-3 are cf 9a 57 13"


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing.db", "no file named"), ("folder", "folder"), ("a\0b", "no file named"), ("x" * 300, "cannot be read")],
)
def test_what_cannot_be_opened_gets_its_own_sentence(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(CannotOpen, match=words) as caught:
        whichdb(tmp_path / name)

    assert not isinstance(caught.value, UnknownFormat)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
@pytest.mark.parametrize("forbidden", ["shelf.dir", "shelf.dat"])
def test_a_forbidden_file_gets_its_own_sentence(forbidden: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path: root's is closed to others
        Path(folder).chmod(0o755)
        path = corpus.database("shelve-py27-dumb-p0").copy_to(Path(folder))
        path.with_name(forbidden).chmod(0)

        with as_no_root(), pytest.raises(CannotOpen, match=rf"{forbidden} may not be read"):
            open_database(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(CannotOpen, match="pipe"):
        whichdb(tmp_path / "pipe")


def test_a_part_without_its_main_file_names_what_is_missing(database_case: CopyCase) -> None:
    folder = database_case("shelve-py27-dumb-p0").parent
    (folder / "shelf.dat").unlink()
    wal = database_case("sqlite3-live-wal")
    wal.unlink()

    with pytest.raises(CannotOpen, match=r"shelf\.dat or shelf\.pag"):
        whichdb(folder / "shelf.dir")
    with pytest.raises(CannotOpen, match=r"needs test\.sqlite3 beside it"):
        whichdb(wal.with_name("test.sqlite3-wal"))


def test_dumb_values_without_any_index_name_what_is_missing(database_case: CopyCase) -> None:
    path = database_case("dumb-py311-noclose")
    path.with_suffix(".dir").unlink()

    with pytest.raises(CannotOpen, match=r"d\.dir or d\.bak"):
        whichdb(path)


@pytest.mark.parametrize("member", [".dat", ".dir", ""])
def test_an_index_that_was_emptied_leaves_the_values_of_dumb(tmp_path: Path, member: str) -> None:
    with closing(dbm.dumb.open(str(tmp_path / "x"))) as database:
        database[b"only"] = pickle.dumps([1, 2])
        del database[b"only"]

    matches = whichdb(tmp_path / f"x{member}", pickle_end)

    assert dbm.whichdb(str(tmp_path / "x")) == "dbm.dumb"
    assert matches[0].format_id == "dumb"
    assert [match.format_id for match in matches[1:]] == (["pickle-file"] if member == ".dat" else [])


def test_what_a_file_holds_itself_ranks_above_an_empty_index_beside_it(database_case: CopyCase, tmp_path: Path) -> None:
    shutil.copy(database_case("gdbm-python-n150"), tmp_path / "x.dat")
    (tmp_path / "x.dir").touch()

    assert first_match(tmp_path / "x.dat").format_id == "gdbm"


@pytest.mark.parametrize("member", [".dat", ".dir", ".bak", ""])
@pytest.mark.parametrize("name", ["sqlite3-n150", "gdbm-python-n150", "bdb53-hash-one-def"])
def test_a_database_as_the_first_value_of_dumb_does_not_hide_the_index(
    database_case: CopyCase, tmp_path: Path, name: str, member: str
) -> None:
    shutil.copy(database_case(name), tmp_path / "d.dat")
    for index in ("d.dir", "d.bak"):
        (tmp_path / index).write_bytes(b"'image', (0, 512)\n")

    assert first_match(tmp_path / f"d{member}").format_id == "dumb"


def test_a_database_named_dat_beside_some_other_dir_file_is_what_it_holds(
    database_case: CopyCase, tmp_path: Path
) -> None:
    shutil.copy(database_case("gdbm-python-n150"), tmp_path / "d.dat")
    (tmp_path / "d.dir").write_bytes(b"binary\0" * 20)

    assert first_match(tmp_path / "d.dat").format_id == "gdbm"


def test_a_base_name_with_a_dot_keeps_it(database_case: CopyCase) -> None:
    path = database_case("dumb-py311-n60")
    for member in path.parent.iterdir():
        member.rename(member.with_name(f"my.db{member.suffix}"))

    assert first_match(path.with_name("my.db")).base == path.with_name("my.db")


def test_the_folder_of_an_lmdb_environment_is_recognised(database_case: CopyCase, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    environment.mkdir()
    shutil.copy(database_case("lmdb-n150"), environment / "data.mdb")

    assert first_match(environment).format_id == "lmdb"


def test_an_old_gdbm_ndbm_index_that_is_a_link_to_the_pages_is_no_database_of_its_own(database_case: CopyCase) -> None:
    path = database_case("ndbm-gdbm-compat-n60")
    index = path.with_suffix(".dir")
    index.unlink()
    index.hardlink_to(path)

    assert [match.path for match in whichdb(index)] == [path]
    assert first_match(index).format_id == "gdbm-ndbm"


def test_another_sqlite_database_is_no_dbm(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE places (url TEXT)")
    database.close()

    assert "without the table Dict" in first_match(path).unsupported


def test_a_schema_too_long_for_its_page_is_left_to_the_backend(tmp_path: Path) -> None:
    path = tmp_path / "many.sqlite"
    with sqlite3.connect(path) as database:
        for number in range(200):
            database.execute(f"CREATE TABLE table_{number} (a_column_with_a_long_name BLOB)")
    database.close()

    assert (first_match(path).format_id, first_match(path).unsupported) == ("sqlite3", "")


def test_options_of_berkeley_db_that_we_cannot_read_are_named(database_case: CopyCase) -> None:
    path = database_case("bdb53-btree-one-def")
    patch(path, 48, b"\x80")

    assert "compressed" in first_match(path).unsupported


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("bdb53-subdbs", "sub-databases"),
        ("bdb53-recno-renumber", "renumbering"),
        ("bdb-v2.7.7-hash-n60", "Berkeley DB 2"),
        ("bdb53-queue", "4.1 to 18"),
        ("tdb-odd", "little-endian"),
        ("lmdb-odd", "pages of 4,096 bytes"),
    ],
)
def test_what_is_special_of_a_file_is_in_its_variant(database_case: CopyCase, case: str, words: str) -> None:
    assert words in first_match(database_case(case)).variant


@pytest.mark.parametrize(("offset", "words"), [(24, "encrypted"), (26, "partition")])
def test_encrypted_and_divided_files_of_berkeley_db_are_named(database_case: CopyCase, offset: int, words: str) -> None:
    path = database_case("bdb53-hash-one-def")
    patch(path, offset, b"\x02")

    assert words in first_match(path).unsupported


@pytest.mark.parametrize(("magic", "kind"), [(0x074582, "heap"), (0x040988, "log")])
@pytest.mark.parametrize("order", ["<", ">"])
def test_other_files_of_berkeley_db_are_named(tmp_path: Path, magic: int, kind: str, order: str) -> None:
    path = tmp_path / "log.0000000001"
    path.write_bytes(struct.pack(f"{order}12xII", magic, 17) + bytes(100))

    match = first_match(path)

    assert match.format_id == f"bdb-{kind}"
    assert kind in match.unsupported


@given(content=st.binary(max_size=3000), name=st.sampled_from(["x", "x.db", "x.dat", "x.dir", "x.pag", "x.db-wal"]))
def test_any_bytes_under_any_name_give_matches_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content)

    assert answer(path)


@given(data=st.data())
def test_any_head_of_a_database_gives_matches_or_a_sentence(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from(RECOGNISED), label="case")
    path = case.copy_to(tmp_path_factory.mktemp("cut"))
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, min(len(content), 5000)), label="length")])

    assert answer(path)


def patch(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
