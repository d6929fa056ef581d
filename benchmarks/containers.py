"""Reading and rewriting large databases, against the native libraries on the same files in the same run.

``python3 dev.py bench containers [ENTRIES]``. Each side works in a process of its own; CPU time is what it used
between opening the file and the last entry, when all modules were imported; peak memory is that of the whole
process, mapped pages of the file among it. Where no library can be called from Python, perl or the format's own tool
stands in, and the table says so.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from app.backends.base import Expected, Replace, SaveOptions
from app.backends.create import create_database
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import Records
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken

ENTRIES = 1_000_000
RUNS = 3
SAVE_TARGET = 3.0
"""How many times the native tool's reorganizing or loading a save may take."""
FORMATS = ("gdbm", "bdb-hash", "bdb-btree", "sdbm", "dumb", "sqlite3", "cdb")

_SCAN_GDBM = """
db, n = dbm.gnu.open(path, "r"), 0
key = db.firstkey()
while key is not None:
    value = db[key]; n += 1
    key = db.nextkey(key)
"""
_SCAN_BSDDB = """
db = bsddb3.db.DB(); db.open(path, flags=bsddb3.db.DB_RDONLY)
cursor, n = db.cursor(), 0
entry = cursor.first()
while entry is not None:
    n += 1
    entry = cursor.next()
"""
_SCAN_DUMB = """
db, n = dbm.dumb.open(path[:-4], "r"), 0
for key in db.keys():
    value = db[key]; n += 1
"""
_SCAN_SQLITE = """
n = 0
for key, value in sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT key, value FROM Dict"):
    n += 1
"""
_SCAN_SDBM = (
    "use Fcntl; use SDBM_File; $n = 0; tie(%h, 'SDBM_File', substr($ARGV[0], 0, -4), O_RDONLY, 0) or die;"
    "while (my ($k, $v) = each %h) { $n++ } my ($u, $s) = times;"
    'print \'{"cpu": \', $u + $s, \', "count": \', $n, "}\\n"'
)
_COPY_SDBM = (
    "use Fcntl; use SDBM_File; $n = 0; tie(%h, 'SDBM_File', substr($ARGV[0], 0, -4), O_RDONLY, 0) or die;"
    "tie(%g, 'SDBM_File', $ARGV[0] . '.copy', O_RDWR | O_CREAT, 0600) or die;"
    "while (my ($k, $v) = each %h) { $g{$k} = $v; $n++ } untie %g; my ($u, $s) = times;"
    'print \'{"cpu": \', $u + $s, \', "count": \', $n, "}\\n"'
)
_REORGANIZE_GDBM = 'db, n = dbm.gnu.open(path, "w"), -1\ndb.reorganize(); db.close()\n'
_PUT_DUMB = 'db, n = dbm.dumb.open(path[:-4], "w"), -1\ndb[b"key:0000000"] = b"new"; db.close()\n'
_VACUUM = 'n = -1\nsqlite3.connect(path).execute("VACUUM")\n'

_SCAN_CDB = 'cdb -d "$1" > "$1.out"'
_COPY_CDB = 'cdb -d "$1" | cdb -c "$1.copy"'
# A process begins with the peak of the one that started it: this one is small.
_MEASURE = """
import os, sys
_, status, used = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ), 0)
print([used.ru_utime + used.ru_stime, used.ru_maxrss])
sys.exit(os.waitstatus_to_exitcode(status))
"""

Command = list[str]


@dataclass(frozen=True)
class Native:
    """What stands for the native library: commands on a database's path, and what a person calls them."""

    scan_name: str
    scan: Callable[[str], Command]
    rewrite_name: str
    rewrite: Callable[[str], Command]
    target: float
    """How many times the native CPU time our scan may take."""


@dataclass(frozen=True)
class Cost:
    """CPU time in seconds and peak memory in MB of one process."""

    cpu: float
    memory: float


class NumberedRecords(Records):
    """Small entries, made when they are asked for."""

    may_repeat = False

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def chunks(self) -> Iterator[IndexChunk]:
        builder = ChunkBuilder()
        for row in range(self._count):
            if builder.add(self.key(row), 0, self.size(row)):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def key(self, row: int) -> bytes:
        return b"key:%07d" % row

    def size(self, row: int) -> int:
        return 10 + row % 50

    def pieces(self, row: int) -> Iterator[bytes]:
        yield (b"%010d" % row * 6)[: self.size(row)]


def python(modules: str, body: str) -> Callable[[str], Command]:
    """Return a command of the system's Python, which has the libraries' modules; it tells CPU time and entries."""
    code = (
        f"import {modules}, json, sys, time\npath, start = sys.argv[1], time.process_time()\n{body}"
        'print(json.dumps({"cpu": time.process_time() - start, "count": n}))'
    )
    return lambda path: ["/usr/bin/python3", "-c", code, path]


def perl(code: str) -> Callable[[str], Command]:
    return lambda path: ["perl", "-e", code, path]


def shell(line: str) -> Callable[[str], Command]:
    return lambda path: ["sh", "-c", line, "sh", path]


def bdb(target: float) -> Native:
    dump, load = (shutil.which(f"db5.3_{name}") or f"db_{name}" for name in ("dump", "load"))
    rewrite = shell(f'{dump} "$1" | {load} "$1.copy"')
    return Native("bsddb3", python("bsddb3", _SCAN_BSDDB), "db_dump | db_load", rewrite, target)


NATIVE = {
    "gdbm": Native("dbm.gnu", python("dbm.gnu", _SCAN_GDBM), "reorganize", python("dbm.gnu", _REORGANIZE_GDBM), 0.5),
    "bdb-hash": bdb(0.7),
    "bdb-btree": bdb(1.0),
    "sdbm": Native("perl SDBM_File", perl(_SCAN_SDBM), "perl copy", perl(_COPY_SDBM), 1.0),
    "dumb": Native("dbm.dumb", python("dbm.dumb", _SCAN_DUMB), "dbm.dumb, one key", python("dbm.dumb", _PUT_DUMB), 1.0),
    "sqlite3": Native("sqlite3", python("sqlite3", _SCAN_SQLITE), "VACUUM", python("sqlite3", _VACUUM), 1.0),
    "cdb": Native("cdb -d", shell(_SCAN_CDB), "cdb -d | cdb -c", shell(_COPY_CDB), 1.0),
}


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:  # one of our own processes
        import_module("numpy")
        print(json.dumps(OURS[arguments[0]](Path(arguments[1]))))
        return
    count = int(arguments[0]) if arguments else ENTRIES
    print(f"Python {sys.version.partition(' ')[0]}; {count:,} entries; best CPU time of {RUNS} runs, peak memory")
    print(f"{'':<42} {'ours':>14} {'native':>14} {'CPU':>6} {'to reach':>8} {'memory':>7}  native is")
    for format_id in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            path = build(format_id, Path(folder), count)
            native = NATIVE[format_id]
            report(f"{format_id}: keys and values", path, "scan", native.scan, native.target, native.scan_name)
            report(f"{format_id}: save one change", path, "save", native.rewrite, SAVE_TARGET, native.rewrite_name)


def build(format_id: str, folder: Path, count: int) -> Path:
    writer = new_writer(format_id, CreateOptions())
    files = create_database(writer, folder / "large", NumberedRecords(count), CancelToken()).files
    return next((file for file in files if file.suffix in {".pag", ".dat"}), files[0])


def report(name: str, path: Path, work: str, native: Callable[[str], Command], target: float, native_name: str) -> None:
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(RUNS):
        ours.append(cost_of([sys.executable, "-m", "benchmarks.containers", work, str(copied(path))]))
        theirs.append(cost_of(native(str(copied(path)))))
    mine, other = (min(costs, key=lambda cost: cost.cpu) for costs in (ours, theirs))
    shown = (f"{cost.cpu:>6.2f} s {cost.memory:>4.0f} MB" for cost in (mine, other))
    ratio = mine.cpu / other.cpu
    verdict = " " if ratio <= target else "!"
    print(
        f"{name:<42} {' '.join(shown)} {ratio:>5.2f}x {target:>6.1f}x{verdict} {mine.memory / other.memory:>6.2f}x"
        f"  {native_name}",
        flush=True,
    )


def copied(path: Path) -> Path:
    """Copy a database, holes as holes, so that every run finds the same; return the file that it is opened by."""
    work = path.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for file in path.parent.iterdir():
        if file.is_file():
            run(["cp", "--sparse=always", str(file), str(work)])
    return work / path.name


def run(command: Command) -> list[bytes]:
    """Run a command; return the lines that it prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()  # noqa: S603 - our own


def cost_of(command: Command) -> Cost:
    """Run a command; its CPU time is what it tells itself, else that of the process and its children."""
    *told, used = run([sys.executable, "-I", "-S", "-c", _MEASURE, *command])
    cpu, memory = json.loads(used)
    if told and told[0].startswith(b"{"):
        cpu = json.loads(told[0])["cpu"]
    return Cost(cpu, memory / 1024)


def scan(path: Path) -> dict[str, float]:
    start, count = time.process_time(), 0
    with open_database(path) as database:
        for _chunk, values in database.scan(CancelToken()):
            for _value in values:
                count += 1
    return {"cpu": time.process_time() - start, "count": count}


def save(path: Path) -> dict[str, float]:
    """Replace the value of the entry that is listed first."""
    with open_database(path) as database:
        chunk = next(database.index(CancelToken()))
        value = database.read(chunk.key(0), chunk.locators[0], chunk.sizes[0])
    expected = {0: Expected(chunk.key(0), 0, sha256(value).digest())}
    start = time.process_time()
    with open_database(path) as database:
        database.apply([Replace(0, b"changed")], expected, SaveOptions(backup=False), CancelToken())
    return {"cpu": time.process_time() - start}


OURS: dict[str, Callable[[Path], dict[str, float]]] = {"scan": scan, "save": save}


if __name__ == "__main__":
    main(sys.argv[1:])
