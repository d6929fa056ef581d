"""Runs of state machines that must have done each thing that they are there to do."""

from collections import Counter
from collections.abc import Collection
from typing import ClassVar

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

from app.document.document import Document
from app.document.entry_ids import FIRST_ADDED

STEPS = 40
TIMES = 3
"""How many times each thing is done in a run at least; where it is less, the run says little about it."""
ROUNDS = 8
"""How many times as many examples as the profile says are tried until all was done so often.

An example has but some of the rules (hypothesis leaves others out by chance), and a rule may have nothing to do, so
one round or two do. That no machine ever does a thing shows all the same.
"""
SECONDS = 600
"""What a run with fresh examples, or the search for the shortest that fails, may take."""


class CountingMachine(RuleBasedStateMachine):
    """A machine that counts what it did to its document, in all examples of a run together."""

    happened: ClassVar[Counter[str]]
    document: Document

    @invariant()
    def deleted_entries_are_those_whose_deletion_is_pending(self) -> None:
        if hasattr(self, "document"):
            pending = self.document.pending_entries.items()
            deleted = {entry_id for entry_id, change in pending if change.is_deleted and entry_id < FIRST_ADDED}
            assert self.document.deleted_entries == deleted


def run_machine(machine: type[CountingMachine], name: str, operations: Collection[str]) -> None:
    """Run a machine until it did each of the operations several times, and fail where it never does.

    Each ``name`` gets examples of its own: with those of its code alone all formats would go through the same ones.
    """
    machine.happened = Counter()
    rare: dict[str, int] = {}
    for number in range(ROUNDS):
        _run_round(machine, f"{name} {number}")
        rare = {operation: times for operation in operations if (times := machine.happened[operation]) < TIMES}
        if not rare:
            return
    raise AssertionError(f"Hardly done in this run: {rare}")


def _run_round(machine: type[CountingMachine], name: str) -> None:
    profile = settings()
    run_state_machine_as_test(
        seed(name)(machine) if profile.derandomize else machine,
        settings=settings(profile, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)),
    )
