"""``convert`` and ``compact``: the same entries elsewhere, or in less room; the old state is never lost."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests import corpus
from tests.cli.conftest import Run, is_one_sentence, started
from tests.cli.shelves import make_dumb, make_sqlite, read_dumb, read_sqlite
from tests.cli.test_endings import wait_until
from tests.writable import ENTRIES, WRITABLE, entries_of

POSIX = pytest.mark.skipif(os.name != "posix", reason="Needs POSIX signals and descriptors.")


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize("format_id", WRITABLE)
def test_every_format_and_back_is_the_same(cli: Run, tmp_path: Path, format_id: str) -> None:
    source = make_dumb(tmp_path / "source", ENTRIES)

    there = cli("convert", source, tmp_path / "there", "--to", format_id)
    back = cli("convert", tmp_path / "there", tmp_path / "back", "--to", "dumb")

    assert (there.code, there.err, back.code, back.err) == (0, "", 0, "")
    assert f"made with {len(ENTRIES)} entries.\n" in there.text
    assert read_dumb(tmp_path / "back.dat") == ENTRIES


@pytest.mark.parametrize("name", ["shelve-py27-dbhash-p2", "bdb185-btree-n500", "gdbm-off32-1.8.3-n150-512-BE"])
def test_old_databases_become_new_ones(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path], name: str
) -> None:
    path = database_case(name)
    before = files(path.parent)

    outcome = cli("convert", path, tmp_path / "new.db", "--to", "sqlite3")

    assert (outcome.code, outcome.err) == (0, "")
    found = [corpus.expected_entry(key, value) for key, value in read_sqlite(tmp_path / "new.db").items()]
    in_order = corpus.in_order_of(corpus.database(name))
    assert in_order(found) == in_order(list(corpus.database(name).entries))
    assert files(path.parent) == before


def test_what_cannot_be_stored_is_named_or_left_out(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    path = database_case("bdb53-btree-dup")
    firsts = dict(reversed(entries_of(path)))

    refused = cli("convert", path, tmp_path / "new.db", "--to", "sqlite3")
    assert not (tmp_path / "new.db").exists()
    made = cli("convert", path, tmp_path / "new.db", "--to", "sqlite3", "--leave-out")

    assert (refused.code, refused.out) == (4, b"")
    assert is_one_sentence(refused.err)
    assert "leave them out with --leave-out, or choose another format" in refused.err
    assert (made.code, made.err) == (0, "")
    assert "\nLeft out: " in made.text
    assert read_sqlite(tmp_path / "new.db") == firsts


def test_a_damaged_database_is_copied_as_far_as_it_goes(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("'good', (0, 4)\n'bad', (9000, 4)\n")

    outcome = cli("convert", tmp_path / "bad", tmp_path / "new.db", "--to", "sqlite3")

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert read_sqlite(tmp_path / "new.db") == {b"good": b"good"}


def test_sub_databases_are_joined_and_that_is_said(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    outcome = cli("convert", database_case("lmdb-subdbs"), tmp_path / "new.cdb", "--to", "cdb")

    assert outcome.code == 0
    assert "sub-databases are listed, one after another" in outcome.text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing", "new", "--to", "cdb"], 3),
        (["text.txt", "new", "--to", "cdb"], 3),
        ([".", "new", "--to", "cdb"], 3),
        (["source", "source.dat", "--to", "cdb"], 4),
        (["source", "source.dat", "--to", "cdb", "--replace"], 4),
        (["source", "source", "--to", "dumb", "--replace"], 4),
        (["source", "text.txt", "--to", "cdb"], 4),
        (["source", "nowhere/new", "--to", "cdb"], 4),
        (["source", ".", "--to", "cdb"], 4),
        (["source", "..", "--to", "cdb", "--replace"], 4),
        (["source", "x" * 300, "--to", "dumb"], 4),
        (["source", "new", "--to", "pickle-file"], 4),
        (["source", "new", "--to", "cdb", "--numsync"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_done_changes_nothing(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    make_dumb(tmp_path / "source", {b"a": b"1"})
    (tmp_path / "text.txt").write_text("no database at all")
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)

    outcome = cli("convert", *arguments)

    assert (outcome.code, outcome.out) == (code, b"")
    assert is_one_sentence(outcome.err)
    assert files(tmp_path) == before


def test_replacing_keeps_a_backup(cli: Run, tmp_path: Path) -> None:
    source = make_dumb(tmp_path / "source", {b"a": b"1"})
    target = make_sqlite(tmp_path / "old.db", {b"k": b"v"})

    outcome = cli("convert", source, target, "--to", "sqlite3", "--replace")

    [backup] = tmp_path.glob("old.db.*")
    assert outcome.code == 0
    assert f"What was there before is kept in {backup.name}." in outcome.text
    assert read_sqlite(backup) == {b"k": b"v"}
    assert read_sqlite(target) == {b"a": b"1"}


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("format_id", ["dumb", "gdbm", "sqlite3"])
def test_a_signal_half_way_leaves_nothing(tmp_path: Path, number: signal.Signals, format_id: str) -> None:
    source = make_sqlite(tmp_path / "source.db", {b"%d" % entry: b"v" * 50 for entry in range(150_000)})
    folder = tmp_path / "out"
    folder.mkdir()

    with started("convert", source, folder / "new", "--to", format_id) as process:
        assert process.stderr is not None
        wait_until(lambda: any(folder.iterdir()), process)
        process.send_signal(number)

        assert process.wait(60) == 128 + number
        assert process.stderr.read() == b""
    assert list(folder.iterdir()) == []


@POSIX
def test_nobody_reading_does_not_stop_it(tmp_path: Path) -> None:
    source = make_dumb(tmp_path / "source", {b"a": b"1"})

    with started("convert", source, tmp_path / "new.db", "--to", "sqlite3") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.wait(30) == 141
        assert process.stderr.read() == b""
    assert read_sqlite(tmp_path / "new.db") == {b"a": b"1"}


# ---- compact


def test_compacting_tells_what_it_saved_and_where_the_old_state_is(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "old.db", {b"%d" % entry: b"v" * 1000 for entry in range(500)})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM Dict WHERE rowid > 50")
    before, kept = path.read_bytes(), read_sqlite(path)

    outcome = cli("compact", path)

    [backup] = tmp_path.glob("old.db.*")
    after = path.stat().st_size
    saved = f"old.db: {len(before):,} bytes before, {after:,} after, {len(before) - after:,} saved."
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.text.splitlines() == [saved, f"The state before is kept in {backup.name}."]
    assert read_sqlite(backup) == kept == read_sqlite(path)
    assert 0 < after < len(before) // 5


@pytest.mark.parametrize("format_id", WRITABLE)
def test_every_format_can_be_compacted(cli: Run, tmp_path: Path, format_id: str) -> None:
    cli("convert", make_dumb(tmp_path / "source", ENTRIES), tmp_path / "new", "--to", format_id)
    files_before = set(files(tmp_path))
    if format_id != "pickle-file":  # there the others would be counted anew
        assert cli("delete", tmp_path / "new", *map(str, range(0, 300, 2)), "--no-backup").code == 0
    before = dict(entries_of(tmp_path / "new" if (tmp_path / "new").exists() else first_file(tmp_path)))

    outcome = cli("compact", tmp_path / "new", "--no-backup")

    assert (outcome.code, outcome.err) == (0, "")
    assert dict(entries_of(tmp_path / "new" if (tmp_path / "new").exists() else first_file(tmp_path))) == before
    left = {name for name in files(tmp_path) if not name.endswith((".bak", "-lock"))} - files_before
    assert bool(left) == (format_id == "dumb")
    assert all("shelfscope-backup" in name for name in left)


def first_file(folder: Path) -> Path:
    return next(path for path in sorted(folder.glob("new.*")) if path.suffix in {".dat", ".pag"})


def test_what_cannot_be_saved_cannot_be_compacted(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("'good', (0, 4)\n'bad', (9000, 4)\n")

    for path in (tmp_path / "bad", database_case("bdb185-btree-n500")):
        before = files(path.parent)
        outcome = cli("compact", path)
        assert (outcome.code, outcome.out) == (4, b"")
        assert is_one_sentence(outcome.err)
        assert files(path.parent) == before


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_compacts_leaves_the_old_state(cli: Run, tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "old"
    source = make_sqlite(tmp_path / "source", {b"%d" % entry: b"v" * 50 for entry in range(150_000)})
    assert cli("convert", source, path, "--to", "cdb").code == 0
    before = files(tmp_path)

    with started("compact", path) as process:
        assert process.stderr is not None
        wait_until(lambda: any("shelfscope" in path.name for path in tmp_path.iterdir()), process)
        process.send_signal(number)

        assert process.wait(60) == 128 + number
        assert process.stderr.read() == b""
    assert files(tmp_path) == before


def test_repeated_keys_are_kept_where_the_format_can(
    cli: Run, tmp_path: Path, database_case: Callable[[str], Path]
) -> None:
    path = database_case("bdb53-hash-dup")

    kept = cli("convert", path, tmp_path / "kept.db", "--to", "bdb-btree")
    refused = cli("convert", path, tmp_path / "refused.db", "--to", "bdb-btree", "--duplicates", "none")

    assert (kept.code, kept.err) == (0, "")
    assert "Keys come again" in kept.text
    assert sorted(entries_of(tmp_path / "kept.db")) == sorted(entries_of(path))
    assert refused.code == 4
    assert "use --duplicates unsorted" in refused.err


def test_what_is_too_large_for_a_page_names_the_page(cli: Run, tmp_path: Path) -> None:
    source = make_dumb(tmp_path / "source", {b"k": b"v" * 3000})

    refused = cli("convert", source, tmp_path / "new", "--to", "sdbm")

    assert "use --page-size 4096," in refused.err
    assert cli("convert", source, tmp_path / "new", "--to", "sdbm", "--page-size", "4096").code == 0


def test_a_pickle_file_of_nothing_says_why(cli: Run, tmp_path: Path) -> None:
    source = make_dumb(tmp_path / "source", {b"a": b"N.", b"b": b"N."})

    outcome = cli("convert", source, tmp_path / "new.pkl", "--to", "pickle-file", "--leave-out")

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)
    assert "none of the 2 entries can be stored" in outcome.err
    assert not (tmp_path / "new.pkl").exists()
