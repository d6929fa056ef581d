"""Berkeley DB itself as a referee: db_verify, and python3-bsddb3 in the system's Python."""

import subprocess
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tests.backends.missing_tools import missing_tool
from tests.backends.native import bdb_tool

_PYTHON = "/usr/bin/python3"

_CHANGES = r"""
import random, sys
from bsddb3 import db
path, seed, count, longest = sys.argv[1], *map(int, sys.argv[2:])
chance = random.Random(seed)
database = db.DB()
database.open(path, None, db.DB_UNKNOWN, 0)
keys = database.keys()
for number in range(count):
    if keys and chance.random() < 0.5:
        key = keys.pop(chance.randrange(len(keys)))
        if database.has_key(key):
            database.delete(key)
        continue
    long = b"P" * min(chance.randrange(90, 900), longest)
    key = chance.choice([b"new %d" % number, long, chance.randbytes(chance.randrange(40))])
    if keys and chance.random() < 0.3:
        key = chance.choice(keys)
    try:
        database.put(key, chance.randbytes(chance.choice([0, 3, 30, 200, 900])))
    except db.DBKeyExistError:
        pass
    keys.append(key)
database.close()
"""

_CURSOR_DELETE = r"""
import os, sys
from base64 import b64decode
from bsddb3 import db
database = db.DB()
database.open(sys.argv[1], None, db.DB_UNKNOWN, 0)
cursor = database.cursor()
cursor.set(b64decode(sys.argv[2]))
cursor.delete()
database.sync()
os._exit(0)
"""
"""Ends while the cursor is on the entry: it stays marked on its page."""


_DELETION = r"""
import sys
from bsddb3 import db
database = db.DB()
database.open(sys.argv[1], None, db.DB_UNKNOWN, 0)
for key in sys.argv[2:]:
    database.delete(bytes.fromhex(key))
database.close()
"""


def bdb_delete(path: Path, keys: Iterable[bytes]) -> None:
    """Let Berkeley DB delete entries."""
    _run(_DELETION, str(path), *(key.hex() for key in keys))


_QUEUE = r"""
import os, sys
from bsddb3 import db
path, records, taken, deleted, has_checksums = sys.argv[1], *map(int, sys.argv[2:])
os.chdir(os.path.dirname(path))
database = db.DB()
database.set_pagesize(512)
database.set_re_len(20)
database.set_re_pad(32)
database.set_q_extentsize(2)
if has_checksums:
    database.set_flags(db.DB_CHKSUM)
database.open(os.path.basename(path), None, db.DB_QUEUE, db.DB_CREATE)
for number in range(records):
    database.append(b"record %d" % (number + 1))
for _ in range(taken):
    database.consume()
database.delete(deleted)
database.close()
"""


def bdb_verify(path: Path) -> None:
    """Fail when Berkeley DB finds fault with a file."""
    command = [bdb_tool("verify"), str(path)]
    # It prints the bytes of some pages although nothing is wrong with them.
    done = subprocess.run(command, text=True, errors="replace", check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def bdb_change(path: Path, *, seed: int, count: int = 2000, longest_key: int = 900) -> None:
    """Let Berkeley DB insert, replace and delete entries by chance, among them some of those that are there."""
    _run(_CHANGES, str(path), str(seed), str(count), str(longest_key))


def bdb_cursor_delete(path: Path, key: bytes) -> None:
    """Let Berkeley DB delete an entry, and end before it takes that off its page."""
    _run(_CURSOR_DELETE, str(path), b64encode(key).decode())


def bdb_queue(path: Path, *, records: int, taken: int, deleted: int, has_checksums: bool = False) -> None:
    """Make a queue with extent files of two pages; records are 20 bytes, filled up with blanks."""
    _run(_QUEUE, str(path), str(records), str(taken), str(deleted), str(int(has_checksums)))


def _run(script: str, *arguments: str) -> None:
    if not _has_bsddb3():
        missing_tool("bsddb3 is not installed (Debian: python3-bsddb3)")
    done = subprocess.run([_PYTHON, "-c", script, *arguments], text=True, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


@cache
def _has_bsddb3() -> bool:
    if not Path(_PYTHON).exists():
        return False
    return not subprocess.run([_PYTHON, "-c", "import bsddb3"], check=False, capture_output=True).returncode
