"""A private file that keeps pending changes over a crash: written after every edit, removed when nothing is pending."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, BinaryIO

from app.backends.file_operations import FileOperations
from app.document.history import EntryRef
from app.document.journal_lines import entry_line, line_of
from app.document.pending_change import PendingChange
from app.document.private_lock import lock
from app.errors import AppError

BEGUN = ".new"
"""The suffix of one that is being written."""
_COMPACTED_BYTES = 1 << 20
"""Bytes of a journal below which it is not written anew."""
_WASTE = 3
"""How many times as long as what it says a journal may get."""


class Journal:
    """The journal of one document, written by a thread of its own.

    Where it cannot be written, ``error`` is a sentence that says why, and editing goes on without it. ``on_error`` is
    called then, in that thread.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self.error = ""
        self.on_error: Callable[[], None] | None = None
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._file: BinaryIO | None = None
        self._header: dict[str, Any] = {}
        self._pending: dict[EntryRef, tuple[PendingChange, int]] = {}
        """What is pending, each with the length of its line: what the file holds once it is written anew."""
        self._needed = 0
        """Bytes of these lines."""
        self._begun: _Noted | None = None
        """The save that was begun last, until `restart` says what is pending after it."""
        self._length = 0
        self._is_broken = False
        """Whether the end of the file is not known, as writing to it failed; its lock stays."""
        self._then: list[Callable[[], None]] = []
        """What is to be called once all that was noted before is written."""

    # ---- called by the document

    def note(
        self, header: Mapping[str, Any], changes: Iterable[PendingChange], then: Callable[[], None] | None = None
    ) -> None:
        """Write changes down soon; returns at once. ``then`` is called in the thread that has written them."""
        self._order(_Order(dict(header), tuple(changes), then=(then,) if then else ()))

    def note_save(self, record: Mapping[str, Any]) -> None:
        """Write down that what is pending is being saved, and wait until that is on the disk."""
        self._order(_Order({}, (), begun=line_of(record)))
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
            is_written = Event()
            self._orders.put(_Order({}, (), written=(is_written,)))
            is_written.wait(seconds)

    def close(self, *, keeps_changes: bool = False) -> None:
        """End the thread, and remove the file unless what is pending is to be offered again.

        Harmless when called twice.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            if not keeps_changes:
                self._orders.put(_Order({}, (), is_all=True))
            self._orders.put(None)
            thread.join()

    # ---- in the thread

    def _serve(self) -> None:
        for order in self._joined():
            self._then += order.then
            try:
                self._write(order)
                self.error = ""
                self._call_then()
            except AppError as error:  # what was to be done then
                self._fail(error.message)
            except (OSError, ValueError, MemoryError) as error:
                self._is_broken = True
                reason = getattr(error, "strerror", None) or "there is too much of it"
                self._fail(f"Unsaved changes would not survive a crash, as their journal cannot be written: {reason}.")
            for event in order.written:
                event.set()
        self._close_file()

    def _call_then(self) -> None:
        while self._then:
            self._then.pop(0)()

    def _fail(self, sentence: str) -> None:
        self.error = sentence
        if self.on_error is not None:
            self.on_error()

    def _joined(self) -> Iterator["_Order"]:
        """Yield the orders; those that waited together come as one, without what was overtaken meanwhile.

        Else large values would pile up while somebody edits, or goes back, faster than the disk can follow.
        """
        order = self._orders.get()
        while order is not None:
            is_followed = not self._orders.empty()
            following = self._orders.get() if is_followed else None
            if following is not None and order.can_be_joined(following):
                order = order.joined(following)
                continue
            yield order
            order = following if is_followed else self._orders.get()

    def _write(self, order: "_Order") -> None:
        if order.header:
            self._header = order.header
        if order.is_all:
            self._pending, self._needed, self._begun = {}, 0, None
        is_anew = order.is_all or self._file is None or self._is_broken
        lines = self._taken(order.changes, keeps_lines=not is_anew)
        if order.begun:
            self._begun = _Noted(order.begun, self._pending.copy())
            lines.append(order.begun)
        if not self._pending:
            self._remove()
        elif is_anew or self._is_wasteful:
            self._write_anew()
        elif lines:
            self._append(lines)

    def _taken(self, changes: Sequence[PendingChange], *, keeps_lines: bool) -> list[bytes]:
        """Take changes; return their lines where they are kept, for else they would be in memory for nothing."""
        lines: list[bytes] = []
        for change in changes:
            line = entry_line(change)
            lines += line if keeps_lines else ()
            self._needed -= self._pending.pop(change.ref, (change, 0))[1]
            if not change.is_stored:
                length = sum(map(len, line))
                self._pending[change.ref] = change, length
                self._needed += length
        return lines

    @property
    def _is_wasteful(self) -> bool:
        needed = self._needed + (self._begun.length if self._begun else 0)
        return self._length > max(_COMPACTED_BYTES, _WASTE * needed)

    def _append(self, lines: Sequence[bytes]) -> None:
        if self._file is not None:
            self._file.writelines(lines)
            self._length += sum(map(len, lines))
            _make_durable(self._file)

    @property
    def _beside(self) -> Path:
        return self.path.with_suffix(BEGUN)

    def _write_anew(self) -> None:
        """Write what is pending into a new file that takes the journal's name; the lock goes with it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._beside
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        file = os.fdopen(descriptor, "wb")
        try:
            lock(file)
            file.write(2 * line_of(self._header))
            for line in self._all_lines():
                file.write(line)
            length = file.tell()
            _make_durable(file)
            if sys.platform == "win32":
                self._close_file()  # it replaces no open file
            beside.replace(self.path)
            self._close_file()  # not before: nobody shall find it without its lock
        except BaseException:
            file.close()
            self._forget_beside()
            raise
        self._file, self._length, self._is_broken = file, length, False
        FileOperations().fsync_folder(self.path.parent)

    def _forget_beside(self) -> None:
        """Leave nothing private behind of what could not be written."""
        with contextlib.suppress(OSError):
            self._beside.unlink()

    def _all_lines(self) -> Iterator[bytes]:
        """Yield the lines of all that is pending; what a begun save was about stands before the note of it."""
        pending = {ref: change for ref, (change, _length) in self._pending.items()}
        if self._begun is not None:
            saved = self._begun.changes()
            for change in saved.values():
                yield from entry_line(change)
            yield self._begun.line
            pending = {ref: change for ref, change in pending.items() if saved.get(ref) is not change}
            gone = (change for ref, change in saved.items() if ref not in self._pending)
            pending |= {change.ref: replace(change, is_stored=True) for change in gone}
        for change in pending.values():
            yield from entry_line(change)

    def _remove(self) -> None:
        self._close_file()
        self._is_broken = False
        self.path.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                file.close()


@dataclass(frozen=True, slots=True)
class _Noted:
    """A save that was begun: the line that says so, and what was pending then, each with the length of its line."""

    line: bytes
    pending: dict[EntryRef, tuple[PendingChange, int]]

    @property
    def length(self) -> int:
        """Bytes that it takes at most, besides what is pending now."""
        return len(self.line) + sum(length for _change, length in self.pending.values())

    def changes(self) -> dict[EntryRef, PendingChange]:
        return {ref: change for ref, (change, _length) in self.pending.items()}


@dataclass(frozen=True, slots=True)
class _Order:
    """Changes to write down; ``is_all``: no others are pending; ``begun``: the line of a save that begins behind them.

    ``then`` is called once that is done, ``written`` is set even where it failed.
    """

    header: dict[str, Any]
    changes: tuple[PendingChange, ...]
    is_all: bool = False
    begun: bytes = b""
    then: tuple[Callable[[], None], ...] = ()
    written: tuple[Event, ...] = ()

    def can_be_joined(self, following: "_Order") -> bool:
        """Tell whether both can be one: what is said of a save stays between what was noted before and after it."""
        return not self.begun and not following.begun

    def joined(self, following: "_Order") -> "_Order":
        """Return one order instead of two; of a change to the same entry the later one is in it."""
        changes = {} if following.is_all else {change.ref: change for change in self.changes}
        for change in following.changes:
            changes.pop(change.ref, None)  # it is the last one now
            changes[change.ref] = change
        return _Order(
            following.header or self.header,
            tuple(changes.values()),
            is_all=self.is_all or following.is_all,
            then=self.then + following.then,
            written=self.written + following.written,
        )


def _make_durable(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
