"""Another process that has a database open: locks and crashes cannot be tried inside one's own."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

_LOOP = """
import os, sqlite3, sys
for line in sys.stdin:
    try:
        exec(eval(line))
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    else:
        print("done", flush=True)
"""


class OtherProgram:
    """A Python process that runs the statements it is given, one after another, in one namespace."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, code: str) -> str:
        """Return ``done``, or the name and text of the exception."""
        self.start(code)
        return self.answer()

    def start(self, code: str) -> str:
        """Begin what may have to wait; return the code."""
        assert self._process.stdin is not None
        self._process.stdin.write(repr(code) + "\n")
        self._process.stdin.flush()
        return code

    def answer(self) -> str:
        """Wait for what was begun; return as `run`."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def die(self) -> None:
        """End without closing anything."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._process.wait(10)


@cache
def _python_that_runs(probe: str, versions: str) -> str:
    """Return the newest installed Python whose version matches and that runs the probe, or an empty string."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [shutil.which(f"python{version}") for version in versions.split()]
    kept = [path for version in versions.split() for path in sorted(root.glob(f"versions/{version}*/bin/python"))]
    for candidate in filter(None, [*named, *map(str, kept)]):
        if subprocess.run([candidate, "-c", probe], capture_output=True, check=False).returncode == 0:
            return candidate
    return ""


@cache
def installed_pythons(probe: str) -> tuple[str, ...]:
    """Return an interpreter of each installed version of Python 3 that runs the probe, this one among them."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(map(str, root.glob("versions/3.*/bin/python")))
    named = [path for minor in range(6, 20) if (path := shutil.which(f"python3.{minor}"))]
    runs = {python: _runs(python, probe) for python in dict.fromkeys([sys.executable, *named, *kept])}
    by_version = {version: python for python, version in reversed(runs.items()) if version}
    return tuple(by_version.values())


def _runs(python: str, probe: str) -> str:
    """Return the version of an interpreter that runs a statement, else an empty string."""
    code = f"import sys; {probe}; print(sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout


def run_with_python(python: str, code: str, *arguments: str) -> str:
    """Run code in an interpreter and return what it prints."""
    return subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def run_with_sqlite_dbm(code: str, *arguments: str) -> str:
    """Run code in a Python that has ``dbm.sqlite3`` and return what it prints; skip the test where there is none."""
    return _run(_python_that_runs("import dbm.sqlite3", "3.14 3.13"), "dbm.sqlite3 (3.13 or later)", code, arguments)


def run_with_python2(code: str, *arguments: str) -> str:
    """Run code in Python 2 and return what it prints; skip the test where there is none."""
    return _run(_python_that_runs("import dumbdbm", "2.7"), "dumbdbm (2.7)", code, arguments)


def _run(python: str, module: str, code: str, arguments: tuple[str, ...]) -> str:
    if not python:
        pytest.skip(f"no Python with {module} is installed")
    return subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout
