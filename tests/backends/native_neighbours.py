"""The tools of TDB and LMDB as referees."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.backends.missing_tools import missing_tool
from tests.backends.native import Pair


def neighbour_tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        missing_tool(f"{name} is not installed (Debian: {package})")
    return path


def tdb_restore(path: Path, pairs: Iterable[Pair]) -> None:
    """Make a new TDB file."""
    records = [
        f'{{\nkey({len(key)}) = "{_escaped(key)}"\ndata({len(value)}) = "{_escaped(value)}"\n}}\n'
        for key, value in pairs
    ]
    command = [neighbour_tool("tdbrestore", "tdb-tools"), str(path)]
    subprocess.run(command, input="".join(records), text=True, check=True, capture_output=True)


def _escaped(content: bytes) -> str:
    return "".join(f"\\{byte:02X}" for byte in content)


def tdb_dump(path: Path) -> list[Pair]:
    """Return all entries in the library's own order."""
    command = [neighbour_tool("tdbdump", "tdb-tools"), str(path)]
    dump = subprocess.run(command, check=True, capture_output=True).stdout
    halves = [_unescaped(text) for text in re.findall(rb'^(?:key|data)\(\d+\) = "(.*)"$', dump, re.MULTILINE)]
    return list(zip(halves[::2], halves[1::2], strict=True))


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), text)


def mdb_load(path: Path, pairs: Iterable[Pair], **settings: int | str) -> None:
    """Add entries to an LMDB file, or to one ``database`` in it; ``settings`` are those of a dump's header."""
    header = [
        "VERSION=3",
        "format=bytevalue",
        *(f"database={settings.pop('database')}" for _ in range("database" in settings)),
        "type=btree",
        "mapsize=67108864",
        *(f"{name}={value}" for name, value in settings.items()),
    ]
    lines = [f" {half.hex()}" for pair in pairs for half in pair]
    dump = "\n".join([*header, "HEADER=END", *lines, "DATA=END", ""])
    command = [neighbour_tool("mdb_load", "lmdb-utils"), "-n", str(path)]
    subprocess.run(command, input=dump, text=True, check=True, capture_output=True)


def mdb_dump(path: Path, *arguments: str) -> list[Pair]:
    """Return the entries of the main database, or of those that the arguments of mdb_dump name."""
    command = [neighbour_tool("mdb_dump", "lmdb-utils"), "-n", *arguments, str(path)]
    dump = subprocess.run(command, text=True, check=True, capture_output=True).stdout
    halves = [bytes.fromhex(line) for line in re.findall("^ (.*)$", dump, re.MULTILINE)]
    return list(zip(halves[::2], halves[1::2], strict=True))
