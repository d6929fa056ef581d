"""`dev.py`: what it installs, what it hands on, and what it says when it cannot go on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from tools import environment, system_packages
from tools.stop import Stop

BOOKWORM = "ii \tlibgl1\t\nii \tlibegl1\tlibegl1-x11\nrc \tlibx11-6\t\n"
TRIXIE = "ii \tlibglib2.0-0t64\tlibglib2.0-0 (= 2.84.4-3)\nii \tlibfoo\tlibbar, libgl1 (= 1.7)\n"


def test_only_packages_that_are_not_installed_are_missing() -> None:
    assert system_packages.missing_of(["libgl1", "libegl1", "libx11-6"], BOOKWORM) == ["libx11-6"]


def test_renamed_packages_count_by_what_they_provide() -> None:
    assert system_packages.missing_of(["libglib2.0-0", "libgl1", "libegl1"], TRIXIE) == ["libegl1"]


def test_missing_packages_are_named_in_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(system_packages, "installed_packages", lambda: BOOKWORM)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)

    with pytest.raises(Stop, match=r"sudo apt-get install -y python3-venv libx11-6$"):
        system_packages.require(["python3-venv", "libgl1", "libx11-6"])


def test_other_systems_are_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(system_packages, "installed_packages", lambda: pytest.fail("dpkg was asked"))

    system_packages.require(["libgl1"])


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DISPLAY": ":0"}, system_packages.OFFSCREEN + system_packages.X11),
        ({"WAYLAND_DISPLAY": "w"}, system_packages.OFFSCREEN + system_packages.X11 + system_packages.WAYLAND),
        ({"QT_QPA_PLATFORM": "offscreen"}, system_packages.OFFSCREEN),
    ],
)
def test_a_window_needs_what_its_display_needs(environ: dict[str, str], expected: tuple[str, ...]) -> None:
    assert system_packages.for_window(environ) == expected


def test_pytest_gets_its_options_untouched_and_in_order() -> None:
    given = ["-k", "not qt", "tests/tools", "-x", "--lf"]

    assert dev.parser().parse_args(["test", *given]).arguments == given


def test_continuous_integration_tries_more_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYPOTHESIS_PROFILE", raising=False)
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("QT_QPA_PLATFORM")

    assert dev.test_environment().items() >= {"HYPOTHESIS_PROFILE": "ci", "QT_QPA_PLATFORM": "offscreen"}.items()


def test_what_the_environment_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("HYPOTHESIS_PROFILE", "dev")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")

    assert dev.test_environment().items() >= {"HYPOTHESIS_PROFILE": "dev", "QT_QPA_PLATFORM": "xcb"}.items()


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_an_environment_is_renewed_when_its_files_change(tmp_path: Path, name: str) -> None:
    for each in ("pyproject.toml", "constraints.txt"):
        (tmp_path / each).write_text("1")
    before = environment.fingerprint(tmp_path)

    (tmp_path / name).write_text("2")

    assert environment.fingerprint(tmp_path) != before


def test_an_absent_or_broken_environment_is_not_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    assert not environment.is_usable()

    python = environment.python()
    python.parent.mkdir()
    python.write_bytes(b"no program")
    python.chmod(0o755)

    assert not environment.is_usable()


def test_unknown_benchmark_is_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, environment.ROOT / "dev.py", "bench", "nothing"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("dev.py: There is no benchmark nothing; there are: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_a_display_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert not dev.has_display()

    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert dev.has_display()
