"""Saving into an LMDB environment by the ``lmdb`` package: one transaction, compared and read back inside it."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.changes import Candidate, Plan, digest, keys_of_interest, plan, rejected
from app.backends.file_operations import FileOperations
from app.backends.files import bytes_on_disk, reads_back_differently
from app.backends.fingerprint import Fingerprint
from app.backends.lmdb.metas import meta_pages
from app.backends.lmdb.wheel import environment, map_full, translated
from app.backends.lmdb.write import why_refused
from app.backends.replacing import back_up, discard
from app.cancel import CancelToken

if TYPE_CHECKING:
    import lmdb

_ROOM_PER_ENTRY = 1 << 16
"""Bytes that a changed entry may take beyond its own: pages of the tree are copied for it."""


class LmdbSave:
    """One save; the caller keeps everybody else out, and has looked for damage. Until the commit nothing changes.

    ``let_in``: lets others in, who keep off by LMDB's own lock of writers then.
    """

    def __init__(self, path: Path, let_in: Callable[[], None], operations: FileOperations, token: CancelToken) -> None:
        self._path = path
        self._let_in = let_in
        self._operations = operations
        self._token = token
        self._backups: tuple[Path, ...] | None = None

    def run(self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions) -> SaveReport:
        """Do what `Backend.apply` promises."""
        before, size, metas = bytes_on_disk((self._path,)), self._path.stat().st_size, meta_pages(self._path)
        locks = not self._operations.replaces_open_files
        if locks:  # Windows has no other way to tell who waits what the newest transaction is
            self._let_in()
        with translated():
            try:
                with environment(self._path, locks=locks) as opened:
                    while True:
                        try:
                            self._save(opened, changes, expected, options)
                            break
                        except map_full():
                            opened.set_mapsize(_larger(opened.info()["map_size"], changes))
            except BaseException:
                for backup in self._backups or ():
                    discard(self._operations, backup)
                if not locks:
                    self._shorten(size, metas)
                raise
        return SaveReport(self._backups or (), (), before, bytes_on_disk((self._path,)))

    def _shorten(self, size: int, metas: bytes) -> None:
        """Give back what a failed transaction added to the file, which nothing leads to."""
        with contextlib.suppress(OSError):
            if self._path.stat().st_size > size and meta_pages(self._path) == metas:
                fd = self._operations.open(self._path, os.O_RDWR)
                try:
                    self._operations.truncate(fd, size)
                finally:
                    self._operations.close(fd)

    def _save(
        self,
        opened: "lmdb.Environment",
        changes: Sequence[Change],
        expected: Mapping[int, Expected],
        options: SaveOptions,
    ) -> None:
        with opened.begin(write=True, buffers=True) as transaction:
            keys = sorted(keys_of_interest(changes, expected))
            current = {key: _candidates(transaction, key, number) for number, key in enumerate(keys)}
            made = plan(changes, expected, current, self._path)
            self._check_sizes(made, keys)
            if options.backup and self._backups is None:
                self._backups = back_up(self._operations, (self._path,))
            should_be = self._fingerprint(transaction, {keys[number]: None for number in made.removed}, made, keys)
            for number in made.removed:
                transaction.delete(keys[number])
            new = [*((keys[number], value) for number, value in made.replaced.items()), *made.inserted]
            for key, value in new:
                transaction.put(key, value)
            if self._fingerprint(transaction, {}, Plan(), keys, is_second_half=True) != should_be:
                raise reads_back_differently(self._path)

    def _check_sizes(self, made: Plan, keys: Sequence[bytes]) -> None:
        replaced = ((keys[number], len(value)) for number, value in made.replaced.items())
        for key, size in (*replaced, *((key, len(value)) for key, value in made.inserted)):
            if reason := why_refused(key, size):
                raise rejected(self._path, key, reason)

    def _fingerprint(
        self,
        transaction: "lmdb.Transaction[memoryview]",
        removed: Mapping[bytes, None],
        made: Plan,
        keys: Sequence[bytes],
        *,
        is_second_half: bool = False,
    ) -> Fingerprint:
        """Return the fingerprint of what is there, with changes laid over it; progress is half of a save's."""
        replaced = {keys[number]: value for number, value in made.replaced.items()}
        should_be, count = Fingerprint(), int(transaction.stat()["entries"])
        for number, (stored_key, value) in enumerate(transaction.cursor(), count if is_second_half else 0):
            self._token.advance(number, 2 * count)
            key = bytes(stored_key)
            if key in replaced:
                should_be.add(key, 0, digest(replaced[key]))
            elif key not in removed:
                should_be.add(key, 0, sha256(value).digest())
        for key, new in made.inserted:
            should_be.add(key, 0, digest(new))
        return should_be


def _candidates(transaction: "lmdb.Transaction[memoryview]", key: bytes, number: int) -> tuple[Candidate, ...]:
    value = transaction.get(key) if key and not why_refused(key, 0) else None
    return () if value is None else (Candidate(number, sha256(value).digest()),)


def _larger(map_size: int, changes: Sequence[Change]) -> int:
    """Return a size of the map (bytes) in which the changes have room; it is never made smaller."""
    sizes = (len(getattr(change, "value", b"")) for change in changes)
    return map_size + max(map_size // 2, 2 * sum(sizes) + _ROOM_PER_ENTRY * len(changes))
