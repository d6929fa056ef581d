"""Hints that files may have changed: never a proof, and never the only one (a save compares digests)."""

from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from PySide6.QtCore import QCoreApplication, QFileInfo, QFileSystemWatcher, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication

QUIET = 300
"""Milliseconds without a further event after which somebody is told."""
_LONGEST = 2.0
"""Seconds after which somebody is told though events go on."""
_MISSING = 1_000
"""Milliseconds between two looks whether what could not be watched is there again."""


class FileWatcher(QObject):
    """Watches the files of many owners, and their folders: a file can be replaced, deleted and made again.

    One for a whole window: systems have few watchers to give, each of them for any number of files.
    """

    hinted = Signal(object)
    """The owner of files that may be others now."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._files: dict[object, frozenset[str]] = {}
        self._hinted: dict[object, float] = {}
        """When each owner that is not told yet was hinted at first (monotonic seconds)."""
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._on_file)
        self._watcher.directoryChanged.connect(self._on_folder)
        self._quiet = QTimer(self, singleShot=True, interval=QUIET)
        self._quiet.timeout.connect(self._on_quiet)
        self._missing = QTimer(self, interval=_MISSING)
        self._missing.timeout.connect(self._on_missing)
        application = QCoreApplication.instance()
        if isinstance(application, QGuiApplication):  # file systems of other machines tell of nothing
            application.applicationStateChanged.connect(self._on_application)

    def watch(self, owner: object, files: Iterable[Path]) -> None:
        """Watch the files of an owner, instead of those that it had before."""
        named = frozenset(name for file in files for name in (str(file), _real(file)))
        if self._files.get(owner) != named:
            self._files[owner] = named
            self._drop_unused()
        self._add_missing()

    def forget(self, owner: object) -> None:
        """Watch nothing for an owner any more."""
        self._files.pop(owner, None)
        self._hinted.pop(owner, None)
        self._drop_unused()

    # ---- what is watched

    @property
    def _folders(self) -> set[str]:
        return {_folder_of(name) for named in self._files.values() for name in named}

    @property
    def _wanted(self) -> set[str]:
        return self._folders.union(*self._files.values())

    @property
    def _watched(self) -> set[str]:
        return {*self._watcher.files(), *self._watcher.directories()}

    def _drop_unused(self) -> None:
        unused = self._watched - self._wanted
        if unused:
            self._watcher.removePaths(sorted(unused))

    def _add_missing(self) -> set[str]:
        """Watch what is there and was not; return that."""
        missing = self._wanted - self._watched
        there = {name for name in missing if QFileInfo.exists(name)}
        added = there - set(self._watcher.addPaths(sorted(there))) if there else set()
        if self._folders & (missing - added):  # only these are looked for: a folder tells of its files itself
            self._missing.start()
        else:
            self._missing.stop()
        return added

    # ---- what is told

    @Slot(str)
    def _on_file(self, name: str) -> None:
        self._add_missing()
        self._hint({owner for owner, files in self._files.items() if name in files})

    @Slot(str)
    def _on_folder(self, name: str) -> None:
        self._add_missing()
        self._hint({owner for owner, files in self._files.items() if name in map(_folder_of, files)})

    @Slot()
    def _on_missing(self) -> None:
        for name in self._add_missing():
            self._on_folder(name)

    @Slot(Qt.ApplicationState)
    def _on_application(self, state: Qt.ApplicationState) -> None:
        if state is Qt.ApplicationState.ApplicationActive:
            self._hint(set(self._files))

    def _hint(self, owners: set[object]) -> None:
        now = monotonic()
        for owner in owners:
            self._hinted.setdefault(owner, now)
        if not self._hinted:
            return
        left = min(self._hinted.values()) + _LONGEST - now
        self._quiet.start(max(0, min(QUIET, int(left * 1_000))))

    @Slot()
    def _on_quiet(self) -> None:
        hinted, self._hinted = self._hinted, {}
        for owner in hinted:
            if owner in self._files:
                self.hinted.emit(owner)


def _folder_of(name: str) -> str:
    return str(Path(name).parent)


def _real(file: Path) -> str:
    """Return the path of a file without links; the one it has where it is not there."""
    return QFileInfo(str(file)).canonicalFilePath() or str(file)
