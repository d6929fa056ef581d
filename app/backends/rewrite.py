"""Saving by writing the whole database anew beside itself and letting it take the old one's name."""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from app.backends.base import Backend, Change, Expected, SaveOptions, SaveReport
from app.backends.changes import Candidate, Plan, keys_of_interest, plan, rejected
from app.backends.files import (
    bytes_on_disk,
    content_digest,
    reads_back_differently,
    real_path,
    saving,
    why_not_replaceable,
)
from app.backends.fingerprint import digest_of
from app.backends.key_index import KeyIndex
from app.backends.records import ChangedRecords, Records, StoredRecords
from app.backends.replacing import back_up, discard, is_in_place, name_beside, put_all_in_place
from app.backends.save_lock import SaveLock, save_locks
from app.backends.writer import Writer, is_written, watched
from app.cancel import CancelToken
from app.errors import ChangedOnDisk, CorruptDatabase, ReadOnlyDatabase, StaleIndex


class RewritingBackend(Backend):
    """A backend that saves by replacing its files."""

    @property
    def why_read_only(self) -> str:
        if self.problems:
            return self.why_damaged
        return self.why_not_rewritable or self._why_not_replaceable

    @property
    def why_damaged(self) -> str:
        return f"{self.match.base.name} is damaged, and saving could lose more of it: salvage it into a new one."

    @property
    def why_not_rewritable(self) -> str:
        """Why a database of this format that is whole cannot be written anew; one sentence, or empty."""
        return ""

    @property
    def why_mixed(self) -> str:
        """The sentence on a database whose keys are hashed in two ways, as the machines that wrote it did."""
        return (
            f"{self.match.base.name} was written by machines of two kinds, which find different keys in it, and a"
            " rewritten one would suit only one of them: save it as another database."
        )

    @property
    def _why_not_replaceable(self) -> str:
        files = [path for path in self.replaced_files if path.exists()]
        return why_not_replaceable(files, own_links=self.own_links)

    @property
    def replaced_files(self) -> tuple[Path, ...]:
        """The files that a save replaces, in the order of the writer's suffixes; one may be missing."""
        return (self.match.path,)

    @property
    def own_links(self) -> int:
        """How many names the format itself gives each of these files."""
        return 1

    def reopened(self) -> Self:
        """Return another backend on the files as they are now."""
        return type(self)(self.match)

    @abstractmethod
    def writer(self) -> Writer: ...

    def changed(self, records: Records, made: Plan) -> Records:
        """Return what a plan makes of the records; formats whose entries have no keys of their own overrule this.

        Raises:
            KeyRejected: an entry cannot be stored; what `Writer.why_refused` tells is known already.
            ChangedOnDisk: an entry would not be what was expected.
        """
        return ChangedRecords(records, made)

    def lost_entries(self, _token: CancelToken) -> Iterator[object]:
        """Yield something where, as `index` left it, there must be entries that were not listed; a save drops them.

        It is a quick look, not what `check` does.
        """
        return iter(())

    def replacing(self) -> contextlib.AbstractContextManager[None]:
        """Return what must surround the moment in which new files take their names; undone where that fails."""
        return contextlib.nullcontext()

    def settle(self) -> tuple[str, ...]:
        """Do what is left once the new files are in place (other names of them…); return warnings. Must not fail."""
        return ()

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        return _Rewrite(self, token).run(changes, expected, options)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        return _Rewrite(self, token).run((), {}, options)


class _Rewrite:
    """One save. Until the new files take their names, nobody can tell that it runs."""

    def __init__(self, backend: RewritingBackend, token: CancelToken) -> None:
        self._backend = backend
        self._operations = backend.operations
        self._token = token
        self._path = backend.match.path
        self._targets = tuple(map(real_path, backend.replaced_files))

    def run(self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions) -> SaveReport:
        """Do what `Backend.apply` promises."""
        self._refuse_read_only(self._backend)
        with saving(self._path), save_locks(self._operations, self._targets) as locks:
            state = content_digest(self._targets, self._token)
            with self._read_as_it_is():
                new = self._make(changes, expected)
            with self._unless_saved(new, new):
                backups = back_up(self._operations, self._existing()) if options.backup else ()
                with self._unless_saved(backups, new):
                    return self._commit(new, backups, state, locks)

    @contextlib.contextmanager
    def _read_as_it_is(self) -> Iterator[None]:
        """Say what it means for a save that the database cannot be read."""
        try:
            yield
        except StaleIndex as error:
            raise self._written_meanwhile() from error
        except CorruptDatabase as error:
            message = f"{error.message} Saving could lose more of it: salvage it into a new database."
            raise ReadOnlyDatabase(message, path=self._path, offset=error.offset) from error

    def _make(self, changes: Sequence[Change], expected: Mapping[int, Expected]) -> tuple[Path, ...]:
        """Return the new files, made of the database as it is now."""
        with contextlib.closing(self._backend.reopened()) as now:
            index = _whole_index(now, self._token)
            self._refuse_read_only(now)
            if any(True for _ in now.lost_entries(self._token)):
                raise ReadOnlyDatabase(now.why_damaged, path=self._path)
            records, writer = StoredRecords(now, index), now.writer()
            made = self._plan(records, index, writer, changes, expected)
            return self._write(now.changed(records, made), writer)

    def _written_meanwhile(self) -> ChangedOnDisk:
        message = f"{self._path.name} was written by another program meanwhile; nothing was saved, try again."
        return ChangedOnDisk(message, path=self._path)

    def _refuse_read_only(self, backend: RewritingBackend) -> None:
        if backend.why_read_only:
            raise ReadOnlyDatabase(backend.why_read_only, path=self._path)

    def _existing(self) -> tuple[Path, ...]:
        return tuple(target for target in self._targets if target.exists())

    @contextlib.contextmanager
    def _unless_saved(self, files: Sequence[Path], new: Sequence[Path]) -> Iterator[None]:
        """Take files away again when what follows fails before the new ones are in place."""
        try:
            yield
        except BaseException:
            if not is_in_place(self._pairs(new)):
                for file in files:
                    discard(self._operations, file)
            raise

    def _pairs(self, new: Sequence[Path]) -> tuple[tuple[Path, Path], ...]:
        return tuple(zip(new, self._targets, strict=True))

    def _plan(
        self,
        records: Records,
        index: KeyIndex,
        writer: Writer,
        changes: Sequence[Change],
        expected: Mapping[int, Expected],
    ) -> Plan:
        there = index.find_all(keys_of_interest(changes, expected))
        current = {key: [Candidate(row, digest_of(records, row)) for row in rows] for key, rows in there.items()}
        made = plan(changes, expected, current, self._path, duplicates=writer.holds_duplicates)
        replaced = ((index.key(row), len(value)) for row, value in made.replaced.items())
        for key, size in (*replaced, *((key, len(value)) for key, value in made.inserted)):
            reason = writer.why_refused(key, size)
            if reason:
                raise rejected(self._path, key, reason)
        return made

    def _write(self, records: Records, writer: Writer) -> tuple[Path, ...]:
        """Write the new files beside the old ones, read them back, and return them."""
        given = watched(writer, records, self._token)
        base = name_beside(self._targets[0])
        writer.write(given, base, self._operations, self._token)
        new = writer.paths(base)
        with self._unless_saved(new, new):
            if not is_written(writer, base, given, self._token):
                raise reads_back_differently(self._path)
            for path, target in self._pairs(new):
                self._operations.copy_access(target if target.exists() else real_path(self._path), path)
        return new

    def _commit(
        self, new: Sequence[Path], backups: tuple[Path, ...], state: bytes, locks: Sequence[SaveLock]
    ) -> SaveReport:
        sizes = bytes_on_disk(self._targets), bytes_on_disk(new)
        for lock in locks:
            lock.refuse_others()
        if content_digest(self._targets, self._token) != state or not all(lock.is_current for lock in locks):
            raise self._written_meanwhile()
        if not self._operations.replaces_open_files:
            self._backend.close()
            for lock in locks:
                lock.close()
        with self._backend.replacing():
            warnings = put_all_in_place(self._operations, self._pairs(new))
        return SaveReport(backups, (*warnings, *self._backend.settle()), *sizes)


def _whole_index(backend: Backend, token: CancelToken) -> KeyIndex:
    index = KeyIndex()
    for chunk in backend.index(token):
        index.append(chunk)
    return index
