"""How a file is replaced without ever being half written: written beside, made durable, then given the name."""

import contextlib
import os
import secrets
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from app.backends.binary import extents
from app.backends.file_operations import FileOperations
from app.backends.files import COPY_BYTES

_HOLE_BYTES = 4096
"""Zeros of that many bytes become a hole where holes are wanted; file systems make them no smaller."""


class Hole(NamedTuple):
    """Zeros in a file, so many bytes, that take no room on the disk."""

    size: int


Piece = bytes | Hole

BACKUP_MARK = ".shelfscope-backup-"
"""What stands between the name of a file and the time in the name of its backup."""
LONGEST_NAME = 255
"""Bytes of a file name, as most file systems have it."""
_ROOM = 10
"""Bytes that are kept free for what SQLite and LMDB add to a name."""


def name_beside(target: Path) -> Path:
    """Return a free name in the folder of ``target`` for what will take its place; suffixes can follow it."""
    return _named_after(target, f".shelfscope-new-{secrets.token_hex(4)}")


def _named_after(target: Path, ending: str) -> Path:
    """Return a name in the folder of ``target`` that begins as its name and that no file system finds too long."""
    stem, suffix = target.name, ""
    if len(os.fsencode(f"{stem}{ending}")) + _ROOM > LONGEST_NAME:
        stem, suffix = target.stem, target.suffix[-_ROOM:]  # the members of a family stay apart
        while len(os.fsencode(f"{stem}{suffix}{ending}")) + _ROOM > LONGEST_NAME:
            stem = stem[:-1]
    return target.with_name(f"{stem}{suffix}{ending}")


def write_beside(
    operations: FileOperations, target: Path, pieces: Iterable[Piece], *, model: Path | None = None
) -> Path:
    """Write a new file in the folder of ``target``, durable, with the owner and mode of ``model``; return its path.

    ``target`` must be resolved already, and is the model itself unless another is named.
    On any failure the new file is taken away again.
    """
    path = name_beside(target)
    _create(operations, path, model or target, pieces)
    return path


def make_durable(operations: FileOperations, path: Path) -> None:
    """Wait until all of a file that something else wrote is on the disk."""
    fd = operations.open(path, os.O_RDWR)
    try:
        operations.fsync(fd)
    finally:
        operations.close(fd)


def create_file(operations: FileOperations, path: Path, pieces: Iterable[Piece], *, sparse: bool = False) -> None:
    """Write a new file for its owner alone, durable; with ``sparse`` blocks of zeros become holes.

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


def _create(operations: FileOperations, path: Path, model: Path, pieces: Iterable[Piece]) -> None:
    create_file(operations, path, pieces)
    try:
        operations.copy_access(model, path)
    except BaseException:
        discard(operations, path)
        raise


def _fill(operations: FileOperations, fd: int, pieces: Iterable[Piece], *, sparse: bool) -> None:
    position, ends_in_hole = 0, False
    for piece in pieces:
        for run in _runs(piece) if sparse and not isinstance(piece, Hole) else (piece,):
            ends_in_hole = isinstance(run, Hole)
            if isinstance(run, Hole):
                position += run.size
                operations.seek(fd, position)
            else:
                position += len(run)
                write_all(operations, fd, run)
    if ends_in_hole:
        operations.truncate(fd, position)


def _runs(piece: bytes) -> Iterator[memoryview | Hole]:
    """Yield a piece in runs as large as they come: blocks of zeros as holes, others as they are."""
    zeros, view = bytes(_HOLE_BYTES), memoryview(piece)
    blocks = range(0, len(piece), _HOLE_BYTES)
    for is_zeros, together in groupby(blocks, lambda start: zeros.startswith(view[start : start + _HOLE_BYTES])):
        starts = list(together)
        run = view[starts[0] : starts[-1] + _HOLE_BYTES]
        yield Hole(len(run)) if is_zeros else run


def write_all(operations: FileOperations, fd: int, data: bytes | memoryview) -> None:
    """Write every byte: the system may take fewer at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[operations.write(fd, rest) :]


def give_access(operations: FileOperations, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
    """Give files that were written over the access of new ones, which go; return warnings where that cannot be."""
    warnings: list[str] = []
    for new, target in pairs:
        try:
            operations.copy_access(new, target)
        except OSError as error:
            warnings.append(f"{target.name} has its new content, but the permissions of the old ({error.strerror}).")
        discard(operations, new)
    return tuple(warnings)


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
    copies: list[Path | None] = []
    warnings: tuple[str, ...] = ()
    try:
        for _new, target in pairs[:-1]:
            copies.append(_kept_copy(operations, target))
        for new, target in pairs:
            warnings = put_in_place(operations, new, target)
    except BaseException:
        if not is_in_place(pairs):
            _put_back(operations, pairs, copies)
        _discard_copies(operations, copies)
        raise
    _discard_copies(operations, copies)
    return warnings


@contextlib.contextmanager
def set_aside(operations: FileOperations, paths: Sequence[Path]) -> Iterator[None]:
    """Take files out of the way of what is done: they go when that is done, and are put back when it fails."""
    moved: list[tuple[Path, Path]] = []
    try:
        for path in filter(os.path.lexists, paths):
            aside = name_beside(path)
            operations.replace(path, aside)
            moved.append((aside, path))
        yield
    except BaseException:
        for aside, path in reversed(moved):
            with contextlib.suppress(OSError):
                operations.replace(aside, path)
        raise
    for aside, _path in moved:
        discard(operations, aside)


def is_in_place(pairs: Sequence[tuple[Path, Path]]) -> bool:
    """Tell whether the last of some new files, which decides, has taken the name of its target."""
    return not os.path.lexists(pairs[-1][0])


def _kept_copy(operations: FileOperations, target: Path) -> Path | None:
    if not target.exists():
        return None
    copy = name_beside(target)
    # No second name of the same file, though that is quicker: a program that dies here would leave it behind,
    # and a file of two names cannot be replaced the next time.
    with contextlib.closing(_pieces(operations, target)) as pieces:
        _create(operations, copy, target, pieces)
    return copy


def _put_back(operations: FileOperations, pairs: Sequence[tuple[Path, Path]], copies: Sequence[Path | None]) -> None:
    """Undo what was replaced so far, the last one first; what was not is left alone."""
    for (new, target), copy in reversed(list(zip(pairs, copies, strict=False))):
        if os.path.lexists(new):
            continue
        with contextlib.suppress(OSError):
            if copy is None:
                operations.unlink(target)
            else:
                operations.replace(copy, target)


def _discard_copies(operations: FileOperations, copies: Sequence[Path | None]) -> None:
    for copy in copies:
        if copy is not None:
            discard(operations, copy)


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
        suffix = f"{BACKUP_MARK}{stamp}" + (f"-{number}" if number > 1 else "")
        names = tuple(_named_after(path, suffix) for path in paths)
        if not any(os.path.lexists(name) for name in names):
            return names
        number += 1


def _pieces(operations: FileOperations, path: Path) -> Generator[Piece, None, None]:
    """Yield the content of a file; holes are not read, they can be larger than any disk."""
    fd = operations.open(path, os.O_RDONLY)
    try:
        place, size = 0, os.fstat(fd).st_size
        for start, end in extents(fd, size):
            if start > place:
                yield Hole(start - place)
            operations.seek(fd, start)
            place = start
            while place < end and (piece := operations.read(fd, min(COPY_BYTES, end - place))):
                place += len(piece)
                yield piece
        if place < size:
            yield Hole(size - place)
    finally:
        operations.close(fd)
