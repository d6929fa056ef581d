"""Looking is inert: an audit hook sees no import, no other file and no process while all of the corpus is looked at."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import corpus

ROOT = Path(__file__).parents[2]
_SECONDS = 580


def kind_of(path: Path) -> tuple[str, str]:
    """Return what a value of the corpus is, and its protocol: ``name__py313_p4`` has both in its name."""
    name, _, written = path.stem.partition("__")
    return name, written.rpartition("_")[2]


LOOKING = r"""
import importlib, json, os, pkgutil, sys
from pathlib import Path

import app.backends, app.codecs, app.engine
for package in (app.backends, app.codecs, app.engine):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
import encodings.ascii, encodings.cp1252, encodings.latin_1, encodings.utf_8_sig  # what numpy and we look up by need
import encodings.utf_16_be, encodings.utf_16_le, encodings.utf_32_be, encodings.utf_32_le, encodings.raw_unicode_escape
import encodings.unicode_escape
import sqlite3, numpy
from app.cancel import CancelToken
from app.codecs.findings import Query
from app.engine.base import ExportItem
from app.engine.local import LocalEngine
from app.errors import AppError

TOKEN = CancelToken()
ROWS = 12
HARMLESS = {"builtins.id", "os.listdir", "os.scandir", "object.__getattr__", "array.__new__", "sys._getframe"}
HARMLESS.add("compile")  # to a syntax tree, for a literal in a path; running code is another event
happened, allowed, is_watching = {}, (), False

def watch(event, arguments):
    if not is_watching or event in HARMLESS:
        return
    first = arguments[0] if arguments else None
    if event in ("mmap.__new__", "sqlite3.connect", "sqlite3.connect/handle"):
        return  # of files that were opened
    if event == "open" and isinstance(first, int):
        return  # a file that is open already
    is_path = event == "tempfile.mkstemp" or event.startswith(("open", "os."))
    if is_path and isinstance(first, (str, bytes)) and os.path.abspath(os.fsdecode(first)).startswith(allowed):
        return
    happened.setdefault(event, set()).add(str(first)[:200])

def quietly(ask, *arguments, **named):
    try:
        found = ask(*arguments, **named)
        return list(found) if hasattr(found, "__next__") else found
    except AppError:
        return None

def look_at(engine, source):
    info = quietly(engine.decode, source, TOKEN)
    quietly(engine.summaries, [source], TOKEN)
    quietly(engine.text, source, 20_000, TOKEN)
    quietly(engine.tree, source, "", 2_000, TOKEN)
    quietly(engine.plain, source, "", TOKEN)
    quietly(engine.typed, source, "", TOKEN)
    quietly(engine.python, source, "", 20_000, TOKEN)
    quietly(engine.audit, source, TOKEN)
    quietly(engine.opcodes, source, 0, 500, TOKEN)
    waiting = [(info.root, "")] if info else []
    for row, path in waiting:
        quietly(engine.find, source, path, TOKEN)
        quietly(engine.edit_text, source, path, TOKEN)
        if len(waiting) < ROWS and row.count:
            children = quietly(engine.rows, source, row.node, 0, 10, TOKEN) or []
            waiting += [(child, path + child.step) for child in children]

def search_and_export(engine, items, target):
    quietly(engine.search, items, Query("a", ignores_case=True), TOKEN)
    for name, typed in (("plain", False), ("typed", True)):
        quietly(engine.export, items, str(target / name), lines=True, token=TOKEN, typed=typed)

def look_at_database(path, target):
    engine = LocalEngine()
    try:
        info = quietly(engine.open, str(path), TOKEN)
        if info is None or info.recognised_only:
            return
        chunks = quietly(engine.index, TOKEN) or []
        quietly(engine.is_shelf, TOKEN), quietly(engine.style, TOKEN), engine.problems(), engine.notes()
        for entry in range(min(sum(len(chunk) for chunk in chunks), 30)):
            look_at(engine, entry)
        search_and_export(engine, None, target)
    finally:
        engine.close()

def look_at_values(values, database, target):
    engine = LocalEngine()
    engine.open(str(database), TOKEN)
    for value in values:
        look_at(engine, value)
    search_and_export(engine, [ExportItem(b"%d" % n, value) for n, value in enumerate(values)], target)
    engine.close()

sys.addaudithook(watch)
request = json.load(sys.stdin)
target = Path(request["target"])
allowed = (str(target), *request["folders"], "/proc/locks")
values = [Path(name).read_bytes() for name in request["values"]]
is_watching = True
if values:
    look_at_values(values, request["database"], target)
for name in request["databases"]:
    look_at_database(Path(name), target)
is_watching = False
print(json.dumps({event: sorted(what) for event, what in happened.items()}))
"""
"""Everything of the program is loaded before the hook watches, so that any import is one that a file brought about."""

PARTS = 4
VALUES = sorted(
    path for folder in ("values", "joblib") for path in (corpus.DATA / folder).iterdir() if path.suffix != ".json"
)
ONCE = sorted({kind_of(path): path for path in VALUES}.values())
"""Values without those that another Python wrote of the same object in the same protocol."""
AGAIN = sorted(set(VALUES) - set(ONCE))


def copied(folder: Path, part: int) -> Iterator[Path]:
    """Copy every `PARTS`-th database; yield what is opened of each."""
    for case in corpus.databases()[part::PARTS]:
        (folder / case.name).mkdir()
        yield case.copy_to(folder / case.name)


def happened(tmp_path: Path, script: str = LOOKING, **request: Any) -> dict[str, list[str]]:
    """Look at everything in a process of its own; return what happened beside, by the names of audit events."""
    target = tmp_path / "exported"
    target.mkdir()
    marker = tmp_path / "pwned"
    request = {"target": str(target), "values": [], "databases": [], **request}

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        input=json.dumps(request).encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "PWNED_MARKER": str(marker), "TMPDIR": str(target)},
    )

    assert done.returncode == 0, done.stderr.decode()
    assert not marker.exists()
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("values", [ONCE, pytest.param(AGAIN, marks=pytest.mark.slow)], ids=["once", "again"])
def test_looking_at_values_and_databases_does_nothing_else(tmp_path: Path, values: list[Path], part: int) -> None:
    (tmp_path / "first").mkdir()
    database = corpus.database("dumb-py311-n60").copy_to(tmp_path / "first")
    paths = list(copied(tmp_path, part))

    found = happened(
        tmp_path,
        values=[str(path) for path in values[part::PARTS]],
        database=str(database),
        databases=[str(path) for path in paths],
        folders=[str(tmp_path)],
    )

    assert found == {}


def test_the_hook_sees_what_a_value_would_do(tmp_path: Path) -> None:
    watched = LOOKING.replace(
        "is_watching = True\n", "is_watching = True\nimport wave; os.system('true'); open(os.devnull)\n", 1
    )

    found = happened(tmp_path, script=watched, folders=[])

    assert set(found) >= {"import", "open", "os.system"}
    assert "wave" in found["import"]
