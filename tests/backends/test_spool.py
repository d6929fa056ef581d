"""Entries that are kept in a file without a name until they are written."""

import errno
import os
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given

from app.backends.records import PIECE_BYTES
from app.backends.spool import SpooledRecords
from app.errors import SaveFailed
from tests.backends.test_records import PAIRS, Pairs, check_all_views


@given(pairs=PAIRS)
def test_spooled_entries_come_back_as_often_as_asked(pairs: Pairs) -> None:
    with SpooledRecords() as records:
        for pair in pairs:
            records.add(*pair)

        check_all_views(records, pairs)
        check_all_views(records, pairs)


def test_many_entries_and_large_values_come_in_pieces() -> None:
    large = os.urandom(2 * PIECE_BYTES + 7)
    pairs = [(b"%d" % number, b"%d" % -number) for number in range(20_000)] + [(b"large", large), (b"", b"")]
    with SpooledRecords() as records:
        for pair in pairs:
            records.add(*pair)

        assert [len(piece) for piece in records.pieces(20_000)] == [PIECE_BYTES, PIECE_BYTES, 7]
        check_all_views(records, pairs)


def test_the_file_has_no_name_and_is_gone_when_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    records = SpooledRecords()
    records.add(b"k", b"v" * 100_000)

    assert not list(tmp_path.iterdir())
    records.close()
    records.close()


def test_a_missing_folder_for_temporary_files_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    with pytest.raises(SaveFailed, match="TMPDIR"):
        SpooledRecords()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_a_sentence_whenever_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    always_full = partial(Path("/dev/full").open, "r+b", buffering=1 << 16)
    monkeypatch.setattr(tempfile, "TemporaryFile", always_full)

    with SpooledRecords() as records, pytest.raises(SaveFailed, match=os.strerror(errno.ENOSPC)):
        records.add(b"k", b"v" * 1_000_000)
    with SpooledRecords() as records:
        records.add(b"k", b"v")
        with pytest.raises(SaveFailed, match="make room"):
            list(records.pieces(0))
