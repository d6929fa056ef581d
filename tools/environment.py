"""The virtual environment ``.venv``: made when absent or broken, brought up to date when what it holds is not."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tools.stop import Stop

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = "constraints.txt"

_STAMP = VENV / "shelfscope-stamp"
_PROBE = "import sys, pip; sys.exit(sys.version_info < (3, 11))"


def python() -> Path:
    """Return the interpreter of ``.venv``, whether it is there or not."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_usable() -> bool:
    """Tell whether ``.venv`` has an interpreter that starts, is new enough and has pip."""
    try:
        return subprocess.run([python(), "-c", _PROBE], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def prepare() -> Path:
    """Make ``.venv`` hold the project and its tools as the constraints say, and return its interpreter.

    Raises:
        Stop: making or installing failed.
    """
    if not is_usable():
        _make()
    wanted = fingerprint(ROOT)
    if not _STAMP.exists() or _STAMP.read_text("utf-8") != wanted:
        _install()
        _STAMP.write_text(wanted, "utf-8")
    return python()


def fingerprint(root: Path) -> str:
    """Return a digest of what an installation depends on: the two files, and where the project lies."""
    digest = sha256(os.fsencode(root))
    for name in ("pyproject.toml", CONSTRAINTS):
        digest.update(sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def install_environment() -> dict[str, str]:
    """Return the environment that pins what pip installs, also where it builds; for commands run in `ROOT`.

    pip splits the two variables at spaces, so they name the file relative to the working directory.
    """
    return os.environ | {
        "PIP_CONSTRAINT": CONSTRAINTS,
        "PIP_BUILD_CONSTRAINT": CONSTRAINTS,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def _make() -> None:
    print("Making .venv …", flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "The virtual environment .venv could not be made")


def _install() -> None:
    print("Installing Shelfscope and its tools into .venv (some 500 MB) …", flush=True)
    command = [str(python()), "-m", "pip", "install", "--quiet", "--editable", ".[dev]"]
    _run(command, "Installing into .venv failed; the network may be out of reach")


def _run(command: list[str], complaint: str) -> None:
    if subprocess.run(command, cwd=ROOT, env=install_environment(), check=False).returncode:
        raise Stop(f"{complaint}; what was said stands above.")
