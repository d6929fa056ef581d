"""``find``: places that match, one a line."""

import json
import os
import pickle
import signal
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run, is_one_sentence, started
from tests.cli.shelves import make_dumb, pickled


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    values = {"ada": {"name": "Ada", "born": 1815, "odd": "x\ty\x1b[31mAda"}, "bob": ["Bob", 12], "tab\tkey": "Ada"}
    return make_dumb(tmp_path / "people", pickled(values) | {b"\xffAda": b"\x00\xff raw Ada"})


def test_each_place_is_a_line(cli: Run, shelf: Path) -> None:
    outcome = cli("find", shelf, "Ada")

    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.text.splitlines() == [
        "ada\t['name']\tAda",
        "ada\t['odd']\tx\\ty\\x1b[31mAda",
        "'tab\\tkey'\t\tAda",
        "b'\\xffAda'\t\t\\xffAda",
        "b'\\xffAda'\t\t\\x00\\xff raw Ada",
    ]


def test_lines_of_json_name_every_key(cli: Run, shelf: Path) -> None:
    lines = [json.loads(line) for line in cli("find", "--json", shelf, "Ada").text.splitlines()]

    assert lines[0] == {"key": "ada", "path": "['name']", "text": "Ada", "is_key": False}
    assert lines[3] == {"key_base64": "/0FkYQ==", "path": "", "text": "\\xffAda", "is_key": True}


def test_numbers_keys_and_case(cli: Run, shelf: Path) -> None:
    assert cli("find", shelf, "181").text == "ada\t['born']\t1815\n"
    assert cli("find", shelf, "born").text == "ada\t['born']\tborn\n"
    assert cli("find", "--ignore-case", shelf, "BOB").text.splitlines() == ["bob\t\tbob", "bob\t[0]\tBob"]
    assert cli("find", "--regex", shelf, "^B.b$").text == "bob\t[0]\tBob\n"
    assert cli("find", shelf, "--", "-x").code == 1


def test_nothing_found_is_a_finding(cli: Run, shelf: Path) -> None:
    outcome = cli("find", shelf, "nowhere")

    assert (outcome.code, outcome.out) == (1, b"")
    assert is_one_sentence(outcome.err)


@pytest.mark.parametrize("arguments", [("--regex", "("), ("",)])
def test_a_wrong_pattern_is_a_usage_error(cli: Run, shelf: Path, arguments: tuple[str, ...]) -> None:
    outcome = cli("find", shelf, *arguments)

    assert (outcome.code, outcome.out) == (2, b"")
    assert is_one_sentence(outcome.err)


def test_a_file_that_is_missing_cannot_be_searched(cli: Run, tmp_path: Path) -> None:
    assert cli("find", tmp_path / "no.db", "x").code == 3


@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals to send.")
def test_an_endless_expression_can_be_interrupted(tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "trap", {b"trap": pickle.dumps("a" * 60 + "b")})

    with started("find", "--regex", path, "(a+)+$") as process:
        time.sleep(2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert b"Traceback" not in err
