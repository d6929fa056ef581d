"""Measures how long the event loop does not get to run."""

import subprocess
import sys
import time

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from pytestqt.qtbot import QtBot

BEAT = 5
"""Milliseconds between two beats of an idle loop."""
IDLE = 1_000
"""Milliseconds that the idle loop is watched."""
ALLOWED = 100
"""Milliseconds that a gap may be longer than in the idle loop of the same run."""


class Heartbeat(QObject):
    """Notes the time between successive beats from `start` until `longest` is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0
        self._longest = 0.0
        self.beats = 0
        self._timer = QTimer(self, interval=BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> None:
        self._last, self._longest, self.beats = time.perf_counter(), 0.0, 0
        self._timer.start()

    def longest(self) -> float:
        """Stop, and return the longest gap between two beats in milliseconds."""
        self._timer.stop()
        return max(self._longest, time.perf_counter() - self._last) * 1_000

    @Slot()
    def _on_beat(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        self.beats += 1


def idle_gap(qtbot: QtBot, heartbeat: Heartbeat) -> float:
    """Return the longest gap of the idle loop while another process works as hard as the engine's will."""
    load = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    heartbeat.start()
    qtbot.wait(IDLE)
    longest = heartbeat.longest()
    load.kill()
    load.wait()
    return longest
