"""ndbm databases that GDBM wrote: any .dir that was ever beside .pag, and perl's NDBM_File as referee."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Insert, Match, Remove
from app.backends.file_operations import FileOperations
from app.backends.gdbm.ndbm import GdbmNdbmBackend
from app.backends.registry import new_writer
from app.backends.whichdb import whichdb
from app.backends.writer import CreateOptions
from app.errors import ReadOnlyDatabase
from tests import corpus
from tests.backends import sdbm_files
from tests.backends.listing import entries_of
from tests.backends.rewriting import create, save, states_after_death

CopyCase = Callable[[str], Path]
CASE = "ndbm-gdbm-compat-n60"
PERLS = {b"by perl": b"1"}
PAIRS = st.dictionaries(st.binary(min_size=1, max_size=60), st.binary(max_size=300), max_size=40)


def match_of(path: Path) -> Match:
    return whichdb(path)[0]


def link_to_pages(path: Path) -> None:
    path.unlink()
    path.hardlink_to(path.with_suffix(".pag"))


@pytest.mark.parametrize("case", corpus.databases("gdbm-ndbm", corrupt=False), ids=corpus.name_of)
def test_every_entry_of_an_intact_database_is_read(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with GdbmNdbmBackend(match_of(database_case(case.name))) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        assert (backend.format_id, backend.problems, backend.notes) == ("gdbm-ndbm", [], [])
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (link_to_pages, ""),
        (lambda path: path.write_bytes(b""), ""),
        (Path.unlink, "is missing"),
        (lambda path: path.write_bytes(b"something else"), "is not what GDBM writes"),
    ],
    ids=["linked", "empty", "missing", "foreign"],
)
@pytest.mark.parametrize("member", ["nd", "nd.pag"])
def test_no_dir_file_costs_an_entry(
    database_case: CopyCase, change: Callable[[Path], object], note: str, member: str
) -> None:
    path = database_case(CASE)
    change(path.with_suffix(".dir"))

    with GdbmNdbmBackend(match_of(path.with_name(member))) as backend:
        assert len(entries_of(backend)) == 60
        assert backend.problems == []
        assert note in "".join(backend.notes)
        assert bool(note) == bool(backend.notes)


@given(pairs=PAIRS)
def test_what_perl_writes_is_what_we_list(tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes]) -> None:
    base = tmp_path_factory.mktemp("perl") / "x"
    sdbm_files.write_by_perl(base, pairs.items(), module="NDBM_File")
    match = match_of(base)
    if match.format_id != "gdbm-ndbm":
        pytest.skip("perl's NDBM_File does not use GDBM here")

    with GdbmNdbmBackend(match) as backend:
        assert sorted(entries_of(backend)) == sorted(pairs.items())
        assert (backend.problems, backend.notes) == ([], [])


def test_saving_keeps_the_directory_file(database_case: CopyCase) -> None:
    path = database_case(CASE)
    directory = path.with_suffix(".dir").read_bytes()

    with GdbmNdbmBackend(match_of(path)) as backend:
        report = save(backend, Insert(b"new", b"value"), Remove(0))
        assert len(entries_of(backend)) == 60

    assert path.with_suffix(".dir").read_bytes() == directory
    assert path.with_suffix(".dir").stat().st_nlink == 1
    assert "take no lock" in report.warnings[0]


def test_a_directory_file_that_was_the_pages_is_so_again(database_case: CopyCase) -> None:
    path = database_case(CASE)
    link_to_pages(path.with_suffix(".dir"))

    for number in range(2):
        with GdbmNdbmBackend(match_of(path)) as backend:
            report = save(backend, Insert(b"new %d" % number, b"value"))
            assert len(report.warnings) == 1

    assert path.with_suffix(".dir").samefile(path.with_suffix(".pag"))
    assert {member.name for member in path.parent.iterdir()} == {"nd.dir", "nd.pag"}


def test_a_third_name_of_the_pages_is_not_broken(database_case: CopyCase) -> None:
    path = database_case(CASE)
    link_to_pages(path.with_suffix(".dir"))
    path.with_name("other").hardlink_to(path.with_suffix(".pag"))

    with GdbmNdbmBackend(match_of(path)) as backend, pytest.raises(ReadOnlyDatabase, match="hard links"):
        save(backend, Insert(b"new", b"value"))


def test_a_link_that_cannot_be_made_again_is_told(database_case: CopyCase) -> None:
    class Linkless(FileOperations):
        def link(self, source: Path, target: Path) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    path = database_case(CASE)
    link_to_pages(path.with_suffix(".dir"))

    with GdbmNdbmBackend(match_of(path)) as backend:
        report = save(backend, Insert(b"new", b"value"), operations=Linkless())
    with GdbmNdbmBackend(match_of(path)) as backend:
        assert len(entries_of(backend)) == 61
    assert "no longer another name" in report.warnings[1]
    assert sdbm_files.read_by_perl(path.with_suffix(""), "NDBM_File").keys() >= {b"new"}


def test_wherever_a_save_dies_beside_a_linked_directory_perl_can_write_the_database(
    database_case: CopyCase, tmp_path: Path
) -> None:
    def make(folder: Path) -> Path:
        case = corpus.database(CASE).copy_to(folder)
        link_to_pages(case.with_suffix(".dir"))
        return case

    def opened(path: Path) -> GdbmNdbmBackend:
        return GdbmNdbmBackend(match_of(path))

    with opened(database_case(CASE)) as backend:
        before = dict(entries_of(backend))
    after = before | {b"new": b"value"}
    for moment, path in states_after_death(make, opened, [Insert(b"new", b"value")], tmp_path / "deaths"):
        with opened(path) as backend:
            assert dict(entries_of(backend)) in (before, after), moment
        base = path.with_suffix("")
        sdbm_files.write_by_perl(base, PERLS.items(), module="NDBM_File")
        assert sdbm_files.read_by_perl(base, "NDBM_File") in (before | PERLS, after | PERLS), moment


@given(pairs=PAIRS, more=PAIRS)
def test_perl_goes_on_with_a_database_of_ours(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[bytes, bytes], more: dict[bytes, bytes]
) -> None:
    base = tmp_path_factory.mktemp("ours") / "x"
    create(new_writer("gdbm-ndbm", CreateOptions()), base, pairs.items())
    sdbm_files.write_by_perl(base, more.items(), list(pairs)[::2], module="NDBM_File")

    expected = {key: value for key, value in (pairs | more).items() if key not in list(pairs)[::2]}
    with GdbmNdbmBackend(match_of(base)) as backend:
        assert dict(entries_of(backend)) == expected
        assert (backend.problems, backend.notes) == ([], [])
