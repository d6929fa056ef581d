"""How a file is replaced without ever being half written: written beside, made durable, then given the name."""

import contextlib
import os
import secrets
import time
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.files import COPY_BYTES, companion


def name_beside(target: Path) -> Path:
    """Return a free name in the folder of ``target`` for what will take its place; suffixes can follow it."""
    return target.with_name(f"{target.name}.shelfscope-new-{secrets.token_hex(4)}")


def write_beside(
    operations: FileOperations, target: Path, pieces: Iterable[bytes], *, model: Path | None = None
) -> Path:
    """Write a new file in the folder of ``target``, durable, with the owner and mode of ``model``; return its path.

    ``target`` must be resolved already, and is the model itself unless another is named.
    On any failure the new file is taken away again.
    """
    path = name_beside(target)
    _create(operations, path, model or target, pieces)
    return path


def create_file(operations: FileOperations, path: Path, pieces: Iterable[bytes], *, sparse: bool = False) -> None:
    """Write a new file for its owner alone, durable; with ``sparse`` pieces of zeros become holes.

    On any failure it is taken away again, except one that the name was not free.
    """
    fd = operations.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            _fill(operations, fd, pieces, sparse=sparse)
            operations.fsync(fd)
        finally:
            operations.close(fd)
    except BaseException:
        discard(operations, path)
        raise


def _create(operations: FileOperations, path: Path, model: Path, pieces: Iterable[bytes]) -> None:
    create_file(operations, path, pieces)
    try:
        operations.copy_access(model, path)
    except BaseException:
        discard(operations, path)
        raise


def _fill(operations: FileOperations, fd: int, pieces: Iterable[bytes], *, sparse: bool) -> None:
    position, ends_in_hole = 0, False
    for piece in pieces:
        ends_in_hole = sparse and not piece.strip(b"\0")
        position += len(piece)
        if ends_in_hole:
            operations.seek(fd, position)
        else:
            write_all(operations, fd, piece)
    if ends_in_hole:
        operations.truncate(fd, position)


def write_all(operations: FileOperations, fd: int, data: bytes) -> None:
    """Write every byte: the system may take fewer at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[operations.write(fd, rest) :]


def discard(operations: FileOperations, path: Path) -> None:
    """Take a file of our own away if it can be."""
    with contextlib.suppress(OSError):
        operations.unlink(path)


def put_in_place(operations: FileOperations, new: Path, target: Path) -> tuple[str, ...]:
    """Let ``new`` take the name of ``target`` at once, and make that durable; return a warning where it cannot be."""
    operations.replace(new, target)
    try:
        operations.fsync_folder(target.parent)
    except OSError as error:
        return (f"{target.name} is saved, but a power cut could still undo that ({error.strerror}).",)
    return ()


def put_all_in_place(operations: FileOperations, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
    """Let new files take the names of their targets, one durably after the other, the last one decides; warn.

    When one cannot take its name, those before it are put back as they were.
    """
    kept: list[tuple[Path, Path | None]] = []
    warnings: tuple[str, ...] = ()
    try:
        for number, (new, target) in enumerate(pairs):
            if number + 1 < len(pairs):
                kept.append((target, _kept_copy(operations, target)))
            warnings = put_in_place(operations, new, target)
    except BaseException as error:
        if isinstance(error, Exception):
            _put_back(operations, kept)
        raise
    for _target, copy in kept:
        if copy is not None:
            discard(operations, copy)
    return warnings


def _kept_copy(operations: FileOperations, target: Path) -> Path | None:
    if not target.exists():
        return None
    copy = name_beside(target)
    with contextlib.closing(_pieces(operations, target)) as pieces:
        _create(operations, copy, target, pieces)
    return copy


def _put_back(operations: FileOperations, kept: Sequence[tuple[Path, Path | None]]) -> None:
    for target, copy in reversed(kept):
        with contextlib.suppress(OSError):
            if copy is None:
                operations.unlink(target)
            else:
                operations.replace(copy, target)


def back_up(operations: FileOperations, paths: Sequence[Path]) -> tuple[Path, ...]:
    """Copy files beside themselves under names that no format uses and that were free; all or none of them."""
    copies = free_backup_names(paths)
    made: list[Path] = []
    try:
        for path, copy in zip(paths, copies, strict=True):
            with contextlib.closing(_pieces(operations, path)) as pieces:
                create_file(operations, copy, pieces, sparse=True)
            made.append(copy)
            operations.copy_access(path, copy)
        for folder in {copy.parent for copy in copies}:
            operations.fsync_folder(folder)
    except BaseException:
        for copy in made:
            discard(operations, copy)
        raise
    return copies


def free_backup_names(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return a name beside each file, all with one time stamp, none of them taken."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        suffix = f".shelfscope-backup-{stamp}" + (f"-{number}" if number > 1 else "")
        names = tuple(companion(path, suffix) for path in paths)
        if not any(os.path.lexists(name) for name in names):
            return names
        number += 1


def _pieces(operations: FileOperations, path: Path) -> Generator[bytes, None, None]:
    """Yield the content of a file, holes as zeros."""
    fd = operations.open(path, os.O_RDONLY)
    try:
        while piece := operations.read(fd, COPY_BYTES):
            yield piece
    finally:
        operations.close(fd)
