"""A real Python as the judge of edits: it makes each edit on the loaded object and compares that with the result."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.codecs.pickle import referee_edits, referee_objects

SECONDS = 500

JUDGING = r"""
def judge(trial):
    REDUCED.clear()
    after = base64.b64decode(trial["after"])
    buffers = [base64.b64decode(each) for each in trial["buffers"]] if "buffers" in trial else None
    try:
        before = base64.b64decode(trial["before"])
        PROTOCOLS[-1] = ord(before[1:2]) if before[:1] == b"\x80" else 1
        expected = edited(load(before, buffers), trial["steps"], trial["edit"], from_wire(trial["new"]))
    except Exception as error:
        if isinstance(error, (TypeError, ValueError)):  # as a class has it
            try:
                load(after, buffers)
            except (TypeError, ValueError):
                return "refused: %s: %s" % (type(error).__name__, error)
        return "cannot be made here: %s: %s" % (type(error).__name__, error)
    try:
        found = load(after, buffers)
    except Exception as error:
        return "does not load: %s: %s" % (type(error).__name__, error)
    REDUCED.clear()
    return difference(expected, found)


def main():
    sys.setrecursionlimit(100000)
    for code in range(1, 300):
        copyreg._inverted_registry.setdefault(code, ("extension", "E%d" % code))
    found = []
    for line in io.open(sys.argv[1], encoding="ascii"):
        found.append(judge(json.loads(line)))
    print(json.dumps(found))


threading.stack_size(512 << 20)
worker = threading.Thread(target=main)
worker.start()
worker.join()
"""
SCRIPT = referee_objects.SCRIPT + referee_edits.SCRIPT + JUDGING


def judged(python: Path, trials: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    """Return for each trial where the edited object and the edited pickle differ; empty texts where they agree.

    A trial has ``before`` and ``after`` (pickles in Base64), ``steps``, ``edit`` and ``new``, as the script reads them.
    """
    request = folder / "trials.jsonl"
    request.write_text("".join(json.dumps(trial) + "\n" for trial in trials), "ascii")
    done = subprocess.run([python, "-c", SCRIPT, request], capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: list[str] = json.loads(done.stdout)
    return found
