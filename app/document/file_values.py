"""Files whose bytes become values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from app.cancel import CancelToken
from app.codecs.edits import RawBytes, Written
from app.codecs.screen import quote_text
from app.document.new_bytes import maker
from app.engine.base import Engine
from app.errors import EncodeError, LimitExceeded

FILE_BYTES = 256 << 20
"""Bytes of a file that becomes a value, and of all files that are added at once."""


class FileForm(Enum):
    """What a value is made of a file's bytes."""

    RAW = "raw bytes"
    TEXT = "pickled text"
    BYTES = "pickled bytes"


@dataclass(frozen=True, slots=True)
class FileSize:
    """A file that can become a value, and its size in bytes."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class SortedFiles:
    """Files by what they are good for: databases to be opened, others to become values."""

    databases: tuple[Path, ...]
    others: tuple[FileSize, ...]


def sorted_files(paths: Sequence[Path], engine: Engine, token: CancelToken) -> SortedFiles:
    """Tell databases from other files.

    Raises:
        EncodeError: one is a folder or no plain file, or cannot be read; names it.
        LimitExceeded: one, or all together, are too large.
    """
    databases, others = [], []
    for path in paths:
        token.check()
        if engine.is_container(str(path), token):
            databases.append(path)
        else:
            others.append(_sized(path))
    if sum(file.size for file in others) > FILE_BYTES:
        raise LimitExceeded(f"These files have more than {FILE_BYTES:,} bytes together; add fewer at once.")
    return SortedFiles(tuple(databases), tuple(others))


def _sized(path: Path) -> FileSize:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if S_ISDIR(found.st_mode):
        raise EncodeError(f"{path.name} is a folder; only files can become values.")
    if not S_ISREG(found.st_mode):
        raise EncodeError(f"{path.name} is no plain file; only such can become values.")
    if found.st_size > FILE_BYTES:
        raise _too_large(path)
    return FileSize(path, found.st_size)


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file that are to be a value.

    Raises:
        EncodeError: it cannot be read.
        LimitExceeded: it is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(data) > FILE_BYTES:
        raise _too_large(path)
    return data


def values_of(
    files: Sequence[tuple[bytes, Path]], form: FileForm, engine: Engine, name: str, token: CancelToken
) -> list[tuple[bytes, bytes]]:
    """Return entries with these keys, their values made of the files.

    Raises:
        EncodeError: a file cannot be read, or is no text where it has to be one.
        LimitExceeded: they are too large.
    """
    make = maker(engine, name, token, as_pickle=form is not FileForm.RAW)
    entries: list[tuple[bytes, bytes]] = []
    for number, (key, path) in enumerate(files):
        token.advance(number, len(files))
        data = bytes_of(path)
        entries.append(
            (key, make(Written(quote_text(_text_of(path, data))) if form is FileForm.TEXT else RawBytes(data)))
        )
    return entries


def _text_of(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise EncodeError(f"{path.name} is no UTF-8 text at byte {error.start:,}; take its bytes instead.") from error


def _too_large(path: Path) -> LimitExceeded:
    return LimitExceeded(f"{path.name} is larger than {FILE_BYTES:,} bytes, which is too much for a value.")


def _unreadable(path: Path, error: Exception) -> EncodeError:
    reason = getattr(error, "strerror", None) or "that is no possible name"
    return EncodeError(f"{str(path)[:200]} could not be read: {reason}.")
