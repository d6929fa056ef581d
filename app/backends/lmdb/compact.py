"""Making an LMDB file as small as its entries are: LMDB writes a copy, which takes the old one's name."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from app.backends.base import Backend, Match, SaveOptions, SaveReport
from app.backends.file_operations import FileOperations
from app.backends.files import bytes_on_disk, reads_back_differently, real_path
from app.backends.fingerprint import fingerprint_of
from app.backends.lmdb.metas import take_number
from app.backends.lmdb.wheel import environment, translated
from app.backends.replacing import back_up, discard, name_beside, put_in_place
from app.cancel import CancelToken


class LmdbCompact:
    """One compaction; the caller keeps everybody else out, and has looked for damage."""

    def __init__(
        self, match: Match, opener: Callable[[Match], Backend], operations: FileOperations, token: CancelToken
    ) -> None:
        self._match = match
        self._path = real_path(match.path)
        self._opener = opener
        self._operations = operations
        self._token = token

    def run(self, options: SaveOptions) -> SaveReport:
        """Do what `Backend.compact` promises."""
        before = bytes_on_disk((self._path,))
        packed = name_beside(self._path)
        try:
            with translated():
                self._pack(packed)
                if (after := bytes_on_disk((packed,))) >= before:
                    discard(self._operations, packed)
                    return SaveReport(bytes_before=before, bytes_after=before)
                backups = back_up(self._operations, (self._path,)) if options.backup else ()
                try:
                    warnings = put_in_place(self._operations, packed, self._path)
                except BaseException:
                    for backup in backups:
                        discard(self._operations, backup)
                    raise
        except BaseException:
            discard(self._operations, packed)
            raise
        return SaveReport(backups, warnings, before, after)

    def _pack(self, packed: Path) -> None:
        with environment(self._path, readonly=True) as opened:
            opened.copy(os.fspath(packed), compact=True)
        self._operations.copy_access(self._path, packed)
        take_number(self._operations, packed, self._path)
        with closing(self._opener(self._match)) as old, closing(self._opener(replace(self._match, path=packed))) as new:
            count = sum(len(chunk) for chunk in old.index(self._token))
            is_same = fingerprint_of(new, count, self._token) == fingerprint_of(old, count, self._token)
            if not is_same or new.problems or list(new.check_structure(self._token)):
                raise reads_back_differently(self._path)
