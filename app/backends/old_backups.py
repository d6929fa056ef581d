"""How many backups stay beside a file: older ones go once a newer save was verified, the very first never."""

import re
from collections.abc import Sequence
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.replacing import BACKUP_MARK, discard

_BACKUP = re.compile(rf"(.+){re.escape(BACKUP_MARK)}(\d{{8}}-\d{{6}})(?:-(\d+))?", re.DOTALL)


def remove_older(operations: FileOperations, made: Sequence[Path], kept: int) -> None:
    """Leave the newest ``kept`` backups of each file, those of this save (``made``) always, and the oldest.

    The oldest is the file as it was before this program ever wrote it: a rewrite drops what a salvage could find.

    Only ordinary files under names that `replacing.back_up` gives are touched, and only where the file that they are
    copies of is there under its whole name: shortened names could belong to several files.
    """
    for backup in made:
        of = _parsed(backup)
        if of is None or not backup.with_name(of[0]).is_file():
            continue
        others = [path for path in backup.parent.iterdir() if path not in made and _is_backup_of(path, of[0])]
        others.sort(key=lambda path: (_parsed(path) or of)[1:], reverse=True)
        for path in others[max(kept - 1, 0) : -1]:
            discard(operations, path)


def _parsed(backup: Path) -> tuple[str, str, int] | None:
    """Return the name of the file that this is a backup of, the stamp and the number; None where it is none."""
    match = _BACKUP.fullmatch(backup.name)
    return (match[1], match[2], int(match[3] or 1)) if match else None


def _is_backup_of(path: Path, name: str) -> bool:
    of = _parsed(path)
    return of is not None and of[0] == name and path.is_file() and not path.is_symlink()
