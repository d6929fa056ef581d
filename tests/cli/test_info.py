"""``info``: the facts of a file, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import corpus
from tests.cli.conftest import Run, is_one_sentence
from tests.cli.shelves import make_dumb, pickled
from tests.cli.supported import damaged_cases, format_id_of, intact_cases, recognised_cases

CopyCase = Callable[[str], Path]

FIELDS = [
    "path",
    "format",
    "variant",
    "reason",
    "files",
    "entries",
    "bytes",
    "byte_order",
    "writable",
    "why_read_only",
    "shelf",
    "damaged",
    "problems",
]


@pytest.mark.parametrize("case", intact_cases(), ids=corpus.name_of)
def test_the_facts_of_every_intact_database(cli: Run, database_case: CopyCase, case: corpus.DatabaseCase) -> None:
    path = database_case(case.name)

    outcome = cli("info", path, "--json")

    facts = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert list(facts) == FIELDS
    assert (facts["path"], facts["format"], facts["entries"]) == (str(path), case.format, case.count)
    assert (facts["damaged"], facts["problems"]) == (False, [])
    assert facts["writable"] is not bool(facts["why_read_only"])
    assert set(map(Path, facts["files"])) >= {path}
    assert facts["reason"]
    if case.shelf:
        assert facts["shelf"] is all(is_utf8(entry.key) for entry in case.entries)


@pytest.mark.parametrize("case", recognised_cases(), ids=corpus.name_of)
def test_a_format_that_is_only_recognised_is_named(
    cli: Run, database_case: CopyCase, case: corpus.DatabaseCase
) -> None:
    path = database_case(case.name)

    outcome = cli("info", path, "--json")

    facts = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert (facts["format"], facts["entries"], facts["writable"]) == (format_id_of(case), None, False)
    assert facts["why_read_only"]
    assert cli("keys", path).code == 3


@pytest.mark.parametrize("case", damaged_cases(), ids=corpus.name_of)
def test_damage_is_told_or_the_file_refused_with_a_sentence(
    cli: Run, database_case: CopyCase, case: corpus.DatabaseCase
) -> None:
    outcome = cli("info", database_case(case.name), "--json")

    if outcome.code == 0:
        facts = json.loads(outcome.out)
        assert facts["damaged"] is bool(facts["problems"])
        assert not (facts["damaged"] and facts["writable"])
    else:
        assert outcome.code == 3
        assert is_one_sentence(outcome.err)


def test_the_lines_for_people_stand_in_a_block(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "people", pickled({"ada": 1, "bob": 2}))

    outcome = cli("info", path)

    lines = dict(line.split(maxsplit=1) for line in outcome.text.splitlines() if not line.startswith((" ", "Byte")))
    assert (outcome.code, outcome.err) == (0, "")
    assert lines["File"] == str(path)
    assert lines["Format"] == "dumb"
    assert lines["Entries"] == "2"
    assert lines["Shelf"] == "yes"
    assert lines["Writable"] == "yes"
    assert lines["Problems"] == "none"
    assert len({line.index(line.split(maxsplit=1)[1]) for line in outcome.text.splitlines() if line[0] in "FEPS"}) == 1


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_any_member_of_a_family_will_do(cli: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "people", pickled({"ada": 1}))

    for member in (path, path.with_suffix(".dir"), path.with_suffix("")):
        assert json.loads(cli("info", member, "--json").out)["entries"] == 1
