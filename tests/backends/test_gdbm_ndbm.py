"""ndbm databases that GDBM wrote: any .dir that was ever beside .pag, and perl's NDBM_File as referee."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Match
from app.backends.gdbm_ndbm import GdbmNdbmBackend
from app.backends.whichdb import whichdb
from tests import corpus
from tests.backends import sdbm_files
from tests.backends.listing import entries_of

CopyCase = Callable[[str], Path]
CASE = "ndbm-gdbm-compat-n60"
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
