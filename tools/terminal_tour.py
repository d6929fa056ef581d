"""What ``dev.py run`` does without a display: the same look at a database, by the command line."""

import json
import shlex
import subprocess
import tempfile
from base64 import b64decode, b64encode
from itertools import islice
from pathlib import Path

FIRST_ENTRIES = 5
SHOWN_LINES = 12
FINDING = 1
"""Exit code of a command that was done and found something, such as damage."""


def tour(python: Path, database: Path) -> int:
    """Print a database's info and first entries, write its JSON export to a new file; return the exit code."""
    code = _print_output(python, "info", str(database))
    if code > FINDING:
        return code
    for key in _first_keys(python, database):
        code = max(code, _print_output(python, "show", str(database), *key_arguments(key), "--as", "text"))
    return max(code, _export(python, database))


def command(python: Path, *arguments: str) -> list[str]:
    # -P: a file app.py in the working directory must not be taken for ours.
    return [str(python), "-P", "-m", "app", *arguments]


def key_arguments(key: bytes) -> list[str]:
    """Return how a command is given a key: as text where that is plain, else in base64."""
    text = key.decode("utf-8", "replace")
    is_plain = text.encode() == key and text.isprintable() and text[:1] not in ("", "-")
    return [text] if is_plain else [b64encode(key).decode(), "--key-base64"]


def _first_keys(python: Path, database: Path) -> list[bytes]:
    """Return the first keys, from no more of the dump than that takes."""
    with subprocess.Popen(command(python, "dump", str(database)), stdout=subprocess.PIPE, text=True) as dump:
        lines = list(islice(dump.stdout or (), FIRST_ENTRIES))
    return [b64decode(json.loads(line)["k"]) for line in lines]


def _print_output(python: Path, *arguments: str) -> int:
    print(f"\n$ shelfscope {shlex.join(arguments)}", flush=True)
    done = subprocess.run(command(python, *arguments), stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    print(*lines[:SHOWN_LINES], sep="\n")
    if len(lines) > SHOWN_LINES:
        print(f"… and {len(lines) - SHOWN_LINES:,} more lines")
    return done.returncode


def _export(python: Path, database: Path) -> int:
    target = Path(tempfile.mkdtemp(prefix="shelfscope-")) / f"{database.stem}.json"
    code = _print_output(python, "export", str(database), "--as", "json", "-o", str(target))
    if code <= FINDING:
        print(f"All entries as JSON ({target.stat().st_size:,} bytes): {target}")
    return code
