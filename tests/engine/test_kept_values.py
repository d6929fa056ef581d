"""Large values that are not saved yet cross to the engine's process once, and only so many are remembered there."""

import os
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from app.backends.base import Expected, Insert, SaveOptions
from app.cancel import CancelToken
from app.engine.base import ExportItem, ExportReport
from app.engine.child import ChildEngine
from app.engine.kept_values import LARGE, KeptValues, SentValues
from app.engine.wire import pack, unpack
from app.errors import EngineStopped
from tests.engine.shelves import listed, make_sqlite, read_sqlite

TOKEN = CancelToken()
SIZE = 8 << 20

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a process has read and holds.")


def large(seed: int, size: int = SIZE) -> bytes:
    return pickle.dumps(Random(seed).randbytes(size), 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps("small", 4)})


@pytest.fixture
def engine(path: Path) -> Iterator[ChildEngine]:
    with listed(path) as made:
        yield made


def bytes_read(engine: ChildEngine) -> int:
    """Return how many bytes the child has read so far, from its pipe and from files."""
    lines = Path(f"/proc/{engine.process_id}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def memory_held(engine: ChildEngine) -> int:
    """Return how many bytes of memory the child occupies."""
    lines = Path(f"/proc/{engine.process_id}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1]) << 10


# ---- the two ends


def test_a_value_is_sent_once_and_named_afterwards() -> None:
    sent, kept, value = SentValues(), KeptValues(), large(1, LARGE)

    first = pack(["call", value, [ExportItem(b"k", value)]], sent)
    second = pack(["call", value], sent)

    assert LARGE < len(first) < LARGE + 1_000
    assert len(second) < 100
    assert unpack(first, kept) == ("call", value, (ExportItem(b"k", value),))
    assert unpack(second, kept) == ("call", value)


def test_an_equal_value_that_is_another_object_is_sent_for_itself() -> None:
    sent, kept, value = SentValues(), KeptValues(), large(1, LARGE)
    other = bytes(bytearray(value))

    assert unpack(pack([value], sent), kept) == (value,)
    assert len(pack([other], sent)) > LARGE


def test_small_values_are_not_remembered() -> None:
    sent = SentValues()

    assert pack([b"x" * 100], sent) == pack([b"x" * 100], sent) == pack([b"x" * 100])


@pytest.mark.parametrize(("size", "remembered"), [(LARGE, 16), (20 << 20, 6), (129 << 20, 1)])
def test_only_so_many_are_remembered_the_last_used_ones(size: int, remembered: int) -> None:
    sent = SentValues()
    values = [bytes(size + number) for number in range(remembered + 2)]
    numbers = []

    for value in values:
        numbers.append(sent.add(value))
        sent.forget_oldest()
        sent.number_of(values[0])

    gone = sent.take_forgotten()
    assert len(values) - len(gone) == remembered
    assert sent.number_of(values[-1]) == numbers[-1]
    assert (numbers[0] in gone) == (remembered == 1), "the first one was used again and again"
    assert sent.take_forgotten() == []


# ---- an engine


@linux_only
def test_a_large_unsaved_value_crosses_once_however_often_it_is_asked_about(engine: ChildEngine) -> None:
    value = large(1)
    before = bytes_read(engine)

    assert engine.decode(value, TOKEN).size == len(value)
    for start in range(0, SIZE, SIZE // 16):
        assert engine.read(value, start, 10, TOKEN) == value[start : start + 10]
        assert engine.summaries([value], TOKEN)[0].codec == "pickle"
        assert len(engine.rows(value, 0, 0, 10, TOKEN)) <= 10
        assert engine.find(value, "", TOKEN).type == "bytes"

    assert bytes_read(engine) - before < 1.5 * SIZE


@linux_only
def test_the_process_does_not_grow_with_every_version_of_a_value(engine: ChildEngine) -> None:
    for seed in range(17):
        engine.summaries([large(seed)], TOKEN)
    before = memory_held(engine)

    for seed in range(17, 34):
        assert engine.read(large(seed), 0, 100, TOKEN)[:2] == b"\x80\x04"

    assert memory_held(engine) - before < 4 * SIZE


def test_a_value_is_known_again_in_a_process_that_took_the_place_of_a_lost_one(engine: ChildEngine) -> None:
    value = large(1)
    engine.decode(value, TOKEN)
    assert engine.process_id is not None
    os.kill(engine.process_id, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    with pytest.raises(EngineStopped):
        engine.digest(value, TOKEN)

    assert engine.read(value, 5, 10, TOKEN) == value[5:15]


def test_values_that_are_saved_and_exported_are_those_that_were_sent(
    engine: ChildEngine, path: Path, tmp_path: Path
) -> None:
    value, old = large(1), pickle.dumps("small", 4)
    items = [ExportItem(b"one", value), ExportItem(b"two", value)]
    exported: list[ExportReport] = list(engine.export(items, str(tmp_path / "x.json"), lines=True, token=TOKEN))
    assert exported[-1].entries == 2

    expected = {0: Expected(b"a", 0, engine.digest(old, TOKEN))}
    engine.apply([Insert(b"b", value), Insert(b"c", value)], expected, SaveOptions(backup=False), TOKEN)

    assert read_sqlite(path) == {b"a": old, b"b": value, b"c": value}
    lines = (tmp_path / "x.json").read_text().splitlines()
    assert [line[:14] for line in lines] == ['{"key": "one",', '{"key": "two",']
    assert lines[0][14:] == lines[1][14:]
    assert len(list(engine.index(TOKEN))) == 1
    assert engine.read(value, 0, 10, TOKEN) == value[:10]
