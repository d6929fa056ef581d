"""Which command, which window, which usage error."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app import __version__
from app.__main__ import main
from app.cli.main import main as run
from tests.cli.conftest import Run, is_one_sentence

NOT_YET = ["import", "diff"]
COMMANDS = [
    *("info", "keys", "dump", "show", "export", "set", "delete", "rename"),
    *("create", "load", "convert", "compact", "check", "salvage"),
]


class WindowRecorder:
    """Stands where the window would open and notes what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, files: Sequence[Path], *, read_only: bool, screenshot: Path | None, select: str | None) -> int:
        self.calls.append({"files": list(files), "read_only": read_only, "screenshot": screenshot, "select": select})
        return 0


def test_the_version_is_told(cli: Run) -> None:
    outcome = cli("--version")

    assert (outcome.code, outcome.text) == (0, f"shelfscope {__version__}\n")


def test_the_help_names_every_command(cli: Run) -> None:
    outcome = cli("--help")

    assert outcome.code == 0
    assert all(f"\n  {name} " in outcome.text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli: Run, name: str) -> None:
    outcome = cli(name, "--help")

    assert outcome.code == 0
    assert outcome.text.startswith(f"Usage: shelfscope {name} ")


@pytest.mark.parametrize("name", NOT_YET)
def test_a_command_to_come_opens_no_window(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    window = WindowRecorder()

    code = run([name, "some.db"], window)

    err = capsys.readouterr().err
    assert (code, window.calls) == (2, [])
    assert is_one_sentence(err)
    assert "not there yet" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--unknown"],
        ["some.db", "--unknown"],
        ["-5"],
        ["info"],
        ["info", "a", "b"],
        ["info", "--unknown", "a"],
        ["info", "-x", "a"],
        ["keys", "a", "-5"],
        ["dump", "a", "--json"],
        ["show", "a", "b", "c"],
        ["show", "a", "-5"],
        ["show", "a", "--as", "nonsense"],
        ["show", "a", "--as", "json", "--limit", "5"],
        ["show", "a", "--limit", "0"],
        ["show", "a", "--nth", "1"],
        ["show", "a", "b", "--nth", "-1"],
        ["show", "a", "=", "--key-base64"],
        ["export", "a", "--as", "csv"],
        ["export", "a", "--as", "python"],
        ["export", "a", "-o"],
        ["set", "a", "b"],
        ["set", "a", "b", "--no-backup"],
        ["set", "a", "b", "-5", "--at", "[0]"],
        ["set", "a", "b", "--json", "3", "4"],
        ["set", "a", "b", "'c'", "--from-file", "3"],
        ["set", "a", "b", "--from-file", "3", "--at", "[0]"],
        ["set", "a", "b", "--from-file"],
        ["delete", "a"],
        ["delete", "a", "b", "c", "--at", "[0]"],
        ["delete", "a", "b", "c", "--nth", "1"],
        ["delete", "a", "=", "--key-base64"],
        ["rename", "a", "b"],
        ["rename", "a", "b", "c", "d"],
        ["create"],
        ["create", "a", "--to", "tdb"],
        ["create", "a", "--mode", "0888"],
        ["create", "a", "--mode", "7777"],
        ["create", "a", "--mode", "rw"],
        ["create", "a", "--page-size", "0"],
        ["create", "a", "--byte-order", "middle"],
        ["load", "a"],
        ["convert", "a", "--to", "dumb"],
        ["convert", "a", "b"],
        ["convert", "a", "b", "--to", "nonsense"],
        ["compact"],
        ["compact", "a", "b"],
        ["check", "a", "b"],
        ["salvage", "a", "--to", "dumb"],
        ["salvage", "a", "b", "--to", "dumb", "--from", "tokyo"],
        ["set", "-5"],
        ["--read-only", "info", "a"],
        ["--select", "k", "keys", "a"],
        ["--screenshot"],
        ["a.db", "--select", "k"],
    ],
    ids=" ".join,
)
def test_a_usage_error_is_one_sentence(cli: Run, arguments: list[str]) -> None:
    outcome = cli(*arguments)

    assert (outcome.code, outcome.out) == (2, b"")
    assert is_one_sentence(outcome.err)
    assert "--help'" in outcome.err


def test_forms_to_come_say_so(cli: Run) -> None:
    for form in ("csv", "python"):
        assert "not there yet" in cli("export", "a", "--as", form).err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["a.db", "b.db"], {"files": [Path("a.db"), Path("b.db")]}),
        (["./check", "./info"], {"files": [Path("./check"), Path("./info")]}),
        (["a.db", "info"], {"files": [Path("a.db"), Path("info")]}),
        (["--read-only", "a.db"], {"files": [Path("a.db")], "read_only": True}),
        (["a.db", "--read-only"], {"files": [Path("a.db")], "read_only": True}),
        (
            ["--screenshot", "out.png", "--select", "keys", "a.db"],
            {"files": [Path("a.db")], "screenshot": Path("out.png"), "select": "keys"},
        ),
        (["--screenshot=out.png", "a.db"], {"files": [Path("a.db")], "screenshot": Path("out.png")}),
        (["--", "-odd.db"], {"files": [Path("-odd.db")]}),
    ],
)
def test_files_open_in_the_window(arguments: list[str], expected: dict[str, Any]) -> None:
    window = WindowRecorder()

    code = run(arguments, window)

    assert code == 0
    assert window.calls == [{"files": [], "read_only": False, "screenshot": None, "select": None} | expected]


def test_a_command_wins_over_a_file_of_its_name(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "info").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)

    assert cli("info").code == 2
    assert cli("--", "info").code == 2


def test_without_a_display_the_terminal_is_named(program: Run) -> None:
    outcome = program("some file.db", env={"PATH": ""})

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)
    assert "shelfscope info 'some file.db'" in outcome.err


@pytest.fixture
def window_module(monkeypatch: pytest.MonkeyPatch) -> WindowRecorder:
    """Take the place of the module with the window, on a system without a display."""
    recorder, module = WindowRecorder(), ModuleType("app.ui.app")
    vars(module)["run_window"] = recorder
    monkeypatch.setitem(sys.modules, "app.ui.app", module)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    return recorder


def test_a_screenshot_needs_no_display(window_module: WindowRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("QT_QPA_PLATFORM", "")

    code = main(["--screenshot", "out.png", "a.db"])

    assert (code, len(window_module.calls)) == (0, 1)
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_a_display_is_used_as_it_is(window_module: WindowRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")

    code = main(["a.db"])

    assert (code, len(window_module.calls)) == (0, 1)
    assert "QT_QPA_PLATFORM" not in os.environ


def test_a_missing_qt_is_said_in_a_sentence(program: Run, tmp_path: Path) -> None:
    (tmp_path / "PySide6").mkdir()
    (tmp_path / "PySide6" / "__init__.py").write_text(
        "raise ImportError('libEGL.so.1: cannot open shared object file')"
    )

    outcome = program("a.db", env={"PATH": "", "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(tmp_path)})

    assert outcome.code == 4
    assert is_one_sentence(outcome.err)
    assert "libEGL.so.1" in outcome.err
