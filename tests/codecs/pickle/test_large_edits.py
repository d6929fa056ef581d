"""An edit of a large value needs little memory beside the value, as what stays is compared while it is read."""

import pickle
import tracemalloc
from collections.abc import Callable

import pytest

from app.cancel import CancelToken
from app.codecs.edits import DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode, Written
from app.codecs.pickle import loop, machine
from app.codecs.pickle.editing import engine
from app.errors import Cancelled, EncodeError
from tests.codecs.pickle.editing import decode

TOKEN = CancelToken()
COUNT = 5_000
ROWS = [{"id": n, "name": f"item {n}", "tags": ["a", f"t{n % 7}"]} for n in range(COUNT)]
EDITS: list[tuple[Edit, Callable[[list[dict[str, object]]], object]]] = [
    (ReplaceNode("[5]['id']", Written("77")), lambda rows: rows[5].update(id=77)),
    (ReplaceNode("[4999]['name']", Written("'x'")), lambda rows: rows[4999].update(name="x")),
    (DeleteNodes(("[0]",)), lambda rows: rows.pop(0)),
    (DeleteNodes(("[3]", "[700]", "[4999]")), lambda rows: [rows.pop(n) for n in (4999, 700, 3)]),
    (InsertItem("", 1234, Written("{'id': [1, 2]}")), lambda rows: rows.insert(1234, {"id": [1, 2]})),
    (Reorder("", (4999, *range(4999))), lambda rows: rows.insert(0, rows.pop())),
    (RenameKey("[9]['tags']", Written("'labels'")), lambda rows: rows[9].update(labels=rows[9].pop("tags"))),
]


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all results be read beside their originals, as only larger ones are else."""
    monkeypatch.setattr(engine, "_LARGE", 0)


@pytest.mark.parametrize(
    ("edit", "same"), EDITS, ids=[type(edit).__name__ + str(n) for n, (edit, _) in enumerate(EDITS)]
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_the_result_loads_as_the_object_with_the_same_done_to_it(
    edit: Edit, same: Callable[[list[dict[str, object]]], object], protocol: int
) -> None:
    expected = pickle.loads(pickle.dumps(ROWS))
    same(expected)

    edited = decode(pickle.dumps(ROWS, protocol)).edit(edit, TOKEN)

    assert pickle.loads(edited) == expected


@pytest.mark.parametrize("path", ["[5]", "[4990]"])
def test_an_edit_needs_less_than_half_the_memory_of_the_value(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CHUNK", 500)
    data = pickle.dumps(ROWS, 4)
    tracemalloc.start()
    try:
        value = decode(data)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        value.edit(ReplaceNode(f"{path}['name']", Written("'another'")), TOKEN)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak - held < held / 2


def test_a_result_that_does_not_fit_beside_its_original_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    value = decode(pickle.dumps(ROWS, 4))

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("app.codecs.pickle.editing.beside.Beside.settle", no_memory)

    with pytest.raises(EncodeError, match="too large to be changed"):
        value.edit(DeleteNodes(("[0]",)), TOKEN)


def test_a_result_of_which_only_a_part_fits_beside_its_original_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CHUNK", 500)
    value = decode(pickle.dumps(ROWS, 4))
    monkeypatch.setattr(machine, "most_nodes", lambda _size: 20_000)

    with pytest.raises(EncodeError, match="too large to be changed"):
        value.edit(DeleteNodes(("[0]",)), TOKEN)


def test_the_stages_of_an_edit_are_told_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CHUNK", 1000)
    told: list[float] = []

    class Watched(CancelToken):
        def advance(self, done: int, total: int = 0) -> None:
            super().advance(done, total)
            told.append(done / total)

    decode(pickle.dumps(ROWS, 4)).edit(DeleteNodes(("[0]",)), Watched())

    assert told == sorted(told)
    assert all(any(stage <= 3 * part <= stage + 1 for part in told) for stage in range(3))
    assert max(told) <= 1


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_an_edit_is_given_up_in_any_of_its_stages(part: float) -> None:
    value = decode(pickle.dumps(ROWS, 4))

    class Cancelling(CancelToken):
        def advance(self, done: int, total: int = 0) -> None:
            if done >= part * total:
                self.cancel()
            super().advance(done, total)

    with pytest.raises(Cancelled):
        value.edit(DeleteNodes(("[0]",)), Cancelling())
