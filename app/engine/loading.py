"""New databases from the lines that ``dump`` writes: ``{"k": base64, "v": base64}`` each."""

import json
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

from app.backends.spool import SpooledRecords
from app.cancel import CancelToken
from app.engine.base import MadeDatabase, NewDatabase
from app.engine.copying import cannot_store, storable
from app.engine.destination import Destination
from app.errors import DocumentError


def spool_lines(lines: Iterable[bytes], records: SpooledRecords) -> int:
    """Add the entry of every line; return from how many sub-databases they come, which new databases do not have.

    Raises:
        DocumentError: a line is none of a dump; names its number.
    """
    parts: set[str] = set()
    for number, line in enumerate(lines, 1):
        if line.strip():
            fields = _fields(line, number)
            records.add(_octets(fields, "k", number), _octets(fields, "v", number))
            if "db" in fields:
                parts.add(str(fields["db"]))
    return len(parts)


def load(records: SpooledRecords, target: NewDatabase, token: CancelToken, *, leaves_out: bool) -> MadeDatabase:
    """Write spooled entries into a new database.

    Raises:
        KeyRejected: some cannot be stored, and ``leaves_out`` is false.
        SaveFailed, OptionRejected: the database cannot be made.
    """
    destination = Destination.of(target).holding(records, token)
    kept, left_out = storable(destination, records, token)
    if left_out.count and not leaves_out:
        raise cannot_store(left_out, destination.base)
    return destination.make(kept, left_out, token)


def _fields(line: bytes, number: int) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _wrong(number, "is no JSON; each line is as 'dump' writes it") from error
    if not isinstance(fields, dict):
        raise _wrong(number, "is no JSON object; each line is as 'dump' writes it")
    return fields


def _octets(fields: dict[str, Any], name: str, number: int) -> bytes:
    text = fields.get(name)
    if not isinstance(text, str):
        raise _wrong(number, f"has no text \"{name}\"; each line is as 'dump' writes it")
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise _wrong(number, f"has a \"{name}\" that is not base64; each line is as 'dump' writes it") from error


def _wrong(number: int, what: str) -> DocumentError:
    return DocumentError(f"Line {number:,} of the input {what}. Nothing was made.")
