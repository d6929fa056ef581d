"""Values made to attack: nothing runs, and no form of them takes long or much memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import corpus
from tests.cli.conftest import ROOT, Run
from tests.cli.shelves import make_dumb

MEMORY = 1 << 30
SECONDS = 2.0

DRIVER = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
from app.__main__ import main
outcomes = {}
for form in ("text", "tree", "json"):
    start = time.process_time()
    code = main(["show", sys.argv[1], "--as", form])
    outcomes[form] = [code, time.process_time() - start]
if sys.platform == "linux":  # where ru_maxrss begins with what the process that started this one had
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print("\\n" + json.dumps({"outcomes": outcomes, "peak": peak}), file=sys.stderr)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Needs the resource module.")


@pytest.mark.parametrize("case", corpus.values("hostile", "hostile-marshal"), ids=corpus.name_of)
def test_a_hostile_value_is_shown_without_harm(pwned_marker: Path, case: corpus.ValueCase) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, case.path, str(MEMORY)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
        env=os.environ | {"PWNED_MARKER": str(pwned_marker)},
    )

    measured = json.loads(done.stderr.splitlines()[-1])
    assert b"Traceback" not in done.stderr
    assert {code for code, _seconds in measured["outcomes"].values()} <= {0, 1, 3, 4}
    assert max(seconds for _code, seconds in measured["outcomes"].values()) < SECONDS
    assert measured["peak"] < MEMORY


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
