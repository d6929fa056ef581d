"""Rules of the project that no linter knows."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import dev
from tools import system_packages

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "app" / "ui" / "models"

# In pieces, so that this file does not name what it looks for.
DOTTED = {
    "pypi": "org",
    "pythonhosted": "org",
    "registry.npmjs": "org",
    "npmjs": "com",
    "deb.debian": "org",
    "crates": "io",
    "anaconda": "org",
    "rubygems": "org",
    "proxy.golang": "org",
}
HOSTS = [f"{name}.{domain}".encode() for name, domain in DOTTED.items()]


def imported(source: str) -> Iterator[str]:
    """Yield what a module imports, as dotted names down to the imported name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names_widgets(source: str) -> bool:
    return any(name.startswith("PySide6.QtWidgets") for name in imported(source))


def files_of_the_project() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.py")), ids=lambda path: path.name)
def test_models_import_no_widgets(path: Path) -> None:
    assert not names_widgets(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import PySide6.QtWidgets",
        "from PySide6 import QtCore, QtWidgets",
        "from PySide6.QtWidgets import QWidget",
        "def later():\n    from PySide6.QtWidgets import QWidget",
    ],
)
def test_widgets_are_seen_however_they_are_imported(source: str) -> None:
    assert names_widgets(source)
    assert not names_widgets(source.replace("QtWidgets", "QtGui"))


def test_one_module_alone_has_an_unpickler() -> None:
    unpicklers = ("pickle", "_pickle", "marshal", "shelve", "dbm", "copyreg")
    holders = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "app").rglob("*.py"))
        if any(name.partition(".")[0] in unpicklers for name in imported(path.read_text("utf-8")))
    ]

    assert holders == ["app/codecs/pickle/guard.py"]


def test_there_are_models_to_look_at() -> None:
    assert len(list(MODELS.glob("*.py"))) >= 3


def test_python_311_never_gets_the_pyside_that_drops_references() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        needed = tomllib.load(file)["project"]["dependencies"]

    for_311 = [line for line in needed if line.startswith("PySide6") and "python_version < '3.12'" in line]

    assert len(for_311) == 1
    assert ",<6.12 ;" in for_311[0]


def test_constraints_pin_one_version_each_and_name_no_place() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]

    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; \w+ [<>=]+ \"[\w.]+\")?", line) for line in lines)
    unmarked = [line.partition("==")[0].lower() for line in lines if ";" not in line]
    assert len(set(unmarked)) == len(unmarked)


def test_no_file_names_the_host_of_a_package_registry() -> None:
    naming = [
        (path.relative_to(ROOT).as_posix(), host)
        for path in files_of_the_project()
        for content in [path.read_bytes().lower()]
        for host in HOSTS
        if host in content
    ]

    assert naming == []


@pytest.mark.parametrize("path", [ROOT / "README.md", *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name)
def test_commands_in_the_documents_exist(path: Path) -> None:
    named = set(re.findall(r"dev\.py ([a-z]+)", path.read_text("utf-8")))

    assert named <= dev.ACTIONS.keys()


def test_files_in_the_documents_exist() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text("utf-8"))
        missing = [link for link in links if not (path.parent / link).exists()]
        assert missing == [], path.name


def test_ci_installs_what_qt_needs_and_ends_with_the_tests() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    lines = script.splitlines()

    assert {*system_packages.OFFSCREEN, "python3-venv"} <= set(script.split())
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["python3 dev.py check", "python3 dev.py test"]
