"""``load``: the reverse of ``dump``, for every format; a bad line makes nothing."""

import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run, is_one_sentence, started
from tests.cli.shelves import make_sqlite, read_sqlite
from tests.writable import ENTRIES, WRITABLE, entries_of


def line(key: bytes, value: bytes, **more: str) -> bytes:
    fields = {"k": b64encode(key).decode(), "v": b64encode(value).decode()} | more
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize("format_id", WRITABLE)
def test_a_dump_loads_into_every_format(cli: Run, tmp_path: Path, format_id: str) -> None:
    source = make_sqlite(tmp_path / "source.db", ENTRIES)
    dump = cli("dump", source)

    loaded = cli("load", tmp_path / "new", "--to", format_id, lines=dump.out)
    again = cli("dump", tmp_path / "new")

    assert (loaded.code, loaded.err) == (0, "")
    assert f"made with {len(ENTRIES)} entries." in loaded.text
    assert (again.code, sorted(again.out.splitlines())) == (0, sorted(dump.out.splitlines()))


def test_order_duplicates_and_any_bytes_are_kept(program: Run, tmp_path: Path) -> None:
    entries = [(b"b", b"1"), (b"", b""), (b"a", b"\x00\xff"), (b"b", b"2"), (b"\xff", b"x" * 100_000)]

    outcome = program("load", tmp_path / "new", "--to", "cdb", input=b"\n".join(line(*entry) for entry in entries))

    assert outcome.code == 0
    assert entries_of(tmp_path / "new") == entries


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"hello", "is no JSON"),
        (b"[1, 2]", "is no JSON object"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"k": "YQ=="}', 'has no text "v"'),
        (b'{"v": "YQ=="}', 'has no text "k"'),
        (b'{"k": "YQ==", "v": 5}', 'has no text "v"'),
        (b'{"k": "YQ==", "v": null}', 'has no text "v"'),
        (b'{"k": "YQ", "v": "YQ=="}', 'has a "k" that is not base64'),
        (b'{"k": "YQ==", "v": "Y?=="}', 'has a "v" that is not base64'),
        (b'{"k": "YQ==", "v": "\\u00e9"}', 'has a "v" that is not base64'),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_made(cli: Run, tmp_path: Path, bad: bytes, reason: str) -> None:
    outcome = cli("load", tmp_path / "new", "--to", "dumb", lines=line(b"a", b"1") + b"\n" + bad + b"\n")

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert f"Line 3 of the input {reason}" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_no_line_is_an_empty_database(cli: Run, tmp_path: Path) -> None:
    assert cli("load", tmp_path / "new.db", "--to", "sqlite3", lines=b"").code == 0

    assert read_sqlite(tmp_path / "new.db") == {}


def test_what_the_format_cannot_hold_is_named_or_left_out(cli: Run, tmp_path: Path) -> None:
    lines = line(b"a", b"1") + line(b"b", b"2") + line(b"a", b"3")

    refused = cli("load", tmp_path / "new.db", "--to", "sqlite3", lines=lines)
    made = cli("load", tmp_path / "new.db", "--to", "sqlite3", "--leave-out", lines=lines)

    assert (refused.code, refused.out) == (4, b"")
    assert is_one_sentence(refused.err)
    assert "One entry cannot be stored in new.db: 'a'" in refused.err
    assert "leave them out with --leave-out" in refused.err
    assert made.code == 0
    assert "made with 2 entries.\nLeft out: a (" in made.text
    assert read_sqlite(tmp_path / "new.db") == {b"a": b"1", b"b": b"2"}


def test_sub_databases_are_joined_and_that_is_said(cli: Run, tmp_path: Path) -> None:
    lines = line(b"a", b"1", db="one") + line(b"b", b"2", db="two")

    outcome = cli("load", tmp_path / "new.db", "--to", "sqlite3", lines=lines)

    assert outcome.code == 0
    assert "2 sub-databases" in outcome.text
    assert read_sqlite(tmp_path / "new.db") == {b"a": b"1", b"b": b"2"}


def test_a_name_that_is_taken_is_known_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "new").touch()

    with started("load", tmp_path / "new", "--to", "cdb", stdin=subprocess.PIPE) as process:
        assert process.wait(30) == 4  # though nothing was written to it, nor its input closed


@pytest.mark.skipif(os.name != "posix", reason="Needs a pseudo-terminal.")
def test_a_terminal_has_nothing_to_load(tmp_path: Path) -> None:
    outer, inner = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "app", "load", tmp_path / "new", "--to", "cdb"],
            cwd=ROOT,
            stdin=inner,
            capture_output=True,
            check=False,
        )
    finally:
        os.close(outer)
        os.close(inner)

    assert done.returncode == 2
    assert is_one_sentence(done.stderr.decode())


@pytest.mark.skipif(os.name != "posix", reason="Needs POSIX signals.")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_lines_come_makes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with started("load", tmp_path / "new", "--to", "cdb", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for entry in range(20_000):  # more than a pipe holds: it has begun to read once all is written
            process.stdin.write(line(b"%d" % entry, b"v"))
        process.stdin.flush()
        process.send_signal(number)

        assert process.wait(30) in {128 + number, -number}
    assert list(tmp_path.iterdir()) == []


def test_a_dump_of_sub_databases_loads_as_one(
    program: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    path = database_case("bdb53-subdbs")
    dump = program("dump", path)
    assert b'"db": ' in dump.out

    outcome = program("load", tmp_path / "new", "--to", "cdb", input=dump.out)

    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(entries_of(tmp_path / "new")) == sorted(entries_of(path))
