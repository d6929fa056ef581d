"""What tests ask of any database: its entries, its folder, and the changes that make one of it."""

import io
import pickletools
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from app.backends.base import Backend, Change, Expected, Insert, Match, Remove, Replace, Sliceable
from app.backends.formats import FORMATS
from app.backends.key_index import KeyIndex
from app.backends.whichdb import whichdb
from app.cancel import CancelToken


class FileState(NamedTuple):
    """A file as it must be found again."""

    content: bytes
    mtime_ns: int
    mode: int
    inode: int


def index_of(backend: Backend) -> KeyIndex:
    index = KeyIndex()
    for chunk in backend.index(CancelToken()):
        index.append(chunk)
    return index


def entries_of(backend: Backend) -> list[tuple[bytes, bytes]]:
    """Return all entries in index order, every value read."""
    return list(_entries(backend, index_of(backend)))


def _entries(backend: Backend, index: KeyIndex) -> Iterator[tuple[bytes, bytes]]:
    for entry_id in range(len(index)):
        key = index.key(entry_id)
        yield key, backend.read(key, index.locator(entry_id), index.size(entry_id))


def expected_of(backend: Backend) -> dict[int, Expected]:
    """Return what `Backend.apply` is told of every entry, as the database is now."""
    seen = Counter[bytes]()
    expected: dict[int, Expected] = {}
    for entry_id, (key, value) in enumerate(entries_of(backend)):
        expected[entry_id] = Expected(key, seen[key], sha256(value).digest())
        seen[key] += 1
    return expected


def ids_by_key(expected: dict[int, Expected]) -> dict[bytes, int]:
    return {entry.key: entry_id for entry_id, entry in expected.items()}


def changes_to(ids: Mapping[bytes, int], new: Mapping[bytes, bytes], removed: set[bytes]) -> list[Change]:
    """Return what takes keys out and makes the others what ``new`` says, replacing those that are there."""
    removals = [Remove(ids[key]) for key in removed & ids.keys()]
    replacements = [Replace(ids[key], new[key]) for key in new.keys() & ids.keys() - removed]
    return [*removals, *replacements, *(Insert(key, value) for key, value in new.items() if key not in ids)]


def dictionary_after(
    before: Mapping[bytes, bytes], new: Mapping[bytes, bytes], removed: set[bytes]
) -> dict[bytes, bytes]:
    """Return what a dict would be after the changes of `changes_to`, in the order of a database."""
    kept = {key: new.get(key, value) for key, value in before.items() if key not in removed}
    return kept | {key: value for key, value in new.items() if key not in before}


def folder_state(folder: Path) -> dict[str, FileState]:
    """Return every file of a folder with its content and what `stat` says of it."""
    return {path.name: file_state(path) for path in folder.iterdir()}


def without_locks(folder: Path) -> dict[str, FileState]:
    """Return the state of a folder but for LMDB's lock files, which stay where a save was tried."""
    return {name: state for name, state in folder_state(folder).items() if not name.endswith("-lock")}


def file_state(path: Path) -> FileState:
    status = path.stat()
    return FileState(path.read_bytes(), status.st_mtime_ns, status.st_mode, status.st_ino)


def first_match(path: Path) -> Match:
    """Return what a path is likeliest recognised as; that has a name in the table of formats."""
    match = whichdb(path, pickle_end)[0]
    assert match.format_id in FORMATS
    return match


def pickle_end(buffer: Sliceable, start: int) -> int | None:
    """Tell where a pickle ends, by Python's own disassembler: only for files that we wrote ourselves."""
    stream = io.BytesIO(bytes(buffer[start:]))
    try:
        for _ in pickletools.genops(stream):
            pass
    except Exception:  # noqa: BLE001 - whatever stops the disassembler, this is no pickle
        return None
    return start + stream.tell()
