"""A large value shows its beginning at once, is followed in slices that leave room for others, and can be given up."""

import gc
import pickle
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app import limits
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.codecs.edits import DeleteNodes, ReplaceNode, Written
from app.codecs.findings import Query
from app.engine.base import Engine
from app.engine.child import ChildEngine
from app.engine.decoded_values import DecodedValues
from app.engine.local import LocalEngine
from app.engine.stepwise import Stepwise
from app.engine.value_calls import DecodeReport
from app.errors import Cancelled, EncodeError
from tests.engine.shelves import make_sqlite
from tests.engine.test_hostile_values import peak_memory

TOKEN = CancelToken()
ROWS = [{"id": number, "name": f"item {number}", "tags": ["a", f"t{number % 7}"]} for number in range(150_000)]
LARGE = pickle.dumps(ROWS, 4)
LARGE_ID = 1
DELETION = DeleteNodes(("[0]",))
"""An edit that moves all the rest, and so has all of it compared."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    return make_sqlite(folder / "large.db", {b"a": pickle.dumps({"k": 1}), b"b": LARGE})


@pytest.fixture
def opened(engine: Engine, shelf: Path) -> Engine:
    """Both kinds of engine, with the shelf open."""
    engine.open(str(shelf), TOKEN)
    list(engine.index(TOKEN))
    return engine


def until_first(reports: Iterator[DecodeReport]) -> DecodeReport:
    first = next(reports)
    assert first.info is not None
    assert not first.finished
    return first


def test_the_value_is_large() -> None:
    assert len(LARGE) > limits.LARGE_VALUE


def test_the_beginning_comes_first_and_the_whole_last(opened: Engine) -> None:
    reports = list(opened.decoding(LARGE_ID, TOKEN))

    first, last = reports[0], reports[-1]
    assert first.info is not None
    assert last.info is not None
    assert 100 < first.info.root.count < len(ROWS)
    assert first.info.why_cut.startswith("Only the first")
    assert (last.finished, last.info.root.count, last.info.why_cut) == (True, len(ROWS), "")
    assert len(reports) > 3
    assert sorted(report.done for report in reports) == [report.done for report in reports]
    assert {report.total for report in reports} == {len(LARGE)}


def test_others_are_answered_between_two_slices(opened: Engine) -> None:
    reports = opened.decoding(LARGE_ID, TOKEN)
    first = until_first(reports)
    assert first.info is not None
    next(reports)

    rows = opened.rows(LARGE_ID, first.info.root.node, 0, 10, TOKEN)
    text = opened.text(LARGE_ID, 100, TOKEN)
    end = opened.read(LARGE_ID, len(LARGE) - 2, 2, TOKEN)
    small = opened.decode(0, TOKEN)
    [opcode] = opened.opcodes(LARGE_ID, 1_000_000, 1, TOKEN)

    assert rows[3].text == repr(ROWS[3])
    assert text.startswith("[")
    assert end == LARGE[-2:]
    assert small.root.text == "{'k': 1}"
    assert opcode.offset > len(LARGE) // 4
    assert list(reports)[-1].finished


def test_the_beginning_is_not_edited_and_stays_when_the_rest_is_given_up(opened: Engine) -> None:
    reports = opened.decoding(LARGE_ID, TOKEN)
    until_first(reports)
    next(reports)

    reports.close()  # type: ignore[attr-defined]  # it is a generator

    with pytest.raises(EncodeError, match="not shown whole"):
        opened.edit(LARGE_ID, ReplaceNode("[0]['id']", Written("5")), TOKEN)
    assert opened.find(LARGE_ID, "[0]['name']", TOKEN).text == "'item 0'"
    assert opened.decode(LARGE_ID, TOKEN).root.count == len(ROWS)
    assert opened.edit(LARGE_ID, ReplaceNode("[0]['id']", Written("5")), TOKEN) != LARGE


def test_a_cancelled_token_ends_it(opened: Engine) -> None:
    token = CancelToken()
    reports = opened.decoding(LARGE_ID, token)
    until_first(reports)
    token.cancel()

    with pytest.raises(Cancelled):
        list(reports)

    assert opened.decode(0, TOKEN).root.text == "{'k': 1}"


def test_a_small_value_is_there_in_one_report(opened: Engine) -> None:
    [report] = [report for report in opened.decoding(0, TOKEN) if report.info]

    assert report.finished


class Watched(CancelToken):
    """Notes how far the work is, as the window's bar shows it."""

    def __init__(self) -> None:
        self.parts: list[float] = []
        super().__init__()

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "total" and self.total:
            self.parts.append(self.done / self.total)


@pytest.mark.alone
def test_an_edit_may_take_longer_than_the_limit_as_long_as_it_makes_progress(shelf: Path) -> None:
    with closing(LocalEngine()) as local:
        local.open(str(shelf), TOKEN)
        list(local.index(TOKEN))
        local.decode(LARGE_ID, TOKEN)
        started = time.monotonic()
        expected = local.edit(LARGE_ID, DELETION, TOKEN)
        needed = time.monotonic() - started

    token = Watched()
    with closing(ChildEngine(answer_seconds=needed / 2)) as engine:
        engine.prestart()
        engine.open(str(shelf), TOKEN)
        list(engine.index(TOKEN))
        process = engine.process_id
        list(engine.decoding(LARGE_ID, TOKEN))
        token.parts.clear()
        edited = engine.edit(LARGE_ID, DELETION, token)

        assert edited == expected
        assert engine.process_id == process
        assert token.parts == sorted(token.parts)
        assert 0 < token.parts[0] < 0.5 < token.parts[-1] <= 1


def test_an_edit_is_cancelled_in_the_middle(shelf: Path) -> None:
    token = Watched()
    with closing(ChildEngine()) as engine:
        engine.open(str(shelf), TOKEN)
        list(engine.index(TOKEN))
        list(engine.decoding(LARGE_ID, TOKEN))
        stop = threading.Thread(target=lambda: cancel_once(token, 0.4))
        stop.start()

        with pytest.raises(Cancelled):
            engine.edit(LARGE_ID, DELETION, token)

        stop.join()
        assert engine.decode(0, TOKEN).root.text == "{'k': 1}"


def test_a_large_value_that_was_dropped_is_gone_before_the_next_is_decoded() -> None:
    values = DecodedValues()
    value, reason = codecs.decode(LARGE, TOKEN)
    left = weakref.ref(value)
    values.keep(LARGE_ID, (value, reason))
    del value
    gc.freeze()  # as after one of some millions of records
    gc.disable()
    try:
        values.make_room(100 << 20)
    finally:
        gc.enable()

    assert left() is None


def cancel_once(token: Watched, part: float) -> None:
    while not token.parts or token.parts[-1] < part:
        time.sleep(0.005)
    token.cancel()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_value_of_100_mb_opens_within_the_memory_of_its_process(tmp_path: Path) -> None:
    count = 1_900_000
    stored = pickle.dumps(
        [{"id": n, "name": f"item {n}", "price": n / 4, "tags": ["a", f"t{n}"]} for n in range(count)]
    )
    path = make_sqlite(tmp_path / "huge.db", {b"huge": stored})
    engine = ChildEngine(answer_seconds=8.0)  # for one slice: all of it takes longer
    try:
        engine.open(str(path), TOKEN)
        list(engine.index(TOKEN))
        process, started = engine.process_id, time.monotonic()
        reports = engine.decoding(0, TOKEN)
        first = until_first(reports)
        assert first.info is not None
        shown_after = time.monotonic() - started
        *_, last = reports
        [opcode] = engine.opcodes(0, 20_000_000, 1, TOKEN)

        assert len(stored) > 100_000_000
        assert shown_after < 5
        assert len(engine.rows(0, first.info.root.node, 0, 100, TOKEN)) == 100
        assert (last.info.root.count if last.info else 0) == count
        assert opcode.offset > len(stored) // 2
        assert engine.process_id == process
        assert peak_memory(engine) < limits.ENGINE_MEMORY
    finally:
        engine.close()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_a_value_of_over_100_mb_is_edited_again_and_again_within_the_memory_of_its_process(tmp_path: Path) -> None:
    count = 1_000_000
    rows = [
        {"id": n, "name": f"item number {n}", "price": n / 4, "when": f"2024-{n % 12}", "tags": ["a", f"tag{n}", "b"]}
        | {"address": {"street": f"street {n}", "city": "x"}}
        for n in range(count)
    ]
    path = make_sqlite(tmp_path / "huge.db", {b"huge": pickle.dumps(rows, 4)})
    del rows
    with closing(ChildEngine()) as engine:
        engine.open(str(path), TOKEN)
        list(engine.index(TOKEN))
        list(engine.decoding(0, TOKEN))
        process = engine.process_id

        shorter = engine.edit(0, DELETION, TOKEN)
        *_, last = engine.decoding(shorter, TOKEN)
        other = engine.edit(shorter, ReplaceNode("[999998]['name']", Written("'last'")), TOKEN)

        assert len(shorter) > 100_000_000
        assert last.info is not None
        assert (last.info.root.count, last.info.why_cut) == (count - 1, "")
        assert engine.process_id == process
        assert peak_memory(engine) < limits.ENGINE_MEMORY
    loaded = pickle.loads(other)
    assert len(loaded) == count - 1
    assert (loaded[0]["id"], loaded[-1]["name"], loaded[-2]["name"]) == (1, "last", f"item number {count - 2}")


def test_a_search_says_where_it_stopped(shelf: Path, local: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PICKLE_NODES", 50_000)
    local.open(str(shelf), TOKEN)

    reports = list(local.search(None, Query("item 7"), TOKEN))

    [(key, why)] = [each for report in reports for each in report.unread]
    assert key == b"b"
    assert why.startswith("It was searched in part. Only the first")
    assert any(found.path == "[7]['name']" for report in reports for found in report.hits)


def test_work_in_slices_tells_its_error_and_leaves_no_thread() -> None:
    def fail(token: CancelToken) -> int:
        token.advance(1, 2)
        raise ZeroDivisionError

    before = threading.active_count()

    with pytest.raises(ZeroDivisionError):
        list(Stepwise(fail, TOKEN).steps())

    assert threading.active_count() == before


def test_work_in_slices_that_is_left_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.stepwise.SLICE_SECONDS", 0.0)

    def endless(token: CancelToken) -> None:
        while True:
            token.check()

    before = threading.active_count()
    steps = Stepwise(endless, TOKEN).steps()
    next(steps)
    next(steps)

    steps.close()  # type: ignore[attr-defined]  # it is a generator

    assert threading.active_count() == before
