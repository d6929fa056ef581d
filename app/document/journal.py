"""A private file that keeps pending changes over a crash: written after every edit, removed when nothing is pending."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, BinaryIO

from app.document.history import EntryRef
from app.document.journal_lines import entry_line, line_of
from app.document.pending import PendingChange
from app.document.private_lock import lock
from app.errors import AppError

_COMPACTED_BYTES = 1 << 20
"""Bytes of a journal below which it is not written anew."""
_WASTE = 3
"""How many times as long as what it says a journal may get."""


class Journal:
    """The journal of one document, written by a thread of its own.

    Where it cannot be written, ``error`` says why, and editing goes on without it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self.error = ""
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._file: BinaryIO | None = None
        self._header: dict[str, Any] = {}
        self._pending: dict[EntryRef, tuple[PendingChange, int]] = {}
        """What is pending, each with the length of its line: what the file holds once it is written anew."""
        self._needed = 0
        """Bytes of these lines."""
        self._length = 0

    # ---- called by the document

    def note(
        self, header: Mapping[str, Any], changes: Iterable[PendingChange], then: Callable[[], None] | None = None
    ) -> None:
        """Write changes down soon; returns at once. ``then`` is called in the thread that has written them."""
        self._order(_Order(dict(header), tuple(changes), then=then))

    def note_save(self, record: Mapping[str, Any]) -> None:
        """Write down that what is pending is being saved, and wait until that is on the disk."""
        self._order(_Order({}, (), lines=(line_of(record),)))
        self.flush()

    def restart(self, header: Mapping[str, Any], changes: Iterable[PendingChange]) -> None:
        """Write down that these changes are pending and no others; the file goes when there are none."""
        self._order(_Order(dict(header), tuple(changes), is_all=True))

    def _order(self, order: "_Order") -> None:
        if self._thread is None:
            self._thread = Thread(target=self._serve, name=f"journal {self.path.name}", daemon=True)
            self._thread.start()
        self._orders.put(order)

    def flush(self, seconds: float = 30.0) -> None:
        """Wait until all that was noted is on the disk."""
        if self._thread is not None:
            order = _Order({}, ())
            self._orders.put(order)
            order.is_written.wait(seconds)

    def close(self) -> None:
        """Remove the file and end the thread: what is pending is given up. Harmless when called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._orders.put(_Order({}, (), is_all=True))
            self._orders.put(None)
            thread.join()

    # ---- in the thread

    def _serve(self) -> None:
        while (order := self._orders.get()) is not None:
            try:
                self._write(order)
                self.error = ""
                order.then()
            except AppError as error:
                self.error = error.message.rstrip(".")
            except (OSError, ValueError, MemoryError) as error:
                self.error = getattr(error, "strerror", None) or "it cannot be written"
                self._close_file()
            order.is_written.set()
        self._close_file()

    def _write(self, order: "_Order") -> None:
        if order.header:
            self._header = order.header
        if order.is_all:
            self._pending, self._needed = {}, 0
        lines = [*self._taken(order.changes), *order.lines]
        if not self._pending:
            self._remove()
        elif order.is_all or self._file is None or self._is_wasteful:
            self._write_anew()
        elif lines:
            self._append(lines)

    def _taken(self, changes: Sequence[PendingChange]) -> list[bytes]:
        lines = []
        for change in changes:
            line = entry_line(change)
            lines += line
            self._needed -= self._pending.pop(change.ref, (change, 0))[1]
            if not change.is_stored:
                length = sum(map(len, line))
                self._pending[change.ref] = change, length
                self._needed += length
        return lines

    @property
    def _is_wasteful(self) -> bool:
        return self._length > max(_COMPACTED_BYTES, _WASTE * self._needed)

    def _append(self, lines: Sequence[bytes]) -> None:
        if self._file is not None:
            self._file.writelines(lines)
            self._length += sum(map(len, lines))
            _make_durable(self._file)

    def _write_anew(self) -> None:
        """Write what is pending into a new file that takes the journal's name; the lock goes with it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        file = os.fdopen(descriptor, "wb")
        try:
            lock(file)
            file.write(line_of(self._header))
            for change, _length in self._pending.values():
                file.writelines(entry_line(change))
            length = file.tell()
            _make_durable(file)
            self._close_file()  # Windows replaces no open file
            beside.replace(self.path)
        except BaseException:
            file.close()
            raise
        self._file, self._length = file, length

    def _remove(self) -> None:
        self._close_file()
        self.path.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                file.close()


class _Order:
    """Changes to write down, and ``lines`` that go with a file written anew; ``is_all``: nothing else is pending."""

    def __init__(
        self,
        header: dict[str, Any],
        changes: tuple[PendingChange, ...],
        *,
        is_all: bool = False,
        lines: tuple[bytes, ...] = (),
        then: Callable[[], None] | None = None,
    ) -> None:
        self.header = header
        self.changes = changes
        self.is_all = is_all
        self.lines = lines
        self.then = then or _nothing
        self.is_written = Event()


def _nothing() -> None:
    pass


def _make_durable(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
