"""An edit within an object that stands in several places changes it in one of them, or in all."""

import marshal
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.codecs.edits import DeleteNodes, Edit, InsertItem, ReplaceNode, Written
from app.document.document import Document
from app.errors import AppError
from tests.document.databases import opened, outcome, run, value_of
from tests.engine.shelves import make_sqlite

INNER = [1, [2]]
OUTER = {"in": INNER, "k": 1}
VALUE = {"a": OUTER, "b": OUTER, "c": (OUTER,), "inner": INNER}


class Order:
    """A class of the program that wrote the shelf."""

    def __init__(self) -> None:
        self.lines = [1, 2]


def made(folder: Path, data: bytes) -> Document:
    return opened(make_sqlite(folder / "shared.db", {b"k": data}))


def edited(document: Document, edits: Sequence[Edit], only_at: Sequence[str]) -> Any:
    run(document.edits_job(0, edits, "Edit", only_at=only_at))
    data = value_of(document, 0)
    return pickle.loads(data) if data[:1] != b"\xfb" else marshal.loads(data)


DUMPS: list[Callable[[object], bytes]] = [
    lambda value: pickle.dumps(value, 0),
    lambda value: pickle.dumps(value, 2),
    lambda value: pickle.dumps(value, 4),
    marshal.dumps,  # type: ignore[list-item]  # what is given is plain data
]


@pytest.mark.parametrize("dump", DUMPS)
@pytest.mark.parametrize("place", ["['a']", "['b']", "['c'][0]"])
def test_one_place_is_changed_and_the_others_stay_one_object(
    tmp_path: Path, dump: Callable[[object], bytes], place: str
) -> None:
    document = made(tmp_path, dump(VALUE))

    found = edited(document, [ReplaceNode(f"{place}['k']", Written("9"))], [place])

    places = {"['a']": found["a"], "['b']": found["b"], "['c'][0]": found["c"][0]}
    assert places.pop(place) == {"in": INNER, "k": 9}
    first, second = places.values()
    assert first is second
    assert first == OUTER
    assert found["inner"] is first["in"]


@pytest.mark.parametrize("dump", DUMPS)
def test_objects_within_each_other_are_all_left_alone_elsewhere(
    tmp_path: Path, dump: Callable[[object], bytes]
) -> None:
    document = made(tmp_path, dump(VALUE))

    found = edited(document, [InsertItem("['b']['in'][1]", 0, Written("3"))], ["['b']", "['b']['in']"])

    assert found == {"a": OUTER, "b": {"in": [1, [3, 2]], "k": 1}, "c": (OUTER,), "inner": INNER}
    run(document.undo_job())
    assert not document.pending_changes


def test_an_object_of_an_unknown_class_is_changed_in_one_place(tmp_path: Path) -> None:
    order = Order()
    document = made(tmp_path, pickle.dumps({"first": order, "second": [order]}, 4))

    found = edited(document, [DeleteNodes(("['second'][0].lines[0]",))], ["['second'][0]"])

    assert type(found["second"][0]) is Order
    assert (found["first"].lines, found["second"][0].lines) == ([1, 2], [2])


def test_several_edits_are_one_step(tmp_path: Path) -> None:
    document = made(tmp_path, pickle.dumps(VALUE, 4))
    edits: list[Edit] = [ReplaceNode("['a']['k']", Written("9")), InsertItem("['a']['in']", 2, Written("'x'"))]

    found = edited(document, edits, ["['a']", "['a']['in']"])

    assert found["a"] == {"in": [1, [2], "x"], "k": 9}
    assert found["b"] == OUTER


def test_a_refused_edit_changes_nothing(tmp_path: Path) -> None:
    document = made(tmp_path, pickle.dumps(VALUE, 4))

    with pytest.raises(AppError):
        run(document.edits_job(0, [ReplaceNode("['a']['k']", Written("?"))], "Edit", only_at=["['a']"]))

    assert not document.pending_changes


@pytest.mark.parametrize("dump", [DUMPS[2], DUMPS[3]])
def test_rows_name_the_first_place_of_what_stands_there_again(tmp_path: Path, dump: Callable[[object], bytes]) -> None:
    document = made(tmp_path, dump(VALUE))
    root = outcome(document.decode_job(0)).root

    rows = outcome(document.rows_job(0, root.node, 0, 10))

    again = {row.step: row.first for row in rows if row.type in ("dict", "list", "tuple")}
    assert again == {"['a']": None, "['b']": "['a']", "['c']": None, "['inner']": "['a']['in']"}


def test_a_list_that_holds_itself_names_the_root(tmp_path: Path) -> None:
    loop: list[object] = []
    loop.append(loop)
    document = made(tmp_path, pickle.dumps(loop, 4))
    root = outcome(document.decode_job(0)).root

    [row] = outcome(document.rows_job(0, root.node, 0, 10))

    assert (row.first, root.first) == ("", None)
