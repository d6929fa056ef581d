"""``show``: one value in every form."""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import corpus
from tests.cli.conftest import Run, is_one_sentence
from tests.cli.shelves import make_dumb, pickled

CopyCase = Callable[[str], Path]

DUPLICATES = "bdb53-btree-dup"
"""Its key bigdup has three entries."""

ADA = {"name": "Ada", "years": [1815, 1852], "photo": b"\x89PNG\r\n\x1a\n", "notes": "caf\u00e9"}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return make_dumb(tmp_path / "people", pickled({"ada": ADA, "bob": ("x", None)}) | {b"\xff": b"raw \x00 bytes"})


def test_plain_json_is_the_value(cli: Run, people: Path) -> None:
    outcome = cli("show", people, "ada", "--as", "json")

    value = json.loads(outcome.out)
    assert (outcome.code, outcome.out.count(b"\n")) == (0, 1)
    assert value["name"] == "Ada"
    assert value["years"] == [1815, 1852]
    assert value["photo"] == {"base64": b64encode(b"\x89PNG\r\n\x1a\n").decode()}


def test_a_place_is_shown(cli: Run, people: Path) -> None:
    assert json.loads(cli("show", people, "ada", "--at", "['years'][1]", "--as", "json").out) == 1852
    assert cli("show", people, "ada", "--at", "['years'][1]").text == "1852\n"
    assert json.loads(cli("show", people, "ada", "--at", "['years']", "--as", "tree").out)["t"] == "list"


def test_the_tree_is_cut_at_its_limit(cli: Run, people: Path) -> None:
    whole = json.loads(cli("show", people, "ada", "--as", "tree").out)
    cut = json.loads(cli("show", people, "ada", "--as", "tree", "--limit", "3").out)

    assert (whole["t"], whole["n"], len(whole["items"])) == ("dict", 4, 4)
    assert "more" not in whole
    assert cut["more"] >= 1


def test_without_a_key_the_first_entry_is_shown(cli: Run, people: Path) -> None:
    assert cli("show", people).text == cli("show", people, "ada").text
    assert "Ada" in cli("show", people).text


def test_raw_bytes_are_the_value_or_a_leaf_of_it(cli: Run, people: Path) -> None:
    stored = pickled({"ada": ADA})[b"ada"]

    assert cli("show", people, "ada", "--as", "raw").out == stored
    assert cli("show", people, "ada", "--as", "raw", "--limit", "5").out == stored[:5]
    assert cli("show", people, "ada", "--at", "['photo']", "--as", "raw").out == b"\x89PNG\r\n\x1a\n"
    assert cli("show", people, "ada", "--at", "['notes']", "--as", "raw").out == "caf\u00e9".encode()


def test_hex_has_offsets_bytes_and_characters(cli: Run, people: Path) -> None:
    outcome = cli("show", people, "ada", "--at", "['photo']", "--as", "hex")

    assert outcome.text == "00000000  89 50 4e 47 0d 0a 1a 0a                           |.PNG....|\n"


def test_hex_lines_cover_the_whole_value(cli: Run, people: Path) -> None:
    lines = cli("show", people, "ada", "--as", "hex").text.splitlines()

    stored = pickled({"ada": ADA})[b"ada"]
    assert bytes.fromhex("".join(line[10:59] for line in lines)) == stored
    assert {line.index("|") for line in lines} == {60}


def test_a_key_that_is_no_text_is_found(program: Run, cli: Run, people: Path) -> None:
    assert program("show", people, b"\xff", "--as", "raw").out == b"raw \x00 bytes"
    assert cli("show", people, "/w==", "--key-base64", "--as", "raw").out == b"raw \x00 bytes"


def test_a_key_may_look_like_an_option(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "odd", {b"--as": b"value"})

    assert cli("show", path, "--as", "raw", "--", "--as").out == b"value"


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_one_of_several_entries_of_a_key_is_chosen(cli: Run, database_case: CopyCase, nth: int) -> None:
    path = database_case(DUPLICATES)

    outcome = cli("show", path, "bigdup", "--nth", str(nth), "--as", "raw")

    entries = [entry for entry in corpus.database(DUPLICATES).entries if entry.key == b"bigdup"]
    assert outcome.code == 0
    assert corpus.expected_entry(b"bigdup", outcome.out) == entries[nth]


@pytest.mark.parametrize("arguments", [[], ["--nth", "3"]])
def test_several_entries_of_a_key_ask_for_nth(cli: Run, database_case: CopyCase, arguments: list[str]) -> None:
    outcome = cli("show", database_case(DUPLICATES), "bigdup", *arguments)

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert "--nth 0 to 2" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody"],
        ["ada", "--at", "['nothing']"],
        ["ada", "--at", "[["],
        ["ada", "--at", "['years']", "--as", "raw"],
        ["ada", "--nth", "1"],
    ],
)
def test_what_is_not_there_is_said(cli: Run, people: Path, arguments: list[str]) -> None:
    outcome = cli("show", people, *arguments)

    assert (outcome.code, outcome.out) == (4, b"")
    assert is_one_sentence(outcome.err)
    assert "people" in outcome.err


def test_an_empty_database_has_nothing_to_show(cli: Run, tmp_path: Path) -> None:
    outcome = cli("show", make_dumb(tmp_path / "empty", {}))

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)


@pytest.mark.parametrize("form", ["text", "tree", "json"])
def test_a_damaged_value_is_a_finding(cli: Run, tmp_path: Path, form: str) -> None:
    path = make_dumb(tmp_path / "people", pickled({"ada": ADA, "bob": 1}) | {b"cut": pickled({"x": ADA})[b"x"][:-20]})

    outcome = cli("show", path, "cut", "--as", form)

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert outcome.out
    assert cli("show", path, "ada", "--as", form).code == 0


PARTS = {
    "text": b"\x80\x02]X\x01\x00\x00\x00\x88a.",
    "integer": b"\x80\x02]I1x\na.",
    "float": b"\x80\x02]F1x\na.",
    "string": b"\x80\x02]S1\na.",
    "key": b"\x80\x02}X\x01\x00\x00\x00\x88K\x01s.",
    "argument": b"\x80\x02cshop\nItem\nX\x01\x00\x00\x00\x88\x85R.",
    "deep": b"]" * 8 + b"X\x01\x00\x00\x00\x88a" + b"a" * 7 + b".",
    "compressed": gzip.compress(b"\x80\x02]X\x01\x00\x00\x00\x88a."),
}
"""Values that can be followed to their end, with a part in each that cannot be read."""


@pytest.mark.parametrize("form", ["text", "tree", "json", "typed"])
@pytest.mark.parametrize("part", PARTS)
def test_a_damaged_part_of_a_value_is_a_finding(cli: Run, tmp_path: Path, form: str, part: str) -> None:
    path = make_dumb(tmp_path / "people", {b"bad": PARTS[part]} | pickled({"ada": ADA}))

    outcome = cli("show", path, "bad", "--as", form)

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert "bad" in outcome.err
    assert outcome.out
    assert cli("show", path, "ada", "--as", form).code == 0


@pytest.mark.parametrize("form", ["text", "tree", "json", "typed"])
def test_a_sound_part_of_a_value_with_a_damaged_one_is_none(cli: Run, tmp_path: Path, form: str) -> None:
    path = make_dumb(tmp_path / "people", {b"bad": b"\x80\x02](K\x05X\x01\x00\x00\x00\x88e."})

    outcome = cli("show", path, "bad", "--at", "[0]", "--as", form)

    assert (outcome.code, outcome.err) == (0, "")


def test_text_for_people_escapes_what_deceives(cli: Run, tmp_path: Path) -> None:
    value = "\x1b[31m\u202ecod.exe\x00"
    path = make_dumb(tmp_path / "people", pickled({"ada": [value]}) | {b"text": value.encode()})

    for key in ("ada", "text"):
        shown = cli("show", path, key).text
        assert "cod.exe" in shown
        assert not set("\x1b\u202e\x00") & set(shown)
