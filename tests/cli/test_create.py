"""``create``: an empty database of any format, never over something that is there."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.backends.listing import folder_state
from tests.cli.conftest import ROOT, Run, is_one_sentence
from tests.cli.shelves import make_sqlite, read_sqlite
from tests.writable import WRITABLE


@pytest.mark.parametrize("format_id", [form for form in WRITABLE if form.values != ("pickle-file",)])
def test_a_new_database_takes_entries(cli: Run, tmp_path: Path, format_id: str) -> None:
    path = tmp_path / "new"

    created = cli("create", path, "--to", format_id)
    added = cli("set", path, "key", "'v\u00e9'")

    assert (created.code, created.err, added.code, added.err) == (0, "", 0, "")
    assert created.text.endswith("made with 0 entries.\n")
    assert cli("info", path, "--json").text.count(f'"format": "{format_id}"') == 1
    assert cli("show", path, "key", "--as", "raw").out == "v\u00e9".encode()


def test_the_default_is_what_python_makes_today(cli: Run, tmp_path: Path) -> None:
    assert cli("create", tmp_path / "new.db").code == 0

    assert read_sqlite(tmp_path / "new.db") == {}


def test_options_go_to_the_format(cli: Run, tmp_path: Path) -> None:
    options = ["--page-size", "512", "--byte-order", "big", "--duplicates", "sorted", "--mode", "0600"]

    assert cli("create", tmp_path / "new.db", "--to", "bdb-btree", *options).code == 0

    page = (tmp_path / "new.db").read_bytes()
    assert (page[12:16], int.from_bytes(page[20:24], "big")) == (b"\x00\x05\x31\x62", 512)
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "options",
    [
        ["--to", "cdb", "--page-size", "512"],
        ["--to", "sqlite3", "--numsync"],
        ["--to", "gdbm", "--page-size", "513"],
        ["--to", "dumb", "--duplicates", "sorted"],
    ],
    ids=" ".join,
)
def test_options_of_another_format_are_a_usage_error(cli: Run, tmp_path: Path, options: list[str]) -> None:
    outcome = cli("create", tmp_path / "new", *options)

    assert (outcome.code, outcome.out) == (2, b"")
    assert is_one_sentence(outcome.err)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "old.db", {b"k": b"v"})
    before = path.read_bytes()

    for name in ("old.db", "old"):
        (tmp_path / "old.dir").touch()
        outcome = cli("create", tmp_path / name, "--to", "dumb" if name == "old" else "sqlite3")
        assert (outcome.code, outcome.out) == (4, b"")
        assert is_one_sentence(outcome.err)
        assert "is there already" in outcome.err
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_replacing_keeps_a_backup_and_says_where(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "old.db", {b"k": b"v"})

    outcome = cli("create", path, "--replace")

    [backup] = [file for file in tmp_path.iterdir() if file != path]
    assert outcome.code == 0
    assert backup.name in outcome.text
    assert read_sqlite(backup) == {b"k": b"v"}
    assert read_sqlite(path) == {}


def test_a_folder_that_is_missing_or_taken_is_said(cli: Run, tmp_path: Path) -> None:
    for name in ("nowhere/new.db", "."):
        outcome = cli("create", tmp_path / name)
        assert (outcome.code, outcome.out) == (4, b"")
        assert is_one_sentence(outcome.err)
    assert cli("create", tmp_path, "--replace").code == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="Only root can become somebody else.")
def test_a_folder_without_permission_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        warm = folder / "warm"
        # The other user may not be allowed to load our modules either, so they are used once before.
        become = "import os; os.setgid(65534); os.setuid(65534)"
        line = f"import sys; from app.__main__ import main; main(['create', {str(warm)!r}]); {become}; "
        line += f"sys.exit(main(['create', {str(folder / 'new.db')!r}]))"
        done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, check=False, text=True)

        assert done.returncode == 4
        assert is_one_sentence(done.stderr)
        assert [file.name for file in folder.iterdir()] == ["warm"]


def test_a_name_that_is_missing_says_how_it_is_made(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "some new.db"

    outcome = cli("set", path, "k", "'v'")

    assert outcome.code == 3
    assert f"or make it with \"shelfscope create '{path}'\"." in outcome.err


def test_a_file_of_no_bytes_says_what_can_be_done(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    outcome = cli("keys", tmp_path / "empty.db")

    assert outcome.code == 3
    assert "'shelfscope create --replace " in outcome.err
    assert cli("create", "--replace", tmp_path / "empty.db").code == 0


def test_a_taken_name_offers_to_replace_and_a_folder_does_not(cli: Run, tmp_path: Path) -> None:
    make_sqlite(tmp_path / "old.db", {b"k": b"v"})
    (tmp_path / "folder").mkdir()

    taken, folder = cli("create", tmp_path / "old.db"), cli("create", tmp_path / "folder")

    assert "--replace" in taken.err
    assert "folder is a folder; name a new file in it" in folder.err
    assert "--replace" not in folder.err
    assert cli("create", tmp_path / "folder", "--replace").err == folder.err


def test_a_missing_folder_is_named(cli: Run, tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path / 'nodir'}" in cli("create", tmp_path / "nodir" / "x.db").err


def test_a_pickle_file_is_not_made_empty(cli: Run, tmp_path: Path) -> None:
    outcome = cli("create", tmp_path / "new.pkl", "--to", "pickle-file")

    assert outcome.code == 2
    assert "a pickle file cannot be empty; convert or load into one" in outcome.err
    assert "pickle-file" not in cli("create", "--help").text
    assert "pickle-file" in cli("convert", "--help").text


@pytest.mark.parametrize("name", ["n" * 250, "\u00e9" * 125, "n" * 246 + ".dbm"])
def test_a_long_name_can_be_had_and_replaced(cli: Run, tmp_path: Path, name: str) -> None:
    for options in ([], ["--replace"]):
        outcome = cli("create", tmp_path / name, "--to", "gdbm", *options)
        assert (outcome.code, outcome.err) == (0, "")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("format_id", ["gdbm", "bdb-hash", "cdb"])
def test_the_longest_name_of_all_can_be_had_and_replaced(cli: Run, tmp_path: Path, format_id: str) -> None:
    for options in ([], ["--replace"]):
        outcome = cli("create", tmp_path / ("n" * 255), "--to", format_id, *options)
        assert (outcome.code, outcome.err) == (0, "")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("format_id", "longest"), [("sqlite3", 247), ("lmdb", 250), ("dumb", 251), ("sdbm", 251)])
def test_a_name_is_refused_in_one_sentence_that_leaves_no_room_for_what_comes_beside_it(
    cli: Run, tmp_path: Path, format_id: str, longest: int
) -> None:
    for options in ([], ["--replace"]):
        too_long = cli("create", tmp_path / ("n" * (longest + 1)), "--to", format_id, *options)
        assert too_long.code == 4
        assert "too long" in too_long.err or "shorter by 1 byte" in too_long.err
        assert too_long.err.count("\n") == 1
        assert list(tmp_path.iterdir()) == []

    assert cli("create", tmp_path / ("n" * longest), "--to", format_id).code == 0
    assert cli("create", tmp_path / ("n" * longest), "--to", format_id, "--replace").code == 0


@pytest.mark.parametrize(("short", "whole"), [("32", "32-bit"), ("i386", "64-bit offsets of a 32-bit machine")])
def test_layouts_have_short_names(cli: Run, tmp_path: Path, short: str, whole: str) -> None:
    for number, layout in enumerate((short, whole)):
        assert cli("create", tmp_path / str(number), "--to", "gdbm", "--layout", layout).code == 0

    assert (tmp_path / "0").stat().st_size == (tmp_path / "1").stat().st_size
    assert (tmp_path / "0").read_bytes()[:4] == (tmp_path / "1").read_bytes()[:4]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("sqlite3", "x-journal"),
        ("sqlite3", "x-wal"),
        ("lmdb", "x-lock"),
        ("dumb", "x.bak"),
        ("dumb", "x.dat"),
        ("sdbm", "x.dir"),
        ("gdbm-ndbm", "x.pag"),
    ],
)
def test_no_database_is_made_that_the_programs_of_another_would_write_over(
    cli: Run, tmp_path: Path, owner: str, name: str
) -> None:
    assert cli("create", tmp_path / "x", "--to", owner).code == 0
    assert cli("set", tmp_path / "x", "key", "'value'", "--no-backup").code == 0
    (tmp_path / "x-lock").unlink(missing_ok=True)
    before = folder_state(tmp_path)

    outcome = cli("create", tmp_path / name, "--to", "cdb", "--replace")

    assert outcome.code == 4
    assert f"{name} would be taken for a part of x" in outcome.err
    assert is_one_sentence(outcome.err)
    assert folder_state(tmp_path) == before


def test_a_name_like_that_of_a_part_can_be_had_where_nothing_would_take_it_for_one(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database")

    for name in ("x-lock", "x.bak", "x.dat", "y-wal"):
        assert cli("create", tmp_path / name, "--to", "cdb").code == 0

        assert cli("check", tmp_path / name).text == f"{name} is sound (cdb).\n"


def test_a_link_in_a_circle_is_replaced_or_left_alone(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "circle"
    path.symlink_to(path)

    refused = cli("create", path, "--to", "gdbm")
    made = cli("create", path, "--to", "gdbm", "--replace")

    assert (refused.code, is_one_sentence(refused.err)) == (4, True)
    assert (made.code, made.err) == (0, "")
    assert cli("check", path).text == "circle is sound (gdbm).\n"


@pytest.mark.parametrize(("format_id", "part"), [("sdbm", ".dir"), ("gdbm-ndbm", ".dir"), ("dumb", ".bak")])
def test_a_part_that_is_a_link_in_a_circle_costs_nothing(cli: Run, tmp_path: Path, format_id: str, part: str) -> None:
    assert cli("create", tmp_path / "x", "--to", format_id).code == 0
    assert cli("set", tmp_path / "x", "older", "'value'").code == 0
    (tmp_path / f"x{part}").unlink()
    (tmp_path / f"x{part}").symlink_to(tmp_path / f"x{part}")

    outcome = cli("set", tmp_path / "x", "key", "'value'")

    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(cli("keys", tmp_path / "x").text.split()) == ["key", "older"]
    assert cli("check", tmp_path / "x").code == 0
