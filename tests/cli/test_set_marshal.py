"""``set`` in files of marshal values: new ones are written as those that are there, by literals and JSON."""

import marshal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, is_one_sentence

VALUES: list[Any] = [{"a": [1, 2.5]}, ("x", "y")]


def made(folder: Path, version: int) -> Path:
    path = folder / "values.marshal"
    path.write_bytes(b"".join(marshal.dumps(value, version) for value in VALUES))
    return path


def loaded(path: Path) -> list[object]:
    """Return what Python reads from a file that this test wrote."""
    objects = []
    with path.open("rb") as file:
        while file.tell() < path.stat().st_size:
            objects.append(marshal.load(file))
    return objects


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["{'k': (1, b'b', None)}"], {"k": (1, b"b", None)}),
        (["'text'"], "text"),
        (["--json", '{"k": [1, true]}'], {"k": [1, True]}),
    ],
)
def test_a_new_entry_is_a_marshal_value_of_the_version_of_the_others(
    cli: Run, tmp_path: Path, version: int, arguments: list[str], value: object
) -> None:
    path = made(tmp_path, version)
    before = path.read_bytes()

    outcome = cli("set", path, "2", *arguments)

    assert (outcome.code, outcome.err) == (0, "")
    assert loaded(path) == [*VALUES, value]
    assert path.read_bytes().startswith(before)
    added = path.read_bytes()[len(before) :]
    assert (bool(added[0] & 0x80), b"z" in added) == (False, version >= 4 and isinstance(value, (str, dict)))


def test_what_marshal_has_not_is_refused_and_nothing_saved(cli: Run, tmp_path: Path) -> None:
    path = made(tmp_path, 4)
    before = path.read_bytes()

    outcome = cli("set", path, "2", "datetime.date(2026, 1, 2)")

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)
    assert "Marshal holds only" in outcome.err
    assert path.read_bytes() == before


def test_a_pickle_is_no_value_of_such_a_file(cli: Run, tmp_path: Path) -> None:
    path = made(tmp_path, 4)
    before = path.read_bytes()

    outcome = cli("set", path, "2", "--pickle", "[1]")

    assert outcome.code == 4
    assert "its value is not exactly one marshal value" in outcome.err
    assert path.read_bytes() == before
