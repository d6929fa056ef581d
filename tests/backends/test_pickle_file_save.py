"""Files of bare pickles, saved and made anew: Python reads what was written, numbers close up, nothing else goes in."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Change, Insert, Remove, Replace, SaveOptions
from app.backends.pickle_file.backend import PickleFileBackend
from app.backends.pickle_file.write import PickleFileWriter
from app.backends.records import SelectedRecords
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from app.errors import ChangedOnDisk, KeyRejected, OptionRejected, ReadOnlyDatabase
from tests import corpus
from tests.backends import rewriting
from tests.backends.listing import entries_of, expected_of, index_of
from tests.backends.test_pickle_file import VALUES
from tests.backends.toy_format import PairRecords

OBJECTS = [{"a": 1}, ["two", 2], None, "four"]
PICKLES = [pickle.dumps(one, number % 5 + 1) for number, one in enumerate(OBJECTS)]
NEW = pickle.dumps({"new": b"bytes"} | {number: "x" * number for number in range(60)}, 4)


def made(folder: Path, pickles: list[bytes] = PICKLES) -> Path:
    path = folder / "values.pkl"
    path.write_bytes(b"".join(pickles))
    return path


def opened(path: Path) -> Backend:
    return open_database(path, value_end)


def loaded(path: Path) -> list[object]:
    """Return what Python reads from a file that we wrote ourselves."""
    objects = []
    with path.open("rb") as file:
        while file.tell() < path.stat().st_size:
            objects.append(pickle.load(file))
    return objects


def numbered(pickles: list[bytes]) -> list[rewriting.Pair]:
    return [(b"%d" % number, value) for number, value in enumerate(pickles)]


CHANGES = (Replace(0, NEW), Remove(2), Insert(b"3", NEW))
AFTER = [NEW, PICKLES[1], PICKLES[3], NEW]


@given(values=VALUES, data=st.data())
def test_saving_leaves_what_a_list_would(
    values: list[tuple[object, int]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = [([value], protocol) for value, protocol in values]
    path = made(tmp_path_factory.mktemp("saved"), [pickle.dumps(*value) for value in values])
    rows = st.sampled_from(range(len(values)))
    removed = data.draw(st.sets(rows, max_size=len(values) - 1), label="removed")
    replaced = data.draw(st.dictionaries(rows, st.text().map(lambda text: [text])), label="replaced")
    inserted = data.draw(st.lists(st.integers().map(lambda number: [number]), max_size=4), label="inserted")
    kept = [replaced.get(row, value) for row, (value, _) in enumerate(values) if row not in removed]
    changes: list[Change] = [Replace(row, pickle.dumps(new)) for row, new in replaced.items() if row not in removed]

    with opened(path) as backend:
        rewriting.save(
            backend,
            *changes,
            *map(Remove, removed),
            *(Insert(b"%d" % (len(kept) + place), pickle.dumps(new)) for place, new in enumerate(inserted)),
        )

    assert loaded(path) == kept + inserted
    with opened(path) as backend:
        assert [key for key, _ in entries_of(backend)] == [b"%d" % number for number in range(len(kept + inserted))]


def test_all_other_values_keep_their_bytes(tmp_path: Path) -> None:
    path = made(tmp_path)

    with opened(path) as backend:
        rewriting.save(backend, Replace(1, NEW))

    assert path.read_bytes() == PICKLES[0] + NEW + PICKLES[2] + PICKLES[3]


def test_a_new_entry_behind_removed_ones_may_have_the_next_number_that_was_shown(tmp_path: Path) -> None:
    path = made(tmp_path)

    with opened(path) as backend:
        rewriting.save(backend, Remove(0), Insert(b"4", NEW), Insert(b"4", NEW))

    assert path.read_bytes() == b"".join([*PICKLES[1:], NEW, NEW])


@pytest.mark.parametrize("key", [b"5", b"name", b"", b"04", b"-1", "٤".encode(), b"1" * 5000])
def test_a_key_that_is_not_the_next_number_is_rejected_by_name(tmp_path: Path, key: bytes) -> None:
    path = made(tmp_path)

    with opened(path) as backend, pytest.raises(KeyRejected, match=r"cannot be stored in values\.pkl.*next.*'4'"):
        rewriting.save(backend, Insert(key, NEW))

    assert rewriting.contents(tmp_path) == {"values.pkl": b"".join(PICKLES)}


def test_a_number_that_another_program_gave_away_is_a_conflict(tmp_path: Path) -> None:
    path = made(tmp_path)
    with opened(path) as backend:
        expected = expected_of(backend)
        made(tmp_path, [*PICKLES, NEW])

        with pytest.raises(ChangedOnDisk, match="'4' differs"):
            backend.apply([Insert(b"4", PICKLES[0])], expected, rewriting.NO_BACKUP, CancelToken())


@pytest.mark.parametrize(
    "value", [b"", b"no pickle", NEW[:-1], NEW + NEW, NEW + b"x"], ids=["empty", "text", "cut", "two", "more"]
)
@pytest.mark.parametrize("replaces", [True, False])
def test_a_value_that_is_not_exactly_one_pickle_is_rejected_by_name(
    tmp_path: Path, value: bytes, *, replaces: bool
) -> None:
    path = made(tmp_path)
    change = Replace(3, value) if replaces else Insert(b"4", value)

    with opened(path) as backend, pytest.raises(KeyRejected, match=f"'{3 if replaces else 4}' cannot.*one pickle"):
        rewriting.save(backend, change)

    assert rewriting.contents(tmp_path) == {"values.pkl": b"".join(PICKLES)}


def test_the_last_entry_cannot_go(tmp_path: Path) -> None:
    path = made(tmp_path, [NEW])

    with opened(path) as backend, pytest.raises(KeyRejected, match="cannot be empty"):
        rewriting.save(backend, Remove(0))

    assert rewriting.contents(tmp_path) == {"values.pkl": NEW}


def test_a_file_with_other_bytes_behind_its_pickles_is_not_rewritten(tmp_path: Path) -> None:
    path = made(tmp_path, [NEW, b"rest"])

    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match="salvage"):
        rewriting.save(backend, Replace(0, NEW))


def test_a_save_that_dies_anywhere_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    seen = set()
    for moment, path in rewriting.states_after_death(made, opened, CHANGES, tmp_path):
        content = path.read_bytes()
        assert content in (b"".join(PICKLES), b"".join(AFTER)), moment
        seen.add(content == b"".join(AFTER))

    assert seen == {False, True}


def test_a_save_that_fails_anywhere_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    rewriting.check_every_failure(made, opened, CHANGES, tmp_path)


def test_a_backup_is_the_whole_old_file(tmp_path: Path) -> None:
    path = made(tmp_path)

    with opened(path) as backend:
        report = rewriting.save(backend, *CHANGES, options=SaveOptions())

    assert [backup.read_bytes() for backup in report.backups] == [b"".join(PICKLES)]
    assert (report.bytes_before, report.bytes_after) != (0, 0)


def test_new_files_are_read_by_python(tmp_path: Path) -> None:
    rewriting.create(new_writer("pickle-file", CreateOptions(), value_end), tmp_path / "new.pkl", numbered(PICKLES))

    assert loaded(tmp_path / "new.pkl") == OBJECTS
    with opened(tmp_path / "new.pkl") as backend:
        assert entries_of(backend) == numbered(PICKLES)


def test_what_is_no_row_of_pickles_is_refused_and_the_rest_fits() -> None:
    writer = PickleFileWriter(PickleFileBackend, value_end)
    pairs = [(b"0", NEW), (b"name", NEW), (b"1", b"text"), (b"1", NEW), (b"0", NEW), (b"2", NEW)]
    records = PairRecords(pairs)

    refusals = list(writer.refusals(records, CancelToken()))

    assert [refusal.row for refusal in refusals] == [1, 2, 4]
    assert [refusal.key for refusal in refusals] == [b"name", b"1", b"0"]
    assert "the next number is 1" in refusals[0].reason
    assert "exactly one pickle" in refusals[1].reason
    rest = SelectedRecords(records, [refusal.row for refusal in refusals])
    assert list(writer.refusals(rest, CancelToken())) == []


def test_an_empty_pickle_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(KeyRejected, match="cannot be empty"):
        rewriting.create(PickleFileWriter(PickleFileBackend, value_end), tmp_path / "new.pkl", [])

    assert not list(tmp_path.iterdir())


def test_no_option_means_anything_to_a_pickle_file() -> None:
    with pytest.raises(OptionRejected, match="no byte order"):
        new_writer("pickle-file", CreateOptions(byte_order="little"), value_end)


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_every_value_of_the_corpus_is_the_same_after_the_file_was_rewritten(
    case: corpus.ValueCase, tmp_path: Path
) -> None:
    path = tmp_path / "one.pkl"
    path.write_bytes(case.read())

    with opened(path) as backend:
        rewriting.compact(backend)

    assert path.read_bytes() == case.read()


def test_large_values_go_through_in_pieces(tmp_path: Path) -> None:
    value = pickle.dumps(bytes(range(256)) * 20_000, 4)

    with opened(made(tmp_path, [value])) as backend:
        pieces = list(backend.pieces(*index_of(backend).entry(0)))

    assert b"".join(pieces) == value
    assert max(map(len, pieces)) == 1 << 20
