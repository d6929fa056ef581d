"""What the window remembers between two runs."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

_RECENT_KEPT = 10
_BACKUPS = "backups"
BACKUPS_KEPT = 1
"""Backups of a file that are kept unless a person says otherwise."""
MOST_BACKUPS = 99


def settings() -> QSettings:
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "shelfscope", "shelfscope")


def text_setting(name: str, default: str = "") -> str:
    value = settings().value(name, default)
    return value if isinstance(value, str) else default


def bytes_setting(name: str) -> QByteArray:
    value = settings().value(name)
    return value if isinstance(value, QByteArray) else QByteArray()


def recent_files() -> list[Path]:
    """Return the databases opened last, the newest first."""
    value = settings().value("recent", [])
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [Path(name) for name in names if isinstance(name, str) and name]


def remember_file(path: Path) -> None:
    files = [path, *(other for other in recent_files() if other != path)]
    settings().setValue("recent", [str(file) for file in files[:_RECENT_KEPT]])


def forget_files() -> None:
    settings().remove("recent")


def backups_kept() -> int:
    """Return how many backups of a file are kept; 0: none is made."""
    text = str(settings().value(_BACKUPS, BACKUPS_KEPT))  # an INI file gives texts
    return min(int(text), MOST_BACKUPS) if text.isdecimal() else BACKUPS_KEPT


def keep_backups(number: int) -> None:
    settings().setValue(_BACKUPS, number)
