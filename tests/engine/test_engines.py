"""Both engines give the same answers; the one in this process is the other's reference."""

import json
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.base import Expected, Replace, SaveOptions
from app.cancel import CancelToken
from app.engine.base import Engine, ExportItem
from app.errors import AppError, CannotOpen, ChangedOnDisk, DocumentError, EncodeError, PathError
from tests.engine.shelves import make_sqlite, read_sqlite

TOKEN = CancelToken()
VALUES: dict[bytes, object] = {
    b"order": {"id": 7, "tags": ["a", "b"], "paid": True},
    b"n\xff": [1, 2.5, None],
    b"text": "caf\u00e9",
}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shelf.db", {key: pickle.dumps(value) for key, value in VALUES.items()})


def indexed(engine: Engine, path: Path) -> list[bytes]:
    engine.open(str(path), TOKEN)
    return [chunk.key(row) for chunk in engine.index(TOKEN) for row in range(len(chunk))]


def test_a_shelf_is_opened_listed_and_shown(engine: Engine, shelf: Path) -> None:
    info = engine.open(str(shelf), TOKEN)
    keys = [chunk.key(row) for chunk in engine.index(TOKEN) for row in range(len(chunk))]
    value = engine.decode(0, TOKEN)
    rows = engine.rows(0, value.root.node, 0, 10, TOKEN)

    assert info.format == "sqlite3"
    assert keys == list(VALUES)
    assert (value.codec, value.root.type, value.root.count) == ("pickle", "dict", 3)
    assert [row.step for row in rows] == ["['id']", "['tags']", "['paid']"]
    assert [summary.type for summary in engine.summaries([0, 1, 2], TOKEN)] == ["dict", "list", "str"]
    assert engine.problems() == ()


def test_a_key_that_is_not_utf_8_makes_it_no_shelf(engine: Engine, shelf: Path, tmp_path: Path) -> None:
    indexed(engine, shelf)
    assert not engine.is_shelf(TOKEN)

    indexed(engine, make_sqlite(tmp_path / "other.db", {b"k": pickle.dumps(1)}))
    assert engine.is_shelf(TOKEN)


def test_a_long_text_pickle_is_a_pickle_to_its_end(engine: Engine, tmp_path: Path) -> None:
    indexed(engine, make_sqlite(tmp_path / "old.db", {b"big": pickle.dumps("x" * 10_000, 0)}))

    assert engine.is_shelf(TOKEN)


def test_bytes_that_are_not_saved_are_shown_like_stored_ones(engine: Engine, shelf: Path) -> None:
    indexed(engine, shelf)
    pending = pickle.dumps({"new": 1})

    assert json.loads(engine.plain(pending, "", TOKEN)) == {"new": 1}
    assert engine.find(pending, "['new']", TOKEN).text == "1"
    assert engine.read(pending, 1, 3, TOKEN) == pending[1:4]


def test_a_scalar_is_replaced_and_saved(engine: Engine, shelf: Path) -> None:
    indexed(engine, shelf)
    old = engine.read(0, 0, 10_000, TOKEN)

    new = engine.replace(0, "['tags'][1]", "'changed'", TOKEN)
    report = engine.apply(
        [Replace(0, new)], {0: Expected(b"order", 0, engine.digest(0, TOKEN))}, SaveOptions(backup=True), TOKEN
    )

    stored = read_sqlite(shelf)
    assert pickle.loads(stored[b"order"]) == {"id": 7, "tags": ["a", "changed"], "paid": True}
    assert stored[b"text"] == pickle.dumps(VALUES[b"text"])
    assert [read_sqlite(backup)[b"order"] for backup in report.backups] == [old]
    assert indexed(engine, shelf) == list(VALUES)


def test_refusals_arrive_as_what_they_are(engine: Engine, shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen):
        engine.open(str(tmp_path / "missing.db"), TOKEN)
    indexed(engine, shelf)
    with pytest.raises(EncodeError):
        engine.replace(0, "['id']", "'no number'", TOKEN)
    with pytest.raises(PathError):
        engine.find(0, "['nothing']", TOKEN)
    with pytest.raises(ChangedOnDisk) as caught:
        engine.apply([Replace(0, b"")], {0: Expected(b"order", 0, bytes(32))}, SaveOptions(), TOKEN)
    assert caught.value.keys == (b"order",)
    assert pickle.loads(read_sqlite(shelf)[b"order"]) == VALUES[b"order"]


def test_a_value_that_somebody_else_changed_is_shown_as_it_is_now(engine: Engine, shelf: Path) -> None:
    indexed(engine, shelf)
    assert engine.decode(2, TOKEN).root.text == "'café'"

    with closing(sqlite3.connect(shelf)) as connection, connection:
        connection.execute("UPDATE Dict SET value = ? WHERE key = ?", (pickle.dumps("milk!"), b"text"))

    assert engine.decode(2, TOKEN).root.text == "'milk!'"
    assert engine.read(2, 0, 100, TOKEN) == pickle.dumps("milk!")


def test_entries_are_exported_whole(engine: Engine, shelf: Path, tmp_path: Path) -> None:
    indexed(engine, shelf)
    target = tmp_path / "out.json"

    reports = list(engine.export(None, str(target), lines=False, token=TOKEN))

    assert json.loads(target.read_text("utf-8")) == {
        "order": VALUES[b"order"],
        "b'n\\xff'": [1, 2.5, None],
        "text": "caf\u00e9",
    }
    assert (reports[-1].entries, reports[-1].total, reports[-1].finished) == (3, 3, True)


def test_an_export_tells_which_values_have_a_damaged_part(engine: Engine, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "shelf", {b"good": pickle.dumps([1]), b"bad": b"\x80\x02]X\x01\0\0\0\x88a."})
    indexed(engine, path)

    reports = list(engine.export(None, str(tmp_path / "out.json"), lines=False, token=TOKEN))

    assert reports[-1].damaged == (b"bad",)


def test_chosen_entries_are_exported_as_lines(engine: Engine, shelf: Path, tmp_path: Path) -> None:
    indexed(engine, shelf)
    items = [ExportItem(b"n\xff", 1), ExportItem(b"text", pickle.dumps("pending"))]

    list(engine.export(items, str(tmp_path / "out.jsonl"), lines=True, token=TOKEN))

    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"key_base64": "bv8=", "value": [1, 2.5, None]},
        {"key": "text", "value": "pending"},
    ]


@pytest.mark.parametrize("count", [0, 1, 2_500])
def test_any_number_of_chosen_entries_is_exported(engine: Engine, tmp_path: Path, count: int) -> None:
    many = {b"%05d" % number: pickle.dumps(number) for number in range(3000)}
    indexed(engine, make_sqlite(tmp_path / "s.db", many))
    items = [ExportItem(b"%05d" % number, number) for number in range(count)]

    reports = list(engine.export(items, str(tmp_path / "out.json"), lines=False, token=TOKEN))

    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == {f"{n:05}": n for n in range(count)}
    assert reports[-1].entries == count


def test_keys_that_would_collide_are_refused_and_nothing_is_written(engine: Engine, tmp_path: Path) -> None:
    indexed(engine, make_sqlite(tmp_path / "s.db", {b"\xff": pickle.dumps(1), b"b'\\xff'": pickle.dumps(2)}))

    with pytest.raises(DocumentError, match="JSON Lines"):
        list(engine.export(None, str(tmp_path / "out.json"), lines=False, token=TOKEN))

    assert not (tmp_path / "out.json").exists()


def test_an_export_given_up_leaves_no_file(engine: Engine, tmp_path: Path) -> None:
    many = {b"%05d" % number: pickle.dumps(list(range(200))) for number in range(3000)}
    indexed(engine, make_sqlite(tmp_path / "s.db", many))

    export = engine.export(None, str(tmp_path / "out.json"), lines=False, token=TOKEN)
    next(export)
    export.close()  # type: ignore[attr-defined]  # both engines give generators

    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]


def test_what_is_not_a_database_is_one_sentence(engine: Engine, tmp_path: Path) -> None:
    for name, content in {"empty.db": b"", "text.db": b"just some text\n" * 20}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AppError, match=name):
            engine.open(str(tmp_path / name), TOKEN)


def test_what_is_not_saved_is_shown_and_edited_when_the_file_is_gone(engine: Engine, shelf: Path) -> None:
    indexed(engine, shelf)
    wrong = {0: Expected(b"order", 0, bytes(32))}
    with pytest.raises(ChangedOnDisk):
        engine.apply([Replace(0, b"x")], wrong, SaveOptions(), TOKEN)
    shelf.unlink()

    pending = pickle.dumps([1, 2])

    assert engine.decode(pending, TOKEN).root.count == 2
    assert engine.read(pending, 1, 2, TOKEN) == pending[1:3]
    assert pickle.loads(engine.replace(pending, "[0]", "7", TOKEN)) == [7, 2]
    assert [report.finished for report in engine.decoding(pending, TOKEN)][-1]
    with pytest.raises(CannotOpen):
        engine.decode(0, TOKEN)
