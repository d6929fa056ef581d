"""Nothing that a file contains stops the window: a 5-ms heartbeat beside the work, against the idle loop."""

import pickle
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.models.value_tree import Column
from tests import corpus
from tests.end_to_end.heartbeat import ALLOWED, Heartbeat, idle_gap
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import WAIT, opened, settle

pytestmark = pytest.mark.alone

HOSTILE = (
    "hostile_deep_tuple_key_400k",
    "hostile_bomb_tuple_laughs",
    "hostile_bomb_list_laughs",
    "hostile_bomb_hash_frozenset",
    "hostile_deep_reduce_chain",
    "hostile_memo_put_300m",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_does_not_stop_the_window(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path, pwned_marker: Path, name: str
) -> None:
    entries = {b"harmless": pickle.dumps([1, 2]), b"hostile": corpus.value(name).read()}
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "x.db", entries))
    heartbeat = Heartbeat()
    idle = idle_gap(qtbot, heartbeat)

    heartbeat.start()
    tab.entries.select_key(b"hostile")
    settle(qtbot, tab)
    busy = heartbeat.longest()

    assert busy < idle + ALLOWED
    assert tab.value.shown is not None
    assert tab.value.shown.entry_id == 1
    assert not pwned_marker.exists()


def test_a_value_that_takes_seconds_does_not_stop_the_window(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    big = big_value()
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "x.db", {b"harmless": pickle.dumps(1), b"big": big}))
    heartbeat = Heartbeat()
    idle = idle_gap(qtbot, heartbeat)

    heartbeat.start()
    began = time.perf_counter()
    tab.entries.select_key(b"big")
    qtbot.waitUntil(lambda: tab.runner.is_idle, timeout=3 * WAIT)
    took = time.perf_counter() - began
    busy = heartbeat.longest()

    assert took > 0.5
    assert busy < idle + ALLOWED
    assert tab.value.model.rowCount(tab.value.model.index(0, 0)) == 1_000


def test_a_slow_value_is_given_up_when_another_entry_is_chosen(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    entries = {b"harmless": pickle.dumps("seen"), b"big": big_value(), b"other": pickle.dumps("chosen")}
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "x.db", entries))
    heartbeat = Heartbeat()
    idle = idle_gap(qtbot, heartbeat)

    heartbeat.start()
    tab.entries.select_key(b"big")
    qtbot.wait(100)
    tab.entries.select_key(b"other")
    settle(qtbot, tab)
    busy = heartbeat.longest()

    assert tab.value.model.index(0, Column.VALUE).data() == "'chosen'"
    assert tab.notices.sentence == ""
    assert busy < idle + ALLOWED


def big_value() -> bytes:
    return pickle.dumps([{"id": number, "tags": (number, "x")} for number in range(200_000)], 2)


def test_streaming_filtering_and_scrolling_many_keys_does_not_stop_the_window(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"key %06d" % number: b"v" for number in range(200_000)})
    heartbeat = Heartbeat()
    idle = idle_gap(qtbot, heartbeat)

    heartbeat.start()
    tab = opened(qtbot, child_window, path)
    opening = heartbeat.longest()
    heartbeat.start()
    for text in ("7", "77", "777", "", "key 0"):
        tab.entries.field.setText(text)
        settle(qtbot, tab)
    filtering = heartbeat.longest()

    heartbeat.start()
    bar = tab.entries.view.verticalScrollBar()
    for step in range(100):
        bar.setValue(bar.maximum() * step // 100)
        qtbot.wait(5)
    settle(qtbot, tab)
    scrolling = heartbeat.longest()

    assert tab.entries.shown_count == 100_000
    assert scrolling < idle + ALLOWED
    assert opening < idle + ALLOWED
    assert filtering < idle + ALLOWED


def test_the_first_entries_are_there_before_the_last(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"key %06d" % number: b"v" for number in range(200_000)})
    tab = child_window.open_file(path)

    qtbot.waitUntil(lambda: tab.entries.shown_count > 0, timeout=WAIT)

    assert not tab.document.is_indexed
    assert tab.entries.model.index(0, 0).data() == "key 000000"
    settle(qtbot, tab)
