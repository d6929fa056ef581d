"""Seeing that another program wrote the file, and what it did, while everything here stays as it is."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from app.cancel import CancelToken
from app.document.disk import READ_BYTES, DiskChanges, Fingerprints, Known, look
from app.document.job import Job, StreamJob
from app.document.saving import SavedEntries
from app.engine.base import Engine, FileState
from app.errors import AppError


class WatchedEntries(SavedEntries):
    """Knows what the entries were, so that others can be told from them."""

    def __init__(
        self, engine: Engine, path: Path, *, read_only: bool = False, spill_folder: Path | None = None
    ) -> None:
        super().__init__(engine, path, read_only=read_only, spill_folder=spill_folder)
        self._fingerprints: Fingerprints | None = None
        """What the entries were when somebody began to edit them."""

    def changed_on_disk_job(self) -> Job[FileState]:
        """Learn whether another program wrote; cheap, to be asked when a file watcher says so.

        Files that look the same (size, time of change, inode) are taken for unchanged here; a save looks closer.
        `comparison_job` tells what was done, `index_job` takes it over under the pending changes, and
        `conflicts_job` tells whether one of those has to be decided on.
        """
        self._refuse_while_reading()
        known = self._signature

        def work(token: CancelToken) -> FileState:
            try:
                return self._engine.file_state(known, token)
            except AppError as error:
                return FileState(is_changed=True, lost=error.message)

        return Job(f"Looking at {self.name}", work)

    def fingerprints_job(self) -> StreamJob[bytes] | None:
        """Take a note of what all entries are, so that it can be told later what another program did.

        None where that is known, or the keys are not.
        """
        if self._fingerprints is not None or not self.is_indexed:
            return None
        index, known, found = self.index, self._signature, bytearray()
        values: list[bool] = []
        """Whether values were read, once nobody wrote meanwhile."""

        def steps(token: CancelToken) -> Iterator[bytes]:
            reads_values = sum(sum(chunk.sizes) for chunk in index.chunks) <= READ_BYTES
            yield from self._engine.fingerprints(token, values=reads_values)
            if self._engine.signature() == known:
                values.append(reads_values)

        def done() -> None:
            if index is self.index and values:
                self._fingerprints = Fingerprints(bytes(found), values[0])

        return StreamJob(f"Looking at {self.name}", steps, found.extend, done, failed=_ignore, can_wait=True)

    def comparison_job(self, make_engine: Callable[[], Engine]) -> Job[DiskChanges]:
        """Learn what another program did, in an engine of its own: nothing here changes.

        Fails where the file cannot be read as a database of that format any more.
        """
        self._refuse_while_reading()
        format_id = self.info.format if self.info else ""
        known = Known(self.main_path, format_id, self.index, self._fingerprints, tuple(self.pending_changes))

        def work(token: CancelToken) -> DiskChanges:
            with closing(make_engine()) as engine:
                return look(known, engine, token)

        return Job(f"Comparing with {self.name}", work)

    def _forget_entries(self) -> None:
        super()._forget_entries()
        self._fingerprints = None


def _ignore(_error: AppError) -> None:
    pass
