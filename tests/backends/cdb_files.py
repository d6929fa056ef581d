"""CDB files, built as cdb.txt says, or by tinycdb."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.backends.missing_tools import missing_tool

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
        missing_tool("cdb is not installed (Debian: tinycdb)")
    records = b"".join(b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value) for key, value in pairs)
    subprocess.run([tool, "-c", str(path)], input=records + b"\n", check=True, capture_output=True)


def dump_by_tinycdb(path: Path) -> list[Pair]:
    """Return all entries in the file's order, as the tool reads them."""
    dump = _tool("-d", str(path))
    pairs, place = list[Pair](), 0
    while dump[place : place + 1] == b"+":
        lengths_end = dump.index(b":", place)
        key_size, value_size = map(int, dump[place + 1 : lengths_end].split(b","))
        value = lengths_end + 1 + key_size + 2
        pairs.append((dump[lengths_end + 1 : lengths_end + 1 + key_size], dump[value : value + value_size]))
        place = value + value_size + 1
    assert dump[place:] == b"\n"
    return pairs


def query_by_tinycdb(path: Path, key: bytes, nth: int = 1) -> bytes:
    """Return the nth value (from 1 on) of a key, which the tool finds by the hash tables."""
    return _tool("-q", "-n", str(nth), str(path), os.fsdecode(key))


def count_by_tinycdb(path: Path) -> int:
    """Return how many entries the hash tables of a file lead to."""
    statistics = _tool("-s", str(path)).decode()
    return int(statistics.splitlines()[0].rpartition(":")[2])


def _tool(*arguments: str) -> bytes:
    tool = shutil.which("cdb")
    if tool is None:
        missing_tool("cdb is not installed (Debian: tinycdb)")
    return subprocess.run([tool, *arguments], check=True, capture_output=True).stdout
