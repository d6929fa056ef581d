"""Runs of state machines that must have done each thing that they are there to do."""

from collections import Counter
from collections.abc import Collection
from typing import ClassVar

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

STEPS = 40
EXAMPLES = 20
"""Examples besides half of those of the profile: with few, some things are hardly done."""
TIMES = 3
"""How many times each thing is done in a run at least; where it is less, the run says little about it."""
SECONDS = 600
"""What a run with fresh examples may take."""


class CountingMachine(RuleBasedStateMachine):
    """A machine that counts what it did, in all examples of a run together."""

    happened: ClassVar[Counter[str]]


def run_machine(machine: type[CountingMachine], name: str, operations: Collection[str]) -> None:
    """Run a machine, and fail where it did not do each of the operations several times.

    Each ``name`` gets examples of its own: with those of its code alone all formats would go through the same ones.
    """
    machine.happened = Counter()
    profile = settings()

    run_state_machine_as_test(
        seed(name)(machine) if profile.derandomize else machine,
        settings=settings(
            max_examples=EXAMPLES + profile.max_examples // 2,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )

    rare = {operation: machine.happened[operation] for operation in operations if machine.happened[operation] < TIMES}
    assert not rare, f"Hardly done in this run: {rare}"
