"""The child process of one open database: answers requests that come through a pipe, one at a time."""

import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from app import limits
from app.cancel import CancelToken
from app.engine.base import ExportItem
from app.engine.kept_values import KeptValues
from app.engine.local import LocalEngine
from app.engine.wire import pack, unpack
from app.errors import AppError, Cancelled, ChangedOnDisk, EngineStopped, LimitExceeded

_POLL_SECONDS = 0.03
STREAMS = frozenset({"index", "export", "search", "fingerprints", "decoding"})
OF_HELD = frozenset({"export", "search"})
"""Streams over items that were handed over before."""

CALLS = frozenset(
    {
        *("open", "signature", "file_state", "problems", "notes", "is_shelf", "style", "close"),
        *("apply", "compact", "refusals", "unstorable", "convert", "check", "is_container", "create", "salvage"),
        *("read", "read_all", "digest", "summaries", "decode", "rows", "find", "text", "tree", "plain", "edit_text"),
        *("replace", "typed", "name_extensions", "python", "edit", "encode_new", "audit", "opcodes"),
    }
)
WITHOUT_TOKEN = frozenset({"problems", "notes", "signature", "close"})


class _WindowGone(BaseException):
    """The other end of the pipe is closed: there is nobody left to answer. No handler below may swallow it."""


class _PipeToken(CancelToken):
    """Looks for the window's cancel message, and tells it how far the work is, every few milliseconds."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe
        self._due = time.monotonic() + _POLL_SECONDS

    def check(self) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _POLL_SECONDS
            try:
                self._exchange()
            except (EOFError, OSError) as error:
                raise _WindowGone from error
        super().check()

    def _exchange(self) -> None:
        self._pipe.send_bytes(pack({"progress": [self.done, self.total]}))
        if self._pipe.poll() and "cancel" in unpack(self._pipe.recv_bytes()):
            self.cancel()


class _Host:
    """Runs the calls on a `LocalEngine`; streams stay open between calls, so that others can come between."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._engine = LocalEngine(is_alone=True)
        self._streams: dict[int, Iterator[Any]] = {}
        self._held: list[ExportItem] = []

    def answer(self, request: dict[str, Any]) -> bytes:
        """Return the reply as bytes for the pipe."""
        token = _PipeToken(self._pipe)
        try:
            return pack({"result": self._run(request, token)})
        except Cancelled:
            return pack({"cancelled": True})
        except AppError as error:
            return pack(_failure(error))
        except (MemoryError, RecursionError):
            return pack(_failure(LimitExceeded("This needs more memory than an engine process may use.")))
        except Exception:  # noqa: BLE001 - a bug of ours costs this call, not the process
            return pack({"bug": traceback.format_exc()})

    def _run(self, request: dict[str, Any], token: CancelToken) -> Any:
        name, arguments, options = request["call"], request["arguments"], request["options"]
        if name == "next":
            return self._next(arguments[0])
        if name == "end":
            return self._end(arguments[0])
        if name == "hold":
            return self._hold(arguments[0], **options)
        if name in OF_HELD and arguments[0] is not None:
            arguments = (self._take_held(arguments[0]), *arguments[1:])
        method: Callable[..., Any] = getattr(self._engine, name)
        if name in STREAMS:
            # A stream outlives its first call: it is given up by "end", between two steps.
            self._streams[request["stream"]] = method(*arguments, token=CancelToken(), **options)
            return None
        if name not in CALLS:
            raise AppError(f"The engine has no call named {name}.")
        return method(*arguments, **options) if name in WITHOUT_TOKEN else method(*arguments, token=token, **options)

    def _hold(self, items: Sequence[ExportItem], *, is_first: bool) -> None:
        """Keep items for the export or search that follows."""
        if is_first:
            self._held = []
        self._held += items

    def _take_held(self, count: int) -> list[ExportItem]:
        held, self._held = self._held, []
        if len(held) != count:
            raise EngineStopped("The process that was to export was lost meanwhile; try again.")
        return held

    def _next(self, stream: int) -> list[Any]:
        """Return ``[item]``, or an empty list at the end."""
        steps = self._streams.get(stream)
        for item in steps or ():
            return [item]
        self._streams.pop(stream, None)
        return []

    def _end(self, stream: int) -> None:
        steps = self._streams.pop(stream, None)
        if steps is not None:
            steps.close()  # type: ignore[attr-defined]  # the streams are generators

    def close(self) -> None:
        for stream in list(self._streams):
            self._end(stream)
        self._engine.close()


def _failure(error: AppError) -> dict[str, Any]:
    keys = error.keys if isinstance(error, ChangedOnDisk) else ()
    path = None if error.path is None else str(error.path)
    return {"error": type(error).__name__, "message": error.message, "path": path, "offset": error.offset, "keys": keys}


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - there is no such module on Windows

        resource.setrlimit(resource.RLIMIT_DATA, (limits.ENGINE_MEMORY, limits.ENGINE_MEMORY))


def serve(pipe: Connection) -> None:
    """Answer until the other end of the pipe is closed; the entry point of the process."""
    _limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the window decides
    host, kept = _Host(pipe), KeptValues()
    try:
        pipe.send_bytes(pack({"ready": True}))
        while True:
            request = unpack(pipe.recv_bytes(), kept)
            kept.forget(request.get("forget", ()))
            if "cancel" not in request:  # one that came after its call was answered
                pipe.send_bytes(host.answer(request))
    except (EOFError, OSError, _WindowGone):
        pass
    finally:
        host.close()
