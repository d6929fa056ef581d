"""Standard output and standard error: bytes in UTF-8 whatever the locale, safe on a terminal, quiet when closed."""

import errno
import os
import re
import sys
from typing import BinaryIO

from app.codecs.screen import escape_text
from app.errors import AppError

_UNSAFE_IN_JSON = re.compile(
    r"[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Controls and bidi controls that JSON may carry unescaped but a terminal must not get."""


_BUFFER = 1 << 16
"""Bytes collected before they are written."""


class OutputClosed(Exception):
    """Nobody reads standard output any more: the command ends quietly."""


class Output:
    """Where commands write what they were asked for.

    It buffers by itself: with ``python -u`` the stream of standard output is a raw one, which may take
    a part of what it is given.
    """

    def __init__(self) -> None:
        # Python has no sys.stdout when the program was started with a closed one.
        self._stream: BinaryIO | None = getattr(sys.stdout, "buffer", None)
        self._waiting = bytearray()
        self.is_terminal = self._stream is not None and sys.stdout.isatty()

    def write(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) >= _BUFFER or self.is_terminal:
            self._drain()

    def _drain(self) -> None:
        if self._stream is None:
            raise OutputClosed
        data = memoryview(bytes(self._waiting))
        self._waiting.clear()
        try:
            while data:
                data = data[self._stream.write(data) :]
            self._stream.flush()
        except OSError as error:
            raise self._failed(error) from error

    def text(self, text: str) -> None:
        """Write text that is safe already; lone surrogates become escapes."""
        self.write(text.encode("utf-8", "backslashreplace"))

    def line(self, text: str) -> None:
        self.text(text + "\n")

    def json(self, piece: str) -> None:
        """Write a piece of JSON text; for a terminal with escapes for what would act on it, which mean the same."""
        self.text(_UNSAFE_IN_JSON.sub(_json_escape, piece) if self.is_terminal else piece)

    def flush(self) -> None:
        """Write what is still buffered; a command that had something to say is not done before."""
        if self._waiting:
            self._drain()

    def _failed(self, error: OSError) -> Exception:
        self.abandon()
        # Windows answers EINVAL when the reader of a pipe has gone.
        if error.errno == errno.EPIPE or (sys.platform == "win32" and error.errno == errno.EINVAL):
            return OutputClosed()
        why = error.strerror
        return AppError(f"Standard output could not be written: {why}; free some space or write to another place.")

    def abandon(self) -> None:
        """Let what is still buffered go nowhere: the interpreter flushes once more and would complain."""
        self._waiting.clear()
        if self._stream is None:
            return
        try:
            descriptor = self._stream.fileno()
        except OSError:
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def complain(sentence: str) -> None:
    """Write one line to standard error, if there is one."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"shelfscope: {escape_text(sentence)}\n")
        sys.stderr.flush()
    except OSError:
        return


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
