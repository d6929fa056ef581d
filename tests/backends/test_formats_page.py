"""docs/FORMATS.md says of every format what the program does, and of damage what is measured."""

import re
from collections import Counter
from pathlib import Path

import pytest

from app.backends.formats import FORMATS
from app.backends.registry import salvager_for
from app.errors import OptionRejected
from tests import corpus
from tests.backends.measured_damage import examine

PAGE = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text("utf-8")


def rows() -> dict[str, list[str]]:
    """Return the cells of the first table by format id."""
    lines = PAGE.split("| format | read |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {format_id: row[1:] for row in cells for format_id in re.findall(r"`([a-z0-9-]+)`", row[0])}


@pytest.mark.parametrize("format_id", FORMATS)
def test_the_table_says_what_the_program_does(format_id: str) -> None:
    form, (read, saved, created, salvaged) = FORMATS[format_id], rows()[format_id]

    assert (read != "named only") == form.readable
    assert (saved not in {"read-only", "-"}) == form.writable
    assert (created != "no") == form.writable
    assert (salvaged == "yes") == is_salvaged(format_id)


def is_salvaged(format_id: str) -> bool:
    try:
        salvager_for(format_id)
    except OptionRejected:
        return False
    return True


def test_the_figures_of_damage_are_those_that_are_measured(tmp_path: Path) -> None:
    measured: dict[str, Counter[str]] = {}
    for case in corpus.databases(corrupt=True):
        if case.format is not None:
            (tmp_path / case.name).mkdir()
            found = examine(case, case.copy_to(tmp_path / case.name))
            numbers = Counter(files=1, right=found.right, wrong=found.wrong, undetected=found.undetected)
            for name in (case.format, "all"):
                measured.setdefault(name, Counter()).update(numbers)

    table = re.findall(r"^\| `?([a-z0-9-]+)`? \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert {name: tuple(map(int, numbers)) for name, *numbers in table} == {
        name: tuple(numbers[what] for what in ("files", "right", "wrong", "undetected"))
        for name, numbers in measured.items()
    }
