"""What saving promises, for every writable format, every layout that can be chosen, and every database of the corpus.

Formats are taken from the table of formats: one that is writable there and cannot do all of this fails here.
"""

import os
import pickle
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.backends.base import Backend, Change, Insert, Remove, Replace, SaveOptions, SaveReport
from app.backends.registry import recognise
from app.cancel import CancelToken
from app.codecs.registry import VALUE_ENDS
from app.errors import ChangedOnDisk, CorruptDatabase, DatabaseLocked, KeyRejected, ReadOnlyDatabase, SaveFailed
from tests import corpus
from tests.backends.failing_files import FailingOperations
from tests.backends.listing import entries_of, expected_of, folder_state, without_locks
from tests.backends.saving_variants import (
    DEFAULTS,
    NO_BACKUP,
    NUMBERED,
    WRITABLE,
    Pair,
    Variant,
    complaints,
    contents,
    each_format,
    each_variant,
    entries,
    opened,
    overwrite,
)
from tests.backends.test_contract import INTACT

KEYS = [b"", b"a", b"\x00", b"nul\x00", b"\xff" * 9, "café".encode(), b"k" * 200, *(b"key%03d" % n for n in range(40))]
SIZES = (0, 1, 7, 100, 700, 5_000, 70_000)
ENTRIES: list[Pair] = [
    *((key, bytes([number % 251]) * SIZES[number % len(SIZES)]) for number, key in enumerate(KEYS)),
    *((b"again", b"value %d" % number) for number in (2, 1, 3)),
]


def save(backend: Backend, changes: Sequence[Change], options: SaveOptions = NO_BACKUP) -> SaveReport:
    return backend.apply(changes, expected_of(backend), options, CancelToken())


def some_changes(variant: Variant, old: Sequence[Pair]) -> tuple[list[Change], list[Pair]]:
    """Return changes to a listed database, and the entries that must be there then."""
    changes: list[Change] = []
    kept: list[Pair] = []
    for row, (key, value) in enumerate(old):
        if row % 5 == 1:
            changes.append(Remove(row))
            continue
        if row % 5 == 3:
            value = variant.stored(b"changed %d" % row if row % 2 else b"")  # noqa: PLW2901 - the entry's new value
            changes.append(Replace(row, value))
        kept.append((key, value))
    new = [(b"new %d" % number, b"v" * number) for number in range(3)] + ([old[0]] if variant.repeats and old else [])
    for number, (key, value) in enumerate(new):
        key = b"%d" % (len(old) + number) if variant.format_id in NUMBERED else key  # noqa: PLW2901 - as above
        pair = (key, variant.stored(value) if number < 3 else value)
        changes.append(Insert(*pair))
        kept.append(pair)
    return changes, kept


def without_twins(variant: Variant, changes: list[Change], kept: list[Pair]) -> tuple[list[Change], list[Pair]]:
    """Leave the second of two equal entries out where a format that sorts them holds only one."""
    if not variant.writer().sorts_duplicates or len(kept) == len(set(kept)):
        return changes, kept
    return changes[:-1], kept[:-1]


@each_variant
def test_a_new_database_holds_what_it_was_given(variant: Variant, tmp_path: Path) -> None:
    pairs = variant.storable(ENTRIES)

    path = variant.make(tmp_path, pairs)

    assert variant.same(entries(path), pairs)
    assert complaints(path) == []
    assert recognise(path, VALUE_ENDS).format_id == variant.format_id
    if variant.options.byte_order:
        assert recognise(path, VALUE_ENDS).byte_order == variant.options.byte_order


@each_variant
def test_a_save_leaves_what_a_list_would_and_keeps_the_layout(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    before = recognise(path, VALUE_ENDS)
    path.chmod(0o604)

    with opened(path) as backend:
        changes, kept = without_twins(variant, *some_changes(variant, entries_of(backend)))
        report = save(backend, changes)

    assert variant.same(entries(path), kept)
    assert complaints(path) == []
    assert report.backups == ()
    after = recognise(path, VALUE_ENDS)
    assert (after.variant, after.byte_order) == (before.variant, before.byte_order)
    assert {path.name for path in after.files} - set_aside(variant) == {path.name for path in before.files}
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert {path.name for path in tmp_path.iterdir()} <= {file.name for file in after.files} | set_aside(variant)


def set_aside(variant: Variant) -> set[str]:
    """Return the files that the format itself keeps: what was before, and LMDB's locks."""
    return {"dumb": {"shelf.v1.bak"}, "lmdb": {"shelf.v1.mdb-lock"}}.get(variant.format_id, set())


@each_variant
def test_an_empty_list_of_changes_changes_nothing_that_is_read(variant: Variant, tmp_path: Path) -> None:
    pairs = variant.storable(ENTRIES)
    path = variant.make(tmp_path, pairs)

    with opened(path) as backend:
        save(backend, [])

    assert variant.same(entries(path), pairs)
    assert complaints(path) == []


@each_variant
def test_a_database_can_be_emptied_and_filled_again(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    before = recognise(path, VALUE_ENDS).variant
    with opened(path) as backend:
        removals = [Remove(row) for row in expected_of(backend)]
        if variant.format_id in NUMBERED:  # the one format that cannot be empty
            with pytest.raises(KeyRejected, match="cannot be empty"):
                save(backend, removals)
            return
        save(backend, removals)
    assert entries(path) == []
    assert complaints(path) == []

    tells_layout = variant.format_id != "sdbm"  # a file without a header, of no pages
    pairs = (variant if tells_layout else Variant(variant.format_id)).storable(ENTRIES)
    with opened(path) as backend:
        save(backend, [Insert(*pair) for pair in pairs])

    assert variant.same(entries(path), pairs)
    assert complaints(path) == []
    assert recognise(path, VALUE_ENDS).variant == before or not tells_layout


@each_variant
def test_compacting_keeps_every_entry_and_the_layout(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    before = recognise(path, VALUE_ENDS)
    with opened(path) as backend:
        changes, kept = without_twins(variant, *some_changes(variant, entries_of(backend)))
        save(backend, changes)

    with opened(path) as backend:
        report = backend.compact(NO_BACKUP, CancelToken())

    assert variant.same(entries(path), kept)
    assert complaints(path) == []
    after = recognise(path, VALUE_ENDS)
    assert (after.variant, after.byte_order) == (before.variant, before.byte_order)
    assert 0 < report.bytes_after <= report.bytes_before


@each_format
def test_the_backup_is_the_old_database(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    for file in tmp_path.iterdir():
        file.chmod(0o640)
    before = folder_state(tmp_path)
    old = entries(path)

    with opened(path) as backend:
        report = save(backend, some_changes(variant, old)[0], SaveOptions())

    copies = {copy.name.partition(".shelfscope-backup-")[0]: copy for copy in report.backups}
    unchanged = {name for name, state in before.items() if (tmp_path / name).read_bytes() == state.content}
    assert copies.keys() | unchanged == before.keys()
    assert {copy.parent for copy in report.backups} == {tmp_path}
    if variant.format_id != "sqlite3":  # which copies by its own way, and may arrange pages anew
        assert all(copy.read_bytes() == before[name].content for name, copy in copies.items())
    assert {name: copy.stat().st_mode for name, copy in copies.items()} == {name: before[name].mode for name in copies}
    (tmp_path / "restored").mkdir()
    for name in before:
        copies.get(name, tmp_path / name).rename(tmp_path / "restored" / name)
    assert entries(tmp_path / "restored" / path.name) == old


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege on Windows")
@each_format
def test_links_lead_to_the_files_that_are_saved(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path / "real", variant.storable(ENTRIES))
    links = tmp_path / "links"
    links.mkdir()
    for file in path.parent.iterdir():
        (links / file.name).symlink_to(file)

    with opened(links / path.name) as backend:
        changes, kept = some_changes(variant, entries_of(backend))
        save(backend, changes)

    assert all(link.is_symlink() for link in links.iterdir() if link.name not in set_aside(variant))
    assert variant.same(entries(path), kept)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
@each_format
def test_owner_and_mode_are_kept(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    for file in tmp_path.iterdir():
        os.chown(file, 65534, 65534)
        file.chmod(0o622)

    with opened(path) as backend:
        report = save(backend, some_changes(variant, entries_of(backend))[0], SaveOptions())

    for file in (*recognise(path, VALUE_ENDS).files, *report.backups):
        status = file.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (65534, 65534, 0o622), file.name


@each_format
def test_no_lock_is_left_and_two_saves_in_a_row_work(variant: Variant, tmp_path: Path) -> None:
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    with opened(path) as one, opened(path) as two:
        stale = expected_of(two)
        save(one, [Replace(0, variant.stored(b"one"))])
        with pytest.raises(ChangedOnDisk):
            two.apply([Replace(0, variant.stored(b"two"))], stale, NO_BACKUP, CancelToken())
        two.apply([Replace(1, variant.stored(b"two"))], stale, NO_BACKUP, CancelToken())
    assert not open_files_in(tmp_path)

    with opened(path) as backend:
        values = [value for _, value in entries_of(backend)]
        save(backend, [Replace(values.index(variant.stored(b"one")), variant.stored(b"three"))])
        assert backend.lock_seen == ""

    with opened(path) as backend:
        values = [value for _, value in entries_of(backend)]
    assert variant.stored(b"two") in values
    assert variant.stored(b"three") in values
    assert variant.stored(b"one") not in values


@pytest.mark.parametrize("variant", [one for one in DEFAULTS if one.format_id != "lmdb"], ids=lambda one: one.name)
def test_two_saves_at_once_exclude_each_other(variant: Variant, tmp_path: Path) -> None:
    """Not LMDB's, which a program opens only once: `test_lmdb_write` has another program for it."""
    path = variant.make(tmp_path, variant.storable(ENTRIES))
    refused: list[str] = []

    def save_too(operation: str) -> None:
        if operation == "fsync_folder" and not refused:  # the backup is made, the commit is still to come
            refused.append("")
            with opened(path) as other:
                expected = expected_of(other)
                with pytest.raises(DatabaseLocked) as caught:
                    other.apply([Remove(0)], expected, NO_BACKUP, CancelToken())
                refused.append(caught.value.message)

    with opened(path, FailingOperations(before=save_too)) as backend:
        old = entries_of(backend)
        save(backend, [Replace(0, variant.stored(b"mine"))], SaveOptions())

    assert refused[1].endswith(".")
    assert path.name in refused[1] or path.stem in refused[1]
    assert variant.same(entries(path), [(old[0][0], variant.stored(b"mine")), *old[1:]])


def open_files_in(folder: Path) -> list[str]:
    """Return the files of a folder that this process holds open (only Linux tells)."""
    links = Path("/proc/self/fd")
    held = [os.readlink(link) for link in links.iterdir() if link.is_symlink()] if links.exists() else []  # noqa: PTH115
    return [name for name in held if str(folder) in name]


NEW_VALUE = pickle.dumps("new")

Meanwhile = Callable[[Variant, list[Pair]], list[Pair]]
"""What another program makes of the entries, in the database's order."""


def _other_value(variant: Variant, old: list[Pair]) -> list[Pair]:
    return [(old[0][0], variant.stored(b"theirs")), *old[1:]]


def _gone(_variant: Variant, old: list[Pair]) -> list[Pair]:
    return old[1:]


def _inserted(_variant: Variant, old: list[Pair]) -> list[Pair]:
    return old


CONFLICTS: list[tuple[str, Meanwhile, Callable[[list[Pair]], list[Change]]]] = [
    ("replaced, changed meanwhile", _other_value, lambda _old: [Replace(0, NEW_VALUE)]),
    ("removed, changed meanwhile", _other_value, lambda _old: [Remove(0)]),
    ("replaced, gone meanwhile", _gone, lambda _old: [Replace(0, NEW_VALUE)]),
    ("inserted, there already", _inserted, lambda old: [Insert(old[1][0], NEW_VALUE)]),
    (
        "one of several",
        _other_value,
        lambda old: [Replace(2, NEW_VALUE), Remove(0), Insert(b"%d" % len(old), NEW_VALUE)],
    ),
]


@pytest.mark.parametrize(("_what", "meanwhile", "changes"), CONFLICTS, ids=[conflict[0] for conflict in CONFLICTS])
@each_format
def test_a_conflict_is_an_error_and_nothing_is_written(
    variant: Variant,
    tmp_path: Path,
    _what: str,
    meanwhile: Meanwhile,
    changes: Callable[[list[Pair]], list[Change]],
) -> None:
    folder = tmp_path / "here"
    path = variant.make(folder, variant.storable(ENTRIES))
    with opened(path) as backend:
        old, expected = entries_of(backend), expected_of(backend)
        theirs = variant.make(tmp_path / "there", variant.in_order(meanwhile(variant, old)))
        for file in theirs.parent.iterdir():
            file.replace(folder / file.name)
        before = without_locks(folder)

        made = changes(old)
        if variant.repeats and isinstance(made[0], Insert):
            return  # keys can come again: no conflict
        with pytest.raises(ChangedOnDisk) as caught:
            backend.apply(made, expected, SaveOptions(), CancelToken())

    assert caught.value.keys
    assert without_locks(folder) == before


@each_format
def test_a_value_changed_without_a_trace_is_a_conflict(variant: Variant, tmp_path: Path) -> None:
    pairs = [(b"%d" % number, variant.stored(b"value %d" % number)) for number in range(5)]
    theirs = [*pairs[:2], (b"2", variant.stored(b"other 2")), *pairs[3:]]
    new = variant.stored(b"new")
    path = variant.make(tmp_path / "here", pairs)
    variant.make(tmp_path / "there", theirs)
    with opened(path) as backend:
        old, expected = entries_of(backend), expected_of(backend)
        overwrite(path.parent, tmp_path / "there")
        before = without_locks(path.parent)

        with pytest.raises(ChangedOnDisk) as caught:
            backend.apply([Replace(old.index(pairs[2]), new)], expected, SaveOptions(), CancelToken())
        assert caught.value.keys == (b"2",)
        assert without_locks(path.parent) == before

        backend.apply([Replace(old.index(pairs[3]), new)], expected, NO_BACKUP, CancelToken())

    kept = [*theirs[:3], (b"3", new), *theirs[4:]]
    assert variant.same(entries(path), kept)


WRITABLE_CASES = [case for case in INTACT if case.format in WRITABLE]


@pytest.mark.parametrize("case", WRITABLE_CASES, ids=corpus.name_of)
def test_files_of_other_writers_keep_their_layout_and_other_entries(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)
    before, old_state = recognise(path, VALUE_ENDS), folder_state(tmp_path)
    variant = Variant(case.format or "")
    with opened(path) as backend:
        old = entries_of(backend)
        if backend.why_read_only:
            assert_refused(backend, tmp_path)
            return
        repeats = backend.may_repeat
        inserted = (b"new key", b"value")
        changes: list[Change] = [Remove(0), *([Replace(1, b"changed")] if len(old) > 1 else [])] if old else []
        save(backend, [*changes, Insert(*inserted)])

    kept = [*([(old[1][0], b"changed")] if len(old) > 1 else []), *old[2:], inserted]
    by_key = sorted if repeats or variant.format_id not in {"dumb", "sqlite3", "cdb"} else list
    assert by_key(entries(path)) == by_key(kept)
    assert complaints(path) == []
    after = recognise(path, VALUE_ENDS)
    assert after.format_id == before.format_id
    if old or variant.format_id != "sdbm":  # an empty one has no pages that could tell
        assert (after.variant, after.byte_order) == (before.variant, before.byte_order)
    kept_modes = {name: state.mode for name, state in folder_state(tmp_path).items() if name in old_state}
    assert kept_modes == {name: old_state[name].mode for name in kept_modes}
    assert {name for name in old_state.keys() - kept_modes.keys() if not name.endswith(("-wal", "-shm"))} == set()


def assert_refused(backend: Backend, folder: Path) -> None:
    """Both ways to write are refused by the sentence that is shown."""
    before, reason = folder_state(folder), backend.why_read_only
    assert reason.endswith(".")
    for write in (lambda: save(backend, []), lambda: backend.compact(SaveOptions(), CancelToken())):
        with pytest.raises(ReadOnlyDatabase) as caught:
            write()
        assert caught.value.message
    assert folder_state(folder) == before


@pytest.mark.parametrize("case", WRITABLE_CASES, ids=corpus.name_of)
def test_check_is_silent_on_every_intact_database(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)
    before = folder_state(tmp_path)

    assert complaints(path) == []
    assert folder_state(tmp_path) == before


WHOLE_AGAIN = "dumb-only-bak"
"""Only the newer one of two indexes is missing: nothing is lost, and a save writes it."""
NEVER_LISTED = "corrupt-sqlite3-n150-cut"
NEVER_OPENED = "corrupt-gdbm-x86_64-1.23-n150-512-numsync-header-only"
OTHERS = {WHOLE_AGAIN, NEVER_LISTED, NEVER_OPENED, *corpus.WITHOUT_A_TRACE}
LISTED = [case for case in corpus.databases(*WRITABLE, corrupt=True) if case.name not in OTHERS]


def test_a_save_mends_an_index_that_a_crash_took_away(tmp_path: Path) -> None:
    case = corpus.database(WHOLE_AGAIN)
    path = case.copy_to(tmp_path)
    with opened(path) as backend:
        old = entries_of(backend)
        assert backend.problems
        save(backend, [Insert(b"new", b"value")])

    assert entries(path) == [*old, (b"new", b"value")]
    assert complaints(path) == []


@pytest.mark.parametrize("case", LISTED, ids=corpus.name_of)
def test_a_damaged_database_is_never_written(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    path = case.copy_to(tmp_path)
    before = contents(tmp_path)

    with opened(path) as backend:
        go_through(backend)
        with pytest.raises(ReadOnlyDatabase, match=r"(?i)salvage"):
            backend.apply([Insert(b"new", b"")], {}, SaveOptions(), CancelToken())
        with pytest.raises(ReadOnlyDatabase):
            backend.compact(SaveOptions(), CancelToken())

    assert contents(tmp_path) == before


def test_a_database_that_cannot_be_listed_is_never_written(tmp_path: Path) -> None:
    path = corpus.database(NEVER_LISTED).copy_to(tmp_path)
    before = contents(tmp_path)

    with opened(path) as backend:
        with pytest.raises(CorruptDatabase, match="malformed"):
            go_through(backend)
        with pytest.raises(SaveFailed, match="was not changed: database disk image is malformed"):
            backend.apply([Insert(b"new", b"")], {}, SaveOptions(), CancelToken())
        with pytest.raises(SaveFailed, match="was not changed: database disk image is malformed"):
            backend.compact(SaveOptions(), CancelToken())

    after = contents(tmp_path)
    assert after.pop(f"{path.name}-wal", (b"", 0))[0] == b""  # SQLite's own, which it leaves where it found damage
    after.pop(f"{path.name}-shm", None)
    assert after == before


def test_a_database_that_cannot_be_opened_stays_as_it_is(tmp_path: Path) -> None:
    path = corpus.database(NEVER_OPENED).copy_to(tmp_path)
    before = contents(tmp_path)

    with pytest.raises(CorruptDatabase, match="it was cut"):
        opened(path)

    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", sorted(corpus.WITHOUT_A_TRACE))
def test_damage_that_nothing_tells_is_kept_by_a_save_with_all_else(name: str, tmp_path: Path) -> None:
    path = corpus.database(name).copy_to(tmp_path)
    old = entries(path)

    with opened(path) as backend:
        save(backend, [Insert(b"new", b"value")])

    assert entries(path) == sorted([*old, (b"new", b"value")])


def go_through(backend: Backend) -> None:
    """Go through the index, so that what is wrong with it is known."""
    for _chunk in backend.index(CancelToken()):
        pass
