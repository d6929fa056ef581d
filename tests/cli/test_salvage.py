"""``salvage``: what can be found in damaged files, counted, and never at the cost of what was there."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import corpus
from tests.cli.conftest import Run, is_one_sentence, started
from tests.cli.shelves import make_dumb, pickled, read_sqlite
from tests.cli.supported import damaged_cases
from tests.cli.test_endings import wait_until
from tests.writable import ENTRIES, WRITABLE, entries_of


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize("format_id", WRITABLE)
def test_a_sound_database_of_every_format_is_salvaged_whole(cli: Run, tmp_path: Path, format_id: str) -> None:
    cli("convert", make_dumb(tmp_path / "source", ENTRIES), tmp_path / "old", "--to", format_id)

    outcome = cli("salvage", tmp_path / "old", tmp_path / "new.db", "--to", "sqlite3")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.text.splitlines() == [
        f"new.db was made with {len(ENTRIES)} entries.",
        f"It was read as {format_id}; --from says otherwise.",
        f"{len(ENTRIES)} entries were in their place.",
    ]
    assert read_sqlite(tmp_path / "new.db") == ENTRIES


@pytest.mark.parametrize("format_id", WRITABLE)
def test_salvage_goes_into_every_format(cli: Run, tmp_path: Path, format_id: str) -> None:
    source = make_dumb(tmp_path / "source", ENTRIES)

    outcome = cli("salvage", source, tmp_path / "new", "--to", format_id)

    assert (outcome.code, outcome.err) == (0, "")
    assert cli("info", tmp_path / "new", "--json").text.count(f'"entries": {len(ENTRIES)},') == 1


def test_a_cut_line_costs_its_entry_and_is_said(cli: Run, tmp_path: Path) -> None:
    make_dumb(tmp_path / "old", {b"a": b"1", b"b": b"2", b"c": b"3"})
    index = tmp_path / "old.dir"
    index.write_bytes(index.read_bytes()[:-8])
    (tmp_path / "old.bak").unlink(missing_ok=True)
    before = files(tmp_path)

    outcome = cli("salvage", tmp_path / "old", tmp_path / "new.db", "--to", "sqlite3")

    assert (outcome.code, outcome.err) == (1, "")
    assert {b"a": b"1", b"b": b"2"}.items() <= read_sqlite(tmp_path / "new.db").items()
    assert {name: data for name, data in files(tmp_path).items() if name != "new.db"} == before


def test_deleted_entries_come_back_under_names_of_their_own(cli: Run, tmp_path: Path) -> None:
    values = pickled({"kept": ["1"] * 50, "gone": {"number": 2}})
    source = make_dumb(tmp_path / "old", values)
    cli("delete", source, "gone", "--no-backup")
    (tmp_path / "old.bak").unlink(missing_ok=True)

    without = cli("salvage", source, tmp_path / "without.db", "--to", "sqlite3")
    outcome = cli("salvage", source, tmp_path / "new.db", "--to", "sqlite3", "--deleted")

    found = read_sqlite(tmp_path / "new.db")
    assert (without.code, read_sqlite(tmp_path / "without.db")) == (0, {b"kept": values[b"kept"]})
    assert found.pop(b"kept") == values[b"kept"]
    assert list(found.values()) == [values[b"gone"]]
    assert all(b"at byte" in key for key in found)
    assert "1 entry was in its place, 1 had been deleted or superseded, 1 got another key.\n" in outcome.text
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    "case",
    [case for case in damaged_cases() if case.pair_digests and not case.name.endswith("-noise")],
    ids=corpus.name_of,
)
def test_what_is_found_under_its_own_key_was_there(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path], case: corpus.DatabaseCase
) -> None:
    outcome = cli("salvage", database_case(case.name), tmp_path / "new", "--to", "cdb")

    made = (tmp_path / "new").exists()
    assert outcome.code in ({0, 1} if made else {3, 4})
    assert outcome.err == "" if made else is_one_sentence(outcome.err)
    pairs = entries_of(tmp_path / "new") if made else []
    assert [pair for pair in pairs if b"at byte" not in pair[0] and not case.knows(*pair)] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing", "new", "--to", "cdb"], 3),
        (["text.txt", "new", "--to", "cdb"], 3),
        ([".", "new", "--to", "cdb"], 3),
        ([".", "new", "--to", "cdb", "--from", "dumb"], 3),
        (["missing", "new", "--to", "cdb", "--from", "gdbm"], 3),
        (["empty", "new", "--to", "cdb"], 4),
        (["source", "source.dat", "--to", "cdb", "--replace"], 4),
        (["source", "source", "--to", "dumb", "--replace"], 4),
        (["source", "text.txt", "--to", "cdb"], 4),
        (["source", "nowhere/new", "--to", "cdb"], 4),
        (["source", "new", "--to", "cdb", "--numsync"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_done_changes_nothing(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    make_dumb(tmp_path / "source", {b"a": b"1"})
    make_dumb(tmp_path / "empty", {})
    (tmp_path / "text.txt").write_text("no database at all")
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)

    outcome = cli("salvage", *arguments)

    assert (outcome.code, outcome.out) == (code, b"")
    assert is_one_sentence(outcome.err)
    assert files(tmp_path) == before


def test_what_does_not_tell_its_format_asks_for_it(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(bytes(range(7, 256)) * 40)

    outcome = cli("salvage", tmp_path / "noise.db", tmp_path / "new", "--to", "cdb")

    assert outcome.code == 3
    assert is_one_sentence(outcome.err)
    assert "--from FORMAT" in outcome.err


@pytest.mark.skipif(os.name != "posix", reason="Needs POSIX signals.")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_half_way_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    source = make_dumb(tmp_path / "source", {b"%d" % entry: b"v" * 50 for entry in range(60_000)})
    folder = tmp_path / "out"
    folder.mkdir()

    with started("salvage", source, folder / "new", "--to", "gdbm") as process:
        assert process.stderr is not None
        wait_until(lambda: any(folder.iterdir()), process)
        process.send_signal(number)

        assert process.wait(60) == 128 + number
        assert process.stderr.read() == b""
    assert list(folder.iterdir()) == []


def test_asking_for_deleted_entries_of_a_sound_file_is_no_finding(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    source = database_case("bdb185-btree-n500")

    outcome = cli("salvage", source, tmp_path / "new.db", "--to", "sqlite3", "--deleted")

    assert outcome.code == 0
    assert "500 entries were in their place" in outcome.text


def test_entries_without_an_index_are_said_to_be_found(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    outcome = cli("salvage", database_case("corrupt-lmdb-n150-cut"), tmp_path / "new.db", "--to", "sqlite3")

    assert "74 were found although nothing leads there any more" in outcome.text
    assert "0 entries were in their place" not in outcome.text


def test_nothing_found_is_one_plain_sentence(cli: Run, tmp_path: Path, database_case: Callable[[str], Path]) -> None:
    source = database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-header-only")

    outcome = cli("salvage", source, tmp_path / "new.db", "--to", "sqlite3", "--deleted")

    assert is_one_sentence(outcome.err)
    assert (outcome.err.count(source.name), outcome.err.count("restore it"), "(at byte" in outcome.err) == (1, 1, False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_refused_by_its_own_sentence_whatever_it_shall_have_been(cli: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    known, told = (
        cli("salvage", tmp_path / "pipe", tmp_path / "new", "--to", "cdb", *form) for form in ([], ["--from", "gdbm"])
    )

    assert (known.code, told.code) == (3, 3)
    assert "is a pipe, socket or device" in known.err
    assert told.err == known.err
