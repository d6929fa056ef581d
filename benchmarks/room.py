"""Memory of an engine process that opens and edits values as large as the limits let them be.

``python3 dev.py bench room`` takes half an hour; with a number behind it, as many percent of the limits. Linux only.
"""

import marshal
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from app import limits
from app.backends.base import Insert, SaveOptions
from app.cancel import CancelToken
from app.codecs.edits import DeleteNodes
from app.engine.base import NewDatabase
from app.engine.child import ChildEngine
from app.errors import AppError

TOKEN = CancelToken()
_RECORD_NODES = {"pickle": 45, "marshal": 38}
"""How many nodes one of `records` counts as, in the units of the limits."""


def records(count: int) -> list[object]:
    """Return dicts with texts, numbers and lists in them, no two alike."""
    return [
        {"id": number, "name": f"item {number}", "price": number / 4, "tags": ["a", f"t{number}"], "at": {"x": -number}}
        for number in range(count)
    ]


def scalars(count: int) -> list[object]:
    """Return numbers of two sizes in turn, so that no run of them is found at once."""
    return [number if number % 2 else number / 4 for number in range(count)]


def main() -> None:
    part = int(sys.argv[1]) / 100 if len(sys.argv) > 1 else 1.0
    for codec, dumps, most in (
        ("marshal", marshal.dumps, limits.MARSHAL_NODES),
        ("pickle", pickle.dumps, limits.PICKLE_NODES),
    ):
        _measure(f"{codec}: scalars", dumps(scalars(int(0.98 * part * most))))
        _measure(f"{codec}: records", dumps(records(int(0.98 * part * most / _RECORD_NODES[codec]))))


def _measure(what: str, data: bytes) -> None:
    """Print what a fresh engine process needs for a value, and for taking its first node out."""
    with TemporaryDirectory() as folder, closing(ChildEngine()) as engine:
        path = str(Path(folder, "value.gdbm"))
        engine.create(NewDatabase(path, "gdbm"), TOKEN)
        engine.open(path, TOKEN)
        list(engine.index(TOKEN))
        engine.apply([Insert(b"value", data)], {}, SaveOptions(), TOKEN)
        list(engine.index(TOKEN))
        print(f"{what}, {len(data) / 1e6:.0f} MB:", end=" ", flush=True)
        print(_timed(engine, "read", lambda: _cut(engine)), end="; ", flush=True)
        print(_timed(engine, "edited", lambda: str(len(engine.edit(0, DeleteNodes(("[0]",)), TOKEN)))), flush=True)


def _cut(engine: ChildEngine) -> str:
    *_, last = engine.decoding(0, TOKEN)
    return last.info.why_cut or "whole" if last.info else ""


def _timed(engine: ChildEngine, what: str, work: Callable[[], str]) -> str:
    started = time.monotonic()
    try:
        outcome = work()
    except AppError as error:
        outcome = error.message
    return f"{what} in {time.monotonic() - started:.0f} s, {_peak(engine)} MB at most ({outcome})"


def _peak(engine: ChildEngine) -> int:
    """Return the most megabytes that the engine process ever had resident; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{engine.process_id}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 // 1_000_000
    return 0


if __name__ == "__main__":
    main()
