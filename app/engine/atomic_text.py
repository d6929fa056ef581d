"""Writing a text file whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from app.errors import AppError


@contextmanager
def replacing(target: Path) -> Iterator[TextIO]:
    """Open a file beside ``target`` for UTF-8 text; it becomes ``target`` when the block ends well, else it goes.

    Raises:
        AppError: the target cannot be written; the sentence names it.
    """
    target = Path(os.path.realpath(target))
    if target.exists() and not target.is_file():
        raise AppError(f"{target.name} is no file that could be replaced. Choose another name.", path=target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise _cannot_write(target, error) from error
    part = Path(name)
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:  # noqa: PTH123 - a descriptor
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_mode_of(target))
        part.replace(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _cannot_write(target: Path, error: OSError) -> AppError:
    return AppError(f"{target.name} could not be written: {error.strerror}. Choose another place.", path=target)


def _mode_of(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
