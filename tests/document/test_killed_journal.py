"""Whatever was written down survives a kill of the program."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

import pytest

from app.backends.base import Insert
from app.document.journals import Journals
from tests.document.databases import ENTRIES, id_of, make, opened, outcome, pairs_of, reload, run, shown, write


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no quick way to start a program here.")
def test_whatever_was_written_down_survives_a_kill_at_any_moment(path: Path, journals: Journals) -> None:
    random = Random(5)
    for _round in range(50):
        known = killed_while_writing(path, journals, random.uniform(0.0, 0.04), saves=False)
        [left] = journals.found(path)
        document = opened(path)
        run(document.restore_job(left))
        found = dict(shown(document))
        reached = int(found[b"a"].split()[0])

        assert known <= reached <= known + 1
        assert found[b"a"] == b"%d " % reached * (1 + reached % 400)
        assert {b"new %d" % number for number in range(3, known + 1, 3)} <= found.keys()
        assert dict(pairs_of(path)) == ENTRIES
        assert not document.is_indexed or found.keys() >= ENTRIES.keys()
        document.close()
        left.discard()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no quick way to start a program here.")
@pytest.mark.parametrize("format_id", ["sqlite3", "gdbm"])
def test_whatever_was_written_down_survives_a_kill_while_saving(
    tmp_path: Path, journals: Journals, format_id: str
) -> None:
    random = Random(6)
    path = make(tmp_path / "saved.db", format_id)
    write(path, [Insert(key, value) for key, value in ENTRIES.items()])
    for _round in range(25):
        before = dict(pairs_of(path))
        known = killed_while_writing(path, journals, random.uniform(0.0, 0.08), saves=True)
        if format_id == "sqlite3":
            recover(path)
        document = opened(path, journals)
        for left in journals.found(path):
            run(document.restore_job(left))
        assert outcome(document.conflicts_job()) == []
        found = dict(shown(document))

        assert known <= int(found[b"a"].split()[0]) <= known + 1
        assert {b"new %d" % number for number in range(3, known + 1, 3)} <= found.keys()
        assert before.keys() <= found.keys()
        run(document.save_job())
        assert dict(pairs_of(path)) == found
        document.close()


def recover(path: Path) -> None:
    """Let SQLite take back what a program wrote that was killed; until then the database is read-only for us."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM Dict").fetchall()


def killed_while_writing(path: Path, journals: Journals, seconds: float, *, saves: bool) -> int:
    """Let a program edit, kill it, and return the number of the last edit that it said was written down."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            edit_for_ever(path, journals, writing, saves=saves)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        said.readline()
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return int((said.read().split() or [b"1"])[-1])


def edit_for_ever(path: Path, journals: Journals, writing: int, *, saves: bool) -> None:
    document = opened(path, journals)
    for number in count(1):
        run(document.set_bytes_job(id_of(document, b"a"), b"%d " % number * (1 + number % 400)))
        if number % 3 == 0:
            run(document.add_job(b"new %d" % number, b"value %d" % number, replaces=True))
        document.flush_journal()
        if saves and number % 2 == 0:
            run(document.save_job(backup=False))
            reload(document)
        os.write(writing, b"%d\n" % number)
