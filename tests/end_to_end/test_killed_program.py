"""The program is killed at any moment while it edits and saves: nothing is lost, and what was not saved is offered."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from pytestqt.qtbot import QtBot

from app.backends.base import Insert
from app.document.journals import Journals
from app.engine.child import ChildEngine
from tests.backends.native import native_gdbm
from tests.document.databases import make, shown, write
from tests.end_to_end.killed_program import START, steps
from tests.engine.shelves import read_sqlite
from tests.ui.fixtures import opened, opened_window, settle
from tests.ui.making import press

ROOT = Path(__file__).parents[2]
ROUNDS = 50
SAMPLE = 4
"""Rounds that are gone through every time."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")

Objects = dict[bytes, object]
next_start = contextmanager(opened_window)


@dataclass(frozen=True, slots=True)
class Killed:
    """The last step of a killed program that was in its journal, and the last one that it had saved; 0: none."""

    edited: int
    saved: int


def new_shelf(path: Path, format_id: str) -> Path:
    made = make(path, format_id)
    write(made, [Insert(key, pickle.dumps(value, 4)) for key, value in START.items()])
    return made


def killed_at_work(path: Path, state: Path, seed: int) -> Killed:
    """Run the program, kill it at a moment that the seed decides, with its engine or without; return what it said."""
    random = Random(seed)
    folders = {"XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(state / "settings")}
    command = [sys.executable, "-m", "tests.end_to_end.killed_program", str(path), str(seed)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | folders, start_new_session=True
    ) as program:
        assert program.stdout is not None
        said = list(
            until(program.stdout, *random.choice([("edited", random.randrange(12)), ("saving", 1), ("saving", 2)]))
        )
        time.sleep(random.uniform(0, 0.2))
        if random.random() < 0.5:
            os.killpg(program.pid, signal.SIGKILL)
        else:
            os.kill(program.pid, signal.SIGKILL)
        said += program.stdout.readlines()  # its engine has this output too, so that here it has ended
    assert program.returncode == -signal.SIGKILL
    done = {verb: [int(line.split()[1]) for line in said if line.startswith(verb)] for verb in ("edited", "saved")}
    return Killed(edited=max(done["edited"], default=0), saved=max(done["saved"], default=0))


def until(lines: Iterable[str], verb: str, count: int) -> Iterator[str]:
    """Yield lines up to that one of those that begin with the verb; at least one."""
    for line in lines:
        yield line
        count -= line.startswith(verb)
        if count <= 0:
            return


def objects(pairs: dict[bytes, bytes]) -> Objects:
    return {key: pickle.loads(value) for key, value in pairs.items()}


def in_the_file(path: Path, format_id: str) -> Objects:
    """Return what the format's own library reads."""
    if format_id == "sqlite3":
        return objects(read_sqlite(path))  # which takes back what a killed program had begun
    with native_gdbm() as native:
        return objects(dict(native.pairs(path)))


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < SAMPLE else pytest.mark.slow) for seed in range(ROUNDS)]
)
def test_a_killed_program_loses_nothing(qtbot: QtBot, tmp_path: Path, seed: int) -> None:
    format_id = ("gdbm", "sqlite3")[seed % 2]
    path, state = new_shelf(tmp_path / "shop.db", format_id), tmp_path / "state"

    killed = killed_at_work(path, state, seed)

    wanted = [START, *(step.after for step in islice(steps(seed), killed.edited + 1))]
    stored = in_the_file(path, format_id)
    assert stored in wanted[killed.saved :]
    with next_start(qtbot, ChildEngine, journals=Journals(state / "shelfscope" / "journals")) as window:
        tab = opened(qtbot, window, path)
        is_offered = "kept when Shelfscope ended unexpectedly" in tab.restoring.bar.sentence
        assert is_offered or stored in wanted[killed.edited :]
        if is_offered:
            press(tab.restoring.bar, "Restore")
            settle(qtbot, tab)
        assert objects(dict(shown(tab.document))) in wanted[killed.edited :]
