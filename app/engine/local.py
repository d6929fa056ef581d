"""The engine in this process: for the command line and tests, and inside the child of `app.engine.child`."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app import limits
from app.backends.base import Backend, Change, Expected, Match, SaveOptions, SaveReport
from app.backends.files import signature
from app.backends.key_index import IndexChunk, KeyIndex
from app.backends.old_backups import remove_older
from app.backends.record_numbers import decimal_of
from app.backends.registry import open_database, recognise
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.codecs.base import DecodedValue, Summary
from app.codecs.extension_codes import name_extensions
from app.codecs.findings import Query
from app.codecs.model import Style
from app.engine.atomic_text import replacing
from app.engine.base import (
    Engine,
    ExportItem,
    ExportReport,
    FileState,
    Info,
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
from app.engine.local_values import LocalValueCalls
from app.engine.looking import check, info_of, is_container, unstorable
from app.engine.on_disk import changed_state, fingerprints, watched_files
from app.engine.salvaging import salvage
from app.engine.searching import search_reports
from app.engine.value_calls import Source, Stored
from app.errors import AppError, BackendMissing, DocumentError, StaleIndex

_SLICE_SECONDS = 0.02


class LocalEngine(LocalValueCalls, Engine):
    """Holds one backend, its key index and the last decoded values."""

    def __init__(self, *, is_alone: bool = False) -> None:
        """``is_alone``: this process does nothing else, so that it may unpickle what `codecs.pickle.guard` admits."""
        super().__init__()
        self._is_alone = is_alone
        self._backend: Backend | None = None
        self._path: Path | None = None
        self._format = ""
        self._files: tuple[Path, ...] = ()
        self._index = KeyIndex()
        self._is_indexed = False
        self._seen: tuple[tuple[int, int, int], ...] = ()
        """What the files looked like when the backend was opened."""

    # ---- the container

    def open(self, path: str, token: CancelToken) -> Info:
        self.close()
        place = Path(path)
        try:
            self._backend = open_database(place, codecs.VALUE_ENDS)
        except BackendMissing as error:
            match = recognise(place, codecs.VALUE_ENDS)
            return info_of(path, match, None, error.message)
        self._path, self._format = place, self._backend.match.format_id
        self._note_files(self._backend.match)
        return info_of(path, self._backend.match, self._backend)

    @property
    def _open_backend(self) -> Backend:
        return self._backend or self._reopen()

    def _reopen(self) -> Backend:
        backend = self._backend = open_database(self._open_path, codecs.VALUE_ENDS)
        self._note_files(backend.match)
        return backend

    def _note_files(self, match: Match) -> None:
        self._files = watched_files(match)
        self._seen = self._signature_now()

    @property
    def _open_path(self) -> Path:
        if self._path is None:
            raise DocumentError("No database is open.")
        return self._path

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._forget()
        if self._backend is not None and self.signature() != self._seen:
            self._close_backend()  # it may hold a file that another one has taken the name of
        index = self._index
        for chunk in self._open_backend.index(token):
            index.append(chunk)
            yield chunk
        self._is_indexed = self._index is index

    def _forget(self) -> None:
        self._index = KeyIndex()
        self._is_indexed = False
        self._decoded.clear()

    def _whole_index(self, token: CancelToken) -> KeyIndex:
        if not self._is_indexed:
            for _chunk in self.index(token):
                token.check()
        return self._index

    def problems(self) -> tuple[ProblemNote, ...]:
        return tuple(ProblemNote(problem.message, problem.offset) for problem in self._open_backend.problems)

    def notes(self) -> tuple[str, ...]:
        return tuple(self._open_backend.notes)

    def name_extensions(self, table: Mapping[int, str], token: CancelToken) -> None:
        name_extensions(table)
        self._decoded.clear()

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

    def signature(self) -> tuple[tuple[int, int, int], ...]:
        if self._backend is None:
            self._reopen()
        return self._signature_now()

    def _signature_now(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(found for path in self._files if (found := signature(path)) is not None)

    def file_state(self, seen: Sequence[Sequence[int]], token: CancelToken) -> FileState:
        now = self._signature_now()
        if now == tuple(map(tuple, seen)):
            return FileState(signature=now)
        if not self._is_indexed:
            return FileState(is_changed=True, signature=now)
        if self._backend is not None and self._format == "sqlite3":
            self._backend.close()  # whoever else closes the file would drop SQLite's locks on it
            self._backend = None
        return replace(changed_state(self._open_path, self._format), signature=now)

    def fingerprints(self, token: CancelToken, *, values: bool) -> Iterator[bytes]:
        if not self._is_indexed:
            self._whole_index(token)
        pieces = self._pieces if values else None
        yield from fingerprints(tuple(self._index.chunks), pieces, token)

    def _pieces(self, place: Stored) -> Iterator[bytes]:
        return self._open_backend.pieces(place.key, place.locator, place.size)

    def part_of(self, entry_id: int) -> bytes | None:
        """Return the name of the database within this one that an entry is in; None where there is but one."""
        return self._open_backend.part_of(self._index.locator(entry_id))

    # ---- bytes of values

    def _stored(self, source: int | Stored) -> Stored:
        if isinstance(source, Stored):
            return source
        return Stored(self._index.key(source), self._index.locator(source), self._index.size(source))

    def value(self, source: Source) -> bytes:
        """Return all bytes of a value."""
        return source if isinstance(source, bytes) else self._prefix(self._stored(source), None)

    def _prefix(self, place: Stored, limit: int | None) -> bytes:
        try:
            return self._read(place, limit)
        except StaleIndex:
            if self._is_indexed:
                raise
            # Some locators mean something only to a backend that made them itself: one that was lost is made up for.
            self._whole_index(CancelToken())
            return self._read(place, limit)

    def _read(self, place: Stored, limit: int | None) -> bytes:
        backend = self._open_backend
        if limit is None:
            return backend.read(place.key, place.locator, place.size)
        return backend.read_prefix(place.key, place.locator, place.size, limit)

    def read(self, source: Source, start: int, length: int, token: CancelToken) -> bytes:
        self._forget_stale(source)
        if kept := self._decoded.shown(source):
            return kept[0].data[start : start + length]
        if start == 0 and not isinstance(source, bytes):
            return self._prefix(self._stored(source), length)
        return self.value(source)[start : start + length]

    def read_all(self, sources: Sequence[Source], token: CancelToken) -> list[bytes]:
        values = []
        for source in sources:
            token.check()
            values.append(self.value(source))
        return values

    def summaries(self, sources: Sequence[Source], token: CancelToken) -> list[Summary]:
        return [self._summary(source, token) for source in sources]

    def _summary(self, source: Source, token: CancelToken) -> Summary:
        token.check()
        try:
            if isinstance(source, bytes):
                return codecs.summary(source[: limits.SUMMARY_PREFIX], len(source))
            place = self._stored(source)
            summary = codecs.summary(self.read(source, 0, limits.SUMMARY_PREFIX, token), place.size)
            key = codecs.key_summary(place.key)
            return replace(summary, key=key) if key else summary
        except AppError as error:
            return Summary("", "damaged", "", error.message)

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
        """Let the next call open what is there then: a save that failed may have closed the backend as well."""
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
    ) -> Refusals:
        return self._copy(target, changes, expected, token).refusals(token)

    def convert(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        token: CancelToken,
        *,
        leaves_out: bool,
        expected: Mapping[int, Expected] | None = None,
    ) -> MadeDatabase:
        return self._copy(target, changes, expected, token).write(token, leaves_out=leaves_out)

    def _copy(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        expected: Mapping[int, Expected] | None,
        token: CancelToken,
    ) -> Copy:
        destination = Destination.of(target, self._open_backend)
        return Copy(destination, self._open_backend, self._whole_index(token), changes, expected)

    def check(self, token: CancelToken) -> tuple[ProblemNote, ...]:
        return check(self._open_path, token)

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

    def _release(self) -> None:
        self._forget()
        self._close_backend()

    def _close_backend(self) -> None:
        """Close the files; what the index says of their entries stays until they are listed again."""
        self._is_indexed = False
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def close(self) -> None:
        self._release()
        self._path = None


def _cleared(backend: Backend, report: SaveReport, options: SaveOptions) -> SaveReport:
    """Take older backups away now that everything is saved; a failure to do so is none of the save."""
    if options.backups_kept is not None:
        with contextlib.suppress(OSError):
            remove_older(backend.operations, report.backups, options.backups_kept)
    return report
