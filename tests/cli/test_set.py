"""``set``: one leaf changes, and Python reads back the same edit."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from pickletools import genops
from typing import Any

import pytest

from tests.cli.conftest import Run, is_one_sentence
from tests.cli.shelves import (
    make_dumb,
    make_sqlite,
    pickled,
    python_with_sqlite_dbm,
    read_by_dbm_sqlite3,
    read_dumb,
    read_sqlite,
    unpickled,
)

Make = Callable[[Path, Mapping[bytes, bytes]], Path]
Read = Callable[[Path], dict[bytes, bytes]]

FORMATS: dict[str, tuple[Make, Read]] = {"dumb": (make_dumb, read_dumb), "sqlite3": (make_sqlite, read_sqlite)}

PEOPLE: dict[str, Any] = {
    "ada": {"born": 1815, "scores": [1, 2.5, -3], "name": "Ada", "photo": b"\x00\x01", "alive": False},
    "count": 7,
    "name": "plain",
    "bob": [{"x": (1, [2])}],
}


@pytest.fixture(params=list(FORMATS))
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Read]:
    """A shelf in each format that can be saved, and what reads it back."""
    make, read = FORMATS[request.param]
    return make(tmp_path / "people", pickled(PEOPLE)), read


def edited(key: str, edit: Callable[[Any], Any]) -> dict[str, Any]:
    """Return PEOPLE after an edit made in Python, which returns the new value or None when it worked in place."""
    people = deepcopy(PEOPLE)
    result = edit(people[key])
    if result is not None:
        people[key] = result
    return people


EDITS: list[tuple[list[str], dict[str, Any]]] = [
    (["ada", "--at", "['born']", "1816"], edited("ada", lambda v: v.update(born=1816))),
    (["ada", "--at", "['scores'][0]", "-5"], edited("ada", lambda v: v["scores"].__setitem__(0, -5))),
    (["ada", "--at", "['scores'][1]", "-1.5"], edited("ada", lambda v: v["scores"].__setitem__(1, -1.5))),
    (["ada", "--at", "['scores'][2]", "--", "-5"], edited("ada", lambda v: v["scores"].__setitem__(2, -5))),
    (["ada", "--at", "['name']", "'Ada L.'"], edited("ada", lambda v: v.update(name="Ada L."))),
    (["ada", "'Zoë'", "--at", "['name']"], edited("ada", lambda v: v.update(name="Zoë"))),
    (["ada", "--at", "['photo']", r"b'\xff'"], edited("ada", lambda v: v.update(photo=b"\xff"))),
    (["ada", "--at", "['alive']", "True"], edited("ada", lambda v: v.update(alive=True))),
    (["count", "-5"], edited("count", lambda _v: -5)),
    (["count", "--", "-5"], edited("count", lambda _v: -5)),
    (["count", "123456789012345678901234567890"], edited("count", lambda _v: 123456789012345678901234567890)),
    (["Y291bnQ=", "--key-base64", "8"], edited("count", lambda _v: 8)),
    (["count", "--nth", "0", "8"], edited("count", lambda _v: 8)),
    (["name", "'other'"], edited("name", lambda _v: "other")),
    (["bob", "--at", "[0]['x'][1][0]", "3"], edited("bob", lambda v: v[0]["x"][1].__setitem__(0, 3))),
    (["bob", "--at", "[0]['x'][1][1]", "'end'"], edited("bob", lambda v: v[0]["x"][1].append("end"))),
    (["ada", "--at", "['scores']", "{'a': (1, None)}"], edited("ada", lambda v: v.update(scores={"a": (1, None)}))),
    (["ada", "--at", "['scores'][3]", "[[]]"], edited("ada", lambda v: v["scores"].append([[]]))),
    (["ada", "--at", "['died']", "1852"], edited("ada", lambda v: v.update(died=1852))),
    (["ada", "--at", "['met']", "datetime.date(1833, 6, 5)"], edited("ada", lambda v: v.update(met=date(1833, 6, 5)))),
    (["ada", "--at", "['born']", "'1815'", "--any-type"], edited("ada", lambda v: v.update(born="1815"))),
    (
        ["ada", "--at", "['born']", "--any-type", "--json", '{"y": [1815, 12.5]}'],
        edited("ada", lambda v: v.update(born={"y": [1815, 12.5]})),
    ),
    (
        ["ada", "--at", "['born']", "--any-type", "--typed", '{"py/tuple": [1815, 12]}'],
        edited("ada", lambda v: v.update(born=(1815, 12))),
    ),
    (["ada", "{}"], edited("ada", lambda _v: {})),
    (["count", "--pickle", "'seven'"], edited("count", lambda _v: "seven")),
    (["count", "--protocol", "2", "8"], edited("count", lambda _v: 8)),
    (["new", "{'a': {1, 2}}"], PEOPLE | {"new": {"a": {1, 2}}}),
    (["new", "--json", "[1, null]"], PEOPLE | {"new": [1, None]}),
]


@pytest.mark.parametrize(("arguments", "expected"), EDITS, ids=lambda value: " ".join(value) if value else "")
def test_python_loads_the_same_edit(
    cli: Run, shelf: tuple[Path, Read], arguments: list[str], expected: dict[str, Any]
) -> None:
    path, read = shelf

    outcome = cli("set", path, *arguments)

    assert (outcome.code, outcome.err) == (0, "")
    stored = read(path)
    assert unpickled(stored) == expected
    assert list(stored) == [key.encode() for key in expected]
    unchanged = [key.encode() for key in PEOPLE if PEOPLE[key] == expected[key]]
    assert [stored[key] for key in unchanged] == [pickled(PEOPLE)[key] for key in unchanged]


def test_dbm_sqlite3_reads_the_edit(cli: Run, tmp_path: Path) -> None:
    python = python_with_sqlite_dbm()
    if python is None:
        pytest.skip("No Python with dbm.sqlite3 (3.13 or later) is installed.")
    path = make_sqlite(tmp_path / "people", pickled(PEOPLE))

    outcome = cli("set", path, "ada", "--at", "['born']", "1816")

    assert outcome.code == 0
    assert unpickled(read_by_dbm_sqlite3(python, path)) == edited("ada", lambda v: v.update(born=1816))


def test_all_other_bytes_of_the_value_stay(cli: Run, shelf: tuple[Path, Read]) -> None:
    path, read = shelf
    before = read(path)[b"ada"]

    cli("set", path, "ada", "--at", "['born']", "1816")

    after = read(path)[b"ada"]
    assert after == before.replace(b"M\x17\x07", b"M\x18\x07")
    assert before.count(b"M\x17\x07") == 1


def test_a_backup_is_made_and_named_unless_it_is_declined(cli: Run, shelf: tuple[Path, Read]) -> None:
    path, _read = shelf
    files = set(path.parent.iterdir())

    cli("set", path, "count", "8", "--no-backup")
    assert not {file for file in path.parent.iterdir() if file.suffix != ".bak"} - files

    files = set(path.parent.iterdir())
    outcome = cli("set", path, "count", "9")
    backups = set(path.parent.iterdir()) - files
    assert backups
    assert any(backup.name in outcome.text for backup in backups)


def test_a_value_that_is_so_already_is_not_saved(cli: Run, shelf: tuple[Path, Read]) -> None:
    path, _read = shelf
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.parent.iterdir()}

    outcome = cli("set", path, "count", "7")

    assert (outcome.code, outcome.out) == (0, b"")
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.parent.iterdir()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody", "--at", "[0]", "1"],
        ["ada", "--at", "['nothing']['more']", "1"],
        ["ada", "--at", "['scores'][5]", "1"],
        ["ada", "--at", "['born']", "--json", '{"a": 1, "a": 2}'],
        ["ada", "--at", "['born']", "--json", "[1,"],
        ["ada", "--at", "['born']", "'text'"],
        ["ada", "--at", "['born']", "1.5"],
        ["ada", "--at", "['born']", "not a literal"],
        ["ada", "--at", "['born']", "-"],
        ["ada", "--at", "['scores']", "[1,"],
        ["ada", "--at", "['scores']", "{[]: 1}"],
        ["ada", "--at", "['born']", "__import__('os')"],
        ["count", "--nth", "1", "8"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_changes_nothing(cli: Run, shelf: tuple[Path, Read], arguments: list[str]) -> None:
    path, _read = shelf
    before = {file: file.read_bytes() for file in path.parent.iterdir()}

    outcome = cli("set", path, *arguments)

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_format_that_is_only_read_says_so(cli: Run, database_case: Callable[[str], Path]) -> None:
    path = database_case("bdb185-btree-n500")
    before = path.read_bytes()

    outcome = cli("set", path, "new", "'5'")

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert path.read_bytes() == before


# ---- whole values, and new ones


@pytest.mark.parametrize(
    ("literal", "stored"),
    [("'v\u00e9'", "v\u00e9".encode()), (r"b'\xff\x00'", b"\xff\x00"), ("''", b""), ("r'\\d'", b"\\d"), ('"5"', b"5")],
)
@pytest.mark.parametrize("key", ["new", "old"])
def test_a_literal_is_stored_bare_where_there_are_no_pickles(
    cli: Run, tmp_path: Path, key: str, literal: str, stored: bytes
) -> None:
    path = make_sqlite(tmp_path / "plain.db", {b"old": b"\x80\x81", b"other": b"text"})

    outcome = cli("set", path, key, literal)

    assert (outcome.code, outcome.err) == (0, "")
    assert read_sqlite(path) == {b"old": b"\x80\x81", b"other": b"text"} | {key.encode(): stored}


def test_a_text_keeps_its_encoding(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "plain.db", {b"k": "caf\u00e9 au lait".encode("latin-1")})

    assert cli("set", path, "k", "'th\u00e9 vert'").code == 0
    assert read_sqlite(path) == {b"k": "th\u00e9 vert".encode("latin-1")}
    assert cli("set", path, "k", "'\u2615'").code == 4
    assert cli("set", path, "k", "b'\u0026\\xff'").code == 0
    assert read_sqlite(path) == {b"k": b"&\xff"}


@pytest.mark.parametrize("literal", ["5", "None", "[1]", "text", "", "'", "'\\ud800'", "__import__('os')", "f'{1}'"])
def test_what_is_no_text_and_no_bytes_is_refused_outside_shelves(cli: Run, tmp_path: Path, literal: str) -> None:
    path = make_sqlite(tmp_path / "plain.db", {b"old": b"\x80\x81"})
    before = path.read_bytes()

    for key in ("new", "old"):
        outcome = cli("set", path, key, literal)
        assert (outcome.code, outcome.out) == (4, b"")
        assert is_one_sentence(outcome.err)
    assert path.read_bytes() == before


@pytest.mark.parametrize("protocol", range(6))
def test_a_new_value_is_a_pickle_of_the_protocol_most_used(cli: Run, tmp_path: Path, protocol: int) -> None:
    values = pickled({"a": [1], "b": {"c": 2.5}, "d": ("x",)}, protocol) | pickled({"e": [1]}, (protocol + 1) % 6)
    path = make_sqlite(tmp_path / "shelf.db", values)

    assert cli("set", path, "new", "[1, 2.5, 'x']").code == 0
    assert cli("set", path, "a", "--protocol", str((protocol + 2) % 6), "[1, 2.5, 'x']").code == 0

    stored = read_sqlite(path)
    for key, expected in (("new", protocol), ("a", (protocol + 2) % 6)):
        assert unpickled(stored)[key] == [1, 2.5, "x"]
        assert protocol_of(stored[key.encode()]) == expected


def protocol_of(value: bytes) -> int:
    """Return what the opcodes need; a pickle of protocol 1 has no PROTO but a binary list."""
    protocols: list[Any] = [
        argument if opcode.name == "PROTO" else opcode.proto for opcode, argument, _at in genops(value)
    ]
    return int(max(protocols))


def test_any_literal_becomes_a_pickle_outside_shelves_when_it_is_asked_for(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "plain.db", {b"old": b"text"})

    assert cli("set", path, "new", "--pickle", "[1]").code == 0
    assert cli("set", path, "old", "--protocol", "3", "{'a': 1}").code == 0

    stored = read_sqlite(path)
    assert unpickled(stored) == {"new": [1], "old": {"a": 1}}
    assert stored[b"old"].startswith(b"\x80\x03")


@pytest.mark.parametrize(
    "arguments",
    [
        ["ada"],
        ["ada", "--json", "1", "2"],
        ["ada", "--json", "1", "--typed", "1"],
        ["ada", "--at", "['born']", "--pickle", "1"],
        ["ada", "--at", "['born']", "--protocol", "2", "1"],
        ["ada", "--protocol", "6", "1"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_a_usage_error(
    cli: Run, shelf: tuple[Path, Read], arguments: list[str]
) -> None:
    path, read = shelf

    outcome = cli("set", path, *arguments)

    assert (outcome.code, outcome.out) == (2, b"")
    assert is_one_sentence(outcome.err)
    assert read(path) == pickled(PEOPLE)


def test_a_shared_object_changes_here_or_everywhere(cli: Run, tmp_path: Path) -> None:
    shared = ["both"]
    for option, expected in (("--any-type", [["one"], ["both"]]), ("--everywhere", [["one"], ["one"]])):
        path = make_sqlite(tmp_path / f"{option}.db", pickled({"k": [shared, shared]}))

        assert cli("set", path, "k", "--at", "[0]", "['one']", option).code == 0

        assert unpickled(read_sqlite(path)) == {"k": expected}


@pytest.mark.parametrize("key", ["new", "count"])
def test_the_bytes_of_a_file_become_the_value(cli: Run, tmp_path: Path, shelf: tuple[Path, Read], key: str) -> None:
    path, read = shelf
    value = bytes(range(256)) * 40
    (tmp_path / "-value.bin").write_bytes(value)

    outcome = cli("set", path, key, "--from-file", tmp_path / "-value.bin")

    assert (outcome.code, outcome.err) == (0, "")
    assert read(path) == pickled(PEOPLE) | {key.encode(): value}


def test_standard_input_becomes_the_value(program: Run, shelf: tuple[Path, Read]) -> None:
    path, read = shelf

    outcome = program("set", path, "new", "--from-file", "-", input=b"\x00raw\xff\n")

    assert (outcome.code, outcome.err) == (0, "")
    assert read(path)[b"new"] == b"\x00raw\xff\n"


def test_a_file_that_cannot_be_read_changes_nothing(cli: Run, tmp_path: Path, shelf: tuple[Path, Read]) -> None:
    path, read = shelf

    for source in (tmp_path / "missing.bin", tmp_path):
        outcome = cli("set", path, "count", "--from-file", source)
        assert (outcome.code, outcome.out) == (4, b"")
        assert is_one_sentence(outcome.err)
        assert source.name in outcome.err
    assert read(path) == pickled(PEOPLE)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device that gives bytes for ever")
def test_a_source_without_end_is_given_up(cli: Run, monkeypatch: pytest.MonkeyPatch, shelf: tuple[Path, Read]) -> None:
    path, read = shelf
    monkeypatch.setattr("app.limits.NEW_VALUE_BYTES", 3 << 20)

    outcome = cli("set", path, "count", "--from-file", "/dev/zero")

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert "/dev/zero has more than 3,145,728 bytes" in outcome.err
    assert read(path) == pickled(PEOPLE)


def test_the_first_entry_of_an_empty_database(cli: Run, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "empty.db", {})

    assert cli("set", path, "k", "'v'").code == 0
    assert cli("set", path, "", "b'w'").code == 0
    assert read_sqlite(path) == {b"k": b"v", b"": b"w"}


def test_a_closed_standard_input_is_no_empty_value(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_dumb(tmp_path / "old", {b"k": b"v"})
    monkeypatch.setattr("sys.stdin", None)

    outcome = cli("set", path, "k", "--from-file", "-")

    assert outcome.code == 2
    assert "tandard input is closed" in outcome.err
    assert read_dumb(tmp_path / "old.dat") == {b"k": b"v"}
