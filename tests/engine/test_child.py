"""The engine's process can be cancelled, killed and lost; the tab that uses it lives on."""

import errno
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.engine.child import ChildEngine
from app.engine.patience import Patience
from app.errors import Cancelled, EngineStopped
from tests.engine.shelves import listed, make_sqlite

TOKEN = CancelToken()
SLOW = pickle.dumps([[i, {"n": i}] for i in range(400_000)])
"""A value that our machine needs far longer for than any time limit of these tests."""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shelf.db", {b"slow": SLOW, b"quick": pickle.dumps([1, 2])})


@pytest.fixture
def engine(shelf: Path) -> Iterator[ChildEngine]:
    with listed(shelf) as made:
        yield made


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_call_is_cancelled_by_its_token(engine: ChildEngine) -> None:
    token = CancelToken()
    timer = threading.Timer(0.1, token.cancel)
    timer.start()

    with pytest.raises(Cancelled):
        engine.decode(0, token)

    timer.join()
    assert engine.decode(1, TOKEN).root.count == 2


def test_a_call_that_is_silent_for_too_long_is_given_up_with_a_sentence(shelf: Path) -> None:
    with closing(ChildEngine()) as engine:
        engine.open(str(shelf), TOKEN)
        list(engine.index(TOKEN))
        first = engine.process_id

        soon = Patience(0.01)  # over before the first sign of life, which would renew it
        with pytest.raises(EngineStopped, match="no sign of life for"):
            engine._call("decode", [engine._place(0)], TOKEN, patience=soon)

        assert engine.decode(1, TOKEN).root.count == 2
        assert engine.process_id != first


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_process_costs_one_sentence(engine: ChildEngine, shelf: Path) -> None:
    process_id = engine.process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)

    with pytest.raises(EngineStopped, match=r"shelf\.db ended unexpectedly"):
        engine.decode(1, TOKEN)

    assert engine.decode(1, TOKEN).root.count == 2
    assert shelf.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_reading_the_keys_goes_on_after_a_loss(tmp_path: Path) -> None:
    keys = [b"%06d" % number for number in range(60_000)]
    engine = ChildEngine()
    engine.open(str(make_sqlite(tmp_path / "many.db", dict.fromkeys(keys, b"N."))), TOKEN)

    seen = []
    for number, chunk in enumerate(engine.index(TOKEN)):
        seen += [chunk.key(row) for row in range(len(chunk))]
        if number == 1 and engine.process_id is not None:
            os.kill(engine.process_id, signal.SIGKILL)

    assert seen == keys
    assert engine.read(59_999, 0, 9, TOKEN) == b"N."
    engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows starts processes in another way.")
def test_a_process_that_cannot_be_started_costs_one_sentence(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with closing(ChildEngine()) as engine:
        with monkeypatch.context() as patch:
            patch.setattr("multiprocessing.popen_spawn_posix.Popen._launch", refuse)
            with pytest.raises(EngineStopped, match=r"could be started: .*try again"):
                engine.open(str(shelf), TOKEN)

        assert engine.open(str(shelf), TOKEN).format == "sqlite3"


def test_closing_ends_the_process_soon(engine: ChildEngine) -> None:
    process_id = engine.process_id
    assert process_id is not None

    started = time.monotonic()
    engine.close()

    assert not is_alive(process_id)
    assert time.monotonic() - started < 5


def test_other_calls_may_come_between_two_chunks(tmp_path: Path) -> None:
    keys = [b"%06d" % number for number in range(40_000)]
    engine = ChildEngine()
    engine.open(str(make_sqlite(tmp_path / "many.db", dict.fromkeys(keys, b"K\x05."))), TOKEN)

    chunks = engine.index(TOKEN)
    count = len(next(chunks))
    assert engine.decode(0, TOKEN).root.text == "5"
    count += sum(map(len, chunks))

    assert count == 40_000
    engine.close()
