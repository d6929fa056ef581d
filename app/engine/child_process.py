"""The child process of an engine: started before it is needed, asked through a pipe, killed when it does not answer."""

import atexit
import contextlib
from collections.abc import Iterator, Sequence
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from weakref import WeakSet

from app import errors
from app.cancel import CancelToken
from app.engine.kept_values import SentValues
from app.engine.patience import CANCEL_SECONDS, STEP_SECONDS, Patience
from app.engine.serve import serve
from app.engine.wire import pack, unpack
from app.errors import AppError, Cancelled, ChangedOnDisk, EngineBug, EngineStopped

_POLL_SECONDS = 0.02
OPEN_SECONDS = 3600.0
"""Recognising a large file of pickles means walking through it: this may take its time, and can be cancelled."""

_RUNNING: "WeakSet[ChildProcess]" = WeakSet()


@atexit.register  # before multiprocessing's own hook, which would wait for ever for a child whose pipe is open
def _end_all() -> None:
    for process in list(_RUNNING):
        process.close()


class ChildProcess:
    """One child process and the calls that it answers. Blocks its caller; to be used by one worker thread.

    One that was lost is started again by the next call, and opens the database that it had open.
    """

    def __init__(self, *, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._path = ""
        self._extensions: dict[int, str] = {}
        self._stream_ids = count(1)
        self._is_ready = False
        self._sent = SentValues()

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
            self._ask({"call": "open", "arguments": [self._path], "options": {}}, token, Patience(OPEN_SECONDS))

    def _ask(self, request: dict[str, object], token: CancelToken, patience: Patience | None = None) -> Any:
        patience = patience or Patience(self._answer_seconds)
        token.done = 0
        try:
            pipe = self._open_pipe
            pipe.send_bytes(pack({**request, "forget": self._sent.take_forgotten()}, self._sent))
            self._sent.forget_oldest()
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
            patience.renew()  # only work that goes on, and looks whether it is to end, tells of itself
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
                f"This gave no sign of life for {patience.seconds:.0f} seconds and was given up. Nothing was changed."
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
        self._sent = SentValues()
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

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

    def close(self) -> None:
        """End the child; a running save is waited for."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        self._sent = SentValues()
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
