"""``delete`` and ``rename``: entries go or get another key; all of it in one save, or nothing."""

import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, is_one_sentence, started
from tests.cli.shelves import make_dumb, make_sqlite, pickled, read_dumb, read_sqlite, unpickled
from tests.writable import ENTRIES, WRITABLE, entries_of

KEYED = [form for form in WRITABLE if form.values != ("pickle-file",)]
"""Formats whose keys are not numbers of their own."""


def made(cli: Run, tmp_path: Path, format_id: str) -> Path:
    """Return a database of that format with all the entries."""
    cli("convert", make_dumb(tmp_path / "source", ENTRIES), tmp_path / "db", "--to", format_id)
    names = [path for path in tmp_path.iterdir() if path.name in {"db", "db.dat", "db.pag"}]
    return names[0]


@pytest.mark.parametrize("format_id", KEYED)
def test_several_entries_go_in_one_save(cli: Run, tmp_path: Path, format_id: str) -> None:
    path = made(cli, tmp_path, format_id)

    outcome = cli("delete", path, "7", "299", "0", "7")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.text.count("The state before is kept in ") == 1
    assert dict(entries_of(path)) == {key: value for key, value in ENTRIES.items() if key not in {b"7", b"299", b"0"}}


@pytest.mark.parametrize("format_id", KEYED)
def test_an_entry_gets_another_key_and_keeps_its_bytes(cli: Run, tmp_path: Path, format_id: str) -> None:
    path = made(cli, tmp_path, format_id)

    outcome = cli("rename", path, "7", "sieben ✓")

    assert (outcome.code, outcome.err) == (0, "")
    wanted = ENTRIES | {"sieben ✓".encode(): ENTRIES[b"7"]}
    del wanted[b"7"]
    assert dict(entries_of(path)) == wanted


def test_keys_that_are_no_text_are_given_in_base64(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "old.db", {b"\xff\x00": b"1", b"b": b"2", b"": b"3"})

    assert cli("rename", path, b64encode(b"\xff\x00").decode(), b64encode(b"\x00").decode(), "--key-base64").code == 0
    assert read_sqlite(path) == {b"b": b"2", b"": b"3", b"\x00": b"1"}
    assert cli("delete", path, "AA==", "", "--key-base64").code == 0
    assert read_sqlite(path) == {b"b": b"2"}


def test_one_of_several_is_chosen(cli: Run, database_case: Callable[[str], Path]) -> None:
    path = database_case("bdb53-btree-dup")
    before = entries_of(path)
    row = next(number for number in range(1, len(before)) if before[number][0] == before[number - 1][0])
    key = b64encode(before[row][0]).decode()

    asked = cli("delete", path, key, "--key-base64")
    assert (asked.code, asked.out) == (4, b"")
    assert is_one_sentence(asked.err)
    assert "choose with --nth" in asked.err
    outcome = cli("delete", path, key, "--key-base64", "--nth", str([k for k, _ in before[:row]].count(before[row][0])))

    assert (outcome.code, outcome.err) == (0, "")
    assert entries_of(path) == before[:row] + before[row + 1 :]


def test_a_key_may_come_again_where_it_can(cli: Run, tmp_path: Path) -> None:
    cli("convert", make_sqlite(tmp_path / "old.db", {b"a": b"1", b"b": b"2"}), tmp_path / "new", "--to", "cdb")

    assert cli("rename", tmp_path / "new", "a", "b").code == 0

    assert sorted(entries_of(tmp_path / "new")) == [(b"b", b"1"), (b"b", b"2")]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["delete", "a", "nobody"], "has no entry named nobody"),
        (["delete", "a", "--nth", "1"], "--nth 0 to 0"),
        (["rename", "nobody", "x"], "has no entry named nobody"),
        (["rename", "a", "b"], "has an entry named b already"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_changes_nothing(cli: Run, tmp_path: Path, arguments: list[str], reason: str) -> None:
    path = make_sqlite(tmp_path / "old.db", {b"a": b"1", b"b": b"2"})
    before = path.read_bytes()

    outcome = cli(arguments[0], path, *arguments[1:])

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert reason in outcome.err
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_name_is_no_change(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "old.db", {b"a": b"1"})
    before = path.stat().st_mtime_ns

    assert cli("rename", path, "a", "a").code == 0
    assert path.stat().st_mtime_ns == before


def test_what_cannot_be_saved_says_why(cli: Run, tmp_path: Path, database_case: Callable[[str], Path]) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("'good', (0, 4)\n'bad', (9000, 4)\n")

    damaged = cli("delete", tmp_path / "bad", "good")
    path = database_case("bdb185-btree-n500")
    only_read = cli("delete", path, b64encode(entries_of(path)[0][0]).decode(), "--key-base64")

    assert (damaged.code, only_read.code) == (4, 4)
    assert "salvage it" in damaged.err
    assert "convert it" in only_read.err


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no closed pipe of this kind.")
def test_nobody_reading_the_notes_does_not_matter(tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "old", pickled({"a": 1, "b": 2}))

    with started("delete", path, "a") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.wait(30) == 141
        assert process.stderr.read() == b""
    assert read_dumb(path) == pickled({"b": 2})


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("['scores'][1]", {"born": 1815, "scores": [1, 3]}),
        ("['born']", {"scores": [1, 2, 3]}),
        ("['scores']", {"born": 1815}),
    ],
)
def test_a_place_in_a_value_goes_and_the_entry_stays(cli: Run, tmp_path: Path, place: str, expected: object) -> None:
    path = make_sqlite(tmp_path / "people.db", pickled({"ada": {"born": 1815, "scores": [1, 2, 3]}, "bob": 1}))

    outcome = cli("delete", path, "ada", "--at", place)

    assert (outcome.code, outcome.err) == (0, "")
    assert unpickled(read_sqlite(path)) == {"ada": expected, "bob": 1}


@pytest.mark.parametrize(("arguments", "code"), [(["ada", "bob"], 2), (["bob"], 4), (["nobody"], 4)])
def test_a_place_that_cannot_go_changes_nothing(cli: Run, tmp_path: Path, arguments: list[str], code: int) -> None:
    values = pickled({"ada": {"born": 1815}, "bob": 1})
    path = make_sqlite(tmp_path / "people.db", values)

    outcome = cli("delete", path, *arguments, "--at", "['born']")

    assert (outcome.code, outcome.out) == (code, b"")
    assert is_one_sentence(outcome.err)
    assert read_sqlite(path) == values
