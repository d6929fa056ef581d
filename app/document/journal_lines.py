"""The lines of a journal: each a change that is not saved, written and read so that no other thread waits long.

A line is the CRC-32 of what follows in eight hexadecimal digits, a space, and a JSON object. The first one names the
database, each other one what an entry is to be, or that a save begins (`begun_save`). A line that was cut or damaged
costs its own change and no other.
"""

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from app.document.history import EntryRef
from app.document.pending_change import PendingChange

VERSION = 1
_STEP = 3 << 18
"""Bytes of a value that are encoded at once: a multiple of three, so that nothing is filled up between."""
_BLOCK = 1 << 20
"""Bytes of a journal that are read, and characters of a value that are decoded, at once: a multiple of four."""
_HEADER = 1 << 20
"""Bytes of the line that names the database, at most."""
_LONGEST = 1 << 31
"""Bytes of one change that is read."""
_CHECK = 9
"""Bytes of the checksum and the space behind it."""
_VALUE, _END = b',"value":"', b'"}'
"""What stands before and behind the value, which is the last field of its record."""


def line_of(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line of a journal."""
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x " % crc32(text) + text + b"\n"


def record_of(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, None where it is damaged."""
    check, _, text = line.rstrip(b"\n").partition(b" ")
    if len(check) != 8 or not line.endswith(b"\n") or check != b"%08x" % crc32(text):
        return None
    return _parsed(text)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def header_of(path: Path, format_id: str) -> dict[str, Any]:
    """Return the first record of a journal."""
    return {"shelfscope": VERSION, "path": os.fspath(path.absolute()), "format": format_id, "pid": os.getpid()}


def header_in(file: BinaryIO) -> dict[str, Any] | None:
    """Return what a journal begins with, which it says twice, in case that one of the lines is damaged."""
    found = [record_of(file.readline(_HEADER)) for _ in range(2)]
    return next((record for record in found if record is not None and is_header(record)), None)


def is_header(record: Mapping[str, Any]) -> bool:
    """Tell whether a record names the database of a journal of a version that is known."""
    return record.get("shelfscope") == VERSION and isinstance(record.get("path"), str)


def entry_line(change: PendingChange) -> list[bytes]:
    """Return the line of what an entry is to be, in parts.

    A large value is written in steps: one call for all of it would hold up the window's thread meanwhile.
    """
    record = _record(change)
    if change.is_stored or change.is_deleted:
        return [line_of(record)]
    text = json.dumps(record, separators=(",", ":")).encode()
    steps = range(0, len(change.value), _STEP)
    values = (base64.b64encode(change.value[start : start + _STEP]) for start in steps)
    parts = [text[:-1], _VALUE, *values, _END]
    check = 0
    for part in parts:
        check = crc32(part, check)
    return [b"%08x " % check, *parts, b"\n"]


def _record(change: PendingChange) -> dict[str, Any]:
    """Return what an entry is to be as a record, without its value."""
    record: dict[str, Any] = {"key": _text(change.ref.key), "nth": change.ref.nth}
    if change.is_stored:
        return {**record, "kind": "stored"}
    record |= {"kind": change.kind.value, "digest": None if change.digest is None else change.digest.hex()}
    if change.partner is not None:
        record |= {"from": _text(change.partner.key), "from_nth": change.partner.nth}
    return record


def change_of(record: Mapping[str, Any]) -> PendingChange | None:
    """Return what a record says an entry is to be; None where it is not such a record."""
    try:
        ref = EntryRef(_bytes(record["key"]), int(record["nth"]))
        kind = record["kind"]
        if kind == "stored":
            return PendingChange(ref, b"", None, is_stored=True)
        digest = None if record["digest"] is None else bytes.fromhex(record["digest"])
        partner = EntryRef(_bytes(record["from"]), int(record["from_nth"])) if "from" in record else None
        value = b"" if kind == "deleted" else _bytes(record["value"])
    except (KeyError, ValueError, TypeError, OverflowError):  # a number can be an infinity
        return None
    is_deleted = kind == "deleted"
    return PendingChange(ref, value, digest, is_deleted=is_deleted, partner=None if is_deleted else partner)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def lines_of(file: BinaryIO) -> Iterator[bytearray]:
    """Yield the lines of a journal, the last of which may have been cut."""
    line = bytearray()
    while block := file.read(_BLOCK):
        start = 0
        while end := block.find(b"\n", start) + 1:
            line += block[start:end]
            yield line
            line, start = bytearray(), end
        line += block[start:]
        if len(line) > _LONGEST:
            yield line
            line = bytearray()
    if line:
        yield line


def change_in(line: bytes | bytearray) -> PendingChange | None:
    """Return what a line says an entry is to be; None where it is damaged, or no such line.

    One call for all of a large value would hold up the window's thread meanwhile, so that it is decoded in steps.
    """
    place = line.find(_VALUE) if len(line) > _BLOCK else -1
    if place < 0:
        record = record_of(bytes(line))
        return None if record is None else change_of(record)
    start, end = place + len(_VALUE), len(line) - len(_END) - 1
    if not _is_whole(line) or line[end:] != _END + b"\n":
        return None
    value = _decoded(line, start, end)
    record = None if value is None else _parsed(bytes(line[_CHECK:place]) + _VALUE + _END)
    change = None if record is None else change_of(record)
    return None if change is None or value is None or change.is_deleted else replace(change, value=value)


def _is_whole(line: bytes | bytearray) -> bool:
    """Tell whether a line is as it was written."""
    check, last = 0, len(line) - 1
    with memoryview(line) as view:
        for start in range(_CHECK, last, _BLOCK):
            check = crc32(view[start : min(start + _BLOCK, last)], check)
    return line[:_CHECK] == b"%08x " % check and line.endswith(b"\n")


def _decoded(line: bytes | bytearray, start: int, end: int) -> bytes | None:
    value = BytesIO()
    try:
        for place in range(start, end, _BLOCK):
            value.write(binascii.a2b_base64(line[place : min(place + _BLOCK, end)], strict_mode=True))
    except ValueError:
        return None
    return value.getvalue()
