"""``export``: plain JSON of a whole database, of some entries, to a stream and to a file."""

import ast
import json
import os
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import corpus
from tests.cli.conftest import Run, is_one_sentence
from tests.cli.plain import NotSimple, plain, plain_bytes
from tests.cli.shelves import make_dumb, pickled
from tests.cli.supported import code_of_reading, damaged_cases, intact_cases, shown_key

CopyCase = Callable[[str], Path]

PEOPLE = {"ada": {"born": 1815, "tags": ("x", "y")}, "bob": [1.5, None, b"\xff"], "eve": {2: True}}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return make_dumb(tmp_path / "people", pickled(PEOPLE))


@pytest.mark.parametrize("case", intact_cases(), ids=corpus.name_of)
def test_json_lines_hold_every_entry(cli: Run, database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    path = database_case(case.name)

    outcome = cli("export", path, "--as", "jsonl")

    lines = [strict(line) for line in outcome.text.splitlines()]
    keys = [line_key(line) for line in lines]
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(keys) == sorted(shown_key(case, entry.key) for entry in case.entries)
    if case.shelf:
        assert_values_agree(case, dict(zip(keys, (line["value"] for line in lines), strict=True)))


@pytest.mark.parametrize("case", [case for case in intact_cases() if not case.duplicates], ids=corpus.name_of)
def test_one_object_holds_what_the_lines_hold(cli: Run, database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    path = database_case(case.name)

    outcome = cli("export", path, "--as", "json")

    lines = [strict(line) for line in cli("export", path, "--as", "jsonl").text.splitlines()]
    assert (outcome.code, outcome.err) == (0, "")
    assert list(strict(outcome.text).items()) == [(key_name(line_key(line)), line["value"]) for line in lines]


@pytest.mark.parametrize("case", damaged_cases(), ids=corpus.name_of)
def test_damage_is_a_finding_and_the_rest_is_exported(
    cli: Run, database_case: CopyCase, case: corpus.DatabaseCase
) -> None:
    path = database_case(case.name)

    outcome = cli("export", path, "--as", "jsonl")

    assert outcome.code == code_of_reading(case)
    assert is_one_sentence(outcome.err) if outcome.code else outcome.err == ""
    exported = [line_key(strict(line)) for line in outcome.text.splitlines()]
    assert len(exported) >= len(cli("dump", path).out.splitlines())
    assert outcome.code != 3 or exported == []


def test_values_that_are_no_pickles_are_text_or_base64(cli: Run, tmp_path: Path) -> None:
    values = {b"text": "café\n".encode(), b"raw": b"\x80\x81\xfe", b"\xff": b"x y"}
    path = make_dumb(tmp_path / "plain", values)

    exported = strict(cli("export", path).text)

    assert exported == {"text": "café\n", "raw": {"base64": "gIH+"}, r"b'\xff'": "x y"}
    assert exported["text"] == plain_bytes(values[b"text"])


def test_entries_are_chosen_by_key_and_by_pattern(cli: Run, people: Path) -> None:
    assert list(strict(cli("export", people, "eve", "ada", "ada").text)) == ["ada", "eve"]
    assert list(strict(cli("export", people, "--match", "*b*").text)) == ["bob"]
    assert list(strict(cli("export", people, "eve", "--match", "b*").text)) == ["bob", "eve"]
    assert list(strict(cli("export", people, "YWRh", "--key-base64").text)) == ["ada"]
    assert strict(cli("export", people, "--match", "nothing").text) == {}


def test_a_key_that_is_missing_exports_nothing(cli: Run, people: Path) -> None:
    outcome = cli("export", people, "ada", "nobody")

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)


def test_a_file_gets_what_the_stream_gets(cli: Run, people: Path, tmp_path: Path) -> None:
    for form in ("json", "jsonl"):
        target = tmp_path / f"out.{form}"

        outcome = cli("export", people, "--as", form, "-o", target)

        assert (outcome.code, outcome.out, outcome.err) == (0, b"", "")
        assert target.read_bytes() == cli("export", people, "--as", form, "-o", "-").out


def test_the_database_is_no_target(cli: Run, people: Path, tmp_path: Path) -> None:
    before = people.read_bytes()
    (tmp_path / "link").symlink_to(people)

    for target in (people, people.with_suffix(".dir"), tmp_path / "link"):
        outcome = cli("export", people, "-o", target)
        assert outcome.code == 4
        assert is_one_sentence(outcome.err)
    assert people.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="There are no named pipes here.")
def test_a_pipe_is_not_replaced_by_a_file(cli: Run, people: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    outcome = cli("export", people, "-o", tmp_path / "pipe")

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)
    assert (tmp_path / "pipe").is_fifo()


def test_a_target_that_cannot_be_written_is_named(cli: Run, people: Path, tmp_path: Path) -> None:
    outcome = cli("export", people, "-o", tmp_path / "no folder" / "out.json")

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)
    assert "out.json" in outcome.err


def test_names_that_collide_are_refused_for_an_object_only(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "twice", {b"\xff": b"1", rb"b'\xff'": b"2"})
    target = tmp_path / "out.json"

    for arguments in ([], ["-o", target]):
        outcome = cli("export", path, *arguments)
        assert (outcome.code, outcome.out) == (4, b"")
        assert is_one_sentence(outcome.err)
        assert "--as jsonl" in outcome.err
    assert not target.exists()
    assert len(cli("export", path, "--as", "jsonl").text.splitlines()) == 2


def test_a_damaged_value_is_marked(cli: Run, tmp_path: Path) -> None:
    good = pickled(PEOPLE)
    path = make_dumb(tmp_path / "people", good | {b"cut": good[b"ada"][:-9]})

    outcome = cli("export", path)

    exported = strict(outcome.text)
    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert exported["ada"] == plain(PEOPLE["ada"])
    assert exported["cut"]["__damaged__"]
    assert b64decode(exported["cut"]["base64"]) == good[b"ada"][:-9]


@pytest.mark.parametrize("options", [["--as", "json"], ["--as", "jsonl"], ["--typed"]], ids=" ".join)
@pytest.mark.parametrize("to_file", [False, True], ids=["stream", "file"])
def test_a_damaged_part_of_a_value_is_a_finding(cli: Run, tmp_path: Path, options: list[str], to_file: bool) -> None:
    part = b"\x80\x02](X\x01\x00\x00\x00\x88X\x01\x00\x00\x00\x89e."
    path = make_dumb(tmp_path / "people", {b"bad": part} | pickled(PEOPLE))

    outcome = cli("export", path, *options, *(["-o", tmp_path / "out"] if to_file else []))

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert "bad" in outcome.err
    assert "ada" not in outcome.err
    assert "more" not in outcome.err
    assert cli("export", path, "ada", *options).code == 0


def strict(text: str) -> Any:
    """Parse strict JSON."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def line_key(line: dict[str, Any]) -> bytes:
    assert list(line) in (["key", "value"], ["key_base64", "value"])
    return line["key"].encode() if "key" in line else b64decode(line["key_base64"], validate=True)


def key_name(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        return repr(key)


def assert_values_agree(case: corpus.DatabaseCase, exported: dict[bytes, Any]) -> None:
    """Compare what the writer's Python printed, where that is a literal of simple types."""
    expected = dict(simple_values(case))
    assert expected
    assert {key: exported[key] for key in expected} == expected


def simple_values(case: corpus.DatabaseCase) -> Iterator[tuple[bytes, Any]]:
    for key, text in case.reprs.items():
        if "py27" in case.name and "\\x" in text:
            continue  # bytes there, but text when Python 3 reads the literal
        try:
            yield key, plain(ast.literal_eval(text))
        except (ValueError, SyntaxError, NotSimple):
            continue
