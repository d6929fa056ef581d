"""Making a database that was not there: all of it under its name, or nothing."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.files import saving
from app.backends.fingerprint import WatchedRecords, fingerprint_of
from app.backends.records import Records
from app.backends.replacing import back_up, discard, name_beside, put_all_in_place
from app.backends.writer import Writer
from app.cancel import CancelToken
from app.errors import SaveFailed

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

    ``records`` hold nothing that ``writer.refusals`` names. ``mode``: permissions, None for 0666 less umask.
    ``replaces``: files of these names may be there; they are backed up first.

    Raises:
        SaveFailed: a name is taken and ``replaces`` is false, or the system refused; nothing was changed.
        KeyRejected: as `Writer.write`.
    """
    operations = operations or FileOperations()
    targets = writer.paths(base)
    with saving(targets[-1]):
        taken = [target for target in targets if os.path.lexists(target)]
        if taken and not replaces:
            raise _taken(taken[0])
        new = _written(writer, base, records, token, operations)
        try:
            for path in new:
                operations.set_mode(path, _NEW_FILE_MODE & ~_umask() if mode is None else mode)
            backups = back_up(operations, taken)
            try:
                warnings = _name(operations, new, targets, replaces=replaces)
            except BaseException:
                _discard_all(operations, backups)
                raise
        except BaseException:
            _discard_all(operations, new)
            raise
    return CreateReport(targets, backups, warnings)


def _taken(path: Path) -> SaveFailed:
    return SaveFailed(f"{path.name} is there already and was left alone; choose another name.", path=path)


def _discard_all(operations: FileOperations, paths: Sequence[Path]) -> None:
    for path in paths:
        discard(operations, path)


def _written(
    writer: Writer, base: Path, records: Records, token: CancelToken, operations: FileOperations
) -> tuple[Path, ...]:
    """Return the files of the new database, read back, under names of their own."""
    watched = WatchedRecords(records, token)
    beside = name_beside(base)
    writer.write(watched, beside, operations, token)
    new = writer.paths(beside)
    try:
        with contextlib.closing(writer.open(beside)) as written:
            is_same = fingerprint_of(written, len(records), token) == watched.fingerprint() and not written.problems
    except BaseException:
        _discard_all(operations, new)
        raise
    if not is_same:
        _discard_all(operations, new)
        raise SaveFailed(f"{base.name} was not made: what was written reads back differently.", path=base)
    return new


def _name(
    operations: FileOperations, new: Sequence[Path], targets: Sequence[Path], *, replaces: bool
) -> tuple[str, ...]:
    """Give the new files their names."""
    if replaces:
        return put_all_in_place(operations, tuple(zip(new, targets, strict=True)))
    named: list[Path] = []
    try:
        for path, target in zip(new, targets, strict=True):
            operations.name_new(path, target)
            named.append(target)
        operations.fsync_folder(targets[0].parent)
    except FileExistsError as error:
        _discard_all(operations, named)
        raise _taken(targets[len(named)]) from error
    except BaseException:
        _discard_all(operations, named)
        raise
    return ()


def _umask() -> int:
    """Return the umask; there is no other way to ask for it than to set it for a moment."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
