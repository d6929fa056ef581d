"""Values made to attack: nothing runs, and no form of them takes long or much memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import corpus
from tests.cli.conftest import ROOT, Run
from tests.cli.shelves import make_dumb

if TYPE_CHECKING:  # it needs the module resource, which Windows has not
    from tests.cli.shows_in_forks import Report, Request

MEMORY = 1 << 30
SECONDS = 2.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Needs the resource module.")


@pytest.fixture(scope="module")
def forks() -> Iterator["subprocess.Popen[str]"]:
    """A process that shows each value in a fork of its own."""
    harmless = corpus.value("config__py313_p4").path
    command = [sys.executable, "-m", "tests.cli.shows_in_forks", str(MEMORY), str(harmless)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("case", corpus.values("hostile", "hostile-marshal"), ids=corpus.name_of)
def test_a_hostile_value_is_shown_without_harm(
    forks: "subprocess.Popen[str]", tmp_path: Path, pwned_marker: Path, case: corpus.ValueCase
) -> None:
    said, report = tmp_path / "said", tmp_path / "report"
    request: Request = {
        "file": str(case.path),
        "marker": str(pwned_marker),
        "said": str(said),
        "report": str(report),
    }

    status = answer(forks, request)

    assert (status, "Traceback" in said.read_text("utf-8")) == (0, False)
    measured: Report = json.loads(report.read_text("utf-8"))
    assert {code for code, _seconds in measured["outcomes"].values()} <= {0, 1, 3, 4}
    assert max(seconds for _code, seconds in measured["outcomes"].values()) < SECONDS
    assert measured["peak"] < MEMORY


def answer(forks: "subprocess.Popen[str]", request: "Request") -> int:
    assert forks.stdin is not None
    assert forks.stdout is not None
    forks.stdin.write(json.dumps(request) + "\n")
    forks.stdin.flush()
    return int(forks.stdout.readline())


@pytest.mark.usefixtures("pwned_marker")
def test_a_shelf_of_hostile_values_is_exported(cli: Run, tmp_path: Path) -> None:
    cases = corpus.values("hostile")
    path = make_dumb(tmp_path / "hostile", {case.name.encode(): case.read() for case in cases})

    outcome = cli("export", path, "--as", "jsonl")

    assert outcome.code == 1
    assert len(outcome.out.splitlines()) == len(cases)


@pytest.mark.usefixtures("pwned_marker")
@pytest.mark.parametrize("case", corpus.databases("dumb", corrupt=True), ids=corpus.name_of)
def test_a_hostile_directory_file_is_only_read(cli: Run, tmp_path: Path, case: corpus.DatabaseCase) -> None:
    path = case.copy_to(tmp_path)
    before = set(tmp_path.iterdir())

    codes = {cli(command, path).code for command in ("info", "keys", "dump", "show", "export")}

    assert codes <= {0, 1, 3, 4}
    assert set(tmp_path.iterdir()) == before
