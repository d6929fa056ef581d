"""The Pythons of this machine that values are tried in: whatever pyenv has, from 2.7 on."""

import base64
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
_SECONDS = 100


@cache
def interpreter(version: str) -> Path | None:
    """Return the newest Python of a version such as ``3.8``, None where there is none."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(root.glob(f"{version}.*/bin/python"))
    return found[-1] if found else None


def run(version: str, script: str, request: Any) -> Any:
    """Return what a script prints as JSON, given ``request`` as JSON on its input; skips without that Python."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed by pyenv.")
    done = subprocess.run(
        [python, "-c", script], input=json.dumps(request).encode(), capture_output=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def packed(data: bytes) -> str:
    """Return bytes as a text for a request."""
    return base64.b64encode(data).decode("ascii")


def unpacked(text: str) -> bytes:
    return base64.b64decode(text)
