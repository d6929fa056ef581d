"""The command line runs without Qt and numpy, and starts fast enough to be used in loops."""

import subprocess
import sys
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


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_loads_qt_or_numpy(tmp_path: Path, arguments: list[str]) -> None:
    path = make_dumb(tmp_path / "people", pickled({"k": [1, 2, 3]}))
    command, *rest = arguments

    check_modules(command, path, *rest)


@pytest.mark.parametrize("format_id", WRITABLE)
@pytest.mark.parametrize("command", ["convert", "salvage"])
def test_no_copy_loads_qt_or_numpy(tmp_path: Path, command: str, format_id: str) -> None:
    path = make_dumb(tmp_path / "people", pickled({"0": [1, 2, 3], "1": "x" * 900}))

    check_modules(command, path, tmp_path / "new", "--to", format_id)
    if command == "convert":
        check_modules("check", tmp_path / "new")
        check_modules("compact", tmp_path / "new", "--no-backup")


@pytest.mark.parametrize("format_id", WRITABLE)
def test_no_new_database_loads_qt_or_numpy(tmp_path: Path, format_id: str) -> None:
    line = b'{"k": "MA==", "v": "Ti4="}\n'

    check_modules("load", tmp_path / "loaded", "--to", format_id, lines=line)
    if format_id != "pickle-file":  # which cannot be empty
        check_modules("create", tmp_path / "created", "--to", format_id)


def check_modules(*arguments: str | Path, lines: bytes = b"") -> None:
    """Run a command that succeeds, and look which modules it loaded."""
    watched = (
        "import sys; from app.__main__ import main; code = main(sys.argv[1:]); "
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", watched, *arguments], cwd=ROOT, capture_output=True, check=True, input=lines
    )

    code, *loaded = done.stderr.decode().split()
    assert code == "0"
    assert not {"PySide6", "shiboken6", "numpy", "psygnal"} & set(loaded)
    assert not {"pickle", "shelve", "dbm", "marshal"} & set(loaded) - {"marshal"}


def test_the_version_loads_no_database_code() -> None:
    watched = (
        "import sys; from app.__main__ import main; main(['--version']); "
        "print(*(name for name in sys.modules if name.startswith('app.')), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", watched], cwd=ROOT, capture_output=True, check=True, text=True)

    loaded = done.stderr.split()
    assert "app.cli.main" in loaded
    assert not [name for name in loaded if name.startswith(("app.backends", "app.engine", "app.document", "app.ui"))]
