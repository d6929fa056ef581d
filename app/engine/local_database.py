"""What the engine in this process has open: the files, the index of their keys, and the bytes of their values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app import limits
from app.backends.base import Backend, Match
from app.backends.files import signature
from app.backends.key_index import IndexChunk, KeyIndex
from app.backends.registry import open_database, recognise
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.codecs.base import Summary
from app.codecs.extension_codes import name_extensions
from app.engine.base import Engine, FileState, Info, ProblemNote
from app.engine.fingerprints import HASH_BYTES, by_length, by_listed_value, by_value, fingerprints
from app.engine.local_values import LocalValueCalls
from app.engine.looking import info_of
from app.engine.on_disk import changed_state, replaced_by, watched_files, why_out_of_reach
from app.engine.value_calls import Source, Stored
from app.errors import AppError, BackendMissing, DocumentError, StaleIndex


class LocalDatabase(LocalValueCalls, Engine):
    """Holds one backend and its key index, and opens what was closed or changed again."""

    def __init__(self) -> None:
        super().__init__()
        self._backend: Backend | None = None
        self._path: Path | None = None
        self._main: Path | None = None
        """The file that opens it again: a base name can become the name of another file."""
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
        self._path, self._main, self._format = place, self._backend.match.path, self._backend.match.format_id
        self._note_files(self._backend.match)
        return info_of(path, self._backend.match, self._backend)

    @property
    def _open_backend(self) -> Backend:
        return self._backend or self._reopen()

    def _reopen(self) -> Backend:
        """Open the files again, which something else may have taken the place of.

        Raises:
            DocumentError: they are a database of another format now, which has nothing to do with the one before.
        """
        backend = open_database(self._open_main, codecs.VALUE_ENDS)
        found = backend.match.format_id
        if found != self._format:
            backend.close()
            raise DocumentError(f"{replaced_by(self._open_path, found)} Open it anew, or save this as another file.")
        self._backend = backend
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

    @property
    def _open_main(self) -> Path:
        return self._main or self._open_path

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

    def signature(self) -> tuple[tuple[int, int, int], ...]:
        if self._backend is None:
            self._reopen()
        return self._signature_now()

    def _signature_now(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(found for path in self._files if (found := signature(path)) is not None)

    def _is_as(self, seen: Sequence[Sequence[int]]) -> bool:
        """Tell whether nobody wrote; who only reads a SQLite file can leave an empty -wal beside it."""
        return _with_content(self._signature_now()) == _with_content(seen)

    def file_state(self, seen: Sequence[Sequence[int]], token: CancelToken) -> FileState:
        now = self._signature_now()
        if lost := self._why_out_of_reach:
            return FileState(is_changed=True, lost=lost, signature=now)
        if self._is_as(seen):
            return FileState(signature=now)
        if self._backend is not None and self._format == "sqlite3":
            self._backend.close()  # whoever else closes the file would drop SQLite's locks on it
            self._backend = None
        return replace(changed_state(self._open_main, self._format), signature=now)

    @property
    def _why_out_of_reach(self) -> str:
        """One sentence where only what is open holds the entries still, else empty."""
        return why_out_of_reach(self._open_path, self._files) if self._files else ""

    @property
    def _why_another(self) -> str:
        """One sentence where the files are no database of this format any more, else empty."""
        is_same = self._backend is not None and self._signature_now() == self._seen
        return "" if is_same else changed_state(self._open_main, self._format).lost

    def fingerprints(self, token: CancelToken, *, values: bool) -> Iterator[bytes]:
        if not self._is_indexed:
            self._whole_index(token)
        if not values:
            yield from fingerprints(by_length(tuple(self._index.chunks)), token)
        elif self._format == "sqlite3":  # where a backend beside the open one would drop SQLite's locks
            yield from fingerprints(by_listed_value(self._open_backend, tuple(self._index.chunks)), token)
        else:
            yield from self._scanned(token)

    def _scanned(self, token: CancelToken) -> Iterator[bytes]:
        """Yield fingerprints as they are found in going through the files, which looks no entry up.

        A backend of its own does that: listing anew would take from the open one what it knows of its index.
        """
        count, path = len(self._index), self._open_main
        with open_database(path, codecs.VALUE_ENDS) as backend:
            for found in fingerprints(by_value(backend, token), token):
                yield found
                count -= len(found) // (2 * HASH_BYTES)
        if count:
            raise StaleIndex(f"{path.name} was written by another program meanwhile.", path=path)

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

    # ---- closing

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
        self._path = self._main = None


def _with_content(signatures: Iterable[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return those of files that hold something: their size comes first."""
    return [tuple(signature) for signature in signatures if signature[0]]
