"""Making a database that was not there: all of it under its name, or nothing."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.files import content_digest, real_path, saving
from app.backends.lmdb.wheel import lock_file_of, nobody_else
from app.backends.locks import holder, other_users
from app.backends.records import Records
from app.backends.replacing import LONGEST_NAME, back_up, discard, is_in_place, name_beside
from app.backends.save_lock import SaveLock, save_locks
from app.backends.writer import Writer, is_written, watched
from app.cancel import CancelToken
from app.errors import ChangedOnDisk, DatabaseLocked, NameTaken, SaveFailed

_NEW_FILE_MODE = 0o666


@dataclass(frozen=True, slots=True)
class CreateReport:
    """``files`` are the new database; ``backups`` copies of the files whose names it took."""

    files: tuple[Path, ...]
    backups: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()


def create_database(
    writer: Writer,
    base: Path,
    records: Records,
    token: CancelToken,
    *,
    mode: int | None = None,
    replaces: bool = False,
    operations: FileOperations | None = None,
) -> CreateReport:
    """Write a new database, read it back, and give it its name.

    ``records`` hold nothing that ``writer.refusals`` names. ``mode``: permissions; None for those of the file that
    is replaced, else 0666 less umask. ``replaces``: files of these names may be there; they are backed up first,
    and symbolic links lead to them.

    Raises:
        SaveFailed: a name is taken and ``replaces`` is false, or the system refused; nothing was changed.
        DatabaseLocked: another program has the database open that is to be replaced.
        ChangedOnDisk: another program wrote it between its backup and its end.
        KeyRejected: as `Writer.write`.
    """
    operations = operations or FileOperations()
    paths = writer.paths(base)
    in_the_way = writer.in_the_way(base)
    _refuse_long_name(paths[-1], (*in_the_way, lock_file_of(paths[-1])) if writer.format_id == "lmdb" else in_the_way)
    taken = [path for path in (*paths, *in_the_way) if os.path.lexists(path)]
    with saving(paths[-1], is_new=True), contextlib.ExitStack() as locks:
        if taken and not replaces:
            raise name_taken(taken[0])
        creation = _Creation(writer, tuple(map(real_path, paths)) if replaces else paths, operations, token)
        creation.in_the_way = tuple(map(real_path, in_the_way))
        creation.lock(locks)
        return creation.run(records, mode, replaces=replaces)


def name_taken(path: Path) -> SaveFailed:
    """Return the sentence for a new database whose name something has."""
    if path.is_dir():
        return SaveFailed(f"{path.name} is a folder; name a new file in it.", path=path)
    return NameTaken(f"{path.name} is there already and was left alone; choose another name.", path=path)


def _refuse_long_name(path: Path, beside: Sequence[Path]) -> None:
    """Refuse a name to which the format's own programs cannot add what they add: they could not open it."""
    excess = max((len(os.fsencode(one.name)) for one in beside), default=0) - LONGEST_NAME
    if excess > 0:
        message = (
            f"{path.name} was not made: the programs that use it need longer names beside it; "
            f"choose a name that is shorter by {excess} {'byte' if excess == 1 else 'bytes'}."
        )
        raise SaveFailed(message, path=path)


class _Creation:
    """One database in the making. Until its files take their names, nobody can tell that it is made."""

    def __init__(
        self, writer: Writer, targets: tuple[Path, ...], operations: FileOperations, token: CancelToken
    ) -> None:
        self._writer = writer
        self._targets = targets
        self._operations = operations
        self._token = token
        self._locks: tuple[SaveLock, ...] = ()
        self.in_the_way: tuple[Path, ...] = ()
        """What goes besides the files that are replaced."""

    @property
    def _replaced(self) -> list[Path]:
        return [target for target in self._targets if target.exists()]

    def lock(self, locks: contextlib.ExitStack) -> None:
        """Keep others out of what is replaced, by the lock of whatever format it has."""
        self._refuse_users()
        self._locks = locks.enter_context(save_locks(self._operations, self._replaced))
        for target in self._replaced:
            if self._writer.format_id == "lmdb" or os.path.lexists(lock_file_of(target)):
                locks.enter_context(nobody_else(target, self._operations))

    def _refuse_users(self) -> None:
        for path in (*self._targets, *self.in_the_way):
            if other_users(path):
                start = f"{path.name} is open in {holder(path)}, which holds a lock on it"
                raise DatabaseLocked(f"{start}: close it there, then try again.", path=path)

    def run(self, records: Records, mode: int | None, *, replaces: bool) -> CreateReport:
        new = self._written(records)
        with self._unless_named(new, new):
            for path, target in self._pairs(new):
                self._set_access(path, target, mode)
            backups, warnings = self._exchange(new) if replaces else ((), self._name(new))
        return CreateReport(self._targets, backups, warnings)

    @contextlib.contextmanager
    def _unless_named(self, files: Sequence[Path], new: Sequence[Path]) -> Iterator[None]:
        """Take files away again when what follows fails before the new ones have their names."""
        try:
            yield
        except BaseException:
            if not is_in_place(self._pairs(new)):
                self._discard(files)
            raise

    def _pairs(self, new: Sequence[Path]) -> tuple[tuple[Path, Path], ...]:
        return tuple(zip(new, self._targets, strict=True))

    def _discard(self, files: Sequence[Path]) -> None:
        for file in files:
            discard(self._operations, file)

    def _written(self, records: Records) -> tuple[Path, ...]:
        """Return the files of the new database, read back, under names of their own."""
        given = watched(self._writer, records, self._token)
        beside = name_beside(self._targets[0])
        self._writer.write(given, beside, self._operations, self._token)
        new = self._writer.paths(beside)
        with self._unless_named(new, new):
            if not is_written(self._writer, beside, given, self._token):
                name = self._targets[-1].name
                raise SaveFailed(
                    f"{name} was not made: what was written reads back differently.", path=self._targets[-1]
                )
        return new

    def _set_access(self, path: Path, target: Path, mode: int | None) -> None:
        if mode is None and target.exists():
            self._operations.copy_access(target, path)
        else:
            self._operations.set_mode(path, _NEW_FILE_MODE & ~_umask() if mode is None else mode)

    def _exchange(self, new: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """Back up the old database and let the new one take its place; return backups and warnings."""
        self._refuse_users()
        if done := self._writer.overwrite(self._operations, self._pairs(new)):
            return done
        names = (*self._targets, *self.in_the_way)
        state = content_digest(names, self._token)
        backups = back_up(self._operations, tuple(path for path in names if path.exists()))
        with self._unless_named(backups, new):
            self._refuse_other_writer(names, state)
            if not self._operations.replaces_open_files:
                for lock in self._locks:
                    lock.close()
            warnings = self._writer.put_in_place(self._operations, self._pairs(new))
        return backups, (*warnings, *self._take_away_rest())

    def _refuse_other_writer(self, names: Sequence[Path], state: bytes) -> None:
        self._refuse_users()
        if content_digest(names, self._token) != state or not all(lock.is_current for lock in self._locks):
            name = self._targets[-1].name
            message = f"{name} was written by another program meanwhile; nothing was replaced, try again."
            raise ChangedOnDisk(message, path=self._targets[-1])

    def _take_away_rest(self) -> Iterator[str]:
        """Take away what else the old database had, now that the new one is there; yield warnings."""
        for path in filter(os.path.lexists, self.in_the_way):
            try:
                self._operations.unlink(path)
            except OSError as error:
                yield f"{path.name} of the older database is still there ({error.strerror}): delete it."

    def _name(self, new: Sequence[Path]) -> tuple[str, ...]:
        """Give the new files their names, which must still be free."""
        named: list[Path] = []
        try:
            for path, target in self._pairs(new):
                self._operations.name_new(path, target)
                named.append(target)
            self._operations.fsync_folder(self._targets[0].parent)
        except FileExistsError as error:
            self._discard(named)
            raise name_taken(self._targets[len(named)]) from error
        except BaseException:
            self._discard(named)
            raise
        return ()


def _umask() -> int:
    """Return the umask; there is no other way to ask for it than to set it for a moment."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
