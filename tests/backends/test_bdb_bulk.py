"""Large files of Berkeley DB are read with numpy, and read the same: entries, problems and errors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.berkeley.btree_write import BtreeSettings
from app.cancel import CancelToken
from app.errors import StaleIndex
from tests import corpus
from tests.backends import test_bdb_btree_bulk, test_bdb_btree_write, test_bdb_hash_bulk, test_bdb_hash_write
from tests.backends.damaging import damaged_somehow
from tests.backends.native import Pair
from tests.backends.reading_in_bulk import BothWays

CopyCase = Callable[[str], Path]
WAYS = {"bdb-hash": test_bdb_hash_bulk.WAYS, "bdb-btree": test_bdb_btree_bulk.WAYS}
CASES = [case for case in corpus.databases(*WAYS) if case.name != "bdb53-subdbs"]
each_format = pytest.mark.parametrize("format_id", WAYS)


def written(path: Path, format_id: str, pairs: list[Pair]) -> Path:
    """Write a file with pages of 1,024 bytes."""
    if format_id == "bdb-hash":
        return test_bdb_hash_write.write(path, pairs, 1024)
    return test_bdb_btree_write.write(path, pairs, BtreeSettings(1024))


@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_a_case_of_the_corpus_reads_the_same(database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    entries, _problems, _notes = WAYS[case.format or ""].see_the_same(database_case(case.name))

    assert case.corrupt or len(entries) == case.count


@each_format
@given(data=st.data())
def test_a_damaged_file_reads_the_same(
    format_id: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cases = [case for case in CASES if case.format == format_id and not case.corrupt and case.count]

    WAYS[format_id].see_the_same(damaged_somehow(cases, tmp_path_factory.mktemp("damaged"), data, magic_end=96))


@each_format
def test_a_value_that_moved_is_not_believed(format_id: str, tmp_path: Path) -> None:
    ways: BothWays = WAYS[format_id]
    path = written(
        tmp_path / "x.db", format_id, [(b"key %05d" % number, b"value %d" % number) for number in range(300)]
    )

    with ways.in_bulk(), ways.opened(path) as backend:
        chunks = list(backend.index(CancelToken()))
        path.write_bytes(path.read_bytes().replace(chunks[-1].key(0), b"x" * 9))

        with pytest.raises(StaleIndex):
            list(backend.values(chunks[-1]))
