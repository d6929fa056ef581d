"""``keys`` and ``dump`` over the corpus."""

import json
import pickle
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from app.codecs.screen import key_text
from tests import corpus
from tests.cli.conftest import Run, is_one_sentence
from tests.cli.shelves import make_dumb
from tests.cli.supported import code_of_reading, damaged_cases, intact_cases, shown_key

CopyCase = Callable[[str], Path]

ODD_KEYS = {
    b"plain": "plain",
    "café".encode(): "café",
    b"C:\\new": "C:\\new",
    b"two\nlines": r"'two\nlines'",
    b"\xff\x00": r"b'\xff\x00'",
    "\u2028\u202e".encode(): r"'\u2028\u202e'",
    b"b'quoted'": '''"b'quoted'"''',
}


@pytest.mark.parametrize("case", intact_cases(), ids=corpus.name_of)
def test_a_dump_is_lossless_and_in_file_order(cli: Run, database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    outcome = cli("dump", database_case(case.name))

    in_order = corpus.in_order_of(case)
    entries = [corpus.expected_entry(*pair) for pair in dumped(outcome.out)]
    assert (outcome.code, outcome.err) == (0, "")
    assert in_order(entries) == in_order(list(case.entries))


def test_a_dump_names_the_sub_database_of_each_entry(cli: Run, database_case: CopyCase) -> None:
    entries = [json.loads(line) for line in cli("dump", database_case("bdb53-subdbs")).out.splitlines()]

    assert {entry["db"] for entry in entries} == {"first", "second"}
    for entry in entries:
        assert b64decode(entry["k"]).startswith(entry["db"].encode()), entry


@pytest.mark.parametrize("case", intact_cases(), ids=corpus.name_of)
def test_every_key_has_its_line(cli: Run, database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    outcome = cli("keys", database_case(case.name))

    expected = [key_text(shown_key(case, entry.key)) for entry in case.entries]
    lines = outcome.text.split("\n")
    assert (outcome.code, lines.pop()) == (0, "")
    assert (lines if case.ordered else sorted(lines)) == (expected if case.ordered else sorted(expected))


@pytest.mark.parametrize("case", damaged_cases(), ids=corpus.name_of)
def test_what_a_damaged_file_still_holds_is_dumped(
    cli: Run, database_case: CopyCase, case: corpus.DatabaseCase
) -> None:
    outcome = cli("dump", database_case(case.name))

    pairs = dumped(outcome.out)
    assert outcome.code == code_of_reading(case)
    assert is_one_sentence(outcome.err) if outcome.code else outcome.err == ""
    assert outcome.code != 3 or pairs == []
    if case.pair_digests and "noise" not in case.name:  # noise inside a value leaves no trace without checksums
        assert all(case.knows(*pair) for pair in pairs)


def test_odd_keys_do_not_break_a_line(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "odd", dict.fromkeys(ODD_KEYS, b"x"))

    outcome = cli("keys", path)

    assert outcome.text.splitlines() == list(ODD_KEYS.values())


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["Ann", "ann", "bob", "bo\\b"]),
        ("a*", ["ann"]),
        ("?nn", ["Ann", "ann"]),
        ("[!A]*b*", ["bob", "bo\\b"]),
        ("nothing", []),
    ],
)
def test_keys_can_be_matched(cli: Run, tmp_path: Path, pattern: str, expected: list[str]) -> None:
    path = make_dumb(tmp_path / "names", dict.fromkeys([b"Ann", b"ann", b"bob", b"bo\\b"], b""))

    outcome = cli("keys", path, "--match", pattern)

    assert (outcome.code, outcome.text.splitlines()) == (0, expected)


def test_a_pattern_reaches_keys_that_are_no_text(program: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "raw", {b"\xff1": b"", b"\xfe1": b""})

    outcome = program("keys", path, "--match", b"\xff*")

    assert outcome.text.splitlines() == [r"b'\xff1'"]


def dumped(out: bytes) -> list[tuple[bytes, bytes]]:
    entries = [json.loads(line) for line in out.splitlines()]
    assert all(list(entry) in (["k", "v"], ["k", "v", "db"]) for entry in entries)
    return [(b64decode(entry["k"], validate=True), b64decode(entry["v"], validate=True)) for entry in entries]


def test_record_numbers_are_read_and_written_in_decimal(cli: Run, database_case: CopyCase) -> None:
    path = database_case("bdb53-recno")

    assert cli("keys", path, "--match", "1").text == "1\n"
    assert cli("show", path, "1").code == 0
    assert '"1":' in cli("export", path, "1").text
    assert b'"k": "AQAAAA=="' in cli("dump", path).out


def test_keys_that_are_pickles_are_shown_decoded_behind_themselves(cli: Run, tmp_path: Path) -> None:
    key = pickle.dumps(("user", 42), 2)
    path = make_dumb(tmp_path / "shelf", {b"plain": b"1", key: b"2"})

    plain, decoded = cli("keys", path), cli("keys", path, "--decoded")

    assert plain.out.decode().splitlines() == ["plain", key_text(key)]
    assert decoded.out.decode().splitlines() == ["plain", f"{key_text(key)}\t('user', 42)"]
