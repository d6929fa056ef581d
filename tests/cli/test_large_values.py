"""Commands on a value that does not fit into memory: a part is shown, the rest told of, nothing changed."""

from pathlib import Path

import pytest

from app import limits
from tests.cli.conftest import Run, is_one_sentence
from tests.cli.shelves import make_dumb, pickled

ROWS = [{"id": number, "name": f"item {number}"} for number in range(10_000)]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(limits, "PICKLE_NODES", 50_000)
    return make_dumb(tmp_path / "large", pickled({"large": ROWS}))


def test_its_first_part_is_shown_and_the_rest_is_told_of(cli: Run, shelf: Path) -> None:
    outcome = cli("show", shelf, "large", "--at", "[7]['name']")

    assert outcome.out == b"'item 7'\n"
    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert "is too large to be held whole: Only the first" in outcome.err


def test_it_is_not_changed_and_the_reason_is_told(cli: Run, shelf: Path) -> None:
    before = {path.name: path.read_bytes() for path in shelf.parent.iterdir()}

    outcome = cli("set", shelf, "large", "--at", "[7]['id']", "8")

    assert outcome.code == 4
    assert "not shown whole" in outcome.err
    assert {path.name: path.read_bytes() for path in shelf.parent.iterdir()} == before


def test_an_audit_tells_how_far_it_came(cli: Run, shelf: Path) -> None:
    outcome = cli("audit", shelf)

    assert outcome.code == 1
    assert "Only the first" in outcome.err
