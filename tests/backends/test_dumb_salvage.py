"""``dbm.dumb``: what `check` finds that listing passes over, and what can be found without a whole index."""

import dbm.dumb
import pickle
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Remove
from app.backends.salvage import Origin
from app.cancel import CancelToken
from app.errors import CannotOpen
from tests import corpus
from tests.backends.dumb_files import KEYS, opened, save, scratch, written
from tests.backends.listing import entries_of
from tests.backends.reading import SECONDS
from tests.backends.salvaging import salvaged

OBJECTS = st.integers() | st.text(max_size=900) | st.lists(st.floats(allow_nan=False), max_size=40)
SHELVES = st.dictionaries(KEYS, OBJECTS, max_size=8)
PROTOCOLS = st.integers(2, 5)


def shelf(folder: Path, objects: dict[bytes, object], protocol: int = 4) -> Path:
    return written(folder, {key: pickle.dumps(value, protocol) for key, value in objects.items()})


def checked(base: Path) -> list[str]:
    with opened(base) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


@pytest.mark.parametrize("case", corpus.databases("dumb", corrupt=False), ids=corpus.name_of)
def test_nothing_is_wrong_with_an_intact_database_and_all_of_it_is_found(
    case: corpus.DatabaseCase, tmp_path: Path
) -> None:
    path = case.copy_to(tmp_path)

    assert checked(path.with_suffix("")) == []
    found = salvaged(path)
    assert found.reports == []
    entries = [corpus.expected_entry(one.key or b"", one.value) for one in found.found]
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))
    assert {one.origin for one in found.found} <= {Origin.LIVE}


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        (b"'a', (0, 3)\n'b', (512, 3)\n'a', (1024, 3)\n", "1 line names keys of d.dir again"),
        (b"'a', (0, 600)\n'b', (512, 3)\n", "The values of 'a' and 'b' share bytes"),
        (b"'b', (512, 3)\n'a', (0, 1500)\n'c', (1024, 1)\n", "The values of 'a' and 'c' share bytes"),
        (b"'a', (0, 3)\n'b', (3, 3)\n", "The value of 'b' does not begin at a multiple of 512"),
    ],
)
def test_an_index_that_contradicts_the_values_is_told(tmp_path: Path, index: bytes, sentence: str) -> None:
    (tmp_path / "d.dat").write_bytes(bytes(2000))
    (tmp_path / "d.dir").write_bytes(index)

    sentences = checked(tmp_path / "d")

    assert any(sentence in one for one in sentences)
    assert all(one.endswith(".") for one in sentences)


def test_values_of_no_bytes_share_nothing(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_bytes(b"one")
    (tmp_path / "d.dir").write_bytes(b"'a', (0, 0)\n'b', (0, 3)\n'c', (0, 0)\n")

    assert checked(tmp_path / "d") == []


@given(objects=SHELVES, protocol=PROTOCOLS)
def test_without_an_index_all_pickles_are_found_by_their_places(objects: dict[bytes, object], protocol: int) -> None:
    with scratch() as folder:
        base = shelf(folder, objects, protocol)
        dat = base.with_name(base.name + ".dat")
        for suffix in (".dir", ".bak"):
            base.with_name(base.name + suffix).unlink(missing_ok=True)

        found = salvaged(dat, format_id="dumb", base=base)

        assert found.pairs() == [(None, pickle.dumps(value, protocol)) for value in objects.values()]
        assert {one.origin for one in found.found} <= {Origin.LOST}
        assert all(one.offset % 512 == 0 for one in found.found)
        assert "no index" in found.reports[0]


def test_without_values_there_is_nothing_to_search(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="no file named"):
        salvaged(tmp_path / "d.dir", format_id="dumb", base=tmp_path / "d")


@pytest.mark.parametrize(
    ("name", "whole_lines"), [("dumb-corrupt-dir-cut", 40), ("dumb-evil-dir", 60), ("dumb-only-bak", 60)]
)
def test_every_whole_line_of_a_damaged_index_gives_its_entry(
    name: str, whole_lines: int, database_case: Callable[[str], Path]
) -> None:
    case = corpus.database(name)

    found = salvaged(database_case(name))

    with_keys = [corpus.expected_entry(one.key, one.value) for one in found.found if one.key is not None]
    assert set(with_keys) <= set(case.entries)
    assert len(with_keys) == whole_lines
    values = {entry.value for entry in case.entries}
    assert all(corpus.expected_entry(b"", one.value).value in values for one in found.found)
    assert found.reports


@given(objects=SHELVES.filter(bool), data=st.data())
def test_a_cut_index_loses_no_pickle(objects: dict[bytes, object], data: st.DataObject) -> None:
    with scratch() as folder:
        base = shelf(folder, objects)
        index = base.with_name(base.name + ".dir")
        base.with_name(base.name + ".bak").unlink(missing_ok=True)
        whole = index.read_bytes()
        index.write_bytes(whole[: data.draw(st.integers(1, len(whole) - 2), label="length")])

        found = salvaged(index, deleted=True)  # cut between two lines, it looks like an index after removals

        values = sorted(pickle.dumps(value, 4) for value in objects.values())
        assert sorted(value for _, value in found.pairs()) == values
        assert all(key is None or pickle.dumps(objects[key], 4) == value for key, value in found.pairs())


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"'a', (0, 6", b"a"),
        (b"'a', (0, ", b"a"),
        (b"a', (0, 6)\n", None),
        (b"__import__('os').abort(), (0, 6)\n", None),
    ],
)
def test_what_a_damaged_line_still_tells_is_used(tmp_path: Path, line: bytes, key: bytes | None) -> None:
    (tmp_path / "d.dat").write_bytes(pickle.dumps(1, 0) + bytes(600))
    (tmp_path / "d.dir").write_bytes(line)
    size = len(pickle.dumps(1, 0))

    found = salvaged(tmp_path / "d.dir", format_id="dumb", base=tmp_path / "d")

    assert [(one.key, one.value[:size], one.origin) for one in found.found] == [(key, pickle.dumps(1, 0), Origin.LOST)]


def test_old_values_are_found_on_request_with_their_keys_where_the_older_index_has_them(tmp_path: Path) -> None:
    first, second, longer = (pickle.dumps(value) for value in ("first", "second", "longer" * 200))
    base = written(tmp_path, {b"a": first, b"b": second, b"c": first})
    with dbm.dumb.open(str(base), "w") as database:
        database[b"a"] = longer
    with opened(base) as backend:
        save(backend, Remove(1))

    live = salvaged(base)
    found = salvaged(base, deleted=True)

    assert live.pairs() == [(b"a", longer), (b"c", first)]
    assert found.pairs(Origin.LIVE) == live.pairs()
    assert found.pairs(Origin.DELETED) == [(b"b", second), (None, first)]
    assert found.reports == []


def test_what_was_written_over_is_not_found_again(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"old value"})
    with dbm.dumb.open(str(base), "w") as database:
        database[b"a"] = b"new"

    assert salvaged(base, deleted=True).pairs() == [(b"a", b"new")]


def test_an_index_emptied_by_a_crash_is_made_up_for_by_the_older_one(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1", b"b": b"2"})
    index = base.with_name(base.name + ".dir")
    index.replace(base.with_name(base.name + ".bak"))
    index.write_bytes(b"")

    found = salvaged(base)

    assert found.pairs(Origin.LOST) == [(b"a", b"1"), (b"b", b"2")]


def test_a_value_beyond_the_end_is_told_and_the_others_are_found(tmp_path: Path) -> None:
    base = written(tmp_path, {b"a": b"1", b"b": b"2" * 600})
    dat = base.with_name(base.name + ".dat")
    dat.write_bytes(dat.read_bytes()[:700])

    found = salvaged(base)

    assert found.pairs() == [(b"a", b"1")]
    assert "beyond the end" in found.reports[0]


def test_lines_that_name_the_same_room_again_and_again_are_not_all_followed(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_bytes(bytes(100_000))
    lines = (b"'%d', (0, 100000)\n" % number for number in range(10_000))
    (tmp_path / "d.dir").write_bytes(b"".join(lines))

    found = salvaged(tmp_path / "d.dir")

    assert len(found.found) == 4
    assert "lie on each other" in found.reports[0]


@pytest.mark.parametrize("unit", [b"\x80\x02", b"\x80\x02]q\x00(", b"(", b"\x80\x02X\xff\xff\x0f\x00"])
def test_bytes_that_only_look_like_values_take_bounded_time(tmp_path: Path, unit: bytes) -> None:
    (tmp_path / "d.dat").write_bytes(unit * (250_000 // len(unit)))
    start = process_time()

    found = salvaged(tmp_path / "d.dat", format_id="dumb", base=tmp_path / "d")

    assert found.found == []
    assert process_time() - start < SECONDS
    assert any("only looks like values" in report for report in found.reports) or unit[:1] == b"("


def test_values_among_text_that_begins_like_pickles_are_found_without_an_index(tmp_path: Path) -> None:
    values = [pickle.dumps([number] * 900, 0) for number in range(20)]
    values += [pickle.dumps("text" * 9000, 0), pickle.dumps("text" * 9000, 1), pickle.dumps({"a": "b" * 90_000}, 2)]
    texts = [word * 300 for word in (b"class", b"import", b"Victory", b"Text", b"(get") for _ in range(200)]
    blocks = [content + bytes(-len(content) % 512) for content in [*texts, *values]]
    (tmp_path / "d.dat").write_bytes(b"".join(blocks))

    found = salvaged(tmp_path / "d.dat", format_id="dumb", base=tmp_path / "d")

    assert [value for _, value in found.pairs(Origin.LOST)] == values
    assert len(found.reports) == 1  # that there is no index


def test_a_key_that_a_damaged_index_names_differently_is_found_by_both_names(tmp_path: Path) -> None:
    base = written(tmp_path, {b"big": b"1" * 600, b"small": b"2"})
    older = base.with_name(f"{base.name}.dir").read_bytes()
    base.with_name(f"{base.name}.bak").write_bytes(older)
    cut = older.replace(b"'big'", b"'byg'").partition(b"all'")[0]
    base.with_name(f"{base.name}.dir").write_bytes(cut)

    with opened(base) as backend:
        listed = set(entries_of(backend))
    found = {(one.key, one.value) for one in salvaged(base.with_name(f"{base.name}.dat")).found}

    assert listed == {(b"byg", b"1" * 600), (b"big", b"1" * 600), (b"small", b"2")}
    assert found == listed
