"""What the entry point gives to the commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.cli.output import Output


class OpenWindow(Protocol):
    """Opens the window on files and returns the exit code; lets this package know nothing of Qt."""

    def __call__(
        self, files: Sequence[Path], *, read_only: bool, screenshot: Path | None, select: str | None
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the program; click hands it to every command."""

    output: Output
    open_window: OpenWindow
