"""The engine in a child process, as the window uses it: killing it cancels, and the next call starts it anew."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from app import limits
from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.key_index import IndexChunk, KeyIndex
from app.cancel import CancelToken, Pass
from app.codecs.findings import Query
from app.codecs.model import Style
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
from app.engine.child_process import OPEN_SECONDS
from app.engine.child_values import ChildValueCalls
from app.engine.patience import STEP_SECONDS, Patience, writing
from app.engine.value_calls import DecodeReport, Source, Stored
from app.errors import EngineStopped

_BATCH = 1_000
"""Items that cross to an export in one message."""


class ChildEngine(ChildValueCalls, Engine):
    """Speaks to one child process. Blocks its caller; to be called from one worker thread."""

    def __init__(self, *, answer_seconds: float = limits.DECODE_SECONDS) -> None:
        """``answer_seconds`` is how long a call about a value may be silent."""
        super().__init__(answer_seconds=answer_seconds)
        self._index = KeyIndex()

    def _place(self, source: Source) -> Stored | bytes:
        if isinstance(source, int):
            return Stored(self._index.key(source), self._index.locator(source), self._index.size(source))
        return source

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        index = self._index = KeyIndex()
        while True:
            known = len(index)
            try:
                for chunk in self._index_from(known, token):
                    index.append(chunk)
                    yield chunk
            except EngineStopped:
                if len(index) == known:
                    raise
                continue  # another call lost the process: read on where we were, in the new one
            return

    def _index_from(self, known: int, token: CancelToken) -> Iterator[IndexChunk]:
        seen = 0
        for chunk in self._stream("index", (), token):
            seen += len(chunk)
            if seen > known:
                yield chunk

    # ---- the engine's interface

    def open(self, path: str, token: CancelToken) -> Info:
        self._path = ""
        self._index = KeyIndex()
        info: Info = self._call("open", [path], token, patience=Patience(OPEN_SECONDS))
        self._path = info.main
        return info

    def problems(self) -> tuple[ProblemNote, ...]:
        notes: tuple[ProblemNote, ...] = self._call("problems", (), CancelToken())
        return notes

    def notes(self) -> tuple[str, ...]:
        sentences: tuple[str, ...] = self._call("notes", (), CancelToken())
        return sentences

    def name_extensions(self, table: Mapping[int, str], token: CancelToken) -> None:
        self._extensions = dict(table)
        self._call("name_extensions", [self._extensions], token)

    def is_shelf(self, token: CancelToken) -> bool:
        return bool(self._call("is_shelf", (), token))

    def style(self, token: CancelToken) -> Style:
        style: Style = self._call("style", (), token)
        return style

    def decoding(self, source: Source, token: CancelToken) -> Iterator[DecodeReport]:
        quiet = Pass(token, before=0, counted=0)  # the calls for the steps count nothing, and would say so
        yield from self._stream("decoding", [self._place(source)], quiet, seconds=self._answer_seconds)

    def export(
        self, items: Sequence[ExportItem] | None, target: str, *, lines: bool, token: CancelToken, typed: bool = False
    ) -> Iterator[ExportReport]:
        count = None if items is None else self._hand_over(items, token)
        yield from self._stream("export", [count, target], token, lines=lines, typed=typed)

    def search(self, items: Sequence[ExportItem] | None, query: Query, token: CancelToken) -> Iterator[SearchReport]:
        count = None if items is None else self._hand_over(items, token)
        yield from self._stream("search", [count, query], token)

    def _hand_over(self, items: Sequence[ExportItem], token: CancelToken) -> int:
        """Send the items ahead in small messages: a large one would hold up the window's thread while it is packed."""
        for start in range(0, max(len(items), 1), _BATCH):  # at least one, so that nothing older is left
            batch = [ExportItem(item.key, self._place(item.source)) for item in items[start : start + _BATCH]]
            self._call("hold", [batch], token, is_first=start == 0)
        return len(items)

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        report: SaveReport = self._call("apply", [changes, expected, options], token, patience=Patience(inf))
        self._sent.forget_all()  # they are stored now
        return report

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        report: SaveReport = self._call("compact", [options], token, patience=Patience(inf))
        return report

    def refusals(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        token: CancelToken,
        *,
        expected: Mapping[int, Expected] | None = None,
        seen: Sequence[Sequence[int]] | None = None,
    ) -> Refusals:
        found: Refusals = self._call(
            "refusals", [target, changes], token, patience=Patience(STEP_SECONDS), expected=expected, seen=seen
        )
        return found

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
        options = {"leaves_out": leaves_out, "expected": expected, "seen": seen}
        made: MadeDatabase = self._call("convert", [target, changes], token, patience=writing(), **options)
        return made

    def check(self, token: CancelToken) -> tuple[ProblemNote, ...]:
        found: tuple[ProblemNote, ...] = self._call("check", (), token, patience=Patience(STEP_SECONDS))
        return found

    def unstorable(self, entries: Sequence[tuple[bytes, int]], token: CancelToken) -> Refusals:
        found: Refusals = self._call("unstorable", [entries], token)
        return found

    def is_container(self, path: str, token: CancelToken) -> bool:
        return bool(self._call("is_container", [path], token))

    def create(self, target: NewDatabase, token: CancelToken) -> MadeDatabase:
        made: MadeDatabase = self._call("create", [target], token, patience=writing())
        return made

    def salvage(
        self, source: str, target: NewDatabase, token: CancelToken, *, deleted: bool, format_id: str = ""
    ) -> SalvageReport:
        options = {"deleted": deleted, "format_id": format_id}
        report: SalvageReport = self._call("salvage", [source, target], token, patience=writing(), **options)
        return report

    def signature(self) -> tuple[tuple[int, int, int], ...]:
        files: tuple[tuple[int, int, int], ...] = self._call("signature", (), CancelToken())
        return files

    def file_state(self, seen: Sequence[Sequence[int]], token: CancelToken) -> FileState:
        state: FileState = self._call("file_state", [seen], token, patience=Patience(OPEN_SECONDS))
        return state

    def fingerprints(self, token: CancelToken, *, values: bool) -> Iterator[bytes]:
        yield from self._stream("fingerprints", (), token, values=values)
