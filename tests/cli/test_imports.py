"""The command line runs without Qt and numpy, and starts fast enough to be used in loops."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.cli.shelves import make_dumb, pickled

COMMANDS = [
    ["info"],
    ["info", "--json"],
    ["keys"],
    ["dump"],
    ["show", "--as", "text"],
    ["show", "--as", "tree"],
    ["export"],
    ["set", "k", "--at", "[0]", "5"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_loads_qt_or_numpy(tmp_path: Path, arguments: list[str]) -> None:
    path = make_dumb(tmp_path / "people", pickled({"k": [1, 2, 3]}))
    command, *rest = arguments
    watched = (
        "import sys; from app.__main__ import main; code = main(sys.argv[1:]); "
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", watched, command, path, *rest], cwd=ROOT, capture_output=True, check=True, text=True
    )

    code, *loaded = done.stderr.split()
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
