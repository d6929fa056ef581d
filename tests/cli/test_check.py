"""``check``: silent on everything sound, a line for each problem of what is damaged."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import corpus
from tests.cli.conftest import Run, is_one_sentence, started
from tests.cli.shelves import make_dumb
from tests.cli.supported import READABLE, damaged_cases, intact_cases
from tests.writable import ENTRIES, WRITABLE


@pytest.mark.parametrize("case", intact_cases(), ids=corpus.name_of)
def test_a_sound_database_is_said_to_be_sound(
    cli: Run, database_case: Callable[[str], Path], case: corpus.DatabaseCase
) -> None:
    path = database_case(case.name)

    outcome = cli("check", path)

    assert (outcome.code, outcome.err, outcome.text) == (0, "", f"{path.name} is sound ({case.format}).\n")


@pytest.mark.parametrize("format_id", WRITABLE)
def test_what_we_write_is_sound(cli: Run, tmp_path: Path, format_id: str) -> None:
    cli("convert", make_dumb(tmp_path / "source", ENTRIES), tmp_path / "new", "--to", format_id)

    assert cli("check", tmp_path / "new").text == f"new is sound ({format_id}).\n"


def test_damage_is_listed_by_place(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("'good', (0, 4)\nnonsense\n'bad', (9000, 4)\n")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    outcome = cli("check", tmp_path / "bad")
    as_json = cli("check", tmp_path / "bad", "--json")

    assert (outcome.code, outcome.err, as_json.code, as_json.err) == (1, "", 1, "")
    facts = json.loads(as_json.out)
    assert {name: facts[name] for name in ("path", "format", "damaged")} == {
        "path": str(tmp_path / "bad"),
        "format": "dumb",
        "damaged": True,
    }
    listed = [
        f"{'-' if found['offset'] is None else found['offset']}: {found['message']}" for found in facts["problems"]
    ]
    first, *lines, last = outcome.text.splitlines()
    assert lines == listed
    assert first == f"bad is damaged (dumb): {len(listed)} problems."
    assert "salvage" in last
    assert len(listed) >= 2
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_sound_as_json(cli: Run, tmp_path: Path) -> None:
    facts = json.loads(cli("check", make_dumb(tmp_path / "good", {b"a": b"1"}), "--json").out)

    assert (facts["damaged"], facts["problems"], facts["format"]) == (False, [], "dumb")


def test_what_is_too_damaged_to_be_opened_is_damaged(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.gdbm").write_bytes(bytes.fromhex("cf9a5713") + b"\xff" * 2000)

    outcome = cli("check", tmp_path / "bad.gdbm")

    assert (outcome.code, outcome.err) == (1, "")
    first, problem, _way_out = outcome.text.splitlines()
    assert first == "bad.gdbm is damaged (gdbm): 1 problem."
    assert problem.startswith("0: The fields of the GDBM header contradict each other")


@pytest.mark.parametrize(
    "case",
    [case for case in damaged_cases() if case.format in READABLE and not case.name.endswith("-noise")],
    ids=corpus.name_of,
)
def test_every_damaged_database_is_said_to_be_damaged(
    cli: Run, database_case: Callable[[str], Path], case: corpus.DatabaseCase
) -> None:
    outcome = cli("check", database_case(case.name))

    assert (outcome.code, outcome.err) == (1, "")
    first, *lines, _way_out = outcome.text.splitlines()
    assert first.endswith(f"is damaged ({case.format}): {len(lines)} problem{'s' * (len(lines) > 1)}.")
    assert all(re.match(r"(-|\d+): .+\.$", line) for line in lines)
    assert not any("(at byte" in line for line in lines)


def test_a_value_that_cannot_be_read_is_told_of_once(cli: Run, database_case: Callable[[str], Path]) -> None:
    lines = cli("check", database_case("corrupt-bdb53-btree-mid-4096-cut")).text.splitlines()

    assert len([line for line in lines if "page 3 is outside the file" in line]) == 1


@pytest.mark.parametrize("name", ["missing.db", "text.db", "folder.db"])
def test_what_is_no_database_ends_with_3(cli: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "text.db").write_text("This is no database of any kind.\n")
    (tmp_path / "folder.db").mkdir()

    outcome = cli("check", tmp_path / name)

    assert (outcome.code, outcome.out) == (3, b"")
    assert is_one_sentence(outcome.err)


def test_what_is_only_recognised_ends_with_3(cli: Run, database_case: Callable[[str], Path]) -> None:
    case = next(case for case in corpus.databases(corrupt=False) if case.detect_only)

    outcome = cli("check", database_case(case.name))

    assert (outcome.code, outcome.out) == (3, b"")
    assert is_one_sentence(outcome.err)


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no closed pipe of this kind.")
def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("".join(f"'bad{number}', (9000, 4)\n" for number in range(3000)))

    with started("check", tmp_path / "bad") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.wait(30) == 141
        assert process.stderr.read() == b""


def test_text_of_a_file_does_not_act_on_the_terminal(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_bytes(b"'\xc2\x9b31m\xe2\x80\xae', (9000, 4)\n")

    outcome = cli("check", tmp_path / "bad")

    assert outcome.code == 1
    assert not {"\x9b", "\u202e"} & set(outcome.text)
