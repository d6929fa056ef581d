"""Private copies: they go away with their owner, or with the next copy after it was killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.backends.sqlite.private_copy import PrivateCopy, SideFiles
from tests.backends.sqlite_files import written

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no process can be asked there whether it runs")

_OWNER = """
import sys
from pathlib import Path
from app.backends.sqlite.private_copy import PrivateCopy, SideFiles
copy = PrivateCopy(SideFiles(Path(sys.argv[1])))
print(copy.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for temporary files, of this process and those that it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def owner_of_copy(path: Path) -> tuple["subprocess.Popen[str]", Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().rstrip("\n"))


def test_the_copy_of_a_killed_process_goes_away_and_that_of_a_running_one_stays(
    tmp_path: Path, temporary: Path
) -> None:
    path = written(tmp_path, {b"a": b"1"})
    process, its_copy = owner_of_copy(path)
    with process:
        mine = PrivateCopy(SideFiles(path))
        assert its_copy.exists()

        process.kill()
        process.wait()
        PrivateCopy(SideFiles(path)).close()

        assert not its_copy.parent.exists()
        assert mine.path.exists()
        mine.close()
    assert list(temporary.iterdir()) == []


def test_what_is_no_copy_of_a_dead_process_is_left_alone(tmp_path: Path, temporary: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    nobody = 2**22 + os.getpid() % 1000  # above the highest process id of any kernel
    kept = {f"shelfscope-copy-{nobody}", "shelfscope-copy-x-abc", f"my-shelfscope-copy-{nobody}-abc"}
    for name in kept:
        (temporary / name).mkdir()
    (temporary / f"shelfscope-copy-{nobody}-link").symlink_to(elsewhere)
    (temporary / f"shelfscope-copy-{nobody}-file").touch()
    (temporary / f"shelfscope-copy-{nobody}-gone").mkdir()

    PrivateCopy(SideFiles(written(tmp_path, {}))).close()

    kept |= {f"shelfscope-copy-{nobody}-link", f"shelfscope-copy-{nobody}-file"}
    assert {path.name for path in temporary.iterdir()} == kept
    assert (elsewhere / "precious").exists()
