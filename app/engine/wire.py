"""Messages between a window and its engine processes: plain data, no pickles.

A message is a JSON header followed by the bytes of all its blobs, so that key buffers and values
cross without being re-encoded, and so that nothing that arrives can name code.
"""

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from struct import Struct
from typing import Any

from app.backends.base import Expected, Insert, Remove, Replace, SaveOptions, SaveReport
from app.backends.key_index import IndexChunk
from app.codecs.base import NodeRow, Summary
from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    Copied,
    DeleteNodes,
    InsertItem,
    RawBytes,
    RenameGlobal,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.codecs.findings import Audit, Call, Hit, NamedGlobal, OpcodeRow, Query
from app.codecs.model import Style
from app.engine.base import (
    ExportItem,
    ExportReport,
    FileState,
    Found,
    Info,
    MadeDatabase,
    NewDatabase,
    ProblemNote,
    Refusals,
    RefusedEntry,
    SalvageReport,
    SearchReport,
)
from app.engine.kept_values import LARGE, KeptValues, SentValues
from app.engine.value_calls import DecodeReport, Stored, ValueInfo

_HEADER = Struct("<I")
_STEP = 1_000
"""Items of a list that are written at once."""

_PLAIN_TYPES: tuple[type, ...] = (
    AddPair,
    Audit,
    Call,
    ChangeProtocol,
    Copied,
    DecodeReport,
    DeleteNodes,
    Expected,
    ExportItem,
    ExportReport,
    FileState,
    Found,
    Hit,
    IndexChunk,
    Info,
    Insert,
    InsertItem,
    MadeDatabase,
    NamedGlobal,
    NewDatabase,
    NodeRow,
    OpcodeRow,
    ProblemNote,
    Query,
    RawBytes,
    Refusals,
    RefusedEntry,
    Remove,
    RenameGlobal,
    RenameKey,
    Reorder,
    Replace,
    ReplaceNode,
    SalvageReport,
    SaveOptions,
    SaveReport,
    SearchReport,
    Stored,
    Style,
    Summary,
    ValueInfo,
    Written,
)
_BY_NAME = {kind.__name__: kind for kind in _PLAIN_TYPES}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _PLAIN_TYPES}


def pack(message: object, sent: SentValues | None = None) -> bytes:
    """Return the bytes of a message made of None, bool, int, float, str, bytes, lists, dicts and our dataclasses.

    ``sent``: what the other end has already, which is named by its number alone.
    """
    blobs: list[bytes] = []
    flat = _flatten(message, blobs, sent)
    header = (_dumped(flat) if len(blobs) <= _STEP else _dumped_in_steps(flat)).encode("ascii")
    return b"".join((_HEADER.pack(len(header)), header, *blobs))


def unpack(data: bytes, kept: KeptValues | None = None) -> Any:
    """Return the message that `pack` was given; tuples and lists both come back as tuples.

    ``kept`` takes the values that come with a number, and has those that came before.
    """
    (length,) = _HEADER.unpack_from(data)
    start = _HEADER.size + length
    return _Builder(data, start, KeptValues() if kept is None else kept).build(json.loads(data[_HEADER.size : start]))


def _dumped(flat: object) -> str:
    return json.dumps(flat, separators=(",", ":"))


def _dumped_in_steps(flat: object) -> str:
    """Return JSON, with pauses in which other threads run: one call of ``json`` for all would stop them meanwhile."""
    if isinstance(flat, dict):
        return f"{{{','.join(f'{_dumped(key)}:{_dumped_in_steps(part)}' for key, part in flat.items())}}}"
    if not isinstance(flat, list):
        return _dumped(flat)
    if len(flat) <= _STEP:
        return f"[{','.join(map(_dumped_in_steps, flat))}]"
    steps = (flat[start : start + _STEP] for start in range(0, len(flat), _STEP))
    return f"[{','.join(_dumped(step)[1:-1] for step in steps)}]"


def _flatten(item: object, blobs: list[bytes], sent: SentValues | None) -> object:
    match item:
        case None | bool() | int() | float() | str():
            flat: object = item
        case bytes() if sent is not None and len(item) >= LARGE:
            flat = _named(item, blobs, sent)
        case bytes() | array():
            blobs.append(bytes(item))
            flat = {"b" if isinstance(item, bytes) else "q": len(blobs[-1])}
        case Path():
            flat = {"p": str(item)}
        case Mapping():
            flat = {"d": [[_flatten(key, blobs, sent), _flatten(value, blobs, sent)] for key, value in item.items()]}
        case Sequence():
            flat = [_flatten(part, blobs, sent) for part in item]
        case _:
            names = _FIELDS[type(item)]
            flat = {"o": type(item).__name__, "f": [_flatten(getattr(item, name), blobs, sent) for name in names]}
    return flat


def _named(value: bytes, blobs: list[bytes], sent: SentValues) -> object:
    """Return the number of a large value; the value itself goes with it where it is not there yet."""
    number = sent.number_of(value)
    if number is not None:
        return {"k": number}
    blobs.append(value)
    return {"b": len(value), "n": sent.add(value)}


class _Builder:
    """Rebuilds a message; blobs are taken in the order in which they were put."""

    def __init__(self, data: bytes, position: int, kept: KeptValues) -> None:
        self._data = data
        self._position = position
        self._kept = kept

    def _blob(self, length: int) -> bytes:
        start, self._position = self._position, self._position + length
        return self._data[start : self._position]

    def build(self, item: Any) -> Any:
        match item:
            case list():
                built: Any = tuple(map(self.build, item))
            case {"b": length, "n": number}:
                built = self._blob(length)
                self._kept.keep(number, built)
            case {"b": length}:
                built = self._blob(length)
            case {"k": number}:
                built = self._kept.get(number)
            case {"q": length}:
                built = array("q")
                built.frombytes(self._blob(length))
            case {"p": path}:
                built = Path(path)
            case {"d": pairs}:
                built = {self.build(key): self.build(value) for key, value in pairs}
            case {"o": name, "f": values}:
                built = _BY_NAME[name](*map(self.build, values))
            case _:
                built = item
        return built
