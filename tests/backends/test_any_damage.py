"""Whatever is done to a file, reading it ends in true entries and in sentences; listing can be given up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.errors import Cancelled
from tests import corpus
from tests.backends import test_bdb, test_bdb185, test_gdbm, test_sdbm
from tests.backends.damaging import cut_anywhere, damaged_somehow
from tests.backends.reading import read_all

CopyCase = Callable[[str], Path]


@dataclass(frozen=True)
class Kind:
    """Files of one format; ``magic_end`` is the place (bytes) behind what tells the format, and so cannot be changed.

    ``always_notices``: a cut is noticed even where no entry was behind it.
    """

    cases: Sequence[corpus.DatabaseCase]
    magic_end: int
    always_notices: bool = False


KINDS = {
    "lmdb": Kind(corpus.databases("lmdb", corrupt=False), 20),
    "tdb": Kind(corpus.databases("tdb", corrupt=False), 9),
    "numbered": Kind(corpus.databases("bdb-recno", "bdb-queue", corrupt=False), 16, always_notices=True),
    "sub-databases": Kind([corpus.database("bdb53-subdbs")], 16, always_notices=True),
    "bdb": Kind(test_bdb.FUZZED, 16, always_notices=True),
    "bdb185": Kind(test_bdb185.INTACT, 72),
    "gdbm": Kind(test_gdbm.FUZZED, 4),
    "sdbm": Kind(test_sdbm.FUZZED, 0),
}
FILLED = [case for kind in KINDS.values() for case in kind.cases if case.count]
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def opened(match: Match) -> Backend:
    return open_database(match.path)


@each_kind
@given(data=st.data())
def test_any_damage_ends_in_entries_and_sentences(
    kind: Kind, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = damaged_somehow(kind.cases, tmp_path_factory.mktemp("damage"), data, magic_end=kind.magic_end)

    reading = read_all(path, opened)

    assert all(complaint.endswith(".") for complaint in reading.complaints)


@each_kind
@given(data=st.data())
def test_a_file_cut_anywhere_yields_only_true_pairs(
    kind: Kind, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from(kind.cases), label="case")

    reading = read_all(cut_anywhere(case, tmp_path_factory.mktemp("cut"), data), opened)

    entries = [corpus.expected_entry(*pair) for pair in reading.entries]
    assert reading.complaints or (len(entries) == case.count and not kind.always_notices)
    assert set(entries) <= set(case.entries)


@pytest.mark.parametrize("case", FILLED, ids=corpus.name_of)
def test_listing_can_be_cancelled(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    token = CancelToken()
    token.cancel()
    with open_database(database_case(case.name)) as backend, pytest.raises(Cancelled):
        list(backend.index(token))
