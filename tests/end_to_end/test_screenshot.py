"""The picture that the program makes of itself without a display."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage


def shelfscope(tmp_path: Path, *arguments: str, theme: str = "light") -> subprocess.CompletedProcess[str]:
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "SHELFSCOPE_THEME": theme}
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, check=False)


@pytest.mark.parametrize(("theme", "is_dark"), [("light", False), ("dark", True)])
def test_a_picture_is_made_without_a_display_and_without_a_word(
    tmp_path: Path,
    shelf: Path,
    theme: str,
    is_dark: bool,
) -> None:
    target = tmp_path / "out.png"

    done = shelfscope(tmp_path, str(shelf), "--screenshot", str(target), "--select", "order:2", theme=theme)

    image = QImage(str(target))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (image.width(), image.height()) == (2 * 1180, 2 * 740)
    assert (image.pixelColor(image.width() - 4, image.height() // 2).lightness() < 128) == is_dark


@pytest.mark.parametrize(("key", "code"), [("no such key", 4), (None, 3)])
def test_a_picture_that_cannot_be_made_is_one_sentence(tmp_path: Path, shelf: Path, key: str | None, code: int) -> None:
    target = tmp_path / "out.png"
    path = shelf if key else tmp_path / "missing.db"
    select = ["--select", key] if key else []

    done = shelfscope(tmp_path, str(path), "--screenshot", str(target), *select)

    assert done.returncode == code
    assert path.name in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not target.exists()
