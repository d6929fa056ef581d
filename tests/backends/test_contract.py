"""What every container format promises, on every intact and damaged case of the formats that can be read."""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backends.base import Backend, SaveOptions
from app.backends.formats import FORMATS
from app.backends.key_index import KeyIndex
from app.backends.registry import open_database, recognise
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from app.errors import AppError, BackendError, BackendMissing, Cancelled, ReadOnlyDatabase, StaleIndex
from tests import corpus
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.privileges import as_no_root

DAMAGED_SECONDS = 5.0
"""What a damaged database may take until it is listed or refused."""

READABLE = tuple(form.format_id for form in FORMATS.values() if form.readable)


ZERO_BYTES = "bdb185-btree-empty"
"""libdb1 writes an empty btree as a file of 0 bytes: nothing in it tells a format."""
INTACT = [case for case in corpus.databases(*READABLE, corrupt=False) if case.name != ZERO_BYTES]
DAMAGED = corpus.databases(*READABLE, corrupt=True)
PICKLES = corpus.values("benign")

each_intact = pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)


@contextlib.contextmanager
def copied(case: corpus.DatabaseCase, folder: Path) -> Iterator[Backend]:
    with open_database(case.copy_to(folder), value_end) as backend:
        yield backend


def test_every_readable_format_has_intact_cases() -> None:
    assert {case.format for case in INTACT} | {"pickle-file", "marshal-file"} == set(READABLE)


@each_intact
def test_entries_are_exactly_those_of_the_writer(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with copied(case, tmp_path) as backend:
        read = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        ordered = corpus.in_order_of(case)
        assert ordered(read) == ordered(list(case.entries))
        assert len(read) == case.count
        assert backend.format_id == case.format
        assert backend.problems == []


@each_intact
def test_opening_and_reading_leaves_no_trace(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)
    before = folder_state(tmp_path)

    with open_database(path, value_end) as backend:
        entries_of(backend)
        assert folder_state(tmp_path) == before

    assert folder_state(tmp_path) == before


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder and its files such that the present user can only read them."""
    for path in [*folder.iterdir(), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with as_no_root():
            yield
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no read-only folders")
@each_intact
def test_a_read_only_folder_is_enough_and_saving_is_refused_there(
    case: corpus.DatabaseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not tmp_path: root's is closed to others.
    with tempfile.TemporaryDirectory() as outer, tempfile.TemporaryDirectory() as copies:
        Path(outer).chmod(0o755)
        Path(copies).chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", copies)
        folder = Path(outer, "shelf")
        folder.mkdir()
        path = case.copy_to(folder)
        with read_only(folder):
            before = folder_state(folder)
            with open_database(path, value_end) as backend:
                assert len(entries_of(backend)) == case.count
                with pytest.raises(ReadOnlyDatabase, match=r"another (file|format)"):
                    backend.apply((), {}, SaveOptions(), CancelToken())
            assert folder_state(folder) == before
        assert not list(Path(copies).iterdir())


@each_intact
def test_the_key_index_finds_every_entry_again(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with copied(case, tmp_path) as backend:
        index = index_of(backend)

        keys = [index.key(entry_id) for entry_id in range(len(index))]
        for entry_id, key in enumerate(keys):
            assert list(index.find(key)) == [other for other, same in enumerate(keys) if same == key]
            assert index.nth(entry_id) == keys[:entry_id].count(key)
        assert sorted(index.size(entry_id) for entry_id in range(len(index))) == sorted(
            entry.size for entry in case.entries
        )


@each_intact
def test_a_prefix_is_the_beginning_of_the_value(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with copied(case, tmp_path) as backend:
        index = index_of(backend)
        for entry_id in range(min(len(index), 40)):
            place = index.key(entry_id), index.locator(entry_id), index.size(entry_id)
            value = backend.read(*place)
            assert backend.read_prefix(*place, 3) == value[:3]
            assert backend.read_prefix(*place, len(value) + 1) == value


@each_intact
def test_indexing_twice_gives_the_same(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with copied(case, tmp_path) as backend:
        assert entries_of(backend) == entries_of(backend)
        assert backend.problems == []


@each_intact
def test_reading_after_the_database_was_replaced_by_another_notices(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    others = [one for one in INTACT if one.name != case.name and one.count != 1]
    of_another_format = next(one for one in others if len(one.files) == len(case.files))
    other = next((one for one in others if one.format == case.format), of_another_format)
    with copied(case, tmp_path) as backend:
        index = index_of(backend)
        known = set(entries_of(backend))
        for path in tmp_path.iterdir():
            path.unlink()
        for path in (copy_of(other, tmp_path / "other", case)).iterdir():
            path.replace(tmp_path / path.name)

        for entry_id in range(min(len(index), 20)):
            place = index.key(entry_id), index.locator(entry_id), index.size(entry_id)
            try:
                value = backend.read(*place)
            except StaleIndex as error:
                assert "." in error.message  # noqa: PT017 - both are right: the old file may still be held
            else:
                assert (place[0], value) in known or corpus.expected_entry(place[0], value) in other.entries


def copy_of(other: corpus.DatabaseCase, folder: Path, case: corpus.DatabaseCase) -> Path:
    """Copy a case under the names of the files of another one."""
    folder.mkdir()
    theirs, ours = Path(other.open).stem, Path(case.open).stem
    for name in other.files:
        shutil.copy(other.folder / name, folder / name.replace(theirs, ours, 1))
    return folder


@each_intact
def test_a_cancelled_index_stops(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with copied(case, tmp_path) as backend:
        if case.count:
            with pytest.raises(Cancelled):
                list(backend.index(token))


@each_intact
def test_closing_twice_is_harmless_and_releases_the_files(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with copied(case, tmp_path) as backend:
        entries_of(backend)
        backend.close()
        backend.close()
    assert not open_files_in(tmp_path)


def open_files_in(folder: Path) -> list[str]:
    """Return the files of a folder that this process holds open or mapped (only Linux tells)."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    held = [line for line in maps.read_text().splitlines() if str(folder) in line]
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held.append(str(link.readlink()))
    return [name for name in held if str(folder) in name]


@pytest.mark.parametrize("case", DAMAGED, ids=corpus.name_of)
def test_damage_ends_soon_with_problems_or_a_sentence(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)
    before = folder_state(tmp_path)
    start = time.monotonic()

    reported, read = read_damaged(path)

    assert time.monotonic() - start < DAMAGED_SECONDS
    assert folder_state(tmp_path) == before
    if case.pair_digests and "noise" not in case.name:
        assert all(case.knows(key, value) for key, value in read)
    if "noise" not in case.name:  # noise inside a value leaves no mark in formats without checksums
        assert reported
        assert all(message.endswith(".") for message in reported)


def read_damaged(path: Path) -> tuple[list[str], list[tuple[bytes, bytes]]]:
    """Return every sentence about the damage, and the entries that could be read all the same."""
    read: list[tuple[bytes, bytes]] = []
    sentences: list[str] = []
    try:
        with open_database(path, value_end) as backend:
            index = KeyIndex()
            for chunk in backend.index(CancelToken()):
                index.append(chunk)
            for entry_id in range(len(index)):
                try:
                    key = index.key(entry_id)
                    read.append((key, backend.read(key, index.locator(entry_id), index.size(entry_id))))
                except BackendError as error:
                    sentences.append(error.message)
            sentences += [problem.message for problem in backend.problems]
    except AppError as error:
        sentences.append(error.message)
    return sentences, read


NAMED_ONLY = [
    case
    for case in corpus.databases(corrupt=False)
    if case.format and case.format not in READABLE and case.name != ZERO_BYTES
]


@pytest.mark.parametrize("case", NAMED_ONLY, ids=corpus.name_of)
def test_a_format_that_is_only_recognised_is_named_in_a_sentence(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)

    match = recognise(path, value_end)
    with pytest.raises(BackendMissing) as caught:
        open_database(path, value_end)

    assert caught.value.message == match.unsupported
    assert match.unsupported.endswith(".")
    assert match.format_id in FORMATS


@pytest.mark.parametrize("case", PICKLES, ids=corpus.name_of)
def test_a_pickle_file_is_one_entry(case: corpus.ValueCase, tmp_path: Path) -> None:
    path = tmp_path / case.path.name
    shutil.copy2(case.path, path)
    before = folder_state(tmp_path)

    with open_database(path, value_end) as backend:
        assert backend.format_id == "pickle-file"
        assert entries_of(backend) == [(b"0", case.read())]
        assert backend.problems == []
    assert folder_state(tmp_path) == before
