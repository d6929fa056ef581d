"""The engine in this process: for the command line and tests, and inside the child of `app.engine.child`."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from app import limits
from app.backends.base import Backend, Change, Expected, SaveOptions, SaveReport
from app.backends.old_backups import remove_older
from app.backends.record_numbers import decimal_of
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.codecs.base import DecodedValue
from app.codecs.findings import Query
from app.codecs.model import Style
from app.engine.atomic_text import replacing
from app.engine.base import (
    ExportItem,
    ExportReport,
    MadeDatabase,
    NewDatabase,
    ProblemNote,
    Refusals,
    SalvageReport,
    SearchReport,
)
from app.engine.copying import Copy
from app.engine.destination import Destination, create
from app.engine.export import Progress, check_names, json_pieces
from app.engine.local_database import LocalDatabase
from app.engine.looking import check, is_container, unstorable
from app.engine.salvaging import salvage
from app.engine.searching import search_reports
from app.errors import AppError, SaveFailed, StaleIndex

_SLICE_SECONDS = 0.02


class LocalEngine(LocalDatabase):
    """Judges, exports, searches, saves and copies the database that is open, and makes others."""

    def __init__(self, *, is_alone: bool = False) -> None:
        """``is_alone``: this process does nothing else, so that it may unpickle what `codecs.pickle.guard` admits."""
        super().__init__()
        self._is_alone = is_alone

    # ---- what it holds as a whole

    def is_shelf(self, token: CancelToken) -> bool:
        index = self._index if self._index.chunks else self._whole_index(token)
        sample = range(min(len(index), limits.SHELF_SAMPLE))
        return len(sample) > 0 and all(self._is_shelf_entry(entry_id, token) for entry_id in sample)

    def _is_shelf_entry(self, entry_id: int, token: CancelToken) -> bool:
        try:
            self._index.key(entry_id).decode()
        except UnicodeDecodeError:
            return False
        [summary] = self.summaries([entry_id], token)
        if summary.codec == "pickle" or self._index.size(entry_id) <= limits.SUMMARY_PREFIX:
            return summary.codec == "pickle"
        return self._read_codec(entry_id, token) == "pickle"  # a prefix of a text pickle can look like text

    def _read_codec(self, entry_id: int, token: CancelToken) -> str:
        try:
            return self.decoded(entry_id, token).codec
        except AppError:
            return ""

    def style(self, token: CancelToken) -> Style:
        index = self._index if self._index.chunks else self._whole_index(token)
        sample = range(min(len(index), limits.SHELF_SAMPLE))
        style_of = codecs.style_of_marshal if self._format == "marshal-file" else codecs.style_of
        return style_of(self.read(entry_id, 0, limits.SUMMARY_PREFIX, token) for entry_id in sample)

    # ---- export

    def export(
        self, items: Sequence[ExportItem] | None, target: str, *, lines: bool, token: CancelToken, typed: bool = False
    ) -> Iterator[ExportReport]:
        total = len(self._whole_index(token)) if items is None else len(items)
        progress = Progress(0, [])
        due = time.monotonic() + _SLICE_SECONDS
        with replacing(Path(target)) as file:
            for piece in self.export_pieces(items, lines=lines, typed=typed, progress=progress, token=token):
                file.write(piece)
                if time.monotonic() >= due:
                    yield ExportReport(progress.entries, total)
                    due = time.monotonic() + _SLICE_SECONDS
        yield ExportReport(progress.entries, total, tuple(progress.damaged), finished=True)

    def export_pieces(
        self,
        items: Sequence[ExportItem] | None,
        *,
        lines: bool,
        typed: bool = False,
        progress: Progress,
        token: CancelToken,
    ) -> Iterator[str]:
        """Yield the text of an export; raises DocumentError before the first piece when names collide."""
        if not lines:
            check_names((entry.key for entry in self._entries(items, token)), token)
        yield from json_pieces(
            self._entries(items, token),
            lambda entry: self._read_for_export(entry, token, typed=typed),
            lines=lines,
            typed=typed,
            progress=progress,
            token=token,
        )

    def _entries(self, items: Sequence[ExportItem] | None, token: CancelToken) -> Iterator[ExportItem]:
        shown = decimal_of if self._open_backend.numbers_records else bytes
        if items is not None:
            yield from (ExportItem(shown(item.key), item.source) for item in items)
            return
        index = self._whole_index(token)
        for entry_id in range(len(index)):
            yield ExportItem(shown(index.key(entry_id)), entry_id)

    def _read_for_export(self, entry: ExportItem, token: CancelToken, *, typed: bool) -> DecodedValue | str:
        """Return the JSON of a value, or the value: not kept, as an export goes through all of them once."""
        data = self.value(entry.source)
        text = codecs.plain_json(data) if self._is_alone and not typed else None
        return codecs.decode(data, token)[0] if text is None else text

    # ---- search

    def search(self, items: Sequence[ExportItem] | None, query: Query, token: CancelToken) -> Iterator[SearchReport]:
        total = len(self._whole_index(token)) if items is None else len(items)
        entries = self._entries(items, token)
        yield from search_reports(
            entries, total, lambda entry: self.value(entry.source), query, token, unpickles=self._is_alone
        )

    # ---- saving

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        with self._saving() as backend:
            return _cleared(backend, backend.apply(changes, expected, options, token), options)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        with self._saving() as backend:
            return _cleared(backend, backend.compact(options, token), options)

    @contextlib.contextmanager
    def _saving(self) -> Iterator[Backend]:
        """Let the next call open what is there then: a save that failed may have closed the backend as well.

        Raises:
            SaveFailed: the files are out of reach, or others now; what is open of them stays open, as nothing else
                holds the entries.
        """
        if lost := self._why_out_of_reach or self._why_another:
            raise SaveFailed(f"{lost} Nothing was saved; save it as another file.", path=self._open_path)
        try:
            yield self._open_backend
        except BaseException:
            self._close_backend()
            raise
        self._release()

    # ---- other databases

    def refusals(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        token: CancelToken,
        *,
        expected: Mapping[int, Expected] | None = None,
        seen: Sequence[Sequence[int]] | None = None,
    ) -> Refusals:
        return self._copy(target, changes, expected, seen, token).refusals(token)

    def convert(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        token: CancelToken,
        *,
        leaves_out: bool,
        expected: Mapping[int, Expected] | None = None,
        seen: Sequence[Sequence[int]] | None = None,
    ) -> MadeDatabase:
        return self._copy(target, changes, expected, seen, token).write(token, leaves_out=leaves_out)

    def _copy(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        expected: Mapping[int, Expected] | None,
        seen: Sequence[Sequence[int]] | None,
        token: CancelToken,
    ) -> Copy:
        destination, index = Destination.of(target, self._open_backend), self._whole_index(token)
        if seen is not None and not self._is_as(seen):
            raise StaleIndex(
                f"{self._open_path.name} was written meanwhile, so nothing was copied; try again.", path=self._open_path
            )
        return Copy(destination, self._open_backend, index, changes, expected)

    def check(self, token: CancelToken) -> tuple[ProblemNote, ...]:
        return check(self._open_main, token)

    def unstorable(self, entries: Sequence[tuple[bytes, int]], token: CancelToken) -> Refusals:
        return unstorable(self._open_backend.writer(), entries, token)

    def is_container(self, path: str, token: CancelToken) -> bool:
        return is_container(Path(path))

    def create(self, target: NewDatabase, token: CancelToken) -> MadeDatabase:
        return create(target, token)

    def salvage(
        self, source: str, target: NewDatabase, token: CancelToken, *, deleted: bool, format_id: str = ""
    ) -> SalvageReport:
        return salvage(source, target, token, deleted=deleted, format_id=format_id)


def _cleared(backend: Backend, report: SaveReport, options: SaveOptions) -> SaveReport:
    """Take older backups away now that everything is saved; a failure to do so is none of the save."""
    if options.backups_kept is not None:
        with contextlib.suppress(OSError):
            remove_older(backend.operations, report.backups, options.backups_kept)
    return report
