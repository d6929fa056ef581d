"""How long a call is waited for: progress renews it, cancelling ends it, a save has no end."""

from math import inf

import pytest

from app.engine import patience
from app.engine.patience import CANCEL_SECONDS, STEP_SECONDS, Patience, writing


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


def test_progress_renews_it(clock: Clock) -> None:
    waited = Patience(10)

    clock.now += 9
    waited.renew()
    clock.now += 9
    assert not waited.is_over(starting=False)
    clock.now += 2
    assert waited.is_over(starting=False)


def test_a_process_that_starts_has_more_time(clock: Clock) -> None:
    waited = Patience(10)

    clock.now += 11

    assert waited.is_over(starting=False)
    assert not waited.is_over(starting=True)


def test_what_is_cancelled_is_not_waited_for_and_not_renewed(clock: Clock) -> None:
    waited = Patience(10)

    waited.cancel()
    waited.renew()
    clock.now += CANCEL_SECONDS + 0.1

    assert waited.is_over(starting=True)


def test_what_writes_has_time_to_clear_up(clock: Clock) -> None:
    waited = writing()

    waited.cancel()
    clock.now += 20 * CANCEL_SECONDS
    assert not waited.is_over(starting=False)
    clock.now += STEP_SECONDS
    assert waited.is_over(starting=False)


def test_a_save_is_never_given_up(clock: Clock) -> None:
    waited = Patience(inf)

    clock.now += 1e9

    assert waited.is_endless
    assert not waited.is_over(starting=False)
