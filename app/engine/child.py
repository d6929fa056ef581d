"""The engine in a child process, as the window uses it: killing it cancels, and the next call starts it anew."""

import atexit
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import inf
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from weakref import WeakSet

from app import errors, limits
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
from app.engine.child_values import ChildValueCalls
from app.engine.patience import CANCEL_SECONDS, STEP_SECONDS, Patience, writing
from app.engine.serve import serve
from app.engine.value_calls import DecodeReport, Source, Stored
from app.engine.wire import pack, unpack
from app.errors import AppError, Cancelled, ChangedOnDisk, EngineBug, EngineStopped

_POLL_SECONDS = 0.02
_OPEN_SECONDS = 3600.0
_BATCH = 1_000
"""Items that cross to an export in one message."""


_RUNNING: "WeakSet[ChildEngine]" = WeakSet()


@atexit.register  # before multiprocessing's own hook, which would wait for ever for a child whose pipe is open
def _end_all() -> None:
    for engine in list(_RUNNING):
        engine.close()


class ChildEngine(ChildValueCalls, Engine):
    """Speaks to one child process. Blocks its caller; to be called from one worker thread."""

    def __init__(self, *, answer_seconds: float = limits.DECODE_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._path = ""
        self._extensions: dict[int, str] = {}
        self._index = KeyIndex()
        self._stream_ids = count(1)
        self._is_ready = False

    def prestart(self) -> None:
        """Start the process before it is needed: it takes half a second to be ready.

        Raises:
            EngineStopped: the system has no room for one.
        """
        if self._process is not None:
            return
        context = get_context("spawn")
        try:
            pipe, theirs = context.Pipe()
            with theirs:
                # No daemon: it may start workers of its own; it ends with the pipe.
                process = context.Process(target=serve, args=(theirs,), name="shelfscope-engine", daemon=False)
                process.start()
        except OSError as error:
            reason = error.strerror or "the system refused"
            message = f"No process to read databases could be started: {reason}. Close other programs and try again."
            raise EngineStopped(message) from error
        self._process, self._pipe, self._is_ready = process, pipe, False
        _RUNNING.add(self)

    @property
    def process_id(self) -> int | None:
        """The id of the running child, for tests and the problem report."""
        return self._process.pid if self._process else None

    # ---- calls

    def _call(
        self,
        name: str,
        arguments: Sequence[object],
        token: CancelToken,
        *,
        patience: Patience | None = None,
        **options: object,
    ) -> Any:
        """Make one call; without ``patience`` it may take the time that a decode may."""
        if patience is None or not patience.is_endless:
            token.check()
        self._ensure_started(token)
        return self._ask({"call": name, "arguments": arguments, "options": options}, token, patience)

    def _ensure_started(self, token: CancelToken) -> None:
        if self._process is not None:
            return
        self.prestart()
        if self._extensions:
            self._ask({"call": "name_extensions", "arguments": [self._extensions], "options": {}}, token)
        if self._path:  # a child was lost: this one has to open the database first
            self._ask({"call": "open", "arguments": [self._path], "options": {}}, token, Patience(_OPEN_SECONDS))

    def _ask(self, request: dict[str, object], token: CancelToken, patience: Patience | None = None) -> Any:
        patience = patience or Patience(self._answer_seconds)
        token.done = 0
        try:
            pipe = self._open_pipe
            pipe.send_bytes(pack(request))
            reply = self._wait(pipe, token, patience)
        except (EOFError, OSError) as error:
            raise self._lost(while_saving=patience.is_endless) from error
        if "bug" in reply:
            raise EngineBug("This failed because of a mistake in Shelfscope; nothing was changed.", report=reply["bug"])
        if "error" in reply:
            raise _as_error(reply)
        if "cancelled" in reply or (patience.is_cancelled and not patience.is_writing):
            raise Cancelled
        return reply["result"]

    @property
    def _open_pipe(self) -> Connection:
        if self._pipe is None:
            raise EngineStopped("The process that reads the database is not running.")
        return self._pipe

    def _wait(self, pipe: Connection, token: CancelToken, patience: Patience) -> dict[str, Any]:
        """Return the reply to the call that was just sent."""
        while True:
            if pipe.poll(_POLL_SECONDS):
                reply: dict[str, Any] = unpack(pipe.recv_bytes())
                if not self._is_interim(reply, token, patience):
                    return reply
            if not patience.is_endless:
                self._give_up_if_due(pipe, token, patience)

    def _is_interim(self, reply: dict[str, Any], token: CancelToken, patience: Patience) -> bool:
        """Take in what is no reply yet: that the process is ready, or how far it is."""
        if "ready" in reply:
            self._is_ready = True
            patience.renew()
        elif "progress" in reply:
            if reply["progress"][0] > token.done:
                patience.renew()
            token.done, token.total = reply["progress"]
        else:
            return False
        return True

    def _give_up_if_due(self, pipe: Connection, token: CancelToken, patience: Patience) -> None:
        if token.cancelled and not patience.is_cancelled:
            patience.cancel()
            pipe.send_bytes(pack({"cancel": True}))
        if patience.is_over(starting=not self._is_ready):
            self._kill()
            if patience.is_cancelled:
                raise Cancelled
            raise EngineStopped(
                f"This took longer than {patience.seconds:.0f} seconds and was given up. Nothing was changed."
            )

    def _lost(self, *, while_saving: bool) -> EngineStopped:
        name = Path(self._path).name or "the database"
        self._kill()
        state = (
            "Open it again to see whether the save was done; it is whole or absent"
            if while_saving
            else "Nothing was changed; it is started again when needed"
        )
        return EngineStopped(f"The process that reads {name} ended unexpectedly. {state}.")

    def _kill(self) -> None:
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def _place(self, source: Source) -> Stored | bytes:
        if isinstance(source, int):
            return Stored(self._index.key(source), self._index.locator(source), self._index.size(source))
        return source

    # ---- streams

    def _stream(
        self,
        name: str,
        arguments: Sequence[object],
        token: CancelToken,
        *,
        seconds: float = STEP_SECONDS,
        **options: object,
    ) -> Iterator[Any]:
        """Yield the items of a stream; each may take as many seconds."""
        stream = next(self._stream_ids)
        self._ensure_started(token)
        process = self._process
        request = {"call": name, "arguments": arguments, "options": options, "stream": stream}
        self._ask(request, token)
        try:
            while True:
                token.check()
                if self._process is not process:
                    raise EngineStopped("The process that did this was lost meanwhile.")
                items = self._call("next", [stream], token, patience=Patience(seconds))
                if not items:
                    return
                yield items[0]
        finally:
            if self._process is not None and self._process is process:
                with contextlib.suppress(AppError):
                    self._call("end", [stream], CancelToken())

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
        # Recognising a large file of pickles means walking through it: this may take its time, and can be cancelled.
        info: Info = self._call("open", [path], token, patience=Patience(_OPEN_SECONDS))
        self._path = path
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
    ) -> Refusals:
        found: Refusals = self._call(
            "refusals", [target, changes], token, patience=Patience(STEP_SECONDS), expected=expected
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
    ) -> MadeDatabase:
        options = {"leaves_out": leaves_out, "expected": expected}
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
        state: FileState = self._call("file_state", [seen], token, patience=Patience(_OPEN_SECONDS))
        return state

    def fingerprints(self, token: CancelToken, *, values: bool) -> Iterator[bytes]:
        yield from self._stream("fingerprints", (), token, values=values)

    def close(self) -> None:
        """End the child; a running save is waited for."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        self._path = ""
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.join(CANCEL_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _as_error(reply: dict[str, Any]) -> AppError:
    kind = getattr(errors, reply["error"], AppError)
    path = None if reply["path"] is None else Path(reply["path"])
    if kind is ChangedOnDisk:
        return ChangedOnDisk(reply["message"], path=path, keys=tuple(reply["keys"]))
    error: AppError = kind(reply["message"], path=path, offset=reply["offset"])
    return error
