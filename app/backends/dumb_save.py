"""Saving a ``dbm.dumb`` database: values are only ever appended, then one rename makes the new index valid."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.binary import open_regular
from app.backends.changes import Candidate, Plan, agree, digest, key_text, keys_of_interest, plan
from app.backends.dumb_index import MAX_LINE, DumbFiles, DumbIndex, format_line, line_style, read_index, read_index_file
from app.backends.file_operations import FileOperations
from app.backends.files import COPY_BYTES, read_whole, reads_back_differently, saving
from app.backends.replacing import back_up, discard, put_in_place, write_all, write_beside
from app.cancel import CancelToken
from app.errors import AppError, ChangedOnDisk, DatabaseLocked, KeyRejected, ReadOnlyDatabase

BLOCK = 512
"""Bytes: every value begins at a multiple of it."""

LIVE_WRITER = (
    "A program that has this database open in Python's dbm.dumb will overwrite this save when it closes it: "
    "close such programs before saving."
)
DIGEST_BYTES = 32


_Places = dict[bytes, tuple[int, bytes]]
"""Where the new value of a key goes in ``.dat`` (bytes), and the value."""


class _State:
    """The database as it is when the save begins."""

    def __init__(self, files: DumbFiles, token: CancelToken) -> None:
        self._files = files
        self.raw = read_whole(files.dir)
        self.index = read_index(BytesIO(self.raw), files.dir.name, token)
        self.dat_size = files.dat.stat().st_size
        self._refuse_damage()
        self._sha256 = _digests(files.dat, self.index, token)

    def _refuse_damage(self) -> None:
        index = self.index
        ends = (position + size for position, size in zip(index.positions, index.sizes, strict=True))
        if index.problems or max(ends, default=0) > self.dat_size:
            message = f"{self._files.dat.name} is damaged: saving would lose more of it. Export the entries instead."
            raise ReadOnlyDatabase(message, path=self._files.dat)

    def is_current(self) -> bool:
        """Tell whether the index on disk is still the one that was read."""
        return read_whole(self._files.dir) == self.raw

    def candidates(self, keys: set[bytes]) -> dict[bytes, tuple[Candidate]]:
        rows = self.index.rows
        return {key: (Candidate(rows[key], self.sha256(rows[key])),) for key in keys & rows.keys()}

    def sha256(self, row: int) -> bytes:
        return self._sha256[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]

    def entries_after(self, made: Plan) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and digest of every entry that there must be afterwards, in order."""
        for row, key in enumerate(self.index.rows):
            if row not in made.removed:
                yield key, digest(made.replaced[row]) if row in made.replaced else self.sha256(row)
        yield from ((key, digest(value)) for key, value in made.inserted)

    def lines_after(self, made: Plan, places: _Places) -> Iterator[bytes]:
        """Yield the lines of the new index; those of untouched entries as they are."""
        python2, line_end = line_style(self.raw)
        for row, key in enumerate(self.index.rows):
            if row in made.replaced:
                position, value = places[key]
                yield format_line(key, position, len(value), python2=python2, line_end=line_end)
            elif row not in made.removed:
                slot = self.index.slot(row)
                line = self.raw[slot.line_start : slot.line_end]
                yield line if line.endswith(b"\n") else line + line_end
        for key, _ in made.inserted:
            position, value = places[key]
            yield format_line(key, position, len(value), python2=python2, line_end=line_end)


class DumbSave:
    """One save. Until the new ``.dir`` takes its name, the database is the old one for every reader."""

    def __init__(self, files: DumbFiles, operations: FileOperations, token: CancelToken) -> None:
        self._files = DumbFiles(*(path.resolve() for path in files))
        self._operations = operations
        self._token = token

    def run(self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions) -> SaveReport:
        """Do what `Backend.apply` promises."""
        with saving(self._files.dat):
            # Appending, so that what another program appends at the same time is never written over.
            dat = self._operations.open(self._files.dat, os.O_RDWR | os.O_APPEND)
            try:
                if not self._operations.lock(dat):
                    message = f"{self._files.dat.name} is being saved by another Shelfscope: try again in a moment."
                    raise DatabaseLocked(message, path=self._files.dat)
                return self._save(dat, changes, expected, options)
            finally:
                with contextlib.suppress(OSError):  # all that counts was made durable before
                    self._operations.close(dat)

    def _save(
        self, dat: int, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions
    ) -> SaveReport:
        state = _State(self._files, self._token)
        made = plan(changes, expected, state.candidates(keys_of_interest(changes, expected)), self._files.dat)
        _check_keys(made, self._files.dat)
        # Before .dat grows, so that the backup is the old database byte for byte.
        backups = back_up(self._operations, self._files[:2]) if options.backup else ()
        try:
            warnings = self._write(dat, state, made)
        except BaseException:
            for backup in backups:
                discard(self._operations, backup)
            raise
        return SaveReport(backups, (LIVE_WRITER, *warnings))

    def _write(self, dat: int, state: _State, made: Plan) -> tuple[str, ...]:
        places = _places(state, made)
        end = max((position + len(value) for position, value in places.values()), default=state.dat_size)
        try:
            self._append(dat, state.dat_size, places)
            new = write_beside(self._operations, self._files.dir, state.lines_after(made, places))
            try:
                self._refuse_other_writer(state, end)
                self._verify(new, state, made)
                self._refuse_other_writer(state, end)
                return self._commit(new, state)
            except BaseException:
                discard(self._operations, new)
                raise
        except BaseException:
            self._undo(dat, state, end)
            raise

    def _append(self, dat: int, size: int, places: _Places) -> None:
        for position, value in places.values():
            write_all(self._operations, dat, bytes(position - size) + value)
            size = position + len(value)
        self._operations.fsync(dat)

    def _verify(self, new: Path, state: _State, made: Plan) -> None:
        """Read the new database back as everybody else will, and compare every entry."""
        index = read_index_file(new, self._token)
        digests = _digests(self._files.dat, index, self._token)
        read_back = zip(index.rows, _split(digests), strict=True)
        if index.problems or not agree(state.entries_after(made), read_back):
            raise reads_back_differently(self._files.dat)

    def _refuse_other_writer(self, state: _State, end: int) -> None:
        if not state.is_current() or self._files.dat.stat().st_size != end:
            message = f"{self._files.dat.name} was written by another program meanwhile; nothing was saved, try again."
            raise ChangedOnDisk(message, path=self._files.dat)

    def _commit(self, new: Path, state: _State) -> tuple[str, ...]:
        older = write_beside(self._operations, self._files.bak, (state.raw,), model=self._files.dir)
        try:
            self._operations.replace(older, self._files.bak)
        except BaseException:
            discard(self._operations, older)
            raise
        return put_in_place(self._operations, new, self._files.dir)

    def _undo(self, dat: int, state: _State, end: int) -> None:
        """Take back what was appended, unless somebody else wrote there or the new index is in place after all."""
        with contextlib.suppress(OSError, AppError):
            if state.is_current() and state.dat_size < os.fstat(dat).st_size <= end:
                self._operations.truncate(dat, state.dat_size)


def _places(state: _State, made: Plan) -> _Places:
    """Return where each new value goes: at the end, never over an old one."""
    keys = list(state.index.rows) if made.replaced else []
    values = {keys[row]: value for row, value in made.replaced.items()} | dict(made.inserted)
    places: _Places = {}
    end = state.dat_size
    for key, value in values.items():
        position = -(-end // BLOCK) * BLOCK
        places[key] = position, value
        end = position + len(value)
    return places


def _check_keys(made: Plan, path: Path) -> None:
    for key, _ in made.inserted:
        if len(format_line(key, 0, 0, python2=True, line_end=b"\n")) > MAX_LINE - 64:
            raise KeyRejected(f"The key {key_text(key)} is too long for dbm.dumb.", path=path)


def _digests(dat: Path, index: DumbIndex, token: CancelToken) -> bytes:
    """Return the SHA-256 of every value, joined in the order of rows."""
    joined = bytearray()
    with open_regular(dat) as file:
        for position, size in zip(index.positions, index.sizes, strict=True):
            token.check()
            joined += _digest_of(file, position, size)
    return bytes(joined)


def _digest_of(file: BinaryIO, position: int, size: int) -> bytes:
    sum_so_far = sha256()
    file.seek(position)
    while size and (piece := file.read(min(size, COPY_BYTES))):
        sum_so_far.update(piece)
        size -= len(piece)
    return sum_so_far.digest()


def _split(digests: bytes) -> Iterator[bytes]:
    return (digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES))
