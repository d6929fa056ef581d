"""What other programs did to the files of an open database: whether they are others, and in which entries."""

import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from time import monotonic

from app.backends.base import Match
from app.backends.files import companion
from app.backends.formats import FORMATS
from app.backends.key_index import IndexChunk
from app.backends.registry import recognise
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.engine.base import FileState
from app.engine.value_calls import Stored
from app.errors import AppError, CorruptDatabase

HASH_BYTES = 8
"""Bytes of each of the two hashes of an entry."""
_SLICE_SECONDS = 0.02


def watched_files(match: Match) -> tuple[Path, ...]:
    """Return the files that are others after a write, there or not: a log of SQLite's comes and goes."""
    return (*match.files, companion(match.path, "-wal")) if match.format_id == "sqlite3" else match.files


def changed_state(path: Path, format_id: str) -> FileState:
    """Return what became of files that look another: still a database of that format, or why they are none."""
    if not _is_there(path.parent):
        return FileState(is_changed=True, lost=f"The folder of {path.name} is not there any more.")
    try:
        found = recognise(path, codecs.VALUE_ENDS).format_id
    except AppError as error:
        if _is_there(path):
            return FileState(is_changed=True, lost=f"{path.name} can no longer be read: {error.message}")
        return FileState(is_changed=True, lost=f"{path.name} is not there any more: it was deleted, moved or renamed.")
    if found == format_id:
        return FileState(is_changed=True)
    label = FORMATS[found].label if found in FORMATS else found
    message = f"{path.name} was replaced by another file: it is a {label} now."
    return FileState(is_changed=True, lost=message, other_format=found)


def fingerprints(
    chunks: Sequence[IndexChunk], pieces: Callable[[Stored], Iterator[bytes]] | None, token: CancelToken
) -> Iterator[bytes]:
    """Yield two hashes for each entry, of the key and of the value, or of its length alone without ``pieces`` of it.

    Works in slices of some milliseconds.

    Raises:
        StaleIndex: the entries are others by now.
    """
    found, due = bytearray(), monotonic() + _SLICE_SECONDS
    for chunk in chunks:
        for row in range(len(chunk)):
            token.check()
            place = Stored(chunk.key(row), chunk.locators[row], chunk.sizes[row])
            found += blake2b(place.key, digest_size=HASH_BYTES).digest()
            found += _of_size(place.size) if pieces is None else _of_value(pieces, place)
            if monotonic() >= due:
                yield bytes(found)
                found, due = bytearray(), monotonic() + _SLICE_SECONDS
    yield bytes(found)


def _of_value(pieces: Callable[[Stored], Iterator[bytes]], place: Stored) -> bytes:
    made = blake2b(digest_size=HASH_BYTES)
    try:
        for piece in pieces(place):
            made.update(piece)
    except CorruptDatabase:
        return _of_size(place.size)
    return made.digest()


def _of_size(size: int) -> bytes:
    return size.to_bytes(HASH_BYTES, "little", signed=True)


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - `Path.exists` raises where a folder may not be looked into
