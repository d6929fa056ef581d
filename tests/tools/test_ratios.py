"""Ratios: both sides run, the better time of each counts."""

import time

from tools.ratios import RUNS, compare


def test_both_sides_are_called_and_the_slower_one_has_the_larger_time() -> None:
    called: list[str] = []

    def ours() -> None:
        called.append("ours")
        time.sleep(0.01)

    ratio = compare("sleep", ours, lambda: called.append("reference"), calls=2)

    assert called == ["ours", "ours", "reference", "reference"] * RUNS
    assert ratio.ours >= 10 > ratio.reference
    assert str(ratio).startswith("sleep ")
    assert str(ratio).endswith("x")
