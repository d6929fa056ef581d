"""The command line runs without Qt and numpy, and starts fast enough to be used in loops."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.cli.shelves import make_dumb, pickled
from tests.writable import WRITABLE

COMMANDS = [
    ["info"],
    ["info", "--json"],
    ["keys"],
    ["dump"],
    ["show", "--as", "text"],
    ["show", "--as", "tree"],
    ["export"],
    ["find", "1"],
    ["set", "k", "--at", "[0]", "5"],
    ["set", "new", "--from-file", __file__],
    ["delete", "k"],
    ["rename", "k", "new"],
    ["compact"],
    ["check"],
]


UNWANTED = {"PySide6", "shiboken6", "numpy", "psygnal", "pickle", "shelve", "dbm"}

WATCHED = """
import json, sys
from app.__main__ import main
for arguments in json.loads(sys.argv[1]):
    code = main(arguments)
    print(json.dumps([arguments, code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""
"""One process for many commands: what none of them loaded, no command loads."""


def test_no_command_loads_qt_or_numpy(tmp_path: Path) -> None:
    values = pickled({"k": [1, 2, 3]})
    paths = [make_dumb(tmp_path / f"people {number}", values) for number in range(len(COMMANDS))]

    check_modules(*([command, path, *rest] for (command, *rest), path in zip(COMMANDS, paths, strict=True)))


@pytest.mark.parametrize("format_id", WRITABLE)
def test_no_copy_and_no_new_database_loads_qt_or_numpy(tmp_path: Path, format_id: str) -> None:
    path = make_dumb(tmp_path / "people", pickled({"0": [1, 2, 3], "1": "x" * 900}))
    can_be_empty = format_id != "pickle-file"

    check_modules(
        ["convert", path, tmp_path / "new", "--to", format_id],
        ["check", tmp_path / "new"],
        ["compact", tmp_path / "new", "--no-backup"],
        ["salvage", path, tmp_path / "salvaged", "--to", format_id],
        ["load", tmp_path / "loaded", "--to", format_id],
        *([["create", tmp_path / "created", "--to", format_id]] if can_be_empty else []),
        lines=b'{"k": "MA==", "v": "Ti4="}\n',
    )


def check_modules(*commands: Sequence[object], lines: bytes = b"") -> None:
    """Run commands that succeed, and look which modules each loaded."""
    arguments = json.dumps([list(map(str, command)) for command in commands])

    done = subprocess.run(
        [sys.executable, "-c", WATCHED, arguments], cwd=ROOT, capture_output=True, check=True, input=lines
    )

    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(told) == len(commands)
    for command, code, loaded in told:
        assert code == 0, command
        assert not UNWANTED & set(loaded), command


def test_the_version_loads_no_database_code() -> None:
    watched = (
        "import sys; from app.__main__ import main; main(['--version']); "
        "print(*(name for name in sys.modules if name.startswith('app.')), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", watched], cwd=ROOT, capture_output=True, check=True, text=True)

    loaded = done.stderr.split()
    assert "app.cli.main" in loaded
    assert not [name for name in loaded if name.startswith(("app.backends", "app.engine", "app.document", "app.ui"))]
