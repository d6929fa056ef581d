"""Runs the program: in this process for most tests, as a real one where the process itself matters."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


Run = Callable[..., Outcome]


@pytest.fixture
def cli(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program in this process with the given arguments; ``lines`` are what it reads from standard input."""

    def run(*arguments: str | Path, lines: bytes | None = None) -> Outcome:
        if lines is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
        code = main([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Outcome(code, out, err.decode())

    return run


@pytest.fixture
def program() -> Run:
    """Run the program as a process of its own; further options are those of `subprocess.run`."""

    def run(*arguments: str | bytes | Path, **options: Any) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments], cwd=ROOT, capture_output=True, check=False, timeout=60, **options
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode())

    return run


@contextmanager
def started(*arguments: str | Path, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the program and go on; whatever is left of it afterwards is ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    try:
        with process:
            yield process
            process.kill()
    finally:
        process.kill()


def is_one_sentence(err: str) -> bool:
    """Tell whether standard error has one line, and that is for people."""
    return err.startswith("shelfscope: ") and err.endswith(".\n") and err.count("\n") == 1 and "Traceback" not in err
