"""An exported file is whole or absent."""

from pathlib import Path

import pytest

from app.engine.atomic_text import replacing
from app.errors import AppError


def test_the_target_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "out.json"

    with replacing(target) as file:
        file.write("é\n")
        assert not target.exists()

    assert target.read_bytes() == "é\n".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")

    def write_half() -> None:
        with replacing(target) as file:
            file.write("half")
            raise AppError("stopped")

    with pytest.raises(AppError, match="stopped"):
        write_half()

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_keeps_its_mode_and_its_symbolic_link(tmp_path: Path) -> None:
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)

    with replacing(link) as file:
        file.write("new")

    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"out\.json could not be written"), replacing(tmp_path / "no" / "out.json"):
        pass


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(AppError, match="folder is no file"), replacing(tmp_path / "folder"):
        pass

    assert (tmp_path / "folder").is_dir()
