"""The system packages that Debian and its relatives must have before Qt's wheels and `venv` work."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.stop import Stop

OFFSCREEN = (
    "libglib2.0-0",
    "libgl1",
    "libegl1",
    "libx11-6",
    "libdbus-1-3",
    "libfontconfig1",
    "libxkbcommon0",
)
X11 = (
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxkbcommon-x11-0",
    "libxcb-shape0",
    "libxcb-randr0",
    "libxcb-xfixes0",
    "libxcb-sync1",
    "libx11-xcb1",
)
WAYLAND = ("libwayland-cursor0", "libwayland-client0")


def for_window(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a window needs on the display that the environment names."""
    if environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal"):
        return OFFSCREEN
    return OFFSCREEN + X11 + (WAYLAND if environ.get("WAYLAND_DISPLAY") else ())


def for_venv() -> tuple[str, ...]:
    """Return the package without which this Python makes no virtual environment: Debian splits it off."""
    if importlib.util.find_spec("ensurepip"):
        return ()
    is_default = Path(sys.executable).resolve() == Path("/usr/bin/python3").resolve()
    return ("python3-venv",) if is_default else (f"python3.{sys.version_info.minor}-venv",)


def require(packages: Iterable[str]) -> None:
    """Install what is missing when root.

    Raises:
        Stop: not root, or apt-get failed; names the one command to run.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-query")):
        return
    missing = missing_of(packages, installed_packages())
    if not missing:
        return
    if os.geteuid() != 0:
        raise Stop(f"System packages are missing; install them with: sudo apt-get install -y {' '.join(missing)}")
    _install(missing)


def missing_of(packages: Iterable[str], installed: str) -> list[str]:
    """Return the packages that the answer of `installed_packages` does not hold, neither by name nor as provided.

    Newer releases renamed some libraries (``libglib2.0-0t64``) and provide the old name.
    """
    there: set[str] = set()
    for line in installed.splitlines():
        state, *fields = line.split("\t")
        if state.strip() == "ii":
            there.update(name.split(" (")[0] for field in fields for name in field.split(", "))
    return [name for name in packages if name not in there]


def installed_packages() -> str:
    """Return a line a package that dpkg knows: its state, its name and what it provides, with tabs between."""
    command = ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\t${Package}\t${Provides}\n"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _install(packages: list[str]) -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    print("Installing system packages:", *command, flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-q"], command):
        if subprocess.run(step, env=quiet, stdout=subprocess.DEVNULL, check=False).returncode:
            raise Stop(f"This failed, see above: {' '.join(step)}")
