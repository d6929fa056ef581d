"""What differs between two values: paths with the text before and after, never a blob."""

import datetime as dt
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.document.differences import SHOWN, Difference, DifferenceKind, differences
from app.engine.local import LocalEngine
from tests.document.databases import id_of, opened, outcome, run
from tests.engine.shelves import make_sqlite

CHANGED, ADDED, REMOVED = DifferenceKind.CHANGED, DifferenceKind.ADDED, DifferenceKind.REMOVED


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine()
    yield engine
    engine.close()


@pytest.fixture
def compare(engine: LocalEngine, tmp_path: Path) -> "Compare":
    path = make_sqlite(tmp_path / "x.db", {b"k": b"v"})
    engine.open(str(path), CancelToken())
    return Compare(engine)


class Compare:
    """Compares pickles of two objects."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    def __call__(self, before: object, after: object) -> tuple[Difference, ...]:
        found = differences(self.engine, pickle.dumps(before), pickle.dumps(after), CancelToken())
        assert found.is_complete
        return found.found


def test_a_changed_leaf_is_named_by_its_path(compare: Compare) -> None:
    before = {"id": 1, "customer": {"name": "Ada", "tags": ["vip", "eu"]}}
    after = {"id": 1, "customer": {"name": "Grace", "tags": ["vip", "us"]}}

    assert compare(before, after) == (
        Difference("['customer']['name']", CHANGED, "str 'Ada'", "str 'Grace'"),
        Difference("['customer']['tags'][1]", CHANGED, "str 'eu'", "str 'us'"),
    )


def test_keys_that_came_and_went_are_told(compare: Compare) -> None:
    assert compare({"a": 1, "b": 2}, {"b": 2, "c": 3}) == (
        Difference("['a']", REMOVED, before="int 1"),
        Difference("['c']", ADDED, after="int 3"),
    )


def test_an_item_put_into_a_list_is_one_difference(compare: Compare) -> None:
    assert compare([1, 2, 3], [1, 9, 2, 3]) == (Difference("[1]", ADDED, after="int 9"),)
    assert compare([1, 2, 3], [2, 3]) == (Difference("[0]", REMOVED, before="int 1"),)


def test_another_type_of_container_is_one_difference(compare: Compare) -> None:
    [difference] = compare({"x": [1, 2]}, {"x": (1, 2)})

    assert (difference.path, difference.kind) == ("['x']", CHANGED)
    assert difference.before.startswith("list")
    assert difference.after.startswith("tuple")


def test_what_is_edited_as_a_text_is_told_as_that_text(compare: Compare) -> None:
    before = {"placed": dt.date(2026, 1, 3), "total": Decimal("1.50"), "list": [1]}
    after = {"placed": dt.date(2027, 12, 24), "total": Decimal("2.50"), "list": [2]}

    found = compare(before, after)

    assert [(one.path, one.before, one.after) for one in found] == [
        ("['placed']", "datetime.date 2026-01-03", "datetime.date 2027-12-24"),
        ("['total']", "decimal.Decimal 1.50", "decimal.Decimal 2.50"),
        ("['list'][0]", "int 1", "int 2"),
    ]


def test_numbers_as_keys_are_keys(compare: Compare) -> None:
    assert compare({3: "x", 5: "y"}, {5: "y", 7: "z"}) == (
        Difference("[3]", REMOVED, before="str 'x'"),
        Difference("[7]", ADDED, after="str 'z'"),
    )


def test_long_texts_are_shown_from_where_they_differ(compare: Compare) -> None:
    [difference] = compare(["x" * 5_000 + "old"], ["x" * 5_000 + "new"])

    assert difference.path == "[0]"
    assert "old" in difference.before
    assert "new" in difference.after


def test_values_that_hold_themselves_are_compared(compare: Compare) -> None:
    before: list[object] = [1]
    after: list[object] = [2]
    before.append(before)
    after.append(after)

    assert compare(before, after) == (Difference("[0]", CHANGED, "int 1", "int 2"),)


def test_equal_objects_have_no_differences_unless_their_bytes_differ(compare: Compare) -> None:
    assert compare(OrderedDict(a=1), OrderedDict(a=1)) == ()
    found = differences(compare.engine, pickle.dumps([1], 2), pickle.dumps([1], 4), CancelToken()).found
    assert [difference.path for difference in found] == [""]


def test_no_end_of_differences_is_cut(compare: Compare) -> None:
    before, after = pickle.dumps(list(range(5_000))), pickle.dumps(list(range(1, 10_000, 2)))

    found = differences(compare.engine, before, after, CancelToken())

    assert len(found.found) == SHOWN
    assert not found.is_complete


def test_damaged_values_are_compared_as_far_as_they_go(compare: Compare) -> None:
    whole = pickle.dumps({"a": [1, 2, 3]})

    for cut in range(len(whole)):
        found = differences(compare.engine, whole, whole[:cut], CancelToken())
        assert found.found


def test_a_document_tells_what_a_save_would_change(tmp_path: Path) -> None:
    stored: dict[bytes, object] = {b"a": {"x": 1}, b"b": [1], b"c": "gone"}
    path = make_sqlite(tmp_path / "x.db", {key: pickle.dumps(value) for key, value in stored.items()})
    document = opened(path)
    run(document.literal_job(0, "['x']", "2"))
    run(document.delete_job([2]))
    run(document.add_job(b"new", pickle.dumps("came")))

    assert outcome(document.differences_job(0)).found == (Difference("['x']", CHANGED, "int 1", "int 2"),)
    assert outcome(document.differences_job(1)).found == ()
    assert outcome(document.differences_job(2)).found == (Difference("", REMOVED, before="str 'gone'"),)
    new = id_of(document, b"new")
    assert outcome(document.differences_job(new)).found == (Difference("", ADDED, after="str 'came'"),)
    document.close()
