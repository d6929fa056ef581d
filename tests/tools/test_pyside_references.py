"""The check on PySide6's references: it finds what is dropped, and calls every path."""

from collections import Counter
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from tools.pyside_references import CALLS, Loss, losses, qt_paths, report


class FakeCounts:
    """References to the constants, of which a path drops some at each call."""

    def __init__(self, dropped: object = "nothing", per_call: int = 1) -> None:
        self.counts = Counter({repr(constant): 1_000_000 for constant in (None, True, False)})
        self._dropped = repr(dropped)
        self._per_call = per_call

    def path(self) -> None:
        self.counts[self._dropped] -= self._per_call

    def count(self, constant: object) -> int:
        return self.counts[repr(constant)]


@pytest.mark.parametrize("constant", [None, True, False])
@pytest.mark.parametrize("per_call", [1, 2])
def test_a_dropped_reference_is_found(constant: object, per_call: int) -> None:
    fake = FakeCounts(constant, per_call)

    assert losses([("setText", fake.path)], fake.count) == [Loss("setText", constant, per_call)]


def test_kept_and_cached_references_are_no_finding() -> None:
    fake = FakeCounts()
    steps = iter([5, 1, 1, 1])

    def caching() -> None:
        fake.counts["None"] -= next(steps, 0)

    assert losses([("nothing", fake.path), ("caching", caching)], fake.count) == []


def test_report_names_path_and_constant() -> None:
    assert "loses references" in report([Loss("setText", None, 1.0)])
    assert "setText drops 1.00 references to None a call" in report([Loss("setText", None, 1.0)])
    assert "keeps its references" in report([])


def test_every_path_runs_and_installed_pyside_passes(qtbot: QtBot) -> None:
    names: list[str] = []

    def named(name: str, path: Callable[[], object]) -> tuple[str, Callable[[], object]]:
        names.append(name)
        return name, path

    found = losses(named(name, path) for name, path in qt_paths())

    assert found == []
    assert len(set(names)) == len(names) >= 15
    assert CALLS >= 2000
