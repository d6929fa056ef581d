"""``audit``: what values name and call, as text and as JSON; ``--extensions`` names what only codes stand for."""

import json
import pickle
import zlib
from pathlib import Path

import pytest

from tests.cli.conftest import Run, is_one_sentence
from tests.cli.shelves import make_dumb

SHELL = b"cposix\nsystem\n(S'true'\ntR."
EXTENSION = b"\x80\x02\x82\x07)\x81}X\x01\x00\x00\x00aK\x01sb."


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    values = {b"bad": SHELL, b"plain": pickle.dumps([1]), b"\xff": pickle.dumps({1}, 2), b"ext": EXTENSION}
    return make_dumb(tmp_path / "shelf", values)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "codes.txt"
    path.write_text("# the shop's codes\n7 shop.models.Order\n", encoding="utf-8")
    return path


def test_json_names_every_global_and_call(cli: Run, shelf: Path) -> None:
    outcome = cli("audit", shelf, "--json")

    entries = {entry.get("key", entry.get("key_base64")): entry for entry in json.loads(outcome.text)["entries"]}
    assert (outcome.code, outcome.err) == (0, "")
    assert set(entries) == {"bad", "/w==", "ext"}
    [named] = entries["bad"]["globals"]
    assert (named["name"], named["offset"]) == ("posix.system", 0)
    [call] = entries["bad"]["calls"]
    assert (call["callable"], call["path"], call["offset"], call["risk"]) == ("posix.system", "", 24, "dangerous")
    assert [call["risk"] for call in entries["/w=="]["calls"]] == ["harmless"]


def test_no_calls_are_said_where_they_cannot_be_followed(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "header", {b"a": SHELL[:-1] + b"\xff" + pickle.dumps({"a": 1}, 4)})

    outcome = cli("audit", path)

    assert "names posix.system at offset 0, where it cannot be followed" in outcome.text
    assert outcome.text.endswith("; calls: none that can be followed.\n")


def test_text_explains_each_call_and_ends_with_a_total(cli: Run, shelf: Path) -> None:
    outcome = cli("audit", shelf)

    lines = outcome.text.splitlines()
    assert outcome.code == 0
    assert "bad" in lines
    assert "  dangerous  calls posix.system at the root: It starts programs or ends them." in lines
    assert lines[-1].startswith("3 of 4 values name 3 classes or functions; calls: 1 dangerous, ")


def test_values_without_names_are_said_to_be_so(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "plain", {b"a": pickle.dumps([1])})

    text, as_json = cli("audit", path), cli("audit", path, "--json")

    assert text.text == "The values of plain.dat name no class or function, and loading them calls none.\n"
    assert json.loads(as_json.text) == {"entries": []}


def test_extension_codes_are_shown_as_codes(cli: Run, shelf: Path) -> None:
    outcome = cli("audit", shelf)

    assert "calls extension code 7 at the root" in outcome.text


def test_a_table_names_extension_codes(cli: Run, shelf: Path, table: Path) -> None:
    outcome = cli("audit", shelf, "--extensions", table)

    assert "calls shop.models.Order at the root" in outcome.text
    assert "extension code" not in outcome.text


def test_a_table_of_json_names_the_class_of_an_object(cli: Run, shelf: Path, tmp_path: Path) -> None:
    table = tmp_path / "codes.json"
    table.write_text('{"7": "shop.models.Order"}', encoding="utf-8")

    tree = json.loads(cli("show", shelf, "ext", "--as", "tree", "--extensions", table).text)
    plain = json.loads(cli("export", shelf, "ext", "--extensions", table).text)

    assert tree["cls"] == "shop.models.Order"
    assert plain["ext"]["__class__"] == "shop.models.Order"


def test_a_node_of_an_extension_code_has_its_name(cli: Run, tmp_path: Path, table: Path) -> None:
    path = make_dumb(tmp_path / "codes", {b"a": b"\x80\x02]\x82\x07a."})

    named = json.loads(cli("show", path, "--as", "tree", "--extensions", table).text)
    bare = json.loads(cli("show", path, "--as", "tree").text)

    assert named["items"] == [{"t": "ext", "code": 7, "name": "shop.models.Order"}]
    assert bare["items"] == [{"t": "ext", "code": 7}]


@pytest.mark.parametrize("text", ["seven shop.Order", "7 os system", "0 shop.Order", "[1]", '{"a": 1}', '{"7": "x"}'])
def test_a_wrong_table_is_a_usage_error(cli: Run, shelf: Path, tmp_path: Path, text: str) -> None:
    table = tmp_path / "codes"
    table.write_text(text, encoding="utf-8")

    outcome = cli("audit", shelf, "--extensions", table)

    assert (outcome.code, outcome.out) == (2, b"")
    assert is_one_sentence(outcome.err)


def test_a_value_that_cannot_be_followed_to_its_end_is_told(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "cut", {b"cut": b"\x80\x04]q"})

    outcome = cli("audit", path)

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert "the value of cut is audited only up to where it can be followed" in outcome.err


def test_names_behind_the_place_where_a_value_cannot_be_followed_are_told(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "cut", {b"cut": b"\x80\x040" + SHELL})

    text, as_json = cli("audit", path), cli("audit", path, "--json")

    assert text.text.splitlines() == [
        "cut",
        "  dangerous  names posix.system at offset 3, where it cannot be followed",
        "1 of 1 values name 1 classes or functions; calls: none that can be followed.",
    ]
    [entry] = json.loads(as_json.text)["entries"]
    assert entry["behind"] == [{"name": "posix.system", "path": "", "offset": 3}]
    assert entry["gaps"] == ["POP at offset 2 finds too little on the stack."]
    assert text.code == as_json.code == 1


@pytest.mark.parametrize(
    "value", [b"\x80\x04]q", b"\x80\x04]q\x00(K\x01K\x02", zlib.compress(pickle.dumps([0] * 99))[:-5]]
)
def test_no_database_with_a_damaged_value_is_said_to_name_nothing(cli: Run, tmp_path: Path, value: bytes) -> None:
    path = make_dumb(tmp_path / "cut", {b"cut": value, b"sound": pickle.dumps([1])})

    outcome = cli("audit", path)

    assert outcome.text == "What could be followed of the values of cut.dat names no class or function.\n"
    assert "is audited only up to where it can be followed" in outcome.err
    assert outcome.code == 1
