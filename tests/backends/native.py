"""Native libraries as referees: python3-gdbm in the system's Python, and the tools of db-util."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from tests.backends.missing_tools import missing_tool

Pair = tuple[bytes, bytes]

_SERVER = r"""
import base64, dbm.gnu, json, sys
decode = base64.b64decode
open_files = {}
for line in sys.stdin:
    verb, path, *rest = json.loads(line)
    answer = "done"
    try:
        if verb == "open":
            open_files[path] = dbm.gnu.open(path, rest[0])
        elif verb == "put":
            open_files[path][decode(rest[0])] = decode(rest[1])
        elif verb == "delete":
            del open_files[path][decode(rest[0])]
        elif verb == "reorganize":
            open_files[path].reorganize()
        elif verb == "pairs":
            database = open_files[path]
            answer = [[base64.b64encode(half).decode() for half in (key, database[key])] for key in database.keys()]
        elif verb == "close":
            open_files.pop(path).close()
    except dbm.gnu.error as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
"""


class NativeGdbm:
    """GDBM's own library in a process of its own, where its locks are those of another program."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests = requests
        self._answers = answers

    def __call__(self, verb: str, path: Path, *arguments: str | bytes) -> str | list[list[str]]:
        """Do one thing; return ``done``, the library's error message, or what ``pairs`` found, in base64."""
        words = [word if isinstance(word, str) else base64.b64encode(word).decode() for word in arguments]
        self._requests.write(json.dumps([verb, str(path), *words]) + "\n")
        self._requests.flush()
        answer: str | list[list[str]] = json.loads(self._answers.readline())
        return answer

    def pairs(self, path: Path) -> list[Pair]:
        """Return all entries, each value by a look-up of its key."""
        assert self("open", path, "r") == "done"
        found = self("pairs", path)
        self("close", path)
        assert not isinstance(found, str), found
        return [(base64.b64decode(key), base64.b64decode(value)) for key, value in found]

    def write(self, path: Path, pairs: Iterable[Pair], deleted: Iterable[bytes] = ()) -> None:
        """Make a new database."""
        self("open", path, "n")
        for key, value in pairs:
            self("put", path, key, value)
        for key in deleted:
            self("delete", path, key)
        self("close", path)


@contextmanager
def native_gdbm() -> Iterator[NativeGdbm]:
    with subprocess.Popen(
        [python_with_gdbm(), "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield NativeGdbm(server.stdin, server.stdout)
        server.stdin.close()


def python_with_gdbm() -> str:
    """Return a Python that has GDBM's own library."""
    python = _python_with_gdbm()
    if python is None:
        missing_tool("no Python with dbm.gnu is installed (Debian: python3-gdbm)")
    return python


@cache
def _python_with_gdbm() -> str | None:
    for python in ("/usr/bin/python3", sys.executable):
        if Path(python).exists():
            tried = subprocess.run([python, "-c", "import dbm.gnu"], check=False, capture_output=True)
            if tried.returncode == 0:
                return python
    return None


def bdb_tool(name: str) -> str:
    """Return the path of ``db_load``, ``db_dump``… under the name that a distribution gives it."""
    path = shutil.which(f"db5.3_{name}") or shutil.which(f"db_{name}")
    if path is None:
        missing_tool(f"db_{name} is not installed (Debian: db-util)")
    return path


def bdb_load(path: Path, pairs: Iterable[Pair], method: str, **settings: int | str) -> None:
    """Make a new Berkeley DB file, or one ``database`` in it; ``settings`` are those of a dump's header."""
    header = [
        "VERSION=3",
        "format=bytevalue",
        f"type={method}",
        *(f"{name}={value}" for name, value in settings.items()),
    ]
    lines = [f" {half.hex()}" for pair in pairs for half in pair]
    dump = "\n".join([*header, "HEADER=END", *lines, "DATA=END", ""])
    subprocess.run([bdb_tool("load"), str(path)], input=dump, text=True, check=True, capture_output=True)


def bdb_dump(path: Path) -> list[Pair]:
    """Return all entries in the order of the library's own cursor."""
    dump = subprocess.run([bdb_tool("dump"), str(path)], text=True, check=True, capture_output=True).stdout
    lines = dump[dump.index("HEADER=END\n") + 11 : dump.rindex("DATA=END")].split("\n")[:-1]
    halves = [bytes.fromhex(line) for line in lines]
    return list(zip(halves[::2], halves[1::2], strict=True))
