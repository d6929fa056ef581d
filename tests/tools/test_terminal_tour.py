"""``dev.py run`` without a display: the sample's info, first entries and JSON, by the command line alone."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import dev
from tools import terminal_tour

SAMPLES = dev.SAMPLE.parent
PYTHON = Path(sys.executable)


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def exported(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("shelfscope-*/*.json")
    entries: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return entries


@pytest.mark.parametrize("name", ["bookshop.sqlite3", "legacy.dir", "bookshop.gdbm"])
def test_tour_shows_info_entries_and_export(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = terminal_tour.tour(PYTHON, SAMPLES / name)

    printed, complaints = capfd.readouterr()
    assert (code, complaints) == (0, "")
    assert printed.count("$ shelfscope show ") == terminal_tour.FIRST_ENTRIES
    assert len(exported(tmp_path)) >= 9


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        (b"order:1001", ["order:1001"]),
        ("café".encode(), ["café"]),
        (b"caf\xe9", ["Y2Fm6Q==", "--key-base64"]),
        (b"--help", ["LS1oZWxw", "--key-base64"]),
        (b"a\nb", ["YQpi", "--key-base64"]),
        (b"", ["", "--key-base64"]),
    ],
)
def test_keys_reach_the_command_whatever_they_are(key: bytes, arguments: list[str]) -> None:
    assert terminal_tour.key_arguments(key) == arguments


def test_missing_file_ends_the_tour_with_the_commands_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = terminal_tour.tour(PYTHON, tmp_path / "absent.db")

    printed, complaints = capfd.readouterr()
    assert code == 3
    assert "absent.db" in complaints
    assert "export" not in printed


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_run_without_a_display_says_so_and_exports_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(dev, "prepare", lambda packages: PYTHON)

    code = dev.main(["run"])

    printed, complaints = capfd.readouterr()
    assert (code, complaints) == (0, "")
    assert printed.startswith("There is no display")
    assert exported(tmp_path)["order:1001"]["__class__"] == "shop.models.Order"
    assert exported(tmp_path)["customer:ada"]["name"] == "Ada Lovelace"
