"""Ctrl+C and SIGTERM close the window as its close button does; Qt's own loop would not let Python see them."""

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Interrupts(QObject):
    """Wakes the event loop by a byte through a socket whenever a signal comes, from `install` until `remove`."""

    interrupted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read_end, self._write_end = socket.socketpair()
        for end in (self._read_end, self._write_end):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._read_end.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_woken)
        self._seen = 0

    @property
    def exit_code(self) -> int:
        """128 plus the number of the signal that came, 0 when none did."""
        return 128 + self._seen if self._seen else 0

    def install(self) -> None:
        numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
        self._before = {number: signal.getsignal(number) for number in numbers}
        for number, handler in self._before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        self._old_wakeup = signal.set_wakeup_fd(self._write_end.fileno(), warn_on_full_buffer=False)

    def remove(self) -> None:
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._read_end.close()
        self._write_end.close()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._seen = number

    @Slot()
    def _on_woken(self) -> None:
        self._read_end.recv(4_096)
        if self._seen:
            self.interrupted.emit()
