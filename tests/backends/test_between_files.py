"""Moments between the two files of a save, as docs/FORMATS.md tells of them: read by us, and by native programs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backends.listing import entries_of
from tests.backends.missing_tools import missing_tool
from tests.backends.saving_variants import Pair, Variant, opened

_PERL = """
use strict; use Fcntl; use SDBM_File;
tie(my %database, 'SDBM_File', $ARGV[0], O_RDONLY, 0666) or die $!;
my @keys = keys %database;
print scalar(@keys), ' ', scalar(grep { defined $database{$_} } @keys);
"""


def pairs(count: int) -> list[Pair]:
    return [(b"%d" % number, b"x" * 40) for number in range(count)]


@pytest.fixture
def between(tmp_path: Path) -> Path:
    (tmp_path / "between").mkdir()
    return tmp_path / "between"


def sdbm_between(folder: Path, old: int, new: int) -> Path:
    """Make what is there when the new .dir has taken its place and the new .pag has not; return .pag."""
    variant = Variant("sdbm")
    variant.make(folder.parent / "old", pairs(old))
    variant.make(folder.parent / "new", pairs(new))
    shutil.copy(folder.parent / "new" / "shelf.v1.dir", folder)
    shutil.copy(folder.parent / "old" / "shelf.v1.pag", folder)
    return folder / "shelf.v1.pag"


def found_by_perl(pag: Path) -> tuple[int, int]:
    """Return how many keys perl lists, and how many of them it finds when it looks for them."""
    perl = shutil.which("perl") or missing_tool("perl is not installed")
    told = subprocess.run([perl, "-e", _PERL, str(pag.with_suffix(""))], check=True, capture_output=True, text=True)
    listed, found = told.stdout.split()
    return int(listed), int(found)


@pytest.mark.parametrize(("old", "new"), [(500, 2000), (2000, 500)])
def test_between_the_files_of_sdbm_we_list_the_old_entries_and_perl_misses_some(
    between: Path, old: int, new: int
) -> None:
    pag = sdbm_between(between, old, new)

    with opened(pag) as backend:
        assert sorted(entries_of(backend)) == sorted(pairs(old))
        (problem,) = backend.problems
    assert "The .dir file is not that of these pages" in problem.message
    listed, found = found_by_perl(pag)
    assert listed == old
    assert 0 < found < old


def test_where_no_page_was_split_the_moment_between_the_files_is_the_old_database(between: Path) -> None:
    pag = sdbm_between(between, 500, 501)

    with opened(pag) as backend:
        assert sorted(entries_of(backend)) == sorted(pairs(500))
        assert backend.problems == []
    assert found_by_perl(pag) == (500, 500)
