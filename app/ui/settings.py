"""What the window remembers between two runs."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

_RECENT_KEPT = 10


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
