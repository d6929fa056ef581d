"""CDB files, built as cdb.txt says, or by tinycdb."""

import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

Pair = tuple[bytes, bytes]


def image(pairs: Iterable[Pair]) -> bytes:
    """Return a whole file: entries in the order given, which may repeat keys."""
    entries, tables = b"", [list[tuple[int, int]]() for _ in range(256)]
    for key, value in pairs:
        hash_ = 5381
        for byte in key:
            hash_ = (hash_ * 33 & 0xFFFFFFFF) ^ byte
        tables[hash_ & 255].append((hash_, 2048 + len(entries)))
        entries += struct.pack("<II", len(key), len(value)) + key + value
    head, tail = b"", b""
    for table in tables:
        slots = [(0, 0)] * (2 * len(table))
        for hash_, place in table:
            slot = (hash_ >> 8) % len(slots)
            while slots[slot][1]:
                slot = (slot + 1) % len(slots)
            slots[slot] = hash_, place
        head += struct.pack("<II", 2048 + len(entries) + len(tail), len(slots))
        tail += b"".join(struct.pack("<II", *slot) for slot in slots)
    return head + entries + tail


def write_by_tinycdb(path: Path, pairs: Iterable[Pair]) -> None:
    """Make a database by the tool ``cdb``; skip the test where it is missing."""
    tool = shutil.which("cdb")
    if tool is None:
        pytest.skip("cdb is not installed (Debian: tinycdb)")
    records = b"".join(b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value) for key, value in pairs)
    subprocess.run([tool, "-c", str(path)], input=records + b"\n", check=True, capture_output=True)
