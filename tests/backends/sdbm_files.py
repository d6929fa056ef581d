"""SDBM files of any writer: built here with any page size, byte order and hash, or by perl's SDBM_File."""

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.backends.missing_tools import missing_tool

Pair = tuple[bytes, bytes]
Hash = Callable[[bytes], int]

_PERL = """
use strict; use Fcntl; my $module = shift @ARGV; eval "require $module" or exit 3;
my %database; tie(%database, $module, $ARGV[0], O_RDWR|O_CREAT, 0666) or die $!;
while (<STDIN>) {
    chomp; my ($verb, $key, $value) = split / /, $_, -1;
    if ($verb eq 'put') { $database{pack 'H*', $key} = pack 'H*', $value; } else { delete $database{pack 'H*', $key}; }
}
untie %database;
"""


def sdbm_hash(key: bytes, multiplier: int = 65599) -> int:
    """Return the hash as its C source says it, for machines where ``char`` is signed."""
    value = 0
    for byte in key:
        value = (byte - 256 if byte > 127 else byte) + multiplier * value
    return value & 0xFFFFFFFF


def write_by_perl(base: Path, pairs: Iterable[Pair], deleted: Iterable[bytes] = (), module: str = "SDBM_File") -> None:
    """Make or change a database by perl; skip the test where perl or the module is missing."""
    perl = shutil.which("perl")
    if perl is None:
        missing_tool("perl is not installed")
    lines = [f"put {key.hex()} {value.hex()}\n" for key, value in pairs]
    lines += [f"delete {key.hex()} \n" for key in deleted]
    done = subprocess.run(
        [perl, "-e", _PERL, module, str(base)], input="".join(lines), text=True, check=False, capture_output=True
    )
    if done.returncode == 3:
        missing_tool(f"perl's {module} is not installed")
    assert done.returncode == 0, done.stderr


def write(
    base: Path,
    pairs: Iterable[Pair],
    *,
    page_size: int = 1024,
    order: str = "<",
    hash_of: Hash = sdbm_hash,
    by_level: bool = False,
) -> Path:
    """Write a database of few pairs a page and return its .pag; ``by_level`` numbers .dir as classic ndbm does."""
    pages: dict[int, bytes] = {}
    splits: set[int] = set()
    waiting = [(0, 0, 0, list(pairs))]
    while waiting:
        node, depth, number, here = waiting.pop()
        if sum(len(key) + len(value) + 4 for key, value in here) <= page_size - 2:
            pages[number] = page_of(here, page_size, order)
            continue
        splits.add(number + (1 << depth) - 1 if by_level else node)
        for bit in (0, 1):
            chosen = [pair for pair in here if hash_of(pair[0]) >> depth & 1 == bit]
            waiting.append((2 * node + 1 + bit, depth + 1, number | bit << depth, chosen))
    pag = base.with_name(f"{base.name}.pag")
    pag.write_bytes(b"".join(pages.get(number, bytes(page_size)) for number in range(max(pages) + 1)))
    bits = bytearray(max(splits, default=-8) // 8 + 1)
    for place in splits:
        bits[place // 8] |= 1 << place % 8
    base.with_name(f"{base.name}.dir").write_bytes(bits)
    return pag


def page_of(pairs: Sequence[Pair], page_size: int, order: str = "<") -> bytes:
    """Return one page."""
    end, offsets, content = page_size, list[int](), b""
    for item in (half for pair in pairs for half in pair):
        end -= len(item)
        offsets.append(end)
        content = item + content
    head = struct.pack(f"{order}{len(offsets) + 1}H", len(offsets), *offsets)
    return head + bytes(page_size - len(head) - len(content)) + content


_PERL_DUMP = """
use strict; use Fcntl; my $module = shift @ARGV; eval "require $module" or exit 3;
my %database; tie(%database, $module, $ARGV[0], O_RDONLY, 0666) or die $!;
for my $key (keys %database) { print unpack('H*', $key), ' ', unpack('H*', $database{$key} // die "lost"), "\\n"; }
"""


def read_by_perl(base: Path, module: str = "SDBM_File") -> dict[bytes, bytes]:
    """Return all entries, each looked up by its key as perl finds it."""
    perl = shutil.which("perl")
    if perl is None:
        missing_tool("perl is not installed")
    done = subprocess.run([perl, "-e", _PERL_DUMP, module, str(base)], text=True, check=False, capture_output=True)
    if done.returncode == 3:
        missing_tool(f"perl's {module} is not installed")
    assert done.returncode == 0, done.stderr
    halves = [line.split(" ") for line in done.stdout.splitlines()]
    assert len({key for key, _ in halves}) == len(halves)
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in halves}
