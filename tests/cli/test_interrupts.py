"""Signals while a file is written become the cancelling of a token."""

import os
import signal

import pytest

from app.cancel import CancelToken
from app.cli.interrupts import Interrupted, cancelled_by_signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals to send to oneself.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_met_at_the_next_check(number: signal.Signals) -> None:
    before, steps = signal.getsignal(number), []

    def work() -> None:
        token = CancelToken()
        with cancelled_by_signals(token):
            os.kill(os.getpid(), number)
            steps.append("after the signal")
            token.check()
            steps.append("after the check")

    with pytest.raises(Interrupted) as interrupted:
        work()
    assert (steps, interrupted.value.signal_number) == (["after the signal"], number)
    assert signal.getsignal(number) is before


def test_work_past_its_last_check_is_completed() -> None:
    with cancelled_by_signals(CancelToken()):
        os.kill(os.getpid(), signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        token = CancelToken()
        with cancelled_by_signals(token):
            os.kill(os.getpid(), signal.SIGHUP)
            token.check()
    finally:
        signal.signal(signal.SIGHUP, before)
