"""Writing Berkeley DB files, of either method: what is kept of their layout, and what is refused and why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.file_operations import FileOperations
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import KeyRejected, OptionRejected, ReadOnlyDatabase
from tests import corpus
from tests.backends import test_bdb_btree_write, test_bdb_hash_write
from tests.backends.bdb_writing import read
from tests.backends.listing import index_of
from tests.backends.native import bdb_dump
from tests.backends.native_bdb import bdb_verify
from tests.backends.rewriting import NO_BACKUP
from tests.backends.toy_format import PairRecords

CopyCase = Callable[[str], Path]
KEPT_FIELDS = {
    # Magic, version and page size; flags; fill factor; hash of a known text.
    "bdb-hash": ((12, 24), (48, 52), (84, 88), (92, 96)),
    # Magic, version and page size; flags; least keys of a page.
    "bdb-btree": ((12, 24), (48, 52), (76, 80)),
}
each_format = pytest.mark.parametrize("format_id", KEPT_FIELDS)


@pytest.mark.parametrize(
    "case", [*test_bdb_hash_write.REWRITABLE, *test_bdb_btree_write.REWRITABLE], ids=corpus.name_of
)
def test_a_case_of_the_corpus_keeps_its_entries_and_its_layout(
    database_case: CopyCase, case: corpus.DatabaseCase
) -> None:
    path = database_case(case.name)
    before, content = read(path), path.read_bytes()

    with open_database(path) as backend:
        index_of(backend)
        assert backend.why_read_only == ""
        backend.compact(NO_BACKUP, CancelToken())

    after, written = read(path), path.read_bytes()
    if case.format == "bdb-btree":
        assert after == before
    assert test_bdb_hash_write.by_key(after) == test_bdb_hash_write.by_key(before)
    assert after == bdb_dump(path)
    for start, end in KEPT_FIELDS[case.format or ""]:
        assert written[start:end] == content[start:end]
    bdb_verify(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bdb53-hash-chksum", "checksums"),
        ("bdb53-btree-chksum", "checksums"),
        ("bdb-v4.2.52.5-hash-n60", "version 8"),
        ("bdb-v3.1.17-btree-n150", "version 8"),
        ("bdb53-subdbs", "several"),
    ],
)
def test_what_cannot_be_written_says_why(database_case: CopyCase, name: str, reason: str) -> None:
    with open_database(database_case(name)) as backend:
        index_of(backend)
        assert reason in backend.why_read_only
        with pytest.raises(ReadOnlyDatabase, match=reason):
            backend.compact(NO_BACKUP, CancelToken())


@each_format
def test_a_pair_that_comes_twice_is_refused_by_sorted_duplicates(tmp_path: Path, format_id: str) -> None:
    writer = new_writer(format_id, CreateOptions(duplicates="sorted"))
    long = b"v" * 3_000_000
    records = PairRecords([(b"k", b"1"), (b"l", long), (b"k", b"2"), (b"k", b"1"), (b"l", long + b"1"), (b"l", long)])

    refused = list(writer.refusals(records, CancelToken()))

    assert sorted((refusal.row, refusal.key) for refusal in refused) == [(3, b"k"), (5, b"l")]
    with pytest.raises(KeyRejected, match=r"'[kl]' cannot be stored"):
        writer.write(records, tmp_path / "x.db", FileOperations(), CancelToken())
    assert list(tmp_path.iterdir()) == []


@each_format
def test_a_key_that_comes_twice_is_refused_where_there_are_no_duplicates(format_id: str) -> None:
    writer = new_writer(format_id, CreateOptions())

    refused = list(writer.refusals(PairRecords([(b"k", b"1"), (b"k", b"2")]), CancelToken()))

    assert [refusal.row for refusal in refused] == [1]


@each_format
@pytest.mark.parametrize("options", [CreateOptions(page_size=1000), CreateOptions(numsync=True)])
def test_options_that_mean_nothing_are_refused(format_id: str, options: CreateOptions) -> None:
    with pytest.raises(OptionRejected):
        new_writer(format_id, options)
