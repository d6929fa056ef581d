"""Replacing and backing up files: whole or not at all, with their owner and mode, and refused where that cannot be."""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends import files, replacing
from app.backends.file_operations import FileOperations
from app.backends.registry import recognise
from app.cancel import CancelToken
from app.errors import Cancelled, CannotOpen, SaveFailed
from tests.backends.failing_files import Died, FailingOperations
from tests.backends.other_program import OtherProgram

needs_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can make another user's files"
)
NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that other users can enter; root's `tmp_path` is closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_companion_keeps_the_dots_of_the_name() -> None:
    assert files.companion(Path("a/shelf.v1"), ".dat") == Path("a/shelf.v1.dat")


def test_a_signature_tells_size_time_and_inode(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert files.signature(path) is None
    path.write_bytes(b"123")

    seen = files.signature(path)

    assert seen == (3, path.stat().st_mtime_ns, path.stat().st_ino)


@given(content=st.binary(max_size=50), position=st.integers(0, 1 << 60), size=st.integers(0, 1 << 60))
def test_a_range_is_cut_at_the_end_of_the_file(content: bytes, position: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes(content)

        assert files.read_range(path, position, size) == content[position : position + size]
        assert files.read_range(path, position % 60, size % 60) == content[position % 60 :][: size % 60]
        assert files.read_whole(path) == content


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for read in (lambda path: files.read_range(path, 0, 1), files.read_whole):
        with pytest.raises(CannotOpen, match="pipe"):
            read(tmp_path / "pipe")


def test_a_new_file_takes_the_place_with_mode_and_attributes(tmp_path: Path) -> None:
    target = tmp_path / "shelf.dir"
    target.write_bytes(b"old")
    target.chmod(0o640)
    has_attributes = sys.platform == "linux" and set_attribute(target)
    operations = FileOperations()

    new = replacing.write_beside(operations, target, (b"new ", b"content"))
    assert target.read_bytes() == b"old"
    assert replacing.put_in_place(operations, new, target) == ()

    assert target.read_bytes() == b"new content"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["shelf.dir"]
    if sys.platform == "linux" and has_attributes:
        assert os.getxattr(target, "user.shelfscope") == b"kept"


def set_attribute(path: Path) -> bool:
    """Set an extended attribute; not every file system has them."""
    if sys.platform == "linux":
        try:
            os.setxattr(path, "user.shelfscope", b"kept")
        except OSError:
            return False
    return True


@needs_root
def test_the_owner_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    os.chown(target, NOBODY, NOBODY)

    new = replacing.write_beside(FileOperations(), target, (b"new",))
    (backup,) = replacing.back_up(FileOperations(), (target,))

    for path in (new, backup):
        assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY)


@pytest.mark.parametrize("dies", [True, False])
@pytest.mark.parametrize("number", range(6))
def test_a_failed_write_leaves_the_target_and_nothing_of_ours_when_alive(
    tmp_path: Path,
    number: int,
    dies: bool,
) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    operations = FailingOperations(number, dies=dies)

    with pytest.raises(Died if dies else OSError):
        replacing.write_beside(operations, target, (b"12",))

    assert target.read_bytes() == b"old"
    if not dies:
        assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_that_cannot_be_synced_is_a_warning_not_a_failure(tmp_path: Path) -> None:
    new, target = tmp_path / "new", tmp_path / "x"
    new.write_bytes(b"new")
    target.write_bytes(b"old")

    (warning,) = replacing.put_in_place(FailingOperations(1), new, target)

    assert "x is saved" in warning
    assert target.read_bytes() == b"new"


def test_backups_take_free_names_with_one_stamp_and_are_all_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "20261123-101500")
    paths = (tmp_path / "x.dat", tmp_path / "x.dir")
    for path in paths:
        path.write_bytes(path.name.encode())
    (tmp_path / "x.dir.shelfscope-backup-20261123-101500").symlink_to("nowhere")

    backups = replacing.back_up(FileOperations(), paths)
    again = replacing.back_up(FileOperations(), paths)

    assert [path.name for path in backups] == [
        "x.dat.shelfscope-backup-20261123-101500-2",
        "x.dir.shelfscope-backup-20261123-101500-2",
    ]
    assert [path.read_bytes() for path in backups] == [b"x.dat", b"x.dir"]
    assert again[0].name.endswith("-3")
    there = set(tmp_path.iterdir())
    count = FailingOperations()
    replacing.back_up(count, paths)
    for path in set(tmp_path.iterdir()) - there:
        path.unlink()
    for number in range(count.done):
        with pytest.raises(OSError, match="Input/output"):
            replacing.back_up(FailingOperations(number), paths)
        assert set(tmp_path.iterdir()) == there


def test_a_backup_larger_than_one_piece_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(os.urandom(files.COPY_BYTES + 17))

    (backup,) = replacing.back_up(FileOperations(), (path,))

    assert backup.read_bytes() == path.read_bytes()


def test_backups_and_unfinished_files_are_no_members_of_the_database(tmp_path: Path) -> None:
    for suffix in ("", ".shelfscope-backup-20261123-101500", ".shelfscope-new-0a1b2c3d"):
        (tmp_path / f"x.dat{suffix}").write_bytes(b"value")
        (tmp_path / f"x.dir{suffix}").write_bytes(b"'key', (0, 5)\n")

    match = recognise(tmp_path / "x")

    assert match.format_id == "dumb"
    assert sorted(path.name for path in match.files) == ["x.dat", "x.dir"]


def test_what_can_be_replaced_has_no_reason_against_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")

    assert files.why_not_replaceable((path,)) == ""


def test_hard_links_and_missing_files_are_reasons(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert "cannot be examined" in files.why_not_replaceable((path,))
    path.write_bytes(b"")
    os.link(path, tmp_path / "y")
    (tmp_path / "link").symlink_to(path)

    for name in (path, tmp_path / "link"):
        reason = files.why_not_replaceable((name,))
        assert (
            reason
            == "x has 2 hard links, which saving would break apart; save it as another file, or work on a copy of it."
        )


@needs_root
@pytest.mark.parametrize(
    ("owner", "mode", "folder_mode", "reason"),
    [
        (NOBODY, 0o444, 0o777, "write-protected"),
        (NOBODY, 0o644, 0o555, "folder of x cannot be written"),
        (0, 0o666, 0o777, "belongs to another user"),
        (NOBODY, 0o644, 0o777, ""),
    ],
)
def test_what_another_user_may_not_do_is_a_reason(
    open_folder: Path, owner: int, mode: int, folder_mode: int, reason: str
) -> None:
    folder = open_folder / "folder"
    folder.mkdir()
    path = folder / "x"
    path.write_bytes(b"")
    os.chown(path, owner, os.getegid())
    path.chmod(mode)
    folder.chmod(folder_mode)

    os.seteuid(NOBODY)
    try:
        said = files.why_not_replaceable((path,))
    finally:
        os.seteuid(0)

    assert reason in said
    assert bool(said) == bool(reason)
    assert not said or said.endswith("save it as another file, or work on a copy of it.")


def test_a_lock_keeps_two_processes_apart(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    operations = FileOperations()
    fd = operations.open(path, os.O_RDWR)
    try:
        with OtherProgram() as other:
            other.run(f"import fcntl; f = open({str(path)!r}); fcntl.flock(f, fcntl.LOCK_EX)")
            assert not operations.lock(fd)
            other.run("f.close()")
            assert operations.lock(fd)
            assert operations.lock(fd)
    finally:
        operations.close(fd)


def test_failures_of_the_system_become_sentences(tmp_path: Path) -> None:
    path = tmp_path / "x"

    with (
        pytest.raises(SaveFailed, match=r"x was not changed: No space left on device\. Mend that"),
        files.saving(path),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(SaveFailed, match="x was not changed: gone"), files.saving(path):
        raise CannotOpen("gone.")


def test_a_sharing_violation_says_that_another_program_has_the_file(tmp_path: Path) -> None:
    error = PermissionError(errno.EACCES, "Access is denied")
    error.winerror = 32  # type: ignore[attr-defined]  # there on Windows

    with pytest.raises(SaveFailed, match="another program has it open"), files.saving(tmp_path / "x"):
        raise error


def test_a_content_digest_tells_every_change_and_which_file_is_missing(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    seen = set()
    for contents in ((b"ab", b"c"), (b"a", b"bc"), (b"abc", b""), (b"abc", None), (None, b"abc"), (None, None)):
        for path, content in zip((one, two), contents, strict=True):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
        seen.add(files.content_digest((one, two), CancelToken()))
        assert files.content_digest((one, two), CancelToken()) in seen

    assert len(seen) == 6
    token = CancelToken()
    token.cancel()
    one.write_bytes(b"x")
    with pytest.raises(Cancelled):
        files.content_digest((one,), token)


def test_the_room_on_the_disk_leaves_holes_out(tmp_path: Path) -> None:
    solid, holes = tmp_path / "solid", tmp_path / "holes"
    solid.write_bytes(b"x" * 5000)
    with holes.open("wb") as file:
        file.truncate(1 << 30)

    assert files.bytes_on_disk((solid,)) == 5000
    assert files.bytes_on_disk((tmp_path / "missing",)) == 0
    if hasattr(os, "SEEK_HOLE"):
        assert files.bytes_on_disk((holes, solid)) < 1 << 20


@given(blocks=st.lists(st.sampled_from([bytes(4096), b"x" * 4096, bytes(4095) + b"x", b"\0", b""]), max_size=12))
def test_files_with_holes_have_the_same_content(blocks: list[bytes]) -> None:
    content = b"".join(blocks)
    with tempfile.TemporaryDirectory() as folder:
        for name, pieces in (("one", [content]), ("many", blocks)):
            path = Path(folder, name)
            replacing.create_file(FileOperations(), path, pieces, sparse=True)
            assert path.read_bytes() == content


def test_a_backup_takes_no_more_room_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pag"
    with path.open("wb") as file:
        for page in range(0, 64 << 20, 1 << 19):  # less than a piece that is copied at a time
            file.seek(page)
            file.write(b"x" * 1024)

    (backup,) = replacing.back_up(FileOperations(), (path,))

    assert backup.read_bytes() == path.read_bytes()
    assert files.bytes_on_disk((backup,)) <= files.bytes_on_disk((path,)) + 8192  # a block of the file system's own


NAMES = ("a", "b", "c")


def three_pairs(folder: Path, *, without: str = "") -> list[tuple[Path, Path]]:
    """Make three files and three new ones; one of the old ones may be missing."""
    for name in NAMES:
        (folder / f"{name}.new").write_bytes(b"new " + name.encode())
        if name != without:
            (folder / name).write_bytes(b"old " + name.encode())
    return [(folder / f"{name}.new", folder / name) for name in NAMES]


@pytest.mark.parametrize("without", ["", "a", "c"])
@pytest.mark.parametrize("dies", [True, False])
def test_several_files_are_replaced_all_or_none_and_in_their_order(tmp_path: Path, without: str, dies: bool) -> None:
    steps = FailingOperations()
    assert replacing.put_all_in_place(steps, three_pairs(tmp_path, without=without)) == ()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        name: b"new " + name.encode() for name in NAMES
    }

    for number in range(steps.done):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        operations = FailingOperations(number, dies=dies)
        failed = True
        try:
            replacing.put_all_in_place(operations, three_pairs(folder, without=without))
            failed = False
        except (Died, OSError):
            pass
        there = {name: (folder / name).read_bytes()[:3] for name in NAMES if (folder / name).exists()}
        newest = [name for name in NAMES if there.get(name) == b"new"]
        assert newest == list(NAMES[: len(newest)])
        if not dies:
            assert newest == ([] if failed else list(NAMES))
            assert without not in there or not failed
            litter = {path.name for path in folder.iterdir()} - {*NAMES, "a.new", "b.new", "c.new"}
            assert not litter or operations.names[number] == "unlink"


def test_a_folder_that_cannot_be_synced_is_a_warning_for_several_files_too(tmp_path: Path) -> None:
    class Unsyncable(FileOperations):
        def fsync_folder(self, folder: Path) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    (warning,) = replacing.put_all_in_place(Unsyncable(), three_pairs(tmp_path))

    assert warning.startswith("c is saved, but a power cut could still undo that")


def test_a_file_system_without_attributes_loses_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> list[str]:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    if sys.platform != "linux":
        pytest.skip("only Linux has these attributes")
    monkeypatch.setattr(os, "listxattr", refuse)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a").chmod(0o601)

    FileOperations().copy_access(tmp_path / "a", tmp_path / "b")

    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o601
