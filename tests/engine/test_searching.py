"""A search over a database, in this process and in a child."""

import pickle
import time
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.codecs.findings import Query
from app.engine.base import Engine, ExportItem, Found, SearchReport
from app.engine.child import ChildEngine
from app.engine.value_calls import Stored
from app.errors import Cancelled, EncodeError
from tests.engine.shelves import make_sqlite

TOKEN = CancelToken()
VALUES: dict[bytes, object] = {
    b"ada": {"name": "Ada", "tags": ["x", "Ada L."]},
    b"bob": {"name": "Bob"},
    b"n\xffAda": (1, 2),
    b"object": [Path("/home/Ada")],
}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shelf.db", {key: pickle.dumps(value) for key, value in VALUES.items()})


def search(engine: Engine, query: Query, items: list[ExportItem] | None = None) -> list[SearchReport]:
    return list(engine.search(items, query, TOKEN))


def hits(reports: list[SearchReport]) -> list[Found]:
    return [found for report in reports for found in report.hits]


def opened(engine: Engine, path: Path) -> Engine:
    engine.open(str(path), TOKEN)
    for _chunk in engine.index(TOKEN):
        pass
    return engine


def test_keys_and_values_of_all_entries_are_searched(engine: Engine, shelf: Path) -> None:
    reports = search(opened(engine, shelf), Query("Ada"))

    assert hits(reports) == [
        Found(0, b"ada", "['name']", "Ada"),
        Found(0, b"ada", "['tags'][1]", "Ada L."),
        Found(2, b"n\xffAda", "", "n\\xffAda", is_key=True),
        Found(3, b"object", "[0]", "'/home/Ada'"),
    ]
    assert [report.finished for report in reports] == [False] * (len(reports) - 1) + [True]
    assert (reports[-1].done, reports[-1].total, reports[-1].unread) == (4, 4, ())


def test_chosen_entries_and_bytes_not_saved_are_searched(engine: Engine, shelf: Path) -> None:
    opened(engine, shelf)
    items = [ExportItem(b"bob", 1), ExportItem(b"new", pickle.dumps(["Ada"])), ExportItem(b"ada", 0)]

    found = hits(search(engine, Query("ada", ignores_case=True), items))

    assert [(each.number, each.path, each.is_key) for each in found] == [
        (1, "[0]", False),
        (2, "", True),
        (2, "['name']", False),
        (2, "['tags'][1]", False),
    ]


def test_a_value_that_cannot_be_read_costs_only_itself(engine: Engine, shelf: Path) -> None:
    opened(engine, shelf)
    gone = ExportItem(b"gone", Stored(b"gone", 99, 10))

    reports = search(engine, Query("Ada"), [gone, ExportItem(b"ada", 0)])

    assert [key for report in reports for key, _why in report.unread] == [b"gone"]
    assert len(hits(reports)) == 2


def test_a_wrong_expression_is_refused(engine: Engine, shelf: Path) -> None:
    opened(engine, shelf)

    with pytest.raises(EncodeError, match="no regular expression"):
        search(engine, Query("(", is_regex=True))


def test_many_hits_come_in_parts_and_a_search_can_be_left(engine: Engine, tmp_path: Path) -> None:
    data = pickle.dumps([f"item {number}" for number in range(5_000)])
    opened(engine, make_sqlite(tmp_path / "many.db", {b"a": data, b"b": data}))

    reports = engine.search(None, Query("item"), TOKEN)
    first = next(reports)
    reports.close()  # type: ignore[attr-defined]  # a generator

    assert 0 < len(first.hits) <= 1_000
    assert not first.finished
    assert sum(len(report.hits) for report in engine.search(None, Query("item"), TOKEN)) == 10_000


def test_an_endless_expression_is_given_up_with_its_process(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "trap.db", {b"trap": pickle.dumps("a" * 60 + "b")})
    engine = ChildEngine()
    try:
        opened(engine, path)
        before = engine.process_id
        token = _CancelledSoon()

        with pytest.raises(Cancelled):
            list(engine.search(None, Query("(a+)+$", is_regex=True), token))

        assert engine.decode(0, TOKEN).root.type == "str"
        assert engine.process_id != before
    finally:
        engine.close()


class _CancelledSoon(CancelToken):
    def __init__(self) -> None:
        super().__init__()
        self._at = time.monotonic() + 0.3

    @property
    def cancelled(self) -> bool:
        return time.monotonic() > self._at

    def check(self) -> None:
        if self.cancelled:
            raise Cancelled


def test_json_of_plain_values_is_exported_as_the_machine_writes_it(engine: Engine, shelf: Path, tmp_path: Path) -> None:
    opened(engine, shelf)
    target = tmp_path / "out.jsonl"

    for _report in engine.export(None, str(target), lines=True, token=TOKEN):
        pass

    values = [engine.plain(entry, "", TOKEN) for entry in range(len(VALUES))]
    assert [line.partition('"value": ')[2][:-1] for line in target.read_text("utf-8").splitlines()] == values
