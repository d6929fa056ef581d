"""Edits of every kind on every benign file: the Python that wrote it loads its object with the same edit made."""

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.codecs.edits import DeleteNodes, Edit, InsertItem, Reorder, ReplaceNode, Written
from app.codecs.nodes import SCALARS
from app.codecs.pickle.rows import ELEMENT_NODES
from app.codecs.pickle.value import PickleValue
from tests import corpus
from tests.codecs.interpreters import VERSIONS, interpreter, packed
from tests.codecs.pickle.edit_judging import Made, verdicts
from tests.codecs.pickle.edit_referee import judged
from tests.codecs.pickle.edit_sweep import NEW_OBJECT, NONE, NUMBER, TOKEN, Trial, decode, request
from tests.codecs.pickle.same_object import is_same_object

KINDS = {
    "scalar", "scalar everywhere", "object from literal", "object from number", "object from json",
    "object from copied", "object everywhere", "known type", "insert", "delete", "reorder", "move", "add pair",
    "reorder pairs", "rename key", "add element", "add attribute", "rename class",
}  # fmt: skip


def check(found: Iterable[tuple[Made, str]]) -> None:
    """Fail for what the writer got wrong. Where a class refuses a value, it does so on the object and in the pickle."""
    wrong = [
        (made.case.name, made.trial.kind, made.trial.edit, verdict)
        for made, verdict in found
        if verdict and not verdict.startswith(("refused: ", "not made: "))
    ]
    assert not wrong, f"{len(wrong)} edits differ: {wrong[:5]}"


def need(version: str) -> Path:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed by pyenv.")
    return python


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sample_of_edits_is_what_it_is_on_the_object(version: str, tmp_path: Path) -> None:
    need(version)

    found = verdicts(version, tmp_path, whole=False)

    check(found)
    assert sum(not verdict for _, verdict in found) > 0.8 * len(found) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_edit_is_what_it_is_on_the_object(version: str, tmp_path: Path) -> None:
    need(version)

    found = verdicts(version, tmp_path, whole=True)

    check(found)
    assert version not in ("2.7", "3.13") or {made.trial.kind for made, _ in found} >= KINDS


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_setting_anything_that_has_a_text_to_itself_changes_no_byte(case: corpus.ValueCase) -> None:
    value = decode(case.read())

    for path in paths_with_texts(value):
        assert value.edit(ReplaceNode(path, Written(value.edit_text(path))), TOKEN) == value.data


def paths_with_texts(value: PickleValue) -> Iterator[str]:
    """Yield the paths of all scalars, keys and arguments of calls included, of known objects and of array elements."""
    waiting = [("", value.root)]
    seen: set[int] = set()
    while waiting:
        path, row = waiting.pop()
        if row.node in seen:
            continue
        if row.editor or value._maker_at(row.node).graph.kind(row.node) in SCALARS:
            yield path
        seen.add(row.node)
        children = value.rows(row.node, 0, 10**9)
        elements = [child for child in children if child.node >= ELEMENT_NODES and child.editor]
        yield from (path + child.step for child in elements[:1_000])
        waiting += [(path + child.step, child) for child in children if child.node < ELEMENT_NODES]


# ---- what no file of the corpus has


BUFFER_EDITS = [
    Trial("insert", InsertItem("['rows']", 1, NEW_OBJECT[0]), (["value", ["str", "rows"], 0],),
          {"op": "insert", "at": 1}, NEW_OBJECT[1]),
    Trial("replace", ReplaceNode("['n']", Written("7777")), (["value", ["str", "n"], 0],), {"op": "put"}, NUMBER[1]),
    Trial("delete", DeleteNodes(("['n']",)), (["value", ["str", "n"], 0],), {"op": "delete"}, NONE),
]  # fmt: skip


@pytest.mark.parametrize("trial", BUFFER_EDITS, ids=lambda trial: trial.kind)
@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_buffers_beside_a_pickle_keep_their_places(version: str, trial: Trial, tmp_path: Path) -> None:
    shared = pickle.PickleBuffer(bytearray(b"shared"))
    tree = {"rows": [shared, shared, pickle.PickleBuffer(bytearray(b"second"))], "n": 12}
    beside: list[pickle.PickleBuffer] = []
    before = pickle.dumps(tree, 5, buffer_callback=beside.append)

    after = decode(before).edit(trial.edit, TOKEN)

    told = request(before, after, trial) | {"buffers": [packed(bytes(each)) for each in beside]}
    assert judged(need(version), [told], tmp_path) == [""]


MEGABYTE = 1 << 20


def large_tree() -> list[Any]:
    """Return some 140 MB of objects: large bytes in frames of their own, many small ones, and what they share."""
    name = "the same text"
    blocks = [bytes([number]) * MEGABYTE for number in range(100)]
    return [blocks, [{"number": number, "name": name} for number in range(1_000_000)], blocks[50], name]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_values_of_over_100_mb_are_edited() -> None:
    pickled = pickle.dumps(large_tree(), 4)
    assert len(pickled) > 100 * MEGABYTE
    edits: list[Edit] = [
        InsertItem("[0]", 40, Written("b'inserted'")),
        DeleteNodes(("[0][51]",)),
        ReplaceNode("[1][500000]['number']", Written("-1")),
        Reorder("", (3, 2, 1, 0)),
    ]

    for edit in edits:
        pickled = decode(pickled).edit(edit, TOKEN)

    expected = pickle.loads(pickle.dumps(large_tree(), 4))
    expected[0].insert(40, b"inserted")
    del expected[0][51]
    expected[1][500_000]["number"] = -1
    expected.reverse()
    found = pickle.loads(pickled)
    assert is_same_object(found, expected)
    assert found[1] not in found[3]
    assert all(each["name"] is found[0] for each in found[2])
