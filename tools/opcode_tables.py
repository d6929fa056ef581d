"""Writes the table of Python's opcode names from the interpreters that are installed: ``app/codecs/marshal/names.py``.

Run with the interpreters' paths: ``python tools/opcode_tables.py ~/.pyenv/versions/*/bin/python``.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

_ASK = "import opcode, sys; print('%d %d' % sys.version_info[:2]); print('\\n'.join(opcode.opname[:256]))"
_TARGET = Path(__file__).parent.parent / "app/codecs/marshal/names.py"
_HEAD = '''"""Names of opcodes by the version of Python; written by ``tools/opcode_tables.py``, not by hand.

Each version has what differs from the one before it: pairs of number and name, ``-`` where there is no such opcode.
"""

from types import MappingProxyType

OPCODES = MappingProxyType(
    {
'''
_WIDTH = 100


def names_of(interpreter: str) -> tuple[tuple[int, int], list[str]]:
    """Return an interpreter's version and the names of its opcodes by number, empty where there is none."""
    said = subprocess.run([interpreter, "-c", _ASK], capture_output=True, text=True, check=True).stdout.splitlines()
    major, minor = map(int, said[0].split())
    return (major, minor), ["" if name.startswith("<") else name.replace("+", "_") for name in said[1:]]


def table(versions: dict[tuple[int, int], list[str]]) -> str:
    """Return the module's source."""
    lines = [_HEAD]
    before = [""] * 256
    for version, names in sorted(versions.items()):
        changes = [f"{code} {name or '-'}" for code, name in enumerate(names) if name != before[code]]
        before = names
        body = textwrap.wrap(" ".join(changes), _WIDTH, break_on_hyphens=False)
        quoted = [f'            "{line} "' for line in body[:-1]] + [f'            "{body[-1]}"']
        lines += [f"        {version}: (\n", "\n".join(quoted), "\n        ),\n"]
    lines += ["    }\n", ")\n"]
    return "".join(lines)


def main() -> None:
    versions = dict(map(names_of, sys.argv[1:]))
    _TARGET.write_text(table(versions), "utf-8")
    print(f"{_TARGET}: {', '.join(f'{major}.{minor}' for major, minor in sorted(versions))}")


if __name__ == "__main__":
    main()
