"""Why a Berkeley DB file that can be read cannot be written anew.

References: db/db_meta.c and dbinc/log.h (LSN_NOT_LOGGED), env/env_region.c (the names of an environment's files)
of Berkeley DB 5.3.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.backends.berkeley.pages import Pages
from app.backends.berkeley.write import VERSION
from app.backends.files import real_path

_OF_ENVIRONMENT: Final = re.compile(r"__db\.(\d{3}|register)|log\.\d{10}")
AS_ANOTHER: Final = "save it as another file"


def why_not_rewritable(pages: Pages, path: Path) -> str:
    """Return one sentence, or nothing when a new file with the same layout would be as good as this one."""
    meta, name = pages.meta, path.name
    if pages.is_part or meta.has_subdatabases:
        return f"{name} holds several databases, and such files are only read: convert it to another format."
    if meta.version != VERSION:
        return (
            f"{name} is of version {meta.version} (Berkeley DB {meta.release}), and only files of version {VERSION} "
            f"can be written: {AS_ANOTHER}, which will need a newer Berkeley DB."
        )
    if meta.has_checksums:
        return f"{name} has checksums on its pages, which a new file would not have: {AS_ANOTHER}."
    if meta.has_own_hash and meta.method == "hash":
        return f"{name} is hashed by a function of the program that wrote it, which only that has: {AS_ANOTHER}."
    return _why_bound(pages, path)


def _why_bound(pages: Pages, path: Path) -> str:
    """Return the sentence for a file that a log or a running program knows more of than the file itself."""
    beside = next((file.name for file in _beside(path) if _OF_ENVIRONMENT.fullmatch(file.name)), "")
    if beside:
        return f"{path.name} may be part of a Berkeley DB environment ({beside} lies beside it): {AS_ANOTHER}."
    if pages.meta.log_file:
        return f"{path.name} belongs to a Berkeley DB environment, whose log has its changes: {AS_ANOTHER}."
    return ""


def _beside(path: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):  # a folder that cannot be listed cannot be written either
        yield from real_path(path).parent.iterdir()
