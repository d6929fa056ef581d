"""``export --typed`` and ``show --as typed``: every value a document that jsonpickle loads."""

import json
import pickle
from pathlib import Path
from typing import Any

import jsonpickle  # type: ignore[import-untyped]  # it has no annotations
import pytest

from tests.cli.conftest import Run
from tests.cli.shelves import make_dumb, pickled

SHARED = [1, 2]
VALUES: dict[str, Any] = {
    "ada": {"born": 1815, "tags": ("x", {"y"}), 2: b"\xff"},
    "bob": [SHARED, SHARED, float("inf")],
    "eve": SHARED,
}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return make_dumb(tmp_path / "people", pickled(VALUES))


def loaded(document: Any) -> Any:
    return jsonpickle.decode(json.dumps(document), keys=True)


def test_one_object_holds_a_document_for_each_value(cli: Run, people: Path) -> None:
    outcome = cli("export", people, "--typed")

    found = {key: loaded(document) for key, document in json.loads(outcome.text).items()}
    assert (outcome.code, outcome.err) == (0, "")
    assert found == VALUES
    assert found["bob"][0] is found["bob"][1]


def test_each_line_holds_a_document(cli: Run, people: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"

    outcome = cli("export", people, "--typed", "--as", "jsonl", "-o", target)

    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert (outcome.code, outcome.err) == (0, "")
    assert {line["key"]: loaded(line["value"]) for line in lines} == VALUES


def test_a_damaged_value_is_a_finding_and_keeps_its_bytes(cli: Run, tmp_path: Path) -> None:
    data = pickle.dumps(VALUES["ada"])[:-1]
    path = make_dumb(tmp_path / "people", {b"ada": data})

    outcome = cli("export", path, "--typed")

    raw = json.loads(outcome.text)["ada"]["shelfscope/raw"]
    assert outcome.code == 1
    assert "shelfscope/raw" in outcome.err
    assert jsonpickle.util.b64decode(raw["base64"]) == data


def test_a_place_in_a_value_is_shown_as_a_document(cli: Run, people: Path) -> None:
    outcome = cli("show", people, "ada", "--at", "['tags']", "--as", "typed")

    assert (outcome.code, outcome.err) == (0, "")
    assert jsonpickle.decode(outcome.text, keys=True) == ("x", {"y"})
