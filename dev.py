#!/usr/bin/env python3
"""Run, test, check, measure and package Shelfscope: ``python3 dev.py --help``.

Each command first makes ``.venv`` and installs what is missing. Standard library only.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools import environment, system_packages, terminal_tour
from tools.stop import Stop

ROOT = environment.ROOT
SAMPLE = ROOT / "resources" / "samples" / "bookshop.sqlite3"
BENCHMARKS = ROOT / "benchmarks"
NO_TESTS = 5
"""Exit code of pytest when no test was chosen."""


def run(files: list[str]) -> int:
    """Open databases (a sample shelf when none is named) in the window, or without a display in the terminal."""
    databases = [Path(name).absolute() for name in files] or [SAMPLE]
    if has_display():
        python = prepare(system_packages.for_window(os.environ))
        return call(terminal_tour.command(python, *map(str, databases)), cwd=Path.cwd())
    print("There is no display here, so the terminal does the same job.", flush=True)
    python = prepare(())
    return max(terminal_tour.tour(python, database) for database in databases)


def test(arguments: list[str]) -> int:
    """Run the tests on all processors, without those marked slow; ARGUMENTS are pytest's."""
    python = prepare(system_packages.OFFSCREEN)
    shared = ["-n", "auto", "--dist", "worksteal"]
    return call([python, "-m", "pytest", "-m", "not slow", *shared, *arguments], test_environment())


def check(*, slow: bool) -> int:
    """Run all checks that are no tests, and with --slow what takes long; say at the end which failed."""
    python = prepare(system_packages.OFFSCREEN)
    failed = [name for name, command in checks(python).items() if not passes(name, command)]
    if slow:
        failed += [name for name, command in slow_checks(python).items() if not passes(name, command, also=NO_TESTS)]
    print(f"\ncheck: failed: {', '.join(failed)}" if failed else "\ncheck: all passed", flush=True)
    return 1 if failed else 0


def checks(python: Path) -> dict[str, Sequence[str | Path]]:
    """Return the commands of `check` by name."""
    imports = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return {
        "ruff check": [python, "-m", "ruff", "check"],
        "ruff format": [python, "-m", "ruff", "format", "--check"],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [python, "-c", imports],
        "PySide6 references": [python, "-m", "tools.pyside_references"],
    }


def slow_checks(python: Path) -> dict[str, Sequence[str | Path]]:
    """Return by name the tests marked slow, and the property tests with examples that no run had before."""
    fresh = ["-m", "hypothesis and not slow", "-n", "auto", "--dist", "worksteal", "--hypothesis-profile", "search"]
    return {
        "slow tests": [python, "-m", "pytest", "-m", "slow", "--hypothesis-profile", "ci"],
        "property tests with fresh examples": [python, "-m", "pytest", *fresh],
    }


def passes(name: str, command: Sequence[str | Path], also: int = 0) -> bool:
    """Run a check under its heading; tell whether it exits with 0 or the other code that is fine."""
    print(f"\n== {name}", flush=True)
    return call(command, test_environment()) in (0, also)


def bench(names: list[str]) -> int:
    """Run the named benchmarks, or all of them; a number behind a name is how large it should be."""
    there = sorted(path.stem for path in BENCHMARKS.glob("*.py"))
    sizes = [name for name in names if name.isdigit()]
    names = [name for name in names if not name.isdigit()]
    unknown = [name for name in names if name not in there]
    if unknown:
        raise Stop(f"There is no benchmark {unknown[0]}; there are: {', '.join(there)}.")
    python = prepare(())
    return max(call([python, "-m", f"benchmarks.{name}", *sizes], test_environment()) for name in names or there)


def package() -> int:
    """Build a wheel and a source archive into dist/; installers for each system come later."""
    python = prepare(())
    return call([python, "-m", "build", "--outdir", "dist"], environment.install_environment())


def prepare(qt_packages: tuple[str, ...]) -> Path:
    """Install system packages and ``.venv`` as needed; return its interpreter."""
    venv_packages = () if environment.is_usable() else system_packages.for_venv()
    system_packages.require(venv_packages + qt_packages)
    return environment.prepare()


def has_display() -> bool:
    """Tell whether a window can be shown; only Linux can be without."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in names)


def test_environment() -> dict[str, str]:
    """Return the environment of tests and checks: no window appears, and CI tries more examples."""
    defaults = {"QT_QPA_PLATFORM": "offscreen"}
    if os.environ.get("CI") == "true":
        defaults["HYPOTHESIS_PROFILE"] = "ci"
    return defaults | dict(os.environ)


def call(command: Sequence[str | Path], variables: Mapping[str, str] | None = None, cwd: Path = ROOT) -> int:
    """Run a command and return its exit code."""
    return subprocess.run(command, cwd=cwd, env=variables, check=False).returncode


ACTIONS: dict[str, Callable[..., int]] = {"run": run, "test": test, "check": check, "bench": bench, "package": package}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="dev.py", description="Run, test, check, measure and package Shelfscope.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, prefix_chars: str = "-") -> argparse.ArgumentParser:
        text = ACTIONS[name].__doc__
        return commands.add_parser(name, help=text, description=text, prefix_chars=prefix_chars)

    add("run").add_argument("files", nargs="*", metavar="FILE")
    # No argument starts with NUL, so options reach pytest untouched and in their order.
    add("test", prefix_chars="\0").add_argument("arguments", nargs="*", metavar="ARGUMENTS")
    add("check").add_argument(
        "--slow", action="store_true", help="run what takes long too: slow tests, fresh property tests"
    )
    add("bench").add_argument("names", nargs="*", metavar="NAME")
    add("package")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    options = vars(parser().parse_args(arguments))
    try:
        return ACTIONS[options.pop("command")](**options)
    except Stop as stop:
        print(f"dev.py: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
