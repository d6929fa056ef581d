"""Files of bare pickles: one or several in a row, keyed by their numbers."""

import pickle
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Match, ValueEnd
from app.backends.pickle_file.backend import PickleFileBackend
from app.cancel import CancelToken
from app.errors import AppError, Cancelled, CannotOpen, CorruptDatabase, StaleIndex
from tests.backends.listing import entries_of, index_of, pickle_end

VALUES = st.lists(
    st.tuples(st.recursive(st.integers() | st.text(max_size=5) | st.binary(max_size=5), st.lists), st.integers(0, 5)),
    min_size=1,
    max_size=6,
)


def opened(path: Path, value_end: ValueEnd = pickle_end) -> PickleFileBackend:
    return PickleFileBackend(Match("pickle-file", "", "", path, path, (path,)), value_end)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "values.pkl"
    path.write_bytes(content)
    return path


@given(values=VALUES)
def test_entries_are_the_pickles_in_a_row(values: list[tuple[object, int]]) -> None:
    pickles = [pickle.dumps(value, protocol) for value, protocol in values]
    with tempfile.TemporaryDirectory() as folder, opened(written(Path(folder), b"".join(pickles))) as backend:
        assert entries_of(backend) == [(b"%d" % number, data) for number, data in enumerate(pickles)]
        assert backend.problems == []


def test_bytes_behind_the_last_pickle_are_a_problem_with_its_offset(tmp_path: Path) -> None:
    whole = pickle.dumps({"a": 1}) * 2
    with opened(written(tmp_path, whole + b"junk")) as backend:
        assert [key for key, _ in entries_of(backend)] == [b"0", b"1", b"2"]
        assert entries_of(backend)[2] == (b"2", b"junk")
        assert [problem.offset for problem in backend.problems] == [len(whole)]
        assert "last 4 bytes" in backend.problems[0].message


@pytest.mark.parametrize("content", [b"no pickle", pickle.dumps([1, 2, 3])[:-1]])
def test_what_is_no_whole_pickle_is_shown_as_far_as_it_goes(tmp_path: Path, content: bytes) -> None:
    with opened(written(tmp_path, content)) as backend:
        assert entries_of(backend) == [(b"0", content)]
        assert [problem.offset for problem in backend.problems] == [0]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with opened(written(tmp_path, b"")) as backend, pytest.raises(CorruptDatabase, match=r"values\.pkl is empty"):
        index_of(backend)


@pytest.mark.parametrize("wrong_end", [0, -1, 10**9])
def test_an_end_that_cannot_be_is_not_believed(tmp_path: Path, wrong_end: int) -> None:
    with opened(written(tmp_path, b"N."), lambda _buffer, _start: wrong_end) as backend:
        assert entries_of(backend) == [(b"0", b"N.")]
        assert backend.problems


def test_a_changed_file_makes_the_index_stale(tmp_path: Path) -> None:
    path = written(tmp_path, pickle.dumps(1) + pickle.dumps(2))
    with opened(path) as backend:
        index = index_of(backend)
        path.write_bytes(pickle.dumps("other") + pickle.dumps(2))

        with pytest.raises(StaleIndex, match="read it again"):
            backend.read(b"0", index.locator(0), index.size(0))
        with pytest.raises(StaleIndex, match="read it again"):
            backend.read_prefix(b"0", index.locator(0), index.size(0), 2)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, pickle.dumps(1))
    with opened(path) as backend:
        index = index_of(backend)
        path.unlink()

        with pytest.raises(CannotOpen, match=r"values\.pkl"):
            backend.read(b"0", index.locator(0), index.size(0))


def test_many_pickles_can_be_cancelled(tmp_path: Path) -> None:
    token = CancelToken()
    with opened(written(tmp_path, b"N." * 1000), lambda _buffer, start: start + 2) as backend:
        chunks = backend.index(token)
        assert len(next(chunks)) == 256
        token.cancel()
        with pytest.raises(Cancelled):
            next(chunks)


@given(data=st.data())
def test_one_wrong_byte_gives_entries_or_an_error(data: st.DataObject) -> None:
    raw = bytearray(pickle.dumps(["text", 1.5, {b"k": None}]) * 3)
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder, opened(written(Path(folder), bytes(raw))) as backend:
        try:
            entries = entries_of(backend)
        except AppError as error:
            assert error.message.endswith(".")  # noqa: PT017 - either outcome is allowed
        else:
            joined = b"".join(value for _, value in entries)
            assert bytes(raw).startswith(joined)
