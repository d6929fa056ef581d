"""A private file that keeps pending changes over a crash: written after every edit, removed when nothing is pending.

A line is the CRC-32 of what follows in eight hexadecimal digits, a space, and a JSON object. The first one names the
database, each other one what an entry is to be. A line that was cut or damaged costs its own change and no other.
"""

import base64
import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, BinaryIO
from zlib import crc32

from app.document.history import EntryRef
from app.document.pending import PendingChange
from app.document.private_lock import lock
from app.errors import AppError

VERSION = 1
_COMPACTED_BYTES = 1 << 20
"""Bytes of a journal below which it is not written anew."""
_STEP = 3 << 18
"""Bytes of a value that are encoded at once: a multiple of three, so that nothing is filled up between."""
_WASTE = 3
"""How many times as long as what it says a journal may get."""


def line_of(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line of a journal."""
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x " % crc32(text) + text + b"\n"


def record_of(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, None where it is damaged."""
    check, _, text = line.rstrip(b"\n").partition(b" ")
    if len(check) != 8 or not line.endswith(b"\n") or check != b"%08x" % crc32(text):
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def header_of(path: Path, format_id: str) -> dict[str, Any]:
    """Return the first record of a journal."""
    return {"shelfscope": VERSION, "path": os.fspath(path.absolute()), "format": format_id, "pid": os.getpid()}


def entry_line(change: PendingChange) -> list[bytes]:
    """Return the line of what an entry is to be, in parts.

    A large value is written in steps: one call for all of it would hold up the window's thread meanwhile.
    """
    record = _record(change)
    if change.is_stored or change.is_deleted:
        return [line_of(record)]
    text = json.dumps(record, separators=(",", ":")).encode()
    steps = range(0, len(change.value), _STEP)
    values = (base64.b64encode(change.value[start : start + _STEP]) for start in steps)
    parts = [text[:-1], b',"value":"', *values, b'"}']
    check = 0
    for part in parts:
        check = crc32(part, check)
    return [b"%08x " % check, *parts, b"\n"]


def _record(change: PendingChange) -> dict[str, Any]:
    """Return what an entry is to be as a record, without its value."""
    record: dict[str, Any] = {"key": _text(change.ref.key), "nth": change.ref.nth}
    if change.is_stored:
        return {**record, "kind": "stored"}
    record |= {"kind": change.kind.value, "digest": None if change.digest is None else change.digest.hex()}
    if change.partner is not None:
        record |= {"from": _text(change.partner.key), "from_nth": change.partner.nth}
    return record


def change_of(record: Mapping[str, Any]) -> PendingChange | None:
    """Return what a record says an entry is to be; None where it is not such a record."""
    try:
        ref = EntryRef(_bytes(record["key"]), int(record["nth"]))
        kind = record["kind"]
        if kind == "stored":
            return PendingChange(ref, b"", None, is_stored=True)
        digest = None if record["digest"] is None else bytes.fromhex(record["digest"])
        partner = EntryRef(_bytes(record["from"]), int(record["from_nth"])) if "from" in record else None
        value = b"" if kind == "deleted" else _bytes(record["value"])
    except (KeyError, ValueError, TypeError):
        return None
    return PendingChange(ref, value, digest, is_deleted=kind == "deleted", partner=partner)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


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
        lines = self._taken(order.changes)
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
    """Changes to write down; ``is_all``: nothing else is pending."""

    def __init__(
        self,
        header: dict[str, Any],
        changes: tuple[PendingChange, ...],
        *,
        is_all: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.header = header
        self.changes = changes
        self.is_all = is_all
        self.then = then or _nothing
        self.is_written = Event()


def _nothing() -> None:
    pass


def _make_durable(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
