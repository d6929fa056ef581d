"""Saving a ``dbm.dumb`` database: values are only ever appended, then one rename makes the new index valid."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.binary import open_regular
from app.backends.changes import Plan, digest, keys_of_interest, plan, rejected
from app.backends.dumb.index import DumbFiles, parse_line, resolved
from app.backends.dumb.pack import Appending, locked_dat, next_block
from app.backends.dumb.state import DumbState, digest_of_stored
from app.backends.dumb.write import why_key_refused
from app.backends.file_operations import FileOperations
from app.backends.files import bytes_on_disk, reads_back_differently, saving
from app.backends.fingerprint import Fingerprint
from app.backends.records import batches
from app.backends.replacing import back_up, discard, put_in_place, write_beside
from app.cancel import CancelToken
from app.errors import AppError, ChangedOnDisk

LIVE_WRITER = (
    "A program that has this database open in Python's dbm.dumb will overwrite this save when it closes it: "
    "close such programs before saving."
)

_LINES_AT_ONCE = 1 << 20
"""Bytes of an index that are held while it is gone through."""

_Places = dict[bytes, tuple[int, bytes]]
"""Where the new value of a key goes in ``.dat`` (bytes), and the value."""


class DumbSave:
    """One save. Until the new ``.dir`` takes its name, the database is the old one for every reader."""

    def __init__(self, files: DumbFiles, operations: FileOperations, token: CancelToken) -> None:
        self._files = resolved(files)
        self._operations = operations
        self._token = token

    def run(self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions) -> SaveReport:
        """Do what `Backend.apply` promises."""
        with saving(self._files.dat), locked_dat(self._files, self._operations) as dat:
            before = bytes_on_disk(self._files)
            state = DumbState(self._files, self._token)
            made = plan(changes, expected, state.candidates(keys_of_interest(changes, expected)), self._files.dat)
            self._check_keys(made)
            # Before .dat grows, so that the backup is the old database byte for byte.
            backups = back_up(self._operations, state.files) if options.backup else ()
            try:
                warnings = self._write(dat, state, made)
            except BaseException:
                for backup in backups:
                    discard(self._operations, backup)
                raise
            return SaveReport(backups, (LIVE_WRITER, *warnings), before, bytes_on_disk(self._files))

    def _check_keys(self, made: Plan) -> None:
        for key, _ in made.inserted:
            if reason := why_key_refused(key):
                raise rejected(self._files.dat, key, reason)

    def _write(self, dat: int, state: DumbState, made: Plan) -> tuple[str, ...]:
        places = _places(state, made)
        end = max((position + len(value) for position, value in places.values()), default=state.dat_size)
        should_be = self._fingerprint_after(state, made)
        appending = Appending(self._operations, dat, state.dat_size)
        try:
            self._append(dat, appending, places)
            with open_regular(state.source) as raw, open(raw.fileno(), "rb", _LINES_AT_ONCE, closefd=False) as old:
                lines = batches(_lines_after(state, made, places, old))
                new = write_beside(self._operations, self._files.dir, lines, model=state.source)
            try:
                self._refuse_other_writer(state, end)
                self._verify(new, should_be)
                self._refuse_other_writer(state, end)
                return self._commit(new, state)
            except BaseException:
                discard(self._operations, new)
                raise
        except BaseException:
            self._undo(appending, state)
            raise

    def _fingerprint_after(self, state: DumbState, made: Plan) -> Fingerprint:
        """Return the fingerprint of the entries that there must be afterwards, each counted with its place."""
        should_be, total = Fingerprint(), 2 * len(state.index)
        with open_regular(self._files.dat) as dat:
            for row, (key, slot) in enumerate(state.slots()):
                self._token.advance(row, total)
                if row in made.replaced:
                    should_be.add(key, should_be.count, digest(made.replaced[row]))
                elif row not in made.removed:
                    should_be.add(key, should_be.count, digest_of_stored(dat, slot.position, slot.size))
        for key, value in made.inserted:
            should_be.add(key, should_be.count, digest(value))
        return should_be

    def _append(self, dat: int, appending: Appending, places: _Places) -> None:
        for position, value in places.values():
            appending.write(bytes(position - appending.end) + value)
        self._operations.fsync(dat)

    def _verify(self, new: Path, should_be: Fingerprint) -> None:
        """Read the new database back as everybody else will, and compare every entry."""
        found = Fingerprint()
        with open_regular(self._files.dat) as dat, new.open("rb") as index:
            for line in index:
                self._token.advance(should_be.count + found.count, 2 * should_be.count)
                if not (entry := parse_line(line)):
                    raise reads_back_differently(self._files.dat)
                key, position, size = entry
                found.add(key, found.count, digest_of_stored(dat, position, size))
        if found != should_be:
            raise reads_back_differently(self._files.dat)

    def _refuse_other_writer(self, state: DumbState, end: int) -> None:
        if not state.is_current() or self._files.dat.stat().st_size != end:
            message = f"{self._files.dat.name} was written by another program meanwhile; nothing was saved, try again."
            raise ChangedOnDisk(message, path=self._files.dat)

    def _commit(self, new: Path, state: DumbState) -> tuple[str, ...]:
        if state.source == self._files.dir:
            with open_regular(state.source) as file:
                # An empty .dir beside entries in .bak is what a crash leaves: who removes all empties both.
                pieces = iter(lambda: file.read(_LINES_AT_ONCE), b"") if new.stat().st_size else ()
                older = write_beside(self._operations, self._files.bak, pieces, model=self._files.dir)
            try:
                self._operations.replace(older, self._files.bak)
            except BaseException:
                discard(self._operations, older)
                raise
        return put_in_place(self._operations, new, self._files.dir)

    def _undo(self, appending: Appending, state: DumbState) -> None:
        """Take back what was appended, unless somebody else wrote or the new index is in place after all."""
        with contextlib.suppress(OSError, AppError):
            if state.is_current():
                appending.take_back()


def _places(state: DumbState, made: Plan) -> _Places:
    """Return where each new value goes: at the end, never over an old one."""
    keys = list(state.index.rows) if made.replaced else []
    values = {keys[row]: value for row, value in made.replaced.items()} | dict(made.inserted)
    places: _Places = {}
    end = state.dat_size
    for key, value in values.items():
        position = next_block(end)
        places[key] = position, value
        end = position + len(value)
    return places


def _lines_after(state: DumbState, made: Plan, places: _Places, old: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of the new index; those of untouched entries as they are."""
    for row, (key, slot) in enumerate(state.slots()):
        if row in made.replaced:
            position, value = places[key]
            yield state.style.line(key, position, len(value))
        elif row not in made.removed:
            old.seek(slot.line_start)
            line = old.read(slot.line_end - slot.line_start)
            yield line if line.endswith(b"\n") else line + state.style.line_end
    for key, _ in made.inserted:
        position, value = places[key]
        yield state.style.line(key, position, len(value))
