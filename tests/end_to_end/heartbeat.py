"""Measures how long the event loop does not get to run."""

import subprocess
import sys
import time
from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from pytestqt.qtbot import QtBot

BEAT = 5
"""Milliseconds between two beats of an idle loop."""
IDLE = 1_000
"""Milliseconds that the idle loop is watched."""
ALLOWED = 100
"""Milliseconds that a gap may be longer than in the idle loop of the same run."""


FRAME = 16
"""Milliseconds of a frame, by which a hundredth of all beats may be later than 1.5 times that of the idle loop."""


class Heartbeat(QObject):
    """Notes the time between successive beats from `start` until `longest` is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0
        self.gaps: list[float] = []
        """Milliseconds between two beats, one after the other."""
        self._timer = QTimer(self, interval=BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> None:
        self._last, self.gaps = time.perf_counter(), []
        self._timer.start()

    @property
    def beats(self) -> int:
        return len(self.gaps)

    def longest(self) -> float:
        """Stop, and return the longest gap between two beats in milliseconds."""
        self._timer.stop()
        self._on_beat()
        return max(self.gaps)

    @Slot()
    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1_000)
        self._last = now


def p99(gaps: Sequence[float]) -> float:
    """Return the length that 99 of 100 gaps do not exceed."""
    return sorted(gaps)[len(gaps) * 99 // 100]


def idle_gap(qtbot: QtBot, heartbeat: Heartbeat) -> float:
    """Return the longest gap of the idle loop while another process works as hard as the engine's will."""
    load = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    heartbeat.start()
    qtbot.wait(IDLE)
    longest = heartbeat.longest()
    load.kill()
    load.wait()
    return longest
