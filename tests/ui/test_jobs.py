"""Jobs: one after the other, off the interface thread, cancelled without a trace."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from pytestqt.qtbot import QtBot

from app.cancel import CancelToken
from app.document.job import Job, StreamJob
from app.errors import AppError, DocumentError
from app.ui.jobs import Activity, JobRunner
from tests.ui.fixtures import WAIT


def wait_idle(qtbot: QtBot, runner: JobRunner) -> None:
    qtbot.waitUntil(lambda: runner.is_idle, timeout=WAIT)


def until_cancelled(token: CancelToken) -> None:
    while True:
        token.check()
        time.sleep(0.001)


def test_work_is_elsewhere_and_done_is_here(qtbot: QtBot, runner: JobRunner) -> None:
    threads: list[threading.Thread] = []

    runner.start(
        Job(
            "x",
            lambda _: threading.current_thread(),
            lambda worker: threads.extend((worker, threading.current_thread())),
        )
    )
    wait_idle(qtbot, runner)

    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()


def test_work_starts_only_after_the_done_before_it(qtbot: QtBot, runner: JobRunner) -> None:
    state = {"value": 0}
    seen: list[int] = []

    def add(_: object) -> None:
        state["value"] += 1

    for _ in range(50):
        runner.start(Job("x", lambda _token: seen.append(state["value"]), add))
    wait_idle(qtbot, runner)

    assert seen == list(range(50))


def test_a_stream_lets_other_jobs_in_between_its_steps(qtbot: QtBot, runner: JobRunner) -> None:
    order: list[str] = []

    def steps(_token: CancelToken) -> Iterator[str]:
        yield from (f"step {place}" for place in range(5))

    def take(item: str) -> None:
        order.append(item)
        if item == "step 1":
            runner.start(Job("job", lambda _: "job", order.append))

    runner.start(StreamJob("stream", steps, take, partial(order.append, "end")))
    wait_idle(qtbot, runner)

    assert order == ["step 0", "step 1", "job", "step 2", "step 3", "step 4", "end"]


def test_a_stream_that_can_wait_goes_on_after_its_first_step_when_no_other_does(
    qtbot: QtBot, runner: JobRunner
) -> None:
    order: list[str] = []

    def steps(name: str) -> Callable[[CancelToken], Iterator[str]]:
        return lambda _token: (f"{name} {place}" for place in range(3))

    runner.start(Job("x", lambda _: time.sleep(0.05)))  # so that both wait
    runner.start(StreamJob("Counting", steps("count"), order.append, can_wait=True))
    runner.start(StreamJob("Decoding", steps("decode"), order.append))
    wait_idle(qtbot, runner)

    assert order == ["count 0", "decode 0", "decode 1", "decode 2", "count 1", "count 2"]


def test_a_stream_that_waits_is_cancelled_at_once(qtbot: QtBot, runner: JobRunner) -> None:
    order: list[str] = []

    def decode(_token: CancelToken) -> Iterator[str]:
        for place in range(3):
            runner_token.cancel()
            yield f"decode {place}"

    def count(_token: CancelToken) -> Iterator[str]:
        yield from ("count 0", "count 1")

    runner.start(Job("x", lambda _: time.sleep(0.05)))
    runner_token = runner.start(StreamJob("Counting", count, order.append, can_wait=True))
    runner.start(StreamJob("Decoding", decode, order.append))
    wait_idle(qtbot, runner)

    assert order == ["count 0", "decode 0", "decode 1", "decode 2"]


def test_what_needs_all_keys_and_what_is_behind_it_begin_when_no_more_of_them_come(
    qtbot: QtBot, runner: JobRunner
) -> None:
    order: list[str] = []

    def keys(_token: CancelToken) -> Iterator[str]:
        yield from ("keys 0", "keys 1", "keys 2")

    def others(_token: CancelToken) -> Iterator[str]:
        yield from ("other 0", "other 1")

    def begin_reading(_: object) -> None:
        runner.start(StreamJob("Reading", keys, order.append, gives_keys=True))
        runner.start(StreamJob("Searching", others, order.append))

    runner.start(Job("Saving", lambda _: None, begin_reading))
    runner.start(Job("Looking", lambda _: "looked", order.append))
    runner.start(Job("Adding", lambda _: "added", order.append, needs_keys=True))
    runner.start(Job("Editing", lambda _: "edited", order.append))
    wait_idle(qtbot, runner)

    assert order == ["looked", "keys 0", "keys 1", "keys 2", "added", "edited", "other 0", "other 1"]


def test_what_needs_all_keys_begins_when_nobody_gives_them_any_more(qtbot: QtBot, runner: JobRunner) -> None:
    order: list[str] = []

    def keys(_token: CancelToken) -> Iterator[str]:
        yield from (f"keys {place}" for place in range(100))

    def take(item: str) -> None:
        order.append(item)
        reading.cancel()

    reading = runner.start(StreamJob("Reading", keys, take, gives_keys=True))
    runner.start(Job("Adding", lambda _: "added", order.append, needs_keys=True))
    wait_idle(qtbot, runner)

    assert order == ["keys 0", "added"]


def test_a_key_supersedes_what_runs_and_what_waits(qtbot: QtBot, runner: JobRunner) -> None:
    outcomes: list[str] = []

    first = runner.start(Job("a", until_cancelled, lambda _: outcomes.append("first")), key="decode")
    second = runner.start(Job("b", lambda _: "second", outcomes.append), key="decode")
    runner.start(Job("c", lambda _: "third", outcomes.append), key="decode")
    wait_idle(qtbot, runner)

    assert outcomes == ["third"]
    assert first.cancelled
    assert second.cancelled


def test_what_is_late_is_dropped(qtbot: QtBot, runner: JobRunner) -> None:
    outcomes: list[str] = []

    def stubborn(_token: CancelToken) -> str:
        time.sleep(0.05)
        return "late"

    runner.start(Job("a", stubborn, outcomes.append), key="decode")
    runner.cancel("decode")
    wait_idle(qtbot, runner)

    assert outcomes == []


def test_a_save_cannot_be_cancelled(qtbot: QtBot, runner: JobRunner) -> None:
    outcomes: list[str] = []

    token = runner.start(Job("a", lambda _: "saved", outcomes.append, cancellable=False), key="save")
    runner.cancel("save")
    wait_idle(qtbot, runner)

    assert outcomes == ["saved"]
    assert not token.cancelled


def test_a_cancelled_stream_is_closed_in_the_thread(qtbot: QtBot, runner: JobRunner) -> None:
    closed_by: list[threading.Thread] = []
    items: list[int] = []

    def steps(_token: CancelToken) -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed_by.append(threading.current_thread())

    runner.start(StreamJob("stream", steps, items.append), key="export")
    qtbot.waitUntil(lambda: len(items) > 3, timeout=WAIT)
    runner.cancel("export")
    wait_idle(qtbot, runner)

    assert len(closed_by) == 1
    assert closed_by[0] is not threading.main_thread()


def test_an_expected_failure_goes_to_its_job(qtbot: QtBot, runner: JobRunner) -> None:
    errors: list[AppError] = []

    runner.start(Job("a", refuse, failed=errors.append))
    wait_idle(qtbot, runner)

    assert [error.message for error in errors] == ["No."]


def test_an_expected_failure_without_a_taker_is_announced(qtbot: QtBot, runner: JobRunner) -> None:
    with qtbot.waitSignal(runner.failed, timeout=WAIT) as announced:
        runner.start(Job("a", refuse))

    assert announced.args is not None
    assert announced.args[0].message == "No."


@pytest.mark.parametrize("where", ["work", "done"])
def test_a_bug_becomes_a_report_and_the_next_job_runs(qtbot: QtBot, runner: JobRunner, where: str) -> None:
    outcomes: list[str] = []
    broken = Job("a", fail) if where == "work" else Job("a", lambda token: token, fail)

    with qtbot.waitSignal(runner.crashed, timeout=WAIT) as announced:
        runner.start(broken)
    runner.start(Job("b", lambda _: "next", outcomes.append))
    wait_idle(qtbot, runner)

    assert announced.args is not None
    assert "ZeroDivisionError" in announced.args[0]
    assert outcomes == ["next"]


@pytest.mark.parametrize("what", ["failed", "cancelled", "over"])
def test_what_waits_is_begun_though_a_job_failed_to_take_its_end(qtbot: QtBot, runner: JobRunner, what: str) -> None:
    outcomes: list[object] = []
    reports: list[str] = []
    runner.crashed.connect(reports.append)

    match what:
        case "failed":
            runner.start(Job("a", refuse, failed=fail))
        case "cancelled":
            runner.start(Job("a", until_cancelled), key="a", cancelled=partial(fail, None))
        case "over":
            runner.start(Job("a", lambda token: token), over=partial(fail, None))
    runner.start(Job("b", lambda _: "next", outcomes.append))
    runner.cancel("a")
    wait_idle(qtbot, runner)

    assert outcomes == ["next"]
    assert ["ZeroDivisionError" in report for report in reports] == [True]


@pytest.mark.parametrize("work", ["done", "refuse", "fail", "cancelled", "never begun"])
def test_the_end_of_a_job_is_told_whatever_became_of_it(qtbot: QtBot, runner: JobRunner, work: str) -> None:
    told: list[str] = []
    works = {"refuse": refuse, "fail": fail, "cancelled": until_cancelled, "never begun": until_cancelled}
    if work == "never begun":
        runner.start(Job("before", lambda _: time.sleep(0.05)))

    runner.start(
        Job("a", works.get(work, str), lambda _: told.append("done"), lambda _: told.append("failed")),
        key="a",
        cancelled=partial(told.append, "cancelled"),
        over=partial(told.append, "over"),
    )
    if "cancelled" in work or "never" in work:
        runner.cancel("a")
    wait_idle(qtbot, runner)

    before = {"done": ["done"], "refuse": ["failed"], "fail": []}.get(work, ["cancelled"])
    assert told == [*before, "over"]


def test_only_what_takes_long_is_shown(qtbot: QtBot, runner: JobRunner) -> None:
    shown: list[Activity | None] = []
    runner.activity_changed.connect(shown.append)

    runner.start(Job("quick", lambda _: time.sleep(0.2)))
    wait_idle(qtbot, runner)
    assert shown == []

    token = runner.start(Job("slow", until_cancelled))
    token.done, token.total = 3, 10
    qtbot.waitUntil(lambda: bool(shown), timeout=WAIT)
    token.cancel()
    wait_idle(qtbot, runner)

    first = shown[0]
    assert first is not None
    assert (first.title, first.done, first.total, first.can_cancel) == ("slow", 3, 10, True)
    assert shown[-1] is None


def test_shutting_down_cancels_and_calls_last_in_the_thread(qtbot: QtBot) -> None:
    runner = JobRunner("test")
    last: list[threading.Thread] = []
    outcomes: list[object] = []

    runner.start(Job("slow", until_cancelled, outcomes.append))
    with qtbot.waitSignal(runner.ended, timeout=WAIT):
        runner.shut_down(lambda: last.append(threading.current_thread()))
    runner.join()
    runner.start(Job("too late", lambda _: "late", outcomes.append))

    assert len(last) == 1
    assert last[0] is not threading.main_thread()
    assert outcomes == []


def test_shutting_down_closes_the_stream_that_runs(qtbot: QtBot) -> None:
    runner = JobRunner("test")
    closed: list[bool] = []

    def steps(_token: CancelToken) -> Iterator[int]:
        try:
            for place in range(1_000_000):
                time.sleep(0.01)
                yield place
        finally:
            closed.append(True)

    items: list[int] = []
    runner.start(StreamJob("stream", steps, items.append))
    qtbot.waitUntil(lambda: len(items) > 2, timeout=WAIT)
    with qtbot.waitSignal(runner.ended, timeout=WAIT):
        runner.shut_down(lambda: closed.append(False))
    runner.join()

    assert closed == [True, False]


def refuse(_token: CancelToken) -> None:
    raise DocumentError("No.")


def fail(_: object) -> None:
    raise ZeroDivisionError


def test_the_next_job_begins_after_all_that_follows_an_outcome(qtbot: QtBot, runner: JobRunner) -> None:
    log: list[str] = []

    def done(_: object) -> None:
        log.append("done begins")
        runner.start(Job("third", lambda _token: log.append("third")))
        time.sleep(0.1)
        log.append("done ends")

    runner.start(Job("first", lambda _token: None, done))
    runner.start(Job("second", lambda _token: log.append("second")))
    qtbot.waitUntil(lambda: runner.is_idle, timeout=WAIT)

    assert log == ["done begins", "done ends", "second", "third"]
